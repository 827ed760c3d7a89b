// The timestamps of one segment: the largest so far, what the time index says of it, and where the records from some time on begin.
// Source: Kafka's LogSegment.{maxTimestampAndOffsetSoFar, findOffsetByTimestamp} (3.9).

import { SegmentBatchReader } from './segment-batch-reader.ts';
import type { SegmentFile } from './segment-file.ts';
import { lookupWindow, type SegmentLookup } from './segment-lookup.ts';
import { NO_TIMESTAMP, type TimeIndex, type TimestampOffset } from './time-index.ts';

/** A record found by its time. */
export interface TimestampedRecord {
  readonly timestamp: number;
  readonly offset: number;
  readonly leaderEpoch: number | undefined;
}

/** What is asked of the segment. */
interface TimestampedSegment {
  readonly log: SegmentFile;
  readonly timeIndex: TimeIndex;
  readonly baseOffset: number;
  releaseIndexes(): void;
}

export class SegmentTimestamps {
  readonly #segment: TimestampedSegment;
  readonly #lookup: SegmentLookup;
  /** Undefined: not looked up yet. */
  #max: TimestampOffset | undefined;

  constructor(segment: TimestampedSegment, lookup: SegmentLookup) {
    this.#segment = segment;
    this.#lookup = lookup;
  }

  /** The largest timestamp, NO_TIMESTAMP when no record has one, and the last offset of its batch. */
  get max(): TimestampOffset {
    this.#max ??= this.#lookUpMax();
    return this.#max;
  }

  get isMaxKnown(): boolean {
    return this.#max !== undefined;
  }

  /** A batch was added. @param offset its last one */
  onAppended(timestamp: number, offset: number): void {
    if (timestamp > this.max.timestamp) this.#max = { timestamp, offset };
  }

  /** Nothing is in the segment. */
  reset(): void {
    this.#max = { timestamp: NO_TIMESTAMP, offset: this.#segment.baseOffset };
  }

  /** Batches were taken away. */
  rescan(): void {
    this.#max = this.#scanMax();
  }

  /** Notes the largest one in the index, unless it is full. */
  maybeAppendToIndex(): void {
    this.#segment.timeIndex.maybeAppend(this.max.timestamp, this.max.offset);
  }

  /** The last entry of the index is the largest timestamp afterwards. @throws NoSpaceError when it waits in memory */
  closeIndex(): void {
    this.#segment.timeIndex.maybeAppend(this.max.timestamp, this.max.offset, true);
    this.#segment.timeIndex.writePending();
  }

  /** Whether the batch that holds the entry's offset has its timestamp: nothing else would put it in the index. */
  isTrue(entry: TimestampOffset): boolean {
    return entry.timestamp === NO_TIMESTAMP || this.#lookup.headerOf(entry.offset)?.maxTimestamp === entry.timestamp;
  }

  /** The first record at or after `startingOffset` whose timestamp is at least `timestamp`. */
  findOffsetByTimestamp(timestamp: number, startingOffset: number): TimestampedRecord | undefined {
    const indexed = this.#segment.timeIndex.lookup(timestamp);
    const from = Math.max(this.isTrue(indexed) ? indexed.offset : 0, startingOffset);
    const start = this.#lookup.translateOffset(from)?.position;
    if (start === undefined) return undefined;
    const headers = new SegmentBatchReader(this.#segment.log, { start, what: 'headers' });
    for (let header = headers.next(); header !== undefined; header = headers.next()) {
      if (header.maxTimestamp < timestamp || header.lastOffset < startingOffset) continue;
      const range = { start: headers.batchPosition, end: headers.nextPosition };
      const found = this.#findRecord(range, timestamp, startingOffset);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #findRecord(
    batchRange: { start: number; end: number },
    timestamp: number,
    startingOffset: number,
  ): TimestampedRecord | undefined {
    const batch = new SegmentBatchReader(this.#segment.log, { ...batchRange, what: 'batches' }).next();
    if (batch === undefined) return undefined;
    for (const record of batch.records()) {
      if (record.timestamp < timestamp || record.offset < startingOffset) continue;
      const leaderEpoch = batch.partitionLeaderEpoch < 0 ? undefined : batch.partitionLeaderEpoch;
      return { timestamp: record.timestamp, offset: record.offset, leaderEpoch };
    }
    return undefined;
  }

  /** Retention asks every segment once: those that nobody reads shall go on costing neither memory nor open files. */
  #lookUpMax(): TimestampOffset {
    const { log } = this.#segment;
    const wasOpen = log.isOpen;
    const max = this.#scanMax();
    this.#segment.releaseIndexes();
    if (!wasOpen) log.close();
    return max;
  }

  /** From the last time index entry on, where it is true; what it says holds for the batches before it. */
  #scanMax(): TimestampOffset {
    const { lastEntry } = this.#segment.timeIndex;
    const isTrue = this.isTrue(lastEntry);
    // An index that ends with a lie is good for nothing. Without entries it is only slow.
    if (!isTrue) this.#segment.timeIndex.reset();
    let { timestamp, offset } = isTrue ? lastEntry : { timestamp: NO_TIMESTAMP, offset: this.#segment.baseOffset };
    const start = isTrue ? (this.#lookup.translateOffset(offset)?.position ?? 0) : 0;
    const reader = new SegmentBatchReader(this.#segment.log, { start, what: 'headers', window: lookupWindow });
    for (let batch = reader.next(); batch !== undefined; batch = reader.next()) {
      if (batch.maxTimestamp > timestamp) [timestamp, offset] = [batch.maxTimestamp, batch.lastOffset];
    }
    return { timestamp, offset };
  }
}
