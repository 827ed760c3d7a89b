// The partitions this broker has a replica of, and those it would have, were their disk not gone.
// Source: kafka.server.HostedPartition, ReplicaManager.getPartitionOrError.

import { Errors, KafkaError, type TopicPartition } from '@ottla/base';
import type { Partition } from './partition.ts';

/** What the cluster's metadata says about a partition. */
export interface PartitionDirectory {
  /** undefined: no such partition. */
  getPartitionInfo(topic: string, partition: number): object | undefined;
}

export class HostedPartitions {
  readonly #byTopic = new Map<string, Map<number, Partition | 'offline'>>();
  readonly #directory: PartitionDirectory;

  constructor(directory: PartitionDirectory) {
    this.#directory = directory;
  }

  /** undefined: no replica here. */
  get(topic: string, partition: number): Partition | 'offline' | undefined {
    return this.#byTopic.get(topic)?.get(partition);
  }

  /** The partition when it is here and its disk works. */
  online(topic: string, partition: number): Partition | undefined {
    const hosted = this.get(topic, partition);
    return hosted === 'offline' ? undefined : hosted;
  }

  /** @throws KafkaError KAFKA_STORAGE_ERROR for an offline one; NOT_LEADER_OR_FOLLOWER where it is another broker's, so that the client
   *  looks for it anew; UNKNOWN_TOPIC_OR_PARTITION */
  mustGet(topic: string, partition: number): Partition {
    const hosted = this.get(topic, partition);
    if (hosted === 'offline') {
      throw new KafkaError(
        Errors.KAFKA_STORAGE_ERROR,
        `Partition ${topic}-${partition} is in an offline log directory`,
      );
    }
    if (hosted !== undefined) return hosted;
    if (this.#directory.getPartitionInfo(topic, partition) !== undefined) {
      throw new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER, `no replica of ${topic}-${partition} on this broker`);
    }
    throw new KafkaError(Errors.UNKNOWN_TOPIC_OR_PARTITION, `partition ${topic}-${partition} does not exist`);
  }

  set(tp: TopicPartition, hosted: Partition | 'offline'): void {
    let ofTopic = this.#byTopic.get(tp.topic);
    if (ofTopic === undefined) {
      ofTopic = new Map();
      this.#byTopic.set(tp.topic, ofTopic);
    }
    ofTopic.set(tp.partition, hosted);
  }

  delete(tp: TopicPartition): void {
    const ofTopic = this.#byTopic.get(tp.topic);
    ofTopic?.delete(tp.partition);
    if (ofTopic?.size === 0) this.#byTopic.delete(tp.topic);
  }

  /** Is a replica of any of its partitions here? */
  hasTopic(topic: string): boolean {
    return this.#byTopic.has(topic);
  }

  /** Those whose disk works. */
  *[Symbol.iterator](): Generator<Partition, void, void> {
    for (const ofTopic of this.#byTopic.values()) {
      for (const hosted of ofTopic.values()) if (hosted !== 'offline') yield hosted;
    }
  }

  /** How many are offline. */
  get offlineCount(): number {
    let count = 0;
    for (const ofTopic of this.#byTopic.values()) {
      for (const hosted of ofTopic.values()) if (hosted === 'offline') count++;
    }
    return count;
  }
}
