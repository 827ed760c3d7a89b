// The ports to a log over an array of batches per partition: appends get offsets, loads read them back. Appends can be made to fail or to wait.

import { type ErrorCode, Errors, type TopicPartition, topicPartitionKey } from '@ottla/base';
import { batchesIn, type RecordBatch } from '@ottla/records';
import type { PartitionAppender, PartitionAppendResult, PartitionLoader } from '../../partition-ports.ts';

export class InMemoryPartitions implements PartitionAppender, PartitionLoader {
  readonly #batches = new Map<string, RecordBatch[]>();
  /** What appends answer with; unless NONE nothing is appended. */
  errorCode: ErrorCode = Errors.NONE;
  /** Appends are in the log at once but their promises wait for `release`. */
  holds = false;
  /** Loads fail with this. */
  loadError: Error | undefined = undefined;
  #held: (() => void)[] = [];

  append(tp: TopicPartition, records: Buffer): Promise<PartitionAppendResult> {
    if (this.errorCode !== Errors.NONE) return Promise.resolve({ errorCode: this.errorCode, baseOffset: -1 });
    const result = { errorCode: Errors.NONE, baseOffset: this.#store(tp, records) };
    if (!this.holds) return Promise.resolve(result);
    return new Promise((resolve) => {
      this.#held.push(() => resolve(result));
    });
  }

  /** Lets the appends that wait succeed, the first ones first or the last ones first. */
  release(order: 'inOrder' | 'reversed' = 'inOrder'): void {
    const held = this.#held;
    this.#held = [];
    if (order === 'reversed') held.reverse();
    for (const resolve of held) resolve();
  }

  load(tp: TopicPartition, onBatch: (batch: RecordBatch) => void): Promise<{ endOffset: number }> {
    if (this.loadError !== undefined) return Promise.reject(this.loadError);
    for (const batch of this.batches(tp)) onBatch(batch);
    return Promise.resolve({ endOffset: this.#endOffset(tp) });
  }

  batches(tp: TopicPartition): readonly RecordBatch[] {
    return this.#batches.get(topicPartitionKey(tp)) ?? [];
  }

  #store(tp: TopicPartition, records: Buffer): number {
    const baseOffset = this.#endOffset(tp);
    const stored = [...this.batches(tp)];
    for (const batch of batchesIn(records)) {
      batch.setLastOffset((stored.at(-1)?.nextOffset ?? 0) + batch.lastOffsetDelta);
      stored.push(batch);
    }
    this.#batches.set(topicPartitionKey(tp), stored);
    return baseOffset;
  }

  #endOffset(tp: TopicPartition): number {
    return this.batches(tp).at(-1)?.nextOffset ?? 0;
  }
}
