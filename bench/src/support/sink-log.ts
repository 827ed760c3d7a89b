// A partition of the bare sink: batches in a file, and every few KiB where one of them lies.

import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { mustBePresent } from '@ottla/base';
import { crc32c, LOG_OVERHEAD, RECORD_BATCH_OVERHEAD } from '@ottla/records';

const INDEX_INTERVAL_BYTES = 4096;
const CRC_POSITION = 17;
const CRC_COVERS_FROM = 21;
const LAST_OFFSET_DELTA_POSITION = 23;
const RECORD_COUNT_POSITION = 57;

/** Bytes of the file. */
export interface Slice {
  readonly position: number;
  readonly length: number;
}

export class SinkLog {
  endOffset = 0;
  #sizeInBytes = 0;
  readonly #path: string;
  readonly #file: number;
  readonly #indexedOffsets: number[] = [0];
  readonly #indexedPositions: number[] = [0];

  constructor(path: string) {
    this.#path = path;
    this.#file = openSync(path, 'w+');
  }

  /** Appends the batch at `request[start, start + size)`. @returns the offset of its first record */
  append(request: Buffer, start: number, size: number): number {
    if (crc32c(request, start + CRC_COVERS_FROM, start + size) !== request.readUInt32BE(start + CRC_POSITION)) {
      throw new Error('the batch is damaged');
    }
    const offset = this.endOffset;
    request.writeBigInt64BE(BigInt(offset), start);
    writeSync(this.#file, request, start, size, this.#sizeInBytes);
    if (this.#sizeInBytes - (this.#indexedPositions.at(-1) ?? 0) >= INDEX_INTERVAL_BYTES) {
      this.#indexedOffsets.push(offset);
      this.#indexedPositions.push(this.#sizeInBytes);
    }
    this.endOffset += request.readInt32BE(start + RECORD_COUNT_POSITION);
    this.#sizeInBytes += size;
    return offset;
  }

  /** Where the bytes from the batch with `offset` on are, `bytesMax` of them at most. */
  slice(offset: number, bytesMax: number): Slice {
    const position = offset >= this.endOffset ? this.#sizeInBytes : this.#positionOf(offset);
    return { position, length: Math.min(bytesMax, this.#sizeInBytes - position) };
  }

  read(target: Buffer, at: number, { position, length }: Slice): void {
    readSync(this.#file, target, at, length, position);
  }

  delete(): void {
    closeSync(this.#file);
    rmSync(this.#path);
  }

  #positionOf(offset: number): number {
    const header = Buffer.alloc(RECORD_BATCH_OVERHEAD);
    let position = mustBePresent(this.#indexedPositions[this.#entryBefore(offset)], 'an entry of the index');
    for (;;) {
      readSync(this.#file, header, 0, RECORD_BATCH_OVERHEAD, position);
      const lastOffset = Number(header.readBigInt64BE(0)) + header.readInt32BE(LAST_OFFSET_DELTA_POSITION);
      if (lastOffset >= offset) return position;
      position += LOG_OVERHEAD + header.readInt32BE(8);
    }
  }

  /** The last entry with an offset that is not larger. */
  #entryBefore(offset: number): number {
    let low = 0;
    let high = this.#indexedOffsets.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#indexedOffsets[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
