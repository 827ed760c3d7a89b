// `.timeindex`: timestamp → offset. Entry (T, offset): no record before or at `offset` has a timestamp above T.
//
//   entry: | timestamp int64 | relative offset int32 |
//
// Source: Kafka's TimeIndex (3.9).

import { assert, type FileSystem } from '@ottla/base';
import { AbstractIndex, CorruptIndexError } from './abstract-index.ts';

const ENTRY_SIZE = 12;
/** A record without a timestamp (format 0), and the largest timestamp of a segment that has none. */
export const NO_TIMESTAMP = -1;

export interface TimestampOffset {
  readonly timestamp: number;
  readonly offset: number;
}

export class TimeIndex extends AbstractIndex {
  #lastTimestamp = NO_TIMESTAMP;
  #lastOffset: number;
  readonly #timestamp = (entry: number): number => this.readInt32(entry, 0) * 2 ** 32 + this.readUInt32(entry, 4);
  readonly #relativeOffset = (entry: number): number => this.readUInt32(entry, 8);

  constructor(fileSystem: FileSystem, options: { path: string; baseOffset: number; indexBytesMax: number }) {
    super(fileSystem, { ...options, entrySize: ENTRY_SIZE });
    this.#lastOffset = this.baseOffset;
    this.#readLastEntry();
  }

  /** (NO_TIMESTAMP, baseOffset) when there is no entry. */
  get lastEntry(): TimestampOffset {
    return { timestamp: this.#lastTimestamp, offset: this.#lastOffset };
  }

  /** One place is kept for the entry that closes the segment. */
  override get isFull(): boolean {
    return this.entryCount >= this.entriesMax - 1;
  }

  /** Does nothing unless `timestamp` is above the last one.
   *  @param skipFullCheck for the entry that closes the segment */
  maybeAppend(timestamp: number, offset: number, skipFullCheck = false): void {
    assert(skipFullCheck || !this.isFull, `${this.path} is full (${this.entryCount} entries)`);
    assert(
      this.entryCount === 0 || offset >= this.#lastOffset,
      `offset ${offset} is below the last one of ${this.path}, ${this.#lastOffset}`,
    );
    if (timestamp <= this.#lastTimestamp || this.entryCount >= this.entriesMax) return;
    const { bytes, position } = this.nextEntry();
    bytes.writeInt32BE(Math.floor(timestamp / 2 ** 32), position);
    bytes.writeUInt32BE(timestamp >>> 0, position + 4);
    bytes.writeUInt32BE(offset - this.baseOffset, position + 8);
    this.#lastTimestamp = timestamp;
    this.#lastOffset = offset;
  }

  /** The last entry whose timestamp is at or below `targetTimestamp`; (NO_TIMESTAMP, baseOffset) when there is none.
   *  Source: Kafka's TimeIndex.lookup. */
  lookup(targetTimestamp: number): TimestampOffset {
    const entry = this.countAtOrBelow(targetTimestamp, this.#timestamp) - 1;
    return entry < 0 ? { timestamp: NO_TIMESTAMP, offset: this.baseOffset } : this.entry(entry);
  }

  entry(entry: number): TimestampOffset {
    return { timestamp: this.#timestamp(entry), offset: this.baseOffset + this.#relativeOffset(entry) };
  }

  /** Forgets entries at and above `offset`. */
  truncateTo(offset: number): void {
    this.truncateToEntries(this.countAtOrBelow(offset - 1 - this.baseOffset, this.#relativeOffset));
    this.#readLastEntry();
  }

  override reset(): void {
    super.reset();
    this.#readLastEntry();
  }

  /** @throws CorruptIndexError */
  sanityCheck(): void {
    this.checkSize();
    if (this.entryCount === 0) return;
    const firstTimestamp = this.#timestamp(0);
    if (this.entryCount > 1 && this.#lastTimestamp <= firstTimestamp) {
      throw new CorruptIndexError(
        `${this.path} ends with timestamp ${this.#lastTimestamp}, not above its first, ${firstTimestamp}`,
      );
    }
    if (this.#lastOffset < this.baseOffset) {
      throw new CorruptIndexError(`${this.path} ends with offset ${this.#lastOffset}, below ${this.baseOffset}`);
    }
  }

  #readLastEntry(): void {
    const last = this.entryCount === 0 ? undefined : this.entry(this.entryCount - 1);
    this.#lastTimestamp = last?.timestamp ?? NO_TIMESTAMP;
    this.#lastOffset = last?.offset ?? this.baseOffset;
  }
}
