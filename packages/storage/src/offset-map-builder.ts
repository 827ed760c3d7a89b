// The first walk of a pass: the last offset of every key in the dirty part. Source: Kafka's Cleaner.buildOffsetMap (3.9).

import type { FileSystem } from '@ottla/base';
import type { RecordBatch } from '@ottla/records';
import { CleanedTransactionMetadata } from './cleaned-transaction-metadata.ts';
import type { CleaningWork, SegmentToClean } from './cleaning-work.ts';
import { OffsetMap } from './offset-map.ts';
import type { SliceMeter } from './slice-meter.ts';
import { SourceBatches } from './source-batches.ts';

interface Walk {
  readonly work: CleaningWork;
  readonly map: OffsetMap;
  readonly transactions: CleanedTransactionMetadata;
  readonly fileSystem: FileSystem;
  readonly meter: SliceMeter;
  bytesRead: number;
}

/** The map ends where the dirty part does, or where it is full: the rest stays dirty. @throws StorageError, CorruptRecordError */
export async function buildOffsetMap(
  work: CleaningWork,
  ports: { fileSystem: FileSystem; meter: SliceMeter },
): Promise<{ map: OffsetMap; bytesRead: number }> {
  const { firstDirtyOffset, firstUncleanableOffset, dedupeBufferSize, dedupeBufferLoadFactor } = work;
  const needed = OffsetMap.bytesFor(firstUncleanableOffset - firstDirtyOffset, dedupeBufferLoadFactor);
  const map = new OffsetMap(Math.min(needed, dedupeBufferSize), dedupeBufferLoadFactor);
  map.updateLatestOffset(firstDirtyOffset - 1);
  const transactions = new CleanedTransactionMetadata();
  transactions.addAbortedTransactions(work.abortedTransactions);
  const walk = { work, map, transactions, ...ports, bytesRead: 0 };
  for (const segment of work.segments) {
    if (segment.endOffset <= firstDirtyOffset) continue;
    if (!(await mapSegment(segment, walk))) break;
    // Offsets that compaction left unused belong to the segment all the same.
    map.updateLatestOffset(Math.max(map.latestOffset, segment.endOffset - 1));
  }
  return { map, bytesRead: walk.bytesRead };
}

/** @returns false when the map is full */
async function mapSegment(segment: SegmentToClean, walk: Walk): Promise<boolean> {
  const { work, map, transactions, meter, fileSystem } = walk;
  const position = segment.baseOffset <= work.firstDirtyOffset ? work.firstDirtyPosition : 0;
  const source = new SourceBatches(fileSystem, segment, { directory: work.directory, position });
  try {
    for (let batch = source.next(); batch !== undefined; batch = source.next()) {
      if (batch.isControlBatch) transactions.onControlBatchRead(batch);
      else if (!transactions.onBatchRead(batch) && !mapBatch(batch, work.firstDirtyOffset, map)) return false;
      map.updateLatestOffset(batch.lastOffset);
      walk.bytesRead += batch.sizeInBytes;
      if (meter.isDue(batch.sizeInBytes)) await meter.endSlice();
    }
    return true;
  } finally {
    source.close();
  }
}

/** @returns false when the map is full before the batch's end: the map then ends with the last record that fitted */
function mapBatch(batch: RecordBatch, firstDirtyOffset: number, map: OffsetMap): boolean {
  for (const record of batch.records()) {
    if (record.key === null || record.offset < firstDirtyOffset) continue;
    if (map.isFull && map.get(record.key) === -1) return false;
    map.put(record.key, record.offset);
  }
  return true;
}
