// OffsetCommit (8), versions 0-9. Stores a group's offsets. Version 0 keeps them in the tree of znodes, as brokers did before there was a
// coordinator; versions 2-4 may limit the life of the commit.

import { type ErrorCode, Errors } from '@ottla/base';
import {
  offsetCommit as api,
  type Decoded,
  type OffsetCommitRequest,
  type OffsetCommitResponse,
} from '@ottla/protocol';
import { type OffsetAndMetadata, PartitionMap } from '../group/offset-cache.ts';
import { ZooKeeperOffsets } from '../group/zookeeper-offsets.ts';
import { defineHandler } from '../server/handler.ts';
import type { RequestContext } from '../server/request-context.ts';

type Request = Decoded<OffsetCommitRequest>;
type Partition = Request['topics'][number]['partitions'][number];

const NO_TIMESTAMP = -1;
const DEFAULT_RETENTION = -1;

export const offsetCommit = defineHandler(
  api,
  {
    minVersion: 0,
    maxVersion: 9,
    errorResponse: (request, errorCode) => respond(request, () => errorCode),
  },
  (request, context) =>
    context.header.apiVersion === 0 ? commitToZooKeeper(request, context) : commitToGroup(request, context),
);

async function commitToGroup(request: Request, context: RequestContext): Promise<OffsetCommitResponse> {
  const { groupCoordinator, metadataCache, clock } = context.broker;
  const nowMs = clock.nowMs();
  const offsets = new PartitionMap<OffsetAndMetadata>();
  for (const { name, partitions } of request.topics) {
    for (const partition of partitions) {
      if (metadataCache.contains({ topic: name, partition: partition.partitionIndex }))
        offsets.set(name, partition.partitionIndex, offsetOf(request, partition, nowMs));
    }
  }
  const sender = {
    memberId: request.memberId,
    groupInstanceId: request.groupInstanceId,
    generationId: request.generationIdOrMemberEpoch,
  };
  const errors =
    offsets.size === 0 ? undefined : await groupCoordinator.commitOffsets(request.groupId, sender, offsets.topics);
  return respond(
    request,
    (topic, { partitionIndex }) => errors?.get(topic)?.get(partitionIndex) ?? Errors.UNKNOWN_TOPIC_OR_PARTITION,
  );
}

function offsetOf(request: Request, partition: Partition, nowMs: number): OffsetAndMetadata {
  const { retentionTimeMs } = request;
  return {
    offset: partition.committedOffset,
    leaderEpoch: partition.committedLeaderEpoch,
    metadata: partition.committedMetadata ?? '',
    commitTimestampMs: partition.commitTimestamp === NO_TIMESTAMP ? nowMs : partition.commitTimestamp,
    expireTimestampMs:
      retentionTimeMs === DEFAULT_RETENTION ? -1 : Math.min(nowMs + retentionTimeMs, Number.MAX_SAFE_INTEGER),
  };
}

async function commitToZooKeeper(request: Request, context: RequestContext): Promise<OffsetCommitResponse> {
  const { metadataCache, zkClient, config, logger } = context.broker;
  const store = new ZooKeeperOffsets(zkClient, logger);
  const errors = new PartitionMap<ErrorCode>();
  for (const { name, partitions } of request.topics) {
    for (const { partitionIndex, committedOffset, committedMetadata } of partitions) {
      const tp = { topic: name, partition: partitionIndex };
      const isTooLarge = (committedMetadata ?? '').length > config.number('offset.metadata.max.bytes');
      const errorCode = !metadataCache.contains(tp)
        ? Errors.UNKNOWN_TOPIC_OR_PARTITION
        : isTooLarge
          ? Errors.OFFSET_METADATA_TOO_LARGE
          : await store.commit(request.groupId, tp, committedOffset);
      errors.set(name, partitionIndex, errorCode);
    }
  }
  return respond(
    request,
    (topic, { partitionIndex }) => errors.get(topic, partitionIndex) ?? Errors.UNKNOWN_SERVER_ERROR,
  );
}

function respond(request: Request, errorOf: (topic: string, partition: Partition) => ErrorCode): OffsetCommitResponse {
  return {
    throttleTimeMs: 0,
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map((partition) => ({
        partitionIndex: partition.partitionIndex,
        errorCode: errorOf(name, partition),
      })),
    })),
  };
}
