// Which records of a batch survive a pass. Source: Kafka's Cleaner.cleanInto, shouldRetainRecord (3.9).

import type { KafkaRecord, RecordBatch } from '@ottla/records';
import { filterBatch } from './batch-filter.ts';
import type { CleanedTransactionMetadata } from './cleaned-transaction-metadata.ts';
import type { CleaningWork, ProducerToKeep } from './cleaning-work.ts';
import type { OffsetMap } from './offset-map.ts';

export interface CleaningPass {
  readonly work: CleaningWork;
  readonly map: OffsetMap;
  readonly transactions: CleanedTransactionMetadata;
  readonly producers: ReadonlyMap<number, ProducerToKeep>;
  /** The batch that ends here stays at least empty, so that the log's end does not move. */
  readonly endOffset: number;
}

/** What stays of one batch; undefined: nothing. */
export function cleanBatch(batch: RecordBatch, pass: CleaningPass, retainsLegacyDeletes: boolean): Buffer | undefined {
  const { transactions, map } = pass;
  const { nowMs, config } = pass.work;
  const canDiscard = batch.isControlBatch ? transactions.onControlBatchRead(batch) : transactions.onBatchRead(batch);
  const horizonMs = batch.deleteHorizonMs;
  // A marker stays for delete.retention.ms after the last record of its transaction, as tombstones do.
  const discardsRecords = batch.isControlBatch
    ? canDiscard && horizonMs !== undefined && horizonMs <= nowMs
    : canDiscard;
  const retainsDeletes = batch.magic === 2 ? horizonMs === undefined || nowMs < horizonMs : retainsLegacyDeletes;
  const isLast = isLastOfProducer(batch, pass) || batch.nextOffset === pass.endOffset;
  return filterBatch(batch, {
    nowMs,
    deleteRetentionMs: config.deleteRetentionMs,
    retention: isLast ? 'retainEmpty' : 'delete',
    isMarkerOfEmptyTransaction: canDiscard && batch.isControlBatch,
    shouldRetain: (record: KafkaRecord): boolean => {
      if (discardsRecords) return false;
      if (batch.isControlBatch || record.offset > map.latestOffset) return true;
      if (record.key === null) return false;
      return record.offset >= map.get(record.key) && (record.value !== null || retainsDeletes);
    },
  });
}

/** Without this batch the producer's last sequence, or epoch, would be forgotten by the next recovery. */
function isLastOfProducer(batch: RecordBatch, { producers }: CleaningPass): boolean {
  if (!batch.hasProducerId) return false;
  const last = producers.get(batch.producerId);
  if (last === undefined) return false;
  if (last.lastDataOffset === -1) return batch.isControlBatch && batch.producerEpoch === last.producerEpoch;
  return batch.lastOffset === last.lastDataOffset;
}
