// InitProducerId (22), versions 0-5. Gives an idempotent or transactional producer its id and epoch, and fences the one before.
// Version 3 (KIP-360): the client says who it believes it is. Version 4: PRODUCER_FENCED instead of INVALID_PRODUCER_EPOCH.

import { type ErrorCode, Errors } from '@ottla/base';
import {
  initProducerId as api,
  type Decoded,
  type InitProducerIdRequest,
  type InitProducerIdResponse,
} from '@ottla/protocol';
import { NO_PRODUCER_EPOCH, NO_PRODUCER_ID } from '@ottla/records';
import { defineHandler } from '../server/handler.ts';
import { fencedForVersion } from '../transaction/fenced-for-version.ts';
import type { ProducerIdAndEpoch } from '../transaction/transaction-metadata.ts';

const FIRST_VERSION_WITH_PRODUCER_FENCED = 4;

export const initProducerId = defineHandler(
  api,
  { minVersion: 0, maxVersion: 5, errorResponse: (_, errorCode) => answer(errorCode) },
  async (request, context) => {
    const expected = expectedProducer(request);
    if (expected === 'contradictory') return answer(Errors.INVALID_REQUEST);
    const { errorCode, producerId, producerEpoch } = await context.broker.transactionCoordinator.initProducerId({
      transactionalId: request.transactionalId,
      transactionTimeoutMs: request.transactionTimeoutMs,
      expected,
    });
    return {
      throttleTimeMs: 0,
      errorCode: fencedForVersion(errorCode, context.header.apiVersion, FIRST_VERSION_WITH_PRODUCER_FENCED),
      producerId,
      producerEpoch,
    };
  },
);

/** Both fields or neither. */
function expectedProducer({
  producerId,
  producerEpoch,
}: Decoded<InitProducerIdRequest>): ProducerIdAndEpoch | undefined | 'contradictory' {
  if (producerId === NO_PRODUCER_ID && producerEpoch === NO_PRODUCER_EPOCH) return undefined;
  if (producerId === NO_PRODUCER_ID || producerEpoch === NO_PRODUCER_EPOCH) return 'contradictory';
  return { producerId, producerEpoch };
}

function answer(errorCode: ErrorCode): InitProducerIdResponse {
  return { throttleTimeMs: 0, errorCode, producerId: NO_PRODUCER_ID, producerEpoch: NO_PRODUCER_EPOCH };
}
