// Maps and sets of partitions: JavaScript compares objects by identity, partitions are equal by name. Insertion order is kept.

import { type TopicPartition, topicPartitionKey } from './topic-partition.ts';

/** Values by partition. */
export class TopicPartitionMap<V> {
  readonly #entries = new Map<string, [TopicPartition, V]>();

  constructor(entries: Iterable<readonly [TopicPartition, V]> = []) {
    for (const [tp, value] of entries) this.set(tp, value);
  }

  get size(): number {
    return this.#entries.size;
  }

  get(tp: TopicPartition): V | undefined {
    return this.#entries.get(topicPartitionKey(tp))?.[1];
  }

  has(tp: TopicPartition): boolean {
    return this.#entries.has(topicPartitionKey(tp));
  }

  set(tp: TopicPartition, value: V): this {
    this.#entries.set(topicPartitionKey(tp), [tp, value]);
    return this;
  }

  /** @returns whether it was there */
  delete(tp: TopicPartition): boolean {
    return this.#entries.delete(topicPartitionKey(tp));
  }

  clear(): void {
    this.#entries.clear();
  }

  *keys(): IterableIterator<TopicPartition> {
    for (const [tp] of this.#entries.values()) yield tp;
  }

  *values(): IterableIterator<V> {
    for (const [, value] of this.#entries.values()) yield value;
  }

  *entries(): IterableIterator<[TopicPartition, V]> {
    yield* this.#entries.values();
  }

  [Symbol.iterator](): IterableIterator<[TopicPartition, V]> {
    return this.entries();
  }
}

/** Partitions, each once. */
export class TopicPartitionSet {
  readonly #members = new Map<string, TopicPartition>();

  constructor(members: Iterable<TopicPartition> = []) {
    for (const tp of members) this.add(tp);
  }

  get size(): number {
    return this.#members.size;
  }

  has(tp: TopicPartition): boolean {
    return this.#members.has(topicPartitionKey(tp));
  }

  add(tp: TopicPartition): this {
    this.#members.set(topicPartitionKey(tp), tp);
    return this;
  }

  /** @returns whether it was there */
  delete(tp: TopicPartition): boolean {
    return this.#members.delete(topicPartitionKey(tp));
  }

  clear(): void {
    this.#members.clear();
  }

  [Symbol.iterator](): IterableIterator<TopicPartition> {
    return this.#members.values();
  }
}
