// AddOffsetsToTxn (25), versions 0-4. Makes a group's partition of __consumer_offsets part of a producer's transaction, before the
// producer commits offsets in it.

import { addOffsetsToTxn as api } from '@ottla/protocol';
import { OFFSETS_TOPIC } from '../group/group-partition.ts';
import { defineHandler } from '../server/handler.ts';
import { fencedForVersion } from '../transaction/fenced-for-version.ts';

const FIRST_VERSION_WITH_PRODUCER_FENCED = 2;

export const addOffsetsToTxn = defineHandler(
  api,
  { minVersion: 0, maxVersion: 4, errorResponse: (_, errorCode) => ({ throttleTimeMs: 0, errorCode }) },
  async (request, context) => {
    const { groupCoordinator, transactionCoordinator } = context.broker;
    const partition = groupCoordinator.partitionFor(request.groupId);
    const code = await transactionCoordinator.addPartitions(request, [{ topic: OFFSETS_TOPIC, partition }]);
    return {
      throttleTimeMs: 0,
      errorCode: fencedForVersion(code, context.header.apiVersion, FIRST_VERSION_WITH_PRODUCER_FENCED),
    };
  },
);
