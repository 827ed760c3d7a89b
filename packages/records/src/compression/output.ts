// Where decoders put what they unpack: a buffer that grows as they go, up to a limit, so that a forged size makes no allocation; and
// memory that is lent, for what is looked at once and forgotten. Fresh memory for each of a thousand batches a second costs as much as
// unpacking them: the system hands it out page by page, and the collector hears of each.

import { decompressedTooLarge } from './limits.ts';

/** What is larger gets memory of its own, so that one large batch does not make the process keep as much. */
const LENT_BYTES_MAX = 4 * 1024 * 1024;

let lent = Buffer.alloc(0);

/** Room for `sizeInBytes`. @param isLent it may be given to the next caller as well, once this one is done with it */
export function roomFor(sizeInBytes: number, isLent: boolean): Buffer {
  if (!isLent || sizeInBytes > LENT_BYTES_MAX) return Buffer.allocUnsafe(sizeInBytes);
  if (lent.length < sizeInBytes) lent = Buffer.allocUnsafeSlow(Math.min(2 * sizeInBytes, LENT_BYTES_MAX));
  return lent.subarray(0, sizeInBytes);
}

export class Output {
  /** [0, size) is filled. */
  bytes: Buffer;
  size = 0;
  readonly #maxSizeInBytes: number;

  constructor(expectedSizeInBytes: number, maxSizeInBytes: number, isLent: boolean) {
    this.#maxSizeInBytes = maxSizeInBytes;
    this.bytes = roomFor(Math.min(expectedSizeInBytes, maxSizeInBytes), isLent);
  }

  /** Sees to `count` bytes after `size`. @throws InvalidRecordError when that is beyond the limit */
  makeRoom(count: number): void {
    const needed = this.size + count;
    if (needed <= this.bytes.length) return;
    if (needed > this.#maxSizeInBytes) throw decompressedTooLarge(this.#maxSizeInBytes);
    const larger = Buffer.allocUnsafe(Math.min(Math.max(needed, 2 * this.bytes.length), this.#maxSizeInBytes));
    this.bytes.copy(larger, 0, 0, this.size);
    this.bytes = larger;
  }

  /** @throws InvalidRecordError when that is beyond the limit */
  append(bytes: Buffer): void {
    this.makeRoom(bytes.length);
    this.size += bytes.copy(this.bytes, this.size);
  }

  /** What was written. */
  finish(): Buffer {
    return this.bytes.subarray(0, this.size);
  }
}
