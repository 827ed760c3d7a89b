// TxnOffsetCommit (28), versions 0-4. Stores a group's offsets as part of a producer's transaction: they count when its marker is written.
// From version 3 on the sender says which member of the group it is, so that a fenced one is refused (KIP-447).

import { type ErrorCode, Errors } from '@ottla/base';
import {
  txnOffsetCommit as api,
  type Decoded,
  type TxnOffsetCommitRequest,
  type TxnOffsetCommitResponse,
} from '@ottla/protocol';
import { type OffsetAndMetadata, PartitionMap } from '../group/offset-cache.ts';
import { defineHandler } from '../server/handler.ts';

type Request = Decoded<TxnOffsetCommitRequest>;

/** Older producers would stop at COORDINATOR_LOAD_IN_PROGRESS. */
const FIRST_VERSION_WITH_LOAD_IN_PROGRESS = 2;

export const txnOffsetCommit = defineHandler(
  api,
  { minVersion: 0, maxVersion: 4, errorResponse: (request, errorCode) => respond(request, () => errorCode) },
  async (request, context) => {
    const { groupCoordinator, metadataCache, clock } = context.broker;
    const { apiVersion } = context.header;
    const offsets = new PartitionMap<OffsetAndMetadata>();
    for (const { name: topic, partitions } of request.topics) {
      for (const partition of partitions) {
        if (!metadataCache.contains({ topic, partition: partition.partitionIndex })) continue;
        offsets.set(topic, partition.partitionIndex, {
          offset: partition.committedOffset,
          leaderEpoch: partition.committedLeaderEpoch,
          metadata: partition.committedMetadata ?? '',
          commitTimestampMs: clock.nowMs(),
          expireTimestampMs: -1,
        });
      }
    }
    const { transactionalId, producerId, producerEpoch } = request;
    const transaction = { transactionalId, producerId, producerEpoch, apiVersion };
    const errors =
      offsets.size === 0
        ? undefined
        : await groupCoordinator.commitTransactionalOffsets(request.groupId, request, transaction, offsets.topics);
    return respond(request, (topic, partition) => {
      const errorCode = errors?.get(topic)?.get(partition) ?? Errors.UNKNOWN_TOPIC_OR_PARTITION;
      const isTooNew = apiVersion < FIRST_VERSION_WITH_LOAD_IN_PROGRESS;
      return isTooNew && errorCode === Errors.COORDINATOR_LOAD_IN_PROGRESS
        ? Errors.COORDINATOR_NOT_AVAILABLE
        : errorCode;
    });
  },
);

function respond(request: Request, errorOf: (topic: string, partition: number) => ErrorCode): TxnOffsetCommitResponse {
  return {
    throttleTimeMs: 0,
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        errorCode: errorOf(name, partitionIndex),
      })),
    })),
  };
}
