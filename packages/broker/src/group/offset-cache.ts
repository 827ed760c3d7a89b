// The offsets of one group: committed ones, and those on their way to the log (plain or inside a transaction).
// Source: Kafka 3.9 GroupMetadata (offsets part), KIP-98, KIP-211, KIP-447.

import { mustBePresent, type TopicPartition } from '@ottla/base';

/** A commit as it is stored. Instances are compared by identity, so each commit makes its own. */
export interface OffsetAndMetadata {
  readonly offset: number;
  /** -1: unknown */
  readonly leaderEpoch: number;
  readonly metadata: string;
  readonly commitTimestampMs: number;
  /** When the client itself limited the life of this commit (OffsetCommit 2-4); -1: never by itself. */
  readonly expireTimestampMs: number;
}

/** A commit that is in the log, with the base offset of its batch: of two commits the later in the log wins. */
export interface CommitRecord {
  readonly value: OffsetAndMetadata;
  readonly appendedAtOffset: number;
}

interface PendingCommit {
  readonly value: OffsetAndMetadata;
  /** undefined until the append was acknowledged */
  appendedAtOffset: number | undefined;
}

interface PendingTransaction {
  readonly commits: PartitionMap<PendingCommit>;
  /** The marker came in before the last append was acknowledged; those commits follow it as they come in. */
  outcome: 'commit' | 'abort' | undefined;
}

export type OffsetsByPartition = ReadonlyMap<string, ReadonlyMap<number, OffsetAndMetadata>>;

/** Topic → partition → T, without a string per partition. */
export class PartitionMap<T> {
  readonly #topics = new Map<string, Map<number, T>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get topics(): ReadonlyMap<string, ReadonlyMap<number, T>> {
    return this.#topics;
  }

  get(topic: string, partition: number): T | undefined {
    return this.#topics.get(topic)?.get(partition);
  }

  set(topic: string, partition: number, value: T): void {
    let partitions = this.#topics.get(topic);
    if (partitions === undefined) {
      partitions = new Map();
      this.#topics.set(topic, partitions);
    }
    if (!partitions.has(partition)) this.#size++;
    partitions.set(partition, value);
  }

  delete(topic: string, partition: number): boolean {
    const partitions = this.#topics.get(topic);
    if (partitions === undefined || !partitions.delete(partition)) return false;
    this.#size--;
    if (partitions.size === 0) this.#topics.delete(topic);
    return true;
  }

  forEach(visit: (value: T, topic: string, partition: number) => void): void {
    for (const [topic, partitions] of this.#topics) {
      for (const [partition, value] of partitions) visit(value, topic, partition);
    }
  }
}

/** Which offsets may expire, and from when their retention counts (KIP-211). */
export interface ExpiryRule {
  /** When the group's retention began; undefined: each offset counts from its own commit. */
  readonly baseTimestampMs: number | undefined;
  /** Offsets of these topics are in use. */
  readonly subscribedTopics: ReadonlySet<string>;
}

export class OffsetCache {
  readonly #committed = new PartitionMap<CommitRecord>();
  readonly #pending = new PartitionMap<OffsetAndMetadata>();
  readonly #transactions = new Map<number, PendingTransaction>();

  /** Committed offsets. */
  get size(): number {
    return this.#committed.size;
  }

  /** Anything committed or on its way? A group without offsets and members may be removed. */
  get hasOffsets(): boolean {
    return this.#committed.size > 0 || this.#pending.size > 0 || this.#transactions.size > 0;
  }

  /** Anything committed beside `partitions`, or on its way? */
  hasOffsetsBeside(partitions: readonly TopicPartition[]): boolean {
    return this.#committed.size > partitions.length || this.#pending.size > 0 || this.#transactions.size > 0;
  }

  get topics(): ReadonlyMap<string, ReadonlyMap<number, CommitRecord>> {
    return this.#committed.topics;
  }

  get(topic: string, partition: number): OffsetAndMetadata | undefined {
    return this.#committed.get(topic, partition)?.value;
  }

