// Parts of Metadata and DescribeTopicPartitions responses out of a snapshot. Source: kafka.server.metadata.ZkMetadataCache.getTopicMetadata,
// kafka.server.metadata.KRaftMetadataCache.describeTopicResponse (KIP-966).

import { type ErrorCode, Errors, ZERO_UUID } from '@ottla/base';
import type {
  DescribeTopicPartitionsResponse,
  DescribeTopicPartitionsResponsePartition,
  DescribeTopicPartitionsResponseTopic,
  MetadataResponsePartition,
  MetadataResponseTopic,
} from '@ottla/protocol';
import { isInternalTopic } from '../admin/topic-names.ts';
import type { TopicMetadataOptions } from './metadata-cache.ts';
import type { MetadataSnapshot, PartitionMetadata } from './metadata-snapshot.ts';

const NO_LEADER_ID = -1;

export function topicMetadata(
  snapshot: MetadataSnapshot,
  topics: Iterable<string>,
  listenerName: string,
  options: TopicMetadataOptions,
): MetadataResponseTopic[] {
  const found: MetadataResponseTopic[] = [];
  for (const name of topics) {
    const partitions = snapshot.partitionStates.get(name);
    if (partitions === undefined) continue;
    found.push({
      errorCode: Errors.NONE,
      name,
      topicId: snapshot.topicIds.get(name) ?? ZERO_UUID,
      isInternal: isInternalTopic(name),
      partitions: inOrder(partitions).map((partition) => partitionMetadata(snapshot, partition, listenerName, options)),
    });
  }
  return found;
}

function inOrder(partitions: ReadonlyMap<number, PartitionMetadata>): PartitionMetadata[] {
  return [...partitions.values()].sort((a, b) => a.partitionIndex - b.partitionIndex);
}

function partitionMetadata(
  snapshot: MetadataSnapshot,
  partition: PartitionMetadata,
  listenerName: string,
  { errorUnavailableEndpoints = false, errorUnavailableListeners = false }: TopicMetadataOptions,
): MetadataResponsePartition {
  const hasEndpoint = (id: number) => snapshot.aliveBrokers.get(id)?.endpoints.has(listenerName) === true;
  const shown = (ids: readonly number[]) => (errorUnavailableEndpoints ? ids.filter(hasEndpoint) : [...ids]);
  const replicaNodes = shown(partition.replicas);
  const isrNodes = shown(partition.isr);
  const hasLeader = hasEndpoint(partition.leader);
  const isMissingSome = replicaNodes.length < partition.replicas.length || isrNodes.length < partition.isr.length;
  const leaderError = () => missingLeaderError(snapshot, partition.leader, errorUnavailableListeners);
  return {
    errorCode: hasLeader ? (isMissingSome ? Errors.REPLICA_NOT_AVAILABLE : Errors.NONE) : leaderError(),
    partitionIndex: partition.partitionIndex,
    leaderId: hasLeader ? partition.leader : NO_LEADER_ID,
    leaderEpoch: partition.leaderEpoch,
    replicaNodes,
    isrNodes,
    offlineReplicas: [...partition.offlineReplicas],
  };
}

function missingLeaderError(snapshot: MetadataSnapshot, leader: number, isListenerNamed: boolean): ErrorCode {
  const isAlive = snapshot.aliveBrokers.has(leader);
  return isAlive && isListenerNamed ? Errors.LISTENER_NOT_FOUND : Errors.LEADER_NOT_AVAILABLE;
}

export interface TopicDescriptionQuery {
  /** Each once, in order. */
  readonly topics: readonly string[];
  readonly listenerName: string;
  /** Where the first topic starts. */
  readonly firstPartition: number;
  /** At least 1. */
  readonly partitionCountMax: number;
  /** The client asked for all topics: one that is gone meanwhile is no error. */
  readonly ignoreUnknownTopics: boolean;
}

export function describeTopicPartitions(
  snapshot: MetadataSnapshot,
  query: TopicDescriptionQuery,
): DescribeTopicPartitionsResponse {
  const topics: DescribeTopicPartitionsResponseTopic[] = [];
  let remaining = query.partitionCountMax;
  let first = query.firstPartition;
  for (const topicName of query.topics) {
    if (remaining <= 0) return { throttleTimeMs: 0, topics, nextCursor: { topicName, partitionIndex: 0 } };
    const partitions = snapshot.partitionStates.get(topicName);
    if (partitions === undefined) {
      if (!query.ignoreUnknownTopics) topics.push(unknownTopic(topicName));
      continue;
    }
    const left = inOrder(partitions).filter(({ partitionIndex }) => partitionIndex >= first);
    first = 0;
    const shown = left.slice(0, remaining);
    topics.push(topicDescription(snapshot, topicName, shown, query.listenerName));
    remaining -= shown.length;
    const next = left[shown.length];
    if (next !== undefined) {
      return { throttleTimeMs: 0, topics, nextCursor: { topicName, partitionIndex: next.partitionIndex } };
    }
  }
  return { throttleTimeMs: 0, topics, nextCursor: null };
}

function unknownTopic(name: string): DescribeTopicPartitionsResponseTopic {
  const errorCode = Errors.UNKNOWN_TOPIC_OR_PARTITION;
  return { errorCode, name, topicId: ZERO_UUID, isInternal: isInternalTopic(name), partitions: [] };
}

function topicDescription(
  snapshot: MetadataSnapshot,
  name: string,
  partitions: readonly PartitionMetadata[],
  listenerName: string,
): DescribeTopicPartitionsResponseTopic {
  return {
    errorCode: Errors.NONE,
    name,
    topicId: snapshot.topicIds.get(name) ?? ZERO_UUID,
    isInternal: isInternalTopic(name),
    partitions: partitions.map((partition) => partitionDescription(snapshot, partition, listenerName)),
  };
}

/** Eligible leader replicas are KRaft's: none here. */
function partitionDescription(
  snapshot: MetadataSnapshot,
  partition: PartitionMetadata,
  listenerName: string,
): DescribeTopicPartitionsResponsePartition {
  const options = { errorUnavailableListeners: true };
  const { errorCode, leaderId } = partitionMetadata(snapshot, partition, listenerName, options);
  return {
    errorCode,
    partitionIndex: partition.partitionIndex,
    leaderId,
    leaderEpoch: partition.leaderEpoch,
    replicaNodes: [...partition.replicas],
    isrNodes: [...partition.isr],
    eligibleLeaderReplicas: [],
    lastKnownElr: [],
    offlineReplicas: [...partition.offlineReplicas],
  };
}
