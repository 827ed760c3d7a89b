// The two small doors through which the coordinators reach a log: append to a partition, and read a partition from its start.
// Implemented over the replica manager; in tests, over arrays.

import type { ErrorCode, TopicPartition } from '@ottla/base';
import type { RecordBatch } from '@ottla/records';

export interface PartitionAppendResult {
  readonly errorCode: ErrorCode;
  /** Offset of the first record; −1 when nothing was appended. */
  readonly baseOffset: number;
}

export interface PartitionAppender {
  /** Appends `records` to the leader of `tp` and resolves once the in-sync replicas have them. Never rejects for what Kafka has a code for. */
  append(
    tp: TopicPartition,
    records: Buffer,
    options: { origin: 'coordinator'; requiredAcks: -1; timeoutMs: number },
  ): Promise<PartitionAppendResult>;
}

export interface PartitionLoader {
  /** Hands every batch from the log start to the log end to `onBatch`, in bounded slices that let the event loop go on in between.
   *  @returns the offset after the last batch */
  load(
    tp: TopicPartition,
    onBatch: (batch: RecordBatch) => void,
    options: { from: 'logStart' },
  ): Promise<{ endOffset: number }>;
}
