// Walks over the batches of a segment that may be damaged, up to the first byte that is no valid batch, and builds its indexes on the way.
// Source: Kafka's LogSegment.recover (3.9).

import { CorruptRecordError, InvalidRecordError, type RecordBatch } from '@ottla/records';
import type { LogSegment } from './log-segment.ts';
import { SegmentBatchReader } from './segment-batch-reader.ts';
import type { SegmentTimestamps } from './segment-timestamps.ts';

export interface RecoveredBatches {
  /** Of valid batches from the start of the file. */
  readonly validBytes: number;
  /** Where the last batch begins that is in the offset index; 0: none. */
  readonly lastIndexedPosition: number;
  /** Why they end; undefined: the file does. */
  readonly reason: string | undefined;
}

/** @param segment with empty indexes. @param onBatch sees every valid batch in order */
export function recoverBatches(
  segment: LogSegment,
  options: { timestamps: SegmentTimestamps; indexIntervalBytes: number; onBatch: (batch: RecordBatch) => void },
): RecoveredBatches {
  const { offsetIndex, timeIndex } = segment;
  const reader = new SegmentBatchReader(segment.log, { start: 0, what: 'batches' });
  let nextOffset = segment.baseOffset;
  let lastIndexedPosition = 0;
  let validBytes = 0;
  try {
    for (let batch = reader.next(); batch !== undefined; batch = reader.next()) {
      batch.ensureValid();
      const { lastOffset } = batch;
      if (!follows(batch, nextOffset) || !segment.canHoldOffset(lastOffset)) {
        const reason = `offset ${lastOffset} out of order at position ${reader.batchPosition}`;
        return { validBytes, lastIndexedPosition, reason };
      }
      options.timestamps.onAppended(batch.maxTimestamp, lastOffset);
      if (validBytes - lastIndexedPosition > options.indexIntervalBytes && !offsetIndex.isFull) {
        offsetIndex.append(lastOffset, validBytes);
        if (!timeIndex.isFull) options.timestamps.maybeAppendToIndex();
        lastIndexedPosition = validBytes;
      }
      options.onBatch(batch);
      nextOffset = lastOffset + 1;
      validBytes = reader.nextPosition;
    }
  } catch (error) {
    if (!(error instanceof CorruptRecordError) && !(error instanceof InvalidRecordError)) throw error;
    return { validBytes, lastIndexedPosition, reason: error.message };
  }
  return { validBytes, lastIndexedPosition, reason: undefined };
}

/** Offsets are not covered by the checksum; order and range are all that can be checked.
 *  (A wrapper of formats 0 and 1 would have to be unpacked to know where it begins.) */
function follows(batch: RecordBatch, nextOffset: number): boolean {
  const firstOffset = batch.magic === 2 ? batch.baseOffset : batch.lastOffset;
  return firstOffset >= nextOffset && batch.lastOffset >= firstOffset;
}
