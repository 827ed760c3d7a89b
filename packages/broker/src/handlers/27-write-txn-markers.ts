// WriteTxnMarkers, served in versions 0 and 1 (KIP-98).
//
// A transaction coordinator ends transactions in partitions this broker leads: each gets a control batch that commits or aborts. Markers in
// partitions of __consumer_offsets also make the offsets of the transaction take effect, or go. Between brokers only.
// Source: kafka.server.KafkaApis.handleWriteTxnMarkersRequest.

import { type ErrorCode, Errors, KafkaError } from '@ottla/base';
import {
  type Decoded,
  type WritableTxnMarker,
  type WriteTxnMarkersRequest,
  type WriteTxnMarkersResponse,
  writeTxnMarkers as writeTxnMarkersApi,
} from '@ottla/protocol';
import { GROUP_METADATA_TOPIC } from '../admin/topic-names.ts';
import { Dispatched, defineHandler } from '../server/handler.ts';
import type { RequestContext } from '../server/request-context.ts';

type Request = Decoded<WriteTxnMarkersRequest>;
type Marker = Decoded<WritableTxnMarker>;
type MarkerAnswer = WriteTxnMarkersResponse['markers'][number];

export const writeTxnMarkers = defineHandler(
  writeTxnMarkersApi,
  { minVersion: 0, maxVersion: 1, errorResponse },
  (request, context) => {
    if (!context.fromPrivilegedListener) {
      throw new KafkaError(Errors.CLUSTER_AUTHORIZATION_FAILED, 'transaction markers come from brokers only');
    }
    return new Dispatched(answer(request, context));
  },
);

async function answer(request: Request, context: RequestContext): Promise<WriteTxnMarkersResponse> {
  const markers = await Promise.all(request.markers.map((marker) => writeMarker(marker, context)));
  return { markers };
}

async function writeMarker(marker: Marker, { broker }: RequestContext): Promise<MarkerAnswer> {
  const partitions = marker.topics.flatMap(({ name, partitionIndexes }) =>
    partitionIndexes.map((partition) => ({ topic: name, partition })),
  );
  const { producerId, producerEpoch, coordinatorEpoch, transactionResult: isCommit } = marker;
  const timeoutMs = broker.config.number('request.timeout.ms');
  const codes = await broker.replicaManager.writeTxnMarkers(
    { producerId, producerEpoch, coordinatorEpoch, isCommit, partitions },
    timeoutMs,
  );
  partitions.forEach(({ topic, partition }, index) => {
    if (topic !== GROUP_METADATA_TOPIC || codes[index] !== Errors.NONE) return;
    broker.groupCoordinator.onTransactionMarker(partition, producerId, isCommit ? 'commit' : 'abort');
  });
  return answerOf(marker, codes);
}

/** @param codes one for each partition, in order */
function answerOf({ producerId, topics }: Marker, codes: readonly ErrorCode[]): MarkerAnswer {
  let next = 0;
  return {
    producerId,
    topics: topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex) => ({
        partitionIndex,
        errorCode: codes[next++] ?? Errors.UNKNOWN_SERVER_ERROR,
      })),
    })),
  };
}

function errorResponse(request: Request, errorCode: ErrorCode): WriteTxnMarkersResponse {
  const markers = request.markers.map((marker) => {
    const count = marker.topics.reduce((sum, { partitionIndexes }) => sum + partitionIndexes.length, 0);
    return answerOf(marker, new Array<ErrorCode>(count).fill(errorCode));
  });
  return { markers };
}
