// What compaction leaves of one batch: all of it as it is, a new batch with some records, an empty one, or nothing.
// Source: Kafka's MemoryRecords.filterTo (3.9); delete horizons: KIP-534.

import { emptyBatch, type KafkaRecord, type RecordBatch, RecordsBuilder } from '@ottla/records';

/** When no record stays: does an empty batch remain, so that its producer's last sequence is known? */
export type BatchRetention = 'delete' | 'retainEmpty';

export interface BatchFilter {
  readonly nowMs: number;
  readonly deleteRetentionMs: number;
  readonly retention: BatchRetention;
  /** The batch is a marker of a transaction of which nothing else is left. */
  readonly isMarkerOfEmptyTransaction: boolean;
  shouldRetain(record: KafkaRecord): boolean;
}

/** @returns the bytes to write, or undefined */
export function filterBatch(batch: RecordBatch, filter: BatchFilter): Buffer | undefined {
  const retained: KafkaRecord[] = [];
  let recordCount = 0;
  let hasTombstone = false;
  for (const record of batch.records()) {
    recordCount++;
    if (!filter.shouldRetain(record)) continue;
    retained.push(record);
    if (record.value === null) hasTombstone = true;
  }
  if (retained.length === 0) return filter.retention === 'retainEmpty' ? emptied(batch) : undefined;
  const needsHorizon =
    batch.magic === 2 && batch.deleteHorizonMs === undefined && (hasTombstone || filter.isMarkerOfEmptyTransaction);
  if (retained.length === recordCount && !needsHorizon) return batch.bytes();
  const horizonMs = needsHorizon ? filter.nowMs + filter.deleteRetentionMs : batch.deleteHorizonMs;
  return rebuilt(batch, retained, horizonMs);
}

function rebuilt(batch: RecordBatch, records: readonly KafkaRecord[], deleteHorizonMs: number | undefined): Buffer {
  const isDefault = batch.magic === 2;
  const builder = new RecordsBuilder({
    magic: batch.magic,
    compressionType: batch.compressionType,
    timestampType: batch.timestampType,
    baseOffset: isDefault ? batch.baseOffset : (records[0]?.offset ?? 0),
    ...(batch.timestampType === 'LogAppendTime' ? { logAppendTime: batch.maxTimestamp } : {}),
    ...(isDefault
      ? {
          producerId: batch.producerId,
          producerEpoch: batch.producerEpoch,
          baseSequence: batch.baseSequence,
          isTransactional: batch.isTransactional,
          isControl: batch.isControlBatch,
          partitionLeaderEpoch: batch.partitionLeaderEpoch,
        }
      : {}),
    ...(deleteHorizonMs === undefined ? {} : { deleteHorizonMs }),
  });
  for (const record of records) builder.appendWithOffset(record.offset, record);
  // The last sequence follows from the last offset: it must not move.
  if (isDefault) builder.overrideLastOffset(batch.lastOffset);
  return builder.build();
}

function emptied(batch: RecordBatch): Buffer | undefined {
  // Formats 0 and 1 know no producers, and no empty batches.
  if (batch.magic !== 2) return undefined;
  return emptyBatch({
    baseOffset: batch.baseOffset,
    lastOffset: batch.lastOffset,
    partitionLeaderEpoch: batch.partitionLeaderEpoch,
    timestampType: batch.timestampType,
    timestamp: batch.maxTimestamp,
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    isTransactional: batch.isTransactional,
    isControl: batch.isControlBatch,
  });
}
