// LeaderAndIsr, served in versions 0 to 7. From the controller: which replicas this broker leads and follows.
//
// A request for an earlier life of this broker is refused by its broker epoch (KIP-380), one of an earlier controller by the controller's.

import { type ErrorCode, Errors, KafkaError } from '@ottla/base';
import {
  type Decoded,
  type LeaderAndIsrRequest,
  type LeaderAndIsrResponse,
  leaderAndIsr as leaderAndIsrApi,
} from '@ottla/protocol';
import { isValidTopicName } from '../admin/topic-names.ts';
import { isBrokerEpochStale } from '../server/broker-epoch.ts';
import { defineHandler } from '../server/handler.ts';

/** From this version on errors are grouped by topic id. */
const TOPIC_ID_VERSION = 5;

export const leaderAndIsr = defineHandler(
  leaderAndIsrApi,
  { minVersion: 0, maxVersion: 7, errorResponse: (request, code, _message, version) => failed(request, code, version) },
  (request, { broker, header }) => {
    if (isBrokerEpochStale(request.brokerEpoch, broker)) {
      return failed(request, Errors.STALE_BROKER_EPOCH, header.apiVersion);
    }
    mustNameTopics(request);
    return broker.replicaManager.becomeLeaderOrFollower(request, header.apiVersion);
  },
);

/** A name becomes a directory: without an authorizer anybody may send this. @throws KafkaError INVALID_TOPIC_EXCEPTION */
function mustNameTopics(request: Decoded<LeaderAndIsrRequest>): void {
  for (const { topicName } of [...request.topicStates, ...request.ungroupedPartitionStates]) {
    if (!isValidTopicName(topicName))
      throw new KafkaError(Errors.INVALID_TOPIC_EXCEPTION, 'the name of a topic is not valid');
  }
}

/** The error for the whole and for every partition, as in LeaderAndIsrRequest.getErrorResponse. */
function failed(request: Decoded<LeaderAndIsrRequest>, errorCode: ErrorCode, version: number): LeaderAndIsrResponse {
  const topics = request.topicStates.map(({ topicId, topicName, partitionStates }) => ({
    topicId,
    topicName,
    partitionErrors: partitionStates.map(({ partitionIndex }) => ({ topicName, partitionIndex, errorCode })),
  }));
  if (version >= TOPIC_ID_VERSION) {
    return {
      errorCode,
      topics: topics.map(({ topicId, partitionErrors }) => ({
        topicId,
        partitionErrors: partitionErrors.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
      })),
    };
  }
  const ungrouped = request.ungroupedPartitionStates.map(({ topicName, partitionIndex }) => ({
    topicName,
    partitionIndex,
    errorCode,
  }));
  return { errorCode, partitionErrors: [...ungrouped, ...topics.flatMap(({ partitionErrors }) => partitionErrors)] };
}
