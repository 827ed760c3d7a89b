// The partitions of one transaction: a set of (topic, partition) that keeps its order of insertion.

import type { TopicPartition } from '@ottla/base';

export class TransactionPartitions implements Iterable<TopicPartition> {
  readonly #byTopic = new Map<string, Set<number>>();

  static of(partitions: Iterable<TopicPartition>): TransactionPartitions {
    const set = new TransactionPartitions();
    for (const tp of partitions) set.add(tp);
    return set;
  }

  get isEmpty(): boolean {
    return this.#byTopic.size === 0;
  }

  get count(): number {
    let count = 0;
    for (const partitions of this.#byTopic.values()) count += partitions.size;
    return count;
  }

  has(tp: TopicPartition): boolean {
    return this.#byTopic.get(tp.topic)?.has(tp.partition) ?? false;
  }

  add({ topic, partition }: TopicPartition): void {
    const partitions = this.#byTopic.get(topic);
    if (partitions) partitions.add(partition);
    else this.#byTopic.set(topic, new Set([partition]));
  }

  delete({ topic, partition }: TopicPartition): void {
    const partitions = this.#byTopic.get(topic);
    partitions?.delete(partition);
    if (partitions?.size === 0) this.#byTopic.delete(topic);
  }

  /** A set with these partitions and `more`. */
  with(more: Iterable<TopicPartition>): TransactionPartitions {
    const union = TransactionPartitions.of(this);
    for (const tp of more) union.add(tp);
    return union;
  }

  /** Topic by topic, as the log and the answers list them. */
  byTopic(): { topic: string; partitions: number[] }[] {
    return [...this.#byTopic].map(([topic, partitions]) => ({ topic, partitions: [...partitions] }));
  }

  *[Symbol.iterator](): Iterator<TopicPartition> {
    for (const [topic, partitions] of this.#byTopic) {
      for (const partition of partitions) yield { topic, partition };
    }
  }
}
