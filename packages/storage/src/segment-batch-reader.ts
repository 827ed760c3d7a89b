// Walks the batches of a segment file through a window in memory: whole batches where their records or checksums are wanted,
// or only the headers, for offsets and timestamps. Source: Kafka's FileLogInputStream (3.9).

import { CorruptRecordError, RecordBatch } from '@ottla/records';
import type { SegmentFile } from './segment-file.ts';

const LOG_OVERHEAD = 12;
const HEADER_SIZE_UP_TO_MAGIC = 17;
/** The size field of the smallest message there is (format 0, empty). */
const SIZE_FIELD_MIN = 14;
const HEADER_SIZE_MAX = 61;
export const HEADER_WINDOW_BYTES = 4096;
const BATCH_WINDOW_BYTES = 256 * 1024;

export interface BatchReaderOptions {
  /** Byte of the file to start at: a batch must begin there. */
  readonly start: number;
  /** Byte of the file to stop before; default its size. A batch that reaches beyond is not returned. */
  readonly end?: number;
  /** 'headers': only the header's fields of a batch may be asked for; its records and checksum are not there. */
  readonly what: 'headers' | 'batches';
  /** To read into, HEADER_WINDOW_BYTES long, from a caller who looks up offsets so often that a new one for each would be felt. */
  readonly window?: Buffer;
}

/** Any file of batches. */
export type BatchFile = Pick<SegmentFile, 'path' | 'sizeInBytes' | 'readSync'>;

export class SegmentBatchReader {
  /** Of the batch returned last. */
  batchPosition: number;
  /** Of the first byte behind it. */
  nextPosition: number;
  readonly #file: BatchFile;
  readonly #end: number;
  readonly #onlyHeaders: boolean;
  #window: Buffer;
  #windowPosition = 0;
  #windowLength = 0;

  constructor(file: BatchFile, options: BatchReaderOptions) {
    this.#file = file;
    this.batchPosition = options.start;
    this.nextPosition = options.start;
    this.#end = Math.min(options.end ?? file.sizeInBytes, file.sizeInBytes);
    this.#onlyHeaders = options.what === 'headers';
    if (options.window !== undefined) {
      this.#window = options.window;
      return;
    }
    const windowBytes = this.#onlyHeaders ? HEADER_WINDOW_BYTES : BATCH_WINDOW_BYTES;
    this.#window = Buffer.alloc(Math.max(HEADER_SIZE_MAX, Math.min(windowBytes, this.#end - options.start)));
  }

  /** The next batch; undefined at the end, or when the last one is not whole. It is a view: the next call may overwrite it.
   *  @throws CorruptRecordError when size or format cannot be a batch's. `nextPosition` then stands where it starts */
  next(): RecordBatch | undefined {
    const position = this.nextPosition;
    if (position + HEADER_SIZE_UP_TO_MAGIC > this.#end) return undefined;
    let at = this.#ensure(position, Math.min(HEADER_SIZE_MAX, this.#end - position));
    if (at < 0) return undefined;
    const sizeField = this.#window.readInt32BE(at + 8);
    const magic = this.#window.readInt8(at + 16);
    if (sizeField < SIZE_FIELD_MIN || (magic === 2 && sizeField < HEADER_SIZE_MAX - LOG_OVERHEAD)) {
      throw new CorruptRecordError(`${this.#file.path}: found record size ${sizeField}, smaller than any`, position);
    }
    if (magic !== 0 && magic !== 1 && magic !== 2) {
      throw new CorruptRecordError(`${this.#file.path}: found magic ${magic}`, position);
    }
    const sizeInBytes = sizeField + LOG_OVERHEAD;
    if (position + sizeInBytes > this.#end) return undefined;
    if (!this.#onlyHeaders) at = this.#ensure(position, sizeInBytes);
    if (at < 0) return undefined;
    this.batchPosition = position;
    this.nextPosition = position + sizeInBytes;
    return new RecordBatch(this.#window, at, sizeInBytes, magic);
  }

  /** Brings `length` bytes from `position` into the window. @returns where in it they are; −1 when the file ended before */
  #ensure(position: number, length: number): number {
    const at = position - this.#windowPosition;
    if (at >= 0 && at + length <= this.#windowLength) return at;
    this.#moveTo(position, length);
    const wanted = Math.min(this.#window.length, this.#end - position);
    while (this.#windowLength < wanted) {
      const count = this.#file.readSync(
        this.#window,
        this.#windowLength,
        wanted - this.#windowLength,
        position + this.#windowLength,
      );
      if (count === 0) break;
      this.#windowLength += count;
    }
    return this.#windowLength >= length ? 0 : -1;
  }

  /** Makes the window begin at `position` and large enough for `length` bytes. What it holds from there on it keeps: nothing is read twice. */
  #moveTo(position: number, length: number): void {
    const former = this.#window;
    const from = position - this.#windowPosition;
    const isWithin = from >= 0 && from < this.#windowLength;
    if (length > former.length) this.#window = Buffer.alloc(length);
    if (isWithin) former.copy(this.#window, 0, from, this.#windowLength);
    this.#windowLength = isWithin ? this.#windowLength - from : 0;
    this.#windowPosition = position;
  }
}
