// The cluster as this broker knows it: fed by the controller's UpdateMetadata requests, asked by handlers and coordinators.
// Source: kafka.server.metadata.ZkMetadataCache.

import { type Clock, type Random, type TopicPartition, type Uuid, ZERO_UUID } from '@ottla/base';
import type {
  Decoded,
  DescribeTopicPartitionsResponse,
  MetadataResponseTopic,
  UpdateMetadataRequest,
} from '@ottla/protocol';
import { describeTopicPartitions, type TopicDescriptionQuery, topicMetadata } from './metadata-responses.ts';
import {
  type AliveBroker,
  applyUpdate,
  EMPTY_SNAPSHOT,
  type MetadataSnapshot,
  type PartitionMetadata,
} from './metadata-snapshot.ts';

/** A broker as clients on one listener see it. */
export interface BrokerNode {
  readonly id: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

/** What metadata requests of old versions cannot be told. */
export interface TopicMetadataOptions {
  /** Version 0: leave out replicas that are not alive, and say so. */
  readonly errorUnavailableEndpoints?: boolean;
  /** Version 6 on: LISTENER_NOT_FOUND when the leader lacks the client's listener; before, LEADER_NOT_AVAILABLE. */
  readonly errorUnavailableListeners?: boolean;
}

export class MetadataCache {
  #snapshot: MetadataSnapshot = EMPTY_SNAPSHOT;
  readonly #listeners = new Set<() => void>();

  /** Consistent and unchanging: for readers that look more than once. */
  get snapshot(): MetadataSnapshot {
    return this.#snapshot;
  }

  /** @returns partitions the request deleted */
  updateMetadata(request: Decoded<UpdateMetadataRequest>): TopicPartition[] {
    const { snapshot, deletedPartitions } = applyUpdate(this.#snapshot, request);
    this.#snapshot = snapshot;
    for (const listener of [...this.#listeners]) listener();
    return deletedPartitions;
  }

  /** Calls `listener` after every update. @returns how to stop it */
  onUpdated(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Resolves as soon as `condition` holds, with true, or after `timeoutMs`, with what it then says. */
  waitUntil(condition: () => boolean, options: { clock: Clock; timeoutMs: number }): Promise<boolean> {
    if (condition()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const finish = (holds: boolean) => {
        stop();
        timer.cancel();
        resolve(holds);
      };
      const stop = this.onUpdated(() => {
        if (condition()) finish(true);
      });
      const timer = options.clock.schedule(Math.max(0, options.timeoutMs), () => finish(condition()));
    });
  }

  containsTopic(topic: string): boolean {
    return this.#snapshot.partitionStates.has(topic);
  }

  contains({ topic, partition }: TopicPartition): boolean {
    return this.getPartitionInfo(topic, partition) !== undefined;
  }

  getAllTopics(): string[] {
    return [...this.#snapshot.partitionStates.keys()];
  }

  /** In order of their index. */
  getTopicPartitions(topic: string): TopicPartition[] {
    const partitions = [...(this.#snapshot.partitionStates.get(topic)?.keys() ?? [])];
    return partitions.sort((a, b) => a - b).map((partition) => ({ topic, partition }));
  }

  getPartitionInfo(topic: string, partition: number): PartitionMetadata | undefined {
    return this.#snapshot.partitionStates.get(topic)?.get(partition);
  }

  /** undefined: no such topic. */
  numPartitions(topic: string): number | undefined {
    return this.#snapshot.partitionStates.get(topic)?.size;
  }

  /** ZERO_UUID: no such topic, or one without id. */
  getTopicId(topic: string): Uuid {
    return this.#snapshot.topicIds.get(topic) ?? ZERO_UUID;
  }

  getTopicName(topicId: Uuid): string | undefined {
    return this.#snapshot.topicNames.get(topicId);
  }

  topicNamesToIds(): ReadonlyMap<string, Uuid> {
    return this.#snapshot.topicIds;
  }

  topicIdsToNames(): ReadonlyMap<Uuid, string> {
    return this.#snapshot.topicNames;
  }

  getControllerId(): number | undefined {
    return this.#snapshot.controllerId;
  }

  hasAliveBroker(brokerId: number): boolean {
    return this.#snapshot.aliveBrokers.has(brokerId);
  }

  getAliveBrokers(): AliveBroker[] {
    return [...this.#snapshot.aliveBrokers.values()];
  }

  /** undefined: not alive, or not on this listener. */
  getAliveBrokerNode(brokerId: number, listenerName: string): BrokerNode | undefined {
    const broker = this.#snapshot.aliveBrokers.get(brokerId);
    const endpoint = broker?.endpoints.get(listenerName);
    if (broker === undefined || endpoint === undefined) return undefined;
    return { id: broker.id, host: endpoint.host, port: endpoint.port, rack: broker.rack };
  }

  getAliveBrokerNodes(listenerName: string): BrokerNode[] {
    const nodes: BrokerNode[] = [];
    for (const id of this.#snapshot.aliveBrokers.keys()) {
      const node = this.getAliveBrokerNode(id, listenerName);
      if (node !== undefined) nodes.push(node);
    }
    return nodes;
  }

  getRandomAliveBrokerId(random: Random): number | undefined {
    const ids = [...this.#snapshot.aliveBrokers.keys()];
    return ids.length === 0 ? undefined : ids[random.nextInt(ids.length)];
  }

  /** undefined: no such partition. null: its leader is not there, or not on this listener. */
  getPartitionLeaderEndpoint(topic: string, partition: number, listenerName: string): BrokerNode | null | undefined {
    const info = this.getPartitionInfo(topic, partition);
    return info && (this.getAliveBrokerNode(info.leader, listenerName) ?? null);
  }

  /** Replicas that are alive on the listener. */
  getPartitionReplicaEndpoints({ topic, partition }: TopicPartition, listenerName: string): Map<number, BrokerNode> {
    const nodes = new Map<number, BrokerNode>();
    for (const id of this.getPartitionInfo(topic, partition)?.replicas ?? []) {
      const node = this.getAliveBrokerNode(id, listenerName);
      if (node !== undefined) nodes.set(id, node);
    }
    return nodes;
  }

  /** For a Metadata response; topics that are not known are left out. Authorized operations are left to the caller. */
  getTopicMetadata(
    topics: Iterable<string>,
    listenerName: string,
    options: TopicMetadataOptions = {},
  ): MetadataResponseTopic[] {
    return topicMetadata(this.#snapshot, topics, listenerName, options);
  }

  /** For a DescribeTopicPartitions response (KIP-966): at most so many partitions, and where to go on. */
  describeTopicPartitions(query: TopicDescriptionQuery): DescribeTopicPartitionsResponse {
    return describeTopicPartitions(this.#snapshot, query);
  }
}
