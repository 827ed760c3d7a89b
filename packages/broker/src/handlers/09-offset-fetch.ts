// OffsetFetch (9), versions 0-9. What groups have committed: named partitions or all. Version 0 reads the tree of znodes; from version 8
// on several groups are asked at once.

import { type ErrorCode, Errors } from '@ottla/base';
import { offsetFetch as api, type Decoded, type OffsetFetchRequest, type OffsetFetchResponse } from '@ottla/protocol';
import { PartitionMap } from '../group/offset-cache.ts';
import { type FetchedOffset, type FetchedOffsets, noOffset } from '../group/offset-results.ts';
import { ZooKeeperOffsets } from '../group/zookeeper-offsets.ts';
import { defineHandler } from '../server/handler.ts';
import type { RequestContext } from '../server/request-context.ts';

type Request = Decoded<OffsetFetchRequest>;
type AskedTopics = readonly { readonly name: string; readonly partitionIndexes: readonly number[] }[];

const FIRST_VERSION_WITH_GROUPS = 8;
/** From this version on an error stands beside the topics, and null asks for all of them. */
const FIRST_VERSION_WITH_GROUP_ERROR = 2;

export const offsetFetch = defineHandler(
  api,
  { minVersion: 0, maxVersion: 9, errorResponse: (request, code, _message, version) => refuse(request, code, version) },
  (request, context) => {
    const { apiVersion } = context.header;
    if (apiVersion === 0) return fetchFromZooKeeper(request, context);
    return apiVersion < FIRST_VERSION_WITH_GROUPS ? fetchOne(request, context) : fetchMany(request, context);
  },
);

function refuse(request: Request, errorCode: ErrorCode, version: number): OffsetFetchResponse {
  if (version >= FIRST_VERSION_WITH_GROUPS) {
    const groups = request.groups.map(({ groupId }) => ({ groupId, topics: [], errorCode }));
    return { throttleTimeMs: 0, groups };
  }
  if (version >= FIRST_VERSION_WITH_GROUP_ERROR) return { throttleTimeMs: 0, topics: [], errorCode };
  const topics = (request.topics ?? []).map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((partition) => ({ ...committed(partition, noOffset(errorCode)), errorCode })),
  }));
  return { throttleTimeMs: 0, topics };
}

function fetchMany(request: Request, context: RequestContext): OffsetFetchResponse {
  const groups = request.groups.map(({ groupId, topics }) => {
    const { errorCode, offsets } = fetchGroup(groupId, topics, request.requireStable, context);
    return { groupId, errorCode, topics: errorCode === Errors.NONE ? committedTopics(offsets) : [] };
  });
  return { throttleTimeMs: 0, groups };
}

function fetchOne(request: Request, context: RequestContext): OffsetFetchResponse {
  const { errorCode, offsets } = fetchGroup(request.groupId, request.topics, request.requireStable, context);
  if (errorCode !== Errors.NONE) return refuse(request, errorCode, context.header.apiVersion);
  return { throttleTimeMs: 0, topics: committedTopics(offsets), errorCode };
}

function fetchGroup(groupId: string, topics: AskedTopics | null, requireStable: boolean, context: RequestContext) {
  const asked = topics === null ? undefined : partitionsByTopic(topics);
  return context.broker.groupCoordinator.fetchOffsets(groupId, { requireStable, topics: asked });
}

async function fetchFromZooKeeper(request: Request, context: RequestContext): Promise<OffsetFetchResponse> {
  const { metadataCache, zkClient, logger } = context.broker;
  const store = new ZooKeeperOffsets(zkClient, logger);
  const offsets = new PartitionMap<FetchedOffset>();
  for (const { name: topic, partitionIndexes } of request.topics ?? []) {
    for (const partition of partitionIndexes) {
      const tp = { topic, partition };
      const isKnown = metadataCache.contains(tp);
      offsets.set(
        topic,
        partition,
        isKnown ? await store.fetch(request.groupId, tp) : noOffset(Errors.UNKNOWN_TOPIC_OR_PARTITION),
      );
    }
  }
  return { throttleTimeMs: 0, topics: committedTopics(offsets.topics) };
}

/** A topic named twice is one topic. */
function partitionsByTopic(topics: AskedTopics): ReadonlyMap<string, ReadonlySet<number>> {
  const byTopic = new Map<string, Set<number>>();
  for (const { name, partitionIndexes } of topics) {
    const partitions = byTopic.get(name) ?? new Set();
    for (const partition of partitionIndexes) partitions.add(partition);
    byTopic.set(name, partitions);
  }
  return byTopic;
}

function committedTopics(offsets: FetchedOffsets) {
  return [...offsets].map(([name, partitions]) => ({
    name,
    partitions: [...partitions].map(([partition, value]) => committed(partition, value)),
  }));
}

function committed(partitionIndex: number, value: FetchedOffset) {
  return {
    partitionIndex,
    committedOffset: value.offset,
    committedLeaderEpoch: value.leaderEpoch,
    metadata: value.metadata,
    errorCode: value.errorCode,
  };
}