  /** Is a commit under way whose outcome is not known yet? (KIP-447) */
  isUnstable(topic: string, partition: number): boolean {
    if (this.#pending.get(topic, partition) !== undefined) return true;
    for (const transaction of this.#transactions.values()) {
      if (transaction.commits.get(topic, partition) !== undefined) return true;
    }
    return false;
  }

  hasPendingTransaction(producerId: number): boolean {
    return this.#transactions.has(producerId);
  }

  // --- plain commits

  prepareCommit(offsets: OffsetsByPartition): void {
    forEachPartition(offsets, (value, topic, partition) => this.#pending.set(topic, partition, value));
  }

  /** The commit is in the log, in the batch that begins at `appendedAtOffset`. */
  completeCommit(offsets: OffsetsByPartition, appendedAtOffset: number): void {
    forEachPartition(offsets, (value, topic, partition) => {
      // A commit whose partition was deleted meanwhile is no longer pending and must not come back.
      if (this.#pending.get(topic, partition) === undefined) return;
      this.put(topic, partition, { value, appendedAtOffset });
      this.#removePending(topic, partition, value);
    });
  }

  failCommit(offsets: OffsetsByPartition): void {
    forEachPartition(offsets, (value, topic, partition) => this.#removePending(topic, partition, value));
  }

  /** Puts a committed offset unless a later one of the log is already there. */
  put(topic: string, partition: number, commit: CommitRecord): void {
    const current = this.#committed.get(topic, partition);
    if (current !== undefined && current.appendedAtOffset >= commit.appendedAtOffset) return;
    this.#committed.set(topic, partition, commit);
  }

  // --- commits inside a transaction

  prepareTransactionalCommit(producerId: number, offsets: OffsetsByPartition): void {
    const commits = this.#mustGetTransaction(producerId).commits;
    forEachPartition(offsets, (value, topic, partition) =>
      commits.set(topic, partition, { value, appendedAtOffset: undefined }),
    );
  }

  completeTransactionalAppend(producerId: number, offsets: OffsetsByPartition, appendedAtOffset: number): void {
    const transaction = this.#transactions.get(producerId);
    if (transaction === undefined) return;
    forEachPartition(offsets, (value, topic, partition) => {
      const commit = transaction.commits.get(topic, partition);
      if (commit?.value === value) commit.appendedAtOffset = appendedAtOffset;
    });
    if (transaction.outcome !== undefined) this.#settle(producerId, transaction, transaction.outcome);
  }

  failTransactionalAppend(producerId: number, offsets: OffsetsByPartition): void {
    const transaction = this.#transactions.get(producerId);
    if (transaction === undefined) return;
    forEachPartition(offsets, (value, topic, partition) => {
      if (transaction.commits.get(topic, partition)?.value === value) transaction.commits.delete(topic, partition);
    });
    if (transaction.commits.size === 0) this.#transactions.delete(producerId);
  }

  /** A commit of an open transaction, found in the log while loading. */
  loadTransactionalCommit(producerId: number, topic: string, partition: number, commit: CommitRecord): void {
    this.#mustGetTransaction(producerId).commits.set(topic, partition, { ...commit });
  }

  /** The transaction's marker is in the log. */
  completeTransaction(producerId: number, outcome: 'commit' | 'abort'): void {
    const transaction = this.#transactions.get(producerId);
    if (transaction !== undefined) this.#settle(producerId, transaction, outcome);
  }

  // --- removal

  /** Every committed partition. */
  partitions(): TopicPartition[] {
    const all: TopicPartition[] = [];
    this.#committed.forEach((_, topic, partition) => {
      all.push({ topic, partition });
    });
    return all;
  }

  /** Those of `partitions` about which anything is known, committed or on its way. */
  knownAmong(partitions: Iterable<TopicPartition>): TopicPartition[] {
    const known: TopicPartition[] = [];
    for (const tp of partitions) {
      if (this.get(tp.topic, tp.partition) !== undefined || this.isUnstable(tp.topic, tp.partition)) known.push(tp);
    }
    return known;
  }

  /** What outlived its retention. A partition with a commit under way stays. */
  expired(nowMs: number, retentionMs: number, rule: ExpiryRule): TopicPartition[] {
    const expired: TopicPartition[] = [];
    this.#committed.forEach(({ value }, topic, partition) => {
      if (rule.subscribedTopics.has(topic) || this.#pending.get(topic, partition) !== undefined) return;
      if (isExpired(value, nowMs, retentionMs, rule.baseTimestampMs)) expired.push({ topic, partition });
    });
    return expired;
  }

  /** Tombstones of `partitions` are in the log from offset `tombstonesAt` on: what was committed before is gone. */
  remove(partitions: Iterable<TopicPartition>, tombstonesAt: number): void {
    for (const { topic, partition } of partitions) {
      const current = this.#committed.get(topic, partition);
      if (current !== undefined && current.appendedAtOffset < tombstonesAt) this.#committed.delete(topic, partition);
    }
  }

  /** Commits of `partitions` that are on their way do not count any more, when and if they arrive. */
  forgetPending(partitions: Iterable<TopicPartition>): void {
    for (const { topic, partition } of partitions) {
      this.#pending.delete(topic, partition);
      for (const [producerId, transaction] of this.#transactions) {
        if (transaction.commits.delete(topic, partition) && transaction.commits.size === 0)
          this.#transactions.delete(producerId);
      }
    }
  }

  #removePending(topic: string, partition: number, value: OffsetAndMetadata): void {
    if (this.#pending.get(topic, partition) === value) this.#pending.delete(topic, partition);
  }

  #mustGetTransaction(producerId: number): PendingTransaction {
    let transaction = this.#transactions.get(producerId);
    if (transaction === undefined) {
      transaction = { commits: new PartitionMap(), outcome: undefined };
      this.#transactions.set(producerId, transaction);
    }
    return transaction;
  }

  #settle(producerId: number, transaction: PendingTransaction, outcome: 'commit' | 'abort'): void {
    const settled: { topic: string; partition: number }[] = [];
    transaction.commits.forEach((commit, topic, partition) => {
      if (commit.appendedAtOffset !== undefined) settled.push({ topic, partition });
    });
    for (const { topic, partition } of settled) {
      const { value, appendedAtOffset } = mustBePresent(transaction.commits.get(topic, partition), 'pending commit');
      transaction.commits.delete(topic, partition);
      if (outcome === 'commit' && appendedAtOffset !== undefined)
        this.put(topic, partition, { value, appendedAtOffset });
    }
    if (transaction.commits.size === 0) this.#transactions.delete(producerId);
    else transaction.outcome = outcome;
  }
}

function isExpired(value: OffsetAndMetadata, nowMs: number, retentionMs: number, baseMs: number | undefined): boolean {
  if (value.expireTimestampMs !== -1) return nowMs >= value.expireTimestampMs;
  return nowMs - (baseMs ?? value.commitTimestampMs) >= retentionMs;
}

function forEachPartition(
  offsets: OffsetsByPartition,
  visit: (value: OffsetAndMetadata, topic: string, partition: number) => void,
): void {
  for (const [topic, partitions] of offsets) {
    for (const [partition, value] of partitions) visit(value, topic, partition);
  }
}
