// StopReplica, served in versions 0 to 4. From the controller: which replicas this broker gives up, and which of them it deletes.

import { type ErrorCode, Errors } from '@ottla/base';
import {
  type Decoded,
  type StopReplicaRequest,
  type StopReplicaResponse,
  stopReplica as stopReplicaApi,
} from '@ottla/protocol';
import { isBrokerEpochStale } from '../server/broker-epoch.ts';
import { defineHandler } from '../server/handler.ts';

export const stopReplica = defineHandler(
  stopReplicaApi,
  { minVersion: 0, maxVersion: 4, errorResponse: (request, code) => failed(request, code) },
  (request, { broker }) => {
    if (isBrokerEpochStale(request.brokerEpoch, broker)) return failed(request, Errors.STALE_BROKER_EPOCH);
    return broker.replicaManager.stopReplicas(request);
  },
);

/** The error for the whole and for every partition, in each of the shapes that versions name partitions in. */
function failed(request: Decoded<StopReplicaRequest>, errorCode: ErrorCode): StopReplicaResponse {
  const named = [
    ...request.ungroupedPartitions.map(({ topicName, partitionIndex }) => ({ topicName, partitionIndex })),
    ...request.topics.flatMap(({ name, partitionIndexes }) =>
      partitionIndexes.map((partitionIndex) => ({ topicName: name, partitionIndex })),
    ),
    ...request.topicStates.flatMap(({ topicName, partitionStates }) =>
      partitionStates.map(({ partitionIndex }) => ({ topicName, partitionIndex })),
    ),
  ];
  return { errorCode, partitionErrors: named.map((partition) => ({ ...partition, errorCode })) };
}
