// `.index`: offset → position in the segment, one entry every index.interval.bytes or so.
//
//   entry: | relative offset int32 | position int32 |   (offset of the last record of the append that starts at position)
//
// Source: Kafka's OffsetIndex (3.9).

import { type FileSystem, failAssertion } from '@ottla/base';
import { AbstractIndex, CorruptIndexError } from './abstract-index.ts';

const ENTRY_SIZE = 8;

export interface OffsetPosition {
  readonly offset: number;
  /** Byte in the segment file. */
  readonly position: number;
}

export class OffsetIndex extends AbstractIndex {
  // Functions of the class, not of each index: there are as many indexes as segments.
  static readonly #relativeOffset = (index: OffsetIndex, entry: number): number => index.readUInt32(entry, 0);
  static readonly #position = (index: OffsetIndex, entry: number): number => index.readInt32(entry, 4);
  /** Of the last entry; the base offset when there is none. Undefined: not looked up yet. */
  #lastOffset: number | undefined;

  constructor(fileSystem: FileSystem, options: { path: string; baseOffset: number; indexBytesMax: number }) {
    super(fileSystem, { ...options, entrySize: ENTRY_SIZE });
  }

  get lastOffset(): number {
    this.#lastOffset ??= this.#readLastOffset();
    return this.#lastOffset;
  }

  /** Nothing happens when `offset` does not fit 4 bytes: the segment rolls before that.
   *  @param offset greater than the last one. @param position of the batch in the segment */
  append(offset: number, position: number): void {
    if (this.entryCount > 0 && offset <= this.lastOffset) {
      failAssertion(`offset ${offset} is not above the last one of ${this.path}, ${this.lastOffset}`);
    }
    if (!this.canAppendOffset(offset)) {
      failAssertion(`offset ${offset} is too far from ${this.baseOffset} in ${this.path}`);
    }
    const { bytes, position: at } = this.nextEntry();
    bytes.writeUInt32BE(offset - this.baseOffset, at);
    bytes.writeInt32BE(position, at + 4);
    this.#lastOffset = offset;
  }

  /** Finds the last indexed batch at or before `targetOffset`.
   *  @returns its offset and byte position; (baseOffset, 0) when nothing earlier is indexed
   *  Source: Kafka's OffsetIndex.lookup. */
  lookup(targetOffset: number): OffsetPosition {
    const entry = this.countAtOrBelow(targetOffset - this.baseOffset, OffsetIndex.#relativeOffset) - 1;
    return entry < 0 ? { offset: this.baseOffset, position: 0 } : this.entry(entry);
  }

  /** The position of `lookup` alone. */
  lookupPosition(targetOffset: number): number {
    const entry = this.countAtOrBelow(targetOffset - this.baseOffset, OffsetIndex.#relativeOffset) - 1;
    return entry < 0 ? 0 : OffsetIndex.#position(this, entry);
  }

  /** The first entry whose position is at or above the end of `sizeInBytes` read from `from`: an upper bound for what a fetch
   *  covers. @returns undefined when the index ends before. Source: Kafka's OffsetIndex.fetchUpperBoundOffset. */
  fetchUpperBoundOffset(from: OffsetPosition, sizeInBytes: number): OffsetPosition | undefined {
    const entry = this.countAtOrBelow(from.position + sizeInBytes - 1, OffsetIndex.#position);
    return entry >= this.entryCount ? undefined : this.entry(entry);
  }

  entry(entry: number): OffsetPosition {
    return {
      offset: this.baseOffset + OffsetIndex.#relativeOffset(this, entry),
      position: OffsetIndex.#position(this, entry),
    };
  }

  /** Forgets entries at and above `offset`. */
  truncateTo(offset: number): void {
    this.truncateToEntries(this.countAtOrBelow(offset - 1 - this.baseOffset, OffsetIndex.#relativeOffset));
    this.#lastOffset = undefined;
  }

  override reset(): void {
    super.reset();
    this.#lastOffset = this.baseOffset;
  }

  /** @throws CorruptIndexError */
  sanityCheck(): void {
    this.checkSize();
    if (this.entryCount !== 0 && this.lastOffset <= this.baseOffset) {
      throw new CorruptIndexError(
        `${this.path} ends with offset ${this.lastOffset}, which is not above its base offset ${this.baseOffset}`,
      );
    }
  }

  #readLastOffset(): number {
    return this.entryCount === 0
      ? this.baseOffset
      : this.baseOffset + OffsetIndex.#relativeOffset(this, this.entryCount - 1);
  }
}
