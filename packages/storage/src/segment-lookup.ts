// Where offsets stand in one segment: from the appends just made, from the offset index, and by walking over batches. The index is only
// believed where the segment bears it out: a disk may have damaged it. Source: Kafka's LogSegment.translateOffset (3.9).

import { CorruptRecordError, type RecordBatch } from '@ottla/records';
import type { OffsetIndex, OffsetPosition } from './offset-index.ts';
import { RecentAppends } from './recent-appends.ts';
import { HEADER_WINDOW_BYTES, SegmentBatchReader } from './segment-batch-reader.ts';
import type { SegmentFile } from './segment-file.ts';

export interface SegmentPosition {
  /** Of the batch. */
  readonly position: number;
  /** Size of the batch. */
  readonly sizeInBytes: number;
}

/** Of every segment: a lookup is over before the next one begins. */
export const lookupWindow = Buffer.alloc(HEADER_WINDOW_BYTES);

export class SegmentLookup {
  readonly #log: SegmentFile;
  readonly #offsetIndex: OffsetIndex;
  readonly #baseOffset: number;
  #recentAppends: RecentAppends | undefined;

  constructor(segment: { log: SegmentFile; offsetIndex: OffsetIndex; baseOffset: number }) {
    this.#log = segment.log;
    this.#offsetIndex = segment.offsetIndex;
    this.#baseOffset = segment.baseOffset;
  }

  onAppended(firstOffset: number, position: number, firstBatchSize: number): void {
    this.#recentAppends ??= new RecentAppends();
    this.#recentAppends.add(firstOffset, position, firstBatchSize);
  }

  /** Batches were taken away, or nothing more comes: consumers at the log's end ask elsewhere. */
  forgetRecentAppends(): void {
    this.#recentAppends = undefined;
  }

  /** The first batch whose last offset is at or above `offset`. @returns undefined when all are below
   *  @param from a batch's position known to be at or before it
   *  @throws CorruptRecordError when what lies before it is no row of whole batches: it must not be skipped in silence */
  translateOffset(offset: number, from = 0): SegmentPosition | undefined {
    const recent = this.#recentAppends?.find(offset);
    if (recent !== undefined) return recent;
    const start = this.#offsetIndex.lookupPosition(offset);
    // The index may be damaged: what it says is only believed where a batch begins that is not behind `offset`.
    if (start <= from || !this.#mayBeginAt(start, offset)) return this.#scanFor(offset, from);
    try {
      return this.#scanFor(offset, start);
    } catch (error) {
      if (!(error instanceof CorruptRecordError)) throw error;
      return this.#scanFor(offset, from);
    }
  }

  /** The header of the batch that holds `offset`, which may be nonsense. */
  headerOf(offset: number): RecordBatch | undefined {
    try {
      const found = this.translateOffset(offset);
      return found === undefined ? undefined : this.#headerAt(found.position);
    } catch (error) {
      if (!(error instanceof CorruptRecordError)) throw error;
      return undefined;
    }
  }

  /** An offset that `sizeInBytes` read from `from` do not reach; undefined when the index ends before, or is damaged there. */
  fetchUpperBoundOffset(from: OffsetPosition, sizeInBytes: number): number | undefined {
    const entry = this.#offsetIndex.fetchUpperBoundOffset(from, sizeInBytes);
    return entry !== undefined && this.#mayBeginAt(entry.position, entry.offset) ? entry.offset : undefined;
  }

  /** One above the last offset; the base offset when nothing is there. Source: LogSegment.readNextOffset. */
  readNextOffset(): number {
    const found = this.nextOffsetIfWhole();
    if (found !== undefined) return found;
    // The index lies, or the file ends with something else than a batch: that does not count.
    const reader = new SegmentBatchReader(this.#log, { start: 0, what: 'headers' });
    let nextOffset = this.#baseOffset;
    for (let batch = reader.next(); batch !== undefined; batch = reader.next()) nextOffset = batch.nextOffset;
    return nextOffset;
  }

  /** The same, read from the last indexed batch on. @returns undefined when no row of ascending whole batches fills the rest */
  nextOffsetIfWhole(): number | undefined {
    const { position } = this.#offsetIndex.lookup(this.#offsetIndex.lastOffset);
    let nextOffset = this.#baseOffset;
    const reader = new SegmentBatchReader(this.#log, { start: position, what: 'headers', window: lookupWindow });
    try {
      for (let batch = reader.next(); batch !== undefined; batch = reader.next()) {
        if (batch.lastOffset < nextOffset) return undefined;
        nextOffset = batch.nextOffset;
      }
    } catch (error) {
      if (!(error instanceof CorruptRecordError)) throw error;
      return undefined;
    }
    return reader.nextPosition === this.#log.sizeInBytes ? nextOffset : undefined;
  }

  #scanFor(offset: number, start: number): SegmentPosition | undefined {
    const reader = new SegmentBatchReader(this.#log, { start, what: 'headers', window: lookupWindow });
    let before = -1;
    for (let batch = reader.next(); batch !== undefined; batch = reader.next()) {
      if (batch.lastOffset >= offset) {
        const isBehindGap = batch.magic === 2 && batch.baseOffset > offset;
        if (isBehindGap && before >= 0) this.#ensureValidAt(before);
        return { position: reader.batchPosition, sizeInBytes: batch.sizeInBytes };
      }
      before = reader.batchPosition;
    }
    if (reader.nextPosition === this.#log.sizeInBytes) return undefined;
    throw new CorruptRecordError(`${this.#log.path}: a batch reaches beyond the end of the file`, reader.nextPosition);
  }

  /** Compaction leaves gaps, a batch whose header is damaged seems to: the one before a gap must be what it says.
   *  @throws CorruptRecordError */
  #ensureValidAt(position: number): void {
    const batch = new SegmentBatchReader(this.#log, { start: position, what: 'batches' }).next();
    if (batch !== undefined) batch.ensureValid();
  }

  /** Whether a batch seems to begin at `position` whose first offset is not above `offset`. */
  #mayBeginAt(position: number, offset: number): boolean {
    const batch = this.#headerAt(position);
    if (batch === undefined) return false;
    const firstOffset = batch.magic === 2 ? batch.baseOffset : batch.lastOffset;
    return firstOffset >= this.#baseOffset && firstOffset <= offset;
  }

  #headerAt(position: number): RecordBatch | undefined {
    if (position < 0 || position >= this.#log.sizeInBytes) return undefined;
    try {
      return new SegmentBatchReader(this.#log, { start: position, what: 'headers', window: lookupWindow }).next();
    } catch (error) {
      if (!(error instanceof CorruptRecordError)) throw error;
      return undefined;
    }
  }
}
