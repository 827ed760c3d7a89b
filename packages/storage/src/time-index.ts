// `.timeindex`: timestamp → offset. Entry (T, offset): no record before or at `offset` has a timestamp above T.
//
//   entry: | timestamp int64 | relative offset int32 |
//
// Source: Kafka's TimeIndex (3.9).

import { type FileSystem, failAssertion } from '@ottla/base';
import { AbstractIndex, CorruptIndexError } from './abstract-index.ts';

const ENTRY_SIZE = 12;
/** A record without a timestamp (format 0), and the largest timestamp of a segment that has none. */
export const NO_TIMESTAMP = -1;

export interface TimestampOffset {
  readonly timestamp: number;
  readonly offset: number;
}

export class TimeIndex extends AbstractIndex {
  // Functions of the class, not of each index: there are as many indexes as segments.
  static readonly #timestamp = (index: TimeIndex, entry: number): number =>
    index.readInt32(entry, 0) * 2 ** 32 + index.readUInt32(entry, 4);
  static readonly #relativeOffset = (index: TimeIndex, entry: number): number => index.readUInt32(entry, 8);
  #last: TimestampOffset | undefined;

  constructor(fileSystem: FileSystem, options: { path: string; baseOffset: number; indexBytesMax: number }) {
    super(fileSystem, { ...options, entrySize: ENTRY_SIZE });
  }

  /** (NO_TIMESTAMP, baseOffset) when there is no entry. */
  get lastEntry(): TimestampOffset {
    this.#last ??= this.#readLastEntry();
    return this.#last;
  }

  /** One place is kept for the entry that closes the segment. */
  override get isFull(): boolean {
    return this.entryCount >= this.entriesMax - 1;
  }

  /** Does nothing unless `timestamp` is above the last one.
   *  @param skipFullCheck for the entry that closes the segment */
  maybeAppend(timestamp: number, offset: number, skipFullCheck = false): void {
    const last = this.lastEntry;
    if (!skipFullCheck && this.isFull) failAssertion(`${this.path} is full (${this.entryCount} entries)`);
    if (this.entryCount > 0 && offset < last.offset) {
      failAssertion(`offset ${offset} is below the last one of ${this.path}, ${last.offset}`);
    }
    if (timestamp <= last.timestamp || this.entryCount >= this.entriesMax) return;
    const { bytes, position } = this.nextEntry();
    bytes.writeInt32BE(Math.floor(timestamp / 2 ** 32), position);
    bytes.writeUInt32BE(timestamp >>> 0, position + 4);
    bytes.writeUInt32BE(offset - this.baseOffset, position + 8);
    this.#last = { timestamp, offset };
  }

  /** The last entry whose timestamp is at or below `targetTimestamp`; (NO_TIMESTAMP, baseOffset) when there is none.
   *  Source: Kafka's TimeIndex.lookup. */
  lookup(targetTimestamp: number): TimestampOffset {
    const entry = this.countAtOrBelow(targetTimestamp, TimeIndex.#timestamp) - 1;
    return entry < 0 ? { timestamp: NO_TIMESTAMP, offset: this.baseOffset } : this.entry(entry);
  }

  entry(entry: number): TimestampOffset {
    return {
      timestamp: TimeIndex.#timestamp(this, entry),
      offset: this.baseOffset + TimeIndex.#relativeOffset(this, entry),
    };
  }

  /** Forgets entries at and above `offset`. */
  truncateTo(offset: number): void {
    this.truncateToEntries(this.countAtOrBelow(offset - 1 - this.baseOffset, TimeIndex.#relativeOffset));
    this.#last = undefined;
  }

  override reset(): void {
    super.reset();
    this.#last = undefined;
  }

  /** @throws CorruptIndexError */
  sanityCheck(): void {
    this.checkSize();
    if (this.entryCount < 2) return;
    const firstTimestamp = TimeIndex.#timestamp(this, 0);
    const { timestamp } = this.lastEntry;
    if (timestamp <= firstTimestamp) {
      throw new CorruptIndexError(
        `${this.path} ends with timestamp ${timestamp}, not above its first, ${firstTimestamp}`,
      );
    }
  }

  #readLastEntry(): TimestampOffset {
    const count = this.entryCount;
    return count === 0 ? { timestamp: NO_TIMESTAMP, offset: this.baseOffset } : this.entry(count - 1);
  }
}
