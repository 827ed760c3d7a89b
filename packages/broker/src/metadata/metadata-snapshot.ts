// What one broker knows of the cluster at one moment, and how an UpdateMetadata request makes the next moment of it. Snapshots never
// change: a reader takes one and sees a consistent cluster. Source: kafka.server.metadata.{MetadataSnapshot, ZkMetadataCache.updateMetadata}.

import { type TopicPartition, TopicPartitionSet, type Uuid, ZERO_UUID } from '@ottla/base';
import { LEADER_DURING_DELETE } from '@ottla/coordination';
import type { Decoded, UpdateMetadataRequest } from '@ottla/protocol';
import { kept } from '../broker-ids.ts';

/** A partition as the controller last told of it. */
export interface PartitionMetadata {
  readonly partitionIndex: number;
  readonly controllerEpoch: number;
  /** −1: none. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly isr: readonly number[];
  readonly zkVersion: number;
  readonly replicas: readonly number[];
  readonly offlineReplicas: readonly number[];
}

/** A broker's address on one listener. */
export interface BrokerEndpoint {
  readonly host: string;
  readonly port: number;
  /** Number of the security protocol: 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL. */
  readonly securityProtocol: number;
}

export interface AliveBroker {
  readonly id: number;
  readonly rack: string | null;
  /** By listener name. */
  readonly endpoints: ReadonlyMap<string, BrokerEndpoint>;
}

export interface MetadataSnapshot {
  /** Topic → partition index → partition. No topic without partitions. */
  readonly partitionStates: ReadonlyMap<string, ReadonlyMap<number, PartitionMetadata>>;
  /** Only topics that have an id. The two maps mirror each other. */
  readonly topicIds: ReadonlyMap<string, Uuid>;
  readonly topicNames: ReadonlyMap<Uuid, string>;
  readonly controllerId: number | undefined;
  readonly aliveBrokers: ReadonlyMap<number, AliveBroker>;
}

export const EMPTY_SNAPSHOT: MetadataSnapshot = {
  partitionStates: new Map(),
  topicIds: new Map(),
  topicNames: new Map(),
  controllerId: undefined,
  aliveBrokers: new Map(),
};

/** Names of listeners by number of their security protocol, where a request before version 3 names none. */
const SECURITY_PROTOCOLS = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'];

interface TopicUpdate {
  readonly topic: string;
  readonly topicId: Uuid;
  readonly partitions: readonly PartitionMetadata[];
}

/** The snapshot after `request`. Brokers are replaced as a whole; partitions that are not in the request stay as they were. */
export function applyUpdate(
  snapshot: MetadataSnapshot,
  request: Decoded<UpdateMetadataRequest>,
): { snapshot: MetadataSnapshot; deletedPartitions: TopicPartition[] } {
  const updates = topicUpdates(request);
  const topicIds = new Map(snapshot.topicIds);
  for (const { topic, topicId } of updates) {
    if (topicId === ZERO_UUID) topicIds.delete(topic);
    else topicIds.set(topic, topicId);
  }
  const { partitionStates, deletedPartitions } = updatePartitions(snapshot.partitionStates, updates);
  for (const { topic } of updates) if (!partitionStates.has(topic)) topicIds.delete(topic);
  const next: MetadataSnapshot = {
    partitionStates,
    topicIds,
    topicNames: new Map([...topicIds].map(([name, id]) => [id, name])),
    controllerId: request.controllerId < 0 ? undefined : request.controllerId,
    aliveBrokers: new Map(request.liveBrokers.map((broker) => [broker.id, aliveBroker(broker)])),
  };
  return { snapshot: next, deletedPartitions: [...deletedPartitions] };
}

/** Versions before 5 list partitions without grouping them. */
function topicUpdates(request: Decoded<UpdateMetadataRequest>): TopicUpdate[] {
  if (request.ungroupedPartitionStates.length === 0) {
    return request.topicStates.map(({ topicName, topicId, partitionStates }) => ({
      topic: topicName,
      topicId,
      partitions: partitionStates,
    }));
  }
  const byTopic = new Map<string, PartitionMetadata[]>();
  for (const partition of request.ungroupedPartitionStates) {
    const partitions = byTopic.get(partition.topicName);
    if (partitions === undefined) byTopic.set(partition.topicName, [partition]);
    else partitions.push(partition);
  }
  return [...byTopic].map(([topic, partitions]) => ({ topic, topicId: ZERO_UUID, partitions }));
}

/** Topics that are not in `updates` are shared with the former snapshot. */
function updatePartitions(
  former: MetadataSnapshot['partitionStates'],
  updates: readonly TopicUpdate[],
): { partitionStates: MetadataSnapshot['partitionStates']; deletedPartitions: TopicPartitionSet } {
  const partitionStates = new Map(former);
  const deletedPartitions = new TopicPartitionSet();
  for (const { topic, partitions: changed } of updates) {
    const partitions = new Map(partitionStates.get(topic));
    for (const partition of changed) {
      const tp = { topic, partition: partition.partitionIndex };
      if (partition.leader === LEADER_DURING_DELETE) {
        partitions.delete(partition.partitionIndex);
        deletedPartitions.add(tp);
      } else {
        partitions.set(partition.partitionIndex, stored(partition));
        deletedPartitions.delete(tp);
      }
    }
    if (partitions.size === 0) partitionStates.delete(topic);
    else partitionStates.set(topic, partitions);
  }
  return { partitionStates, deletedPartitions };
}

/** Without what only the request needs. */
function stored(partition: PartitionMetadata): PartitionMetadata {
  const { partitionIndex, controllerEpoch, leader, leaderEpoch, zkVersion } = partition;
  const replicas = kept(partition.replicas);
  const isr = kept(partition.isr, replicas);
  const offlineReplicas = kept(partition.offlineReplicas);
  return { partitionIndex, controllerEpoch, leader, leaderEpoch, isr, zkVersion, replicas, offlineReplicas };
}

function aliveBroker(broker: Decoded<UpdateMetadataRequest>['liveBrokers'][number]): AliveBroker {
  const endpoints = new Map<string, BrokerEndpoint>();
  for (const { listener, host, port, securityProtocol } of broker.endpoints) {
    const name = listener === '' ? (SECURITY_PROTOCOLS[securityProtocol] ?? 'PLAINTEXT') : listener;
    endpoints.set(name, { host, port, securityProtocol });
  }
  if (broker.endpoints.length === 0 && broker.v0Host !== '') {
    endpoints.set('PLAINTEXT', { host: broker.v0Host, port: broker.v0Port, securityProtocol: 0 });
  }
  return { id: broker.id, rack: broker.rack, endpoints };
}
