// A buffer that block decoders write into: it grows as they go, up to a limit, so that a forged size makes no allocation.

import { decompressedTooLarge } from './limits.ts';

export class Output {
  /** [0, size) is filled. */
  bytes: Buffer;
  size = 0;
  readonly #maxSizeInBytes: number;

  constructor(expectedSizeInBytes: number, maxSizeInBytes: number) {
    this.#maxSizeInBytes = maxSizeInBytes;
    this.bytes = Buffer.allocUnsafe(Math.min(expectedSizeInBytes, maxSizeInBytes));
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

  /** What was written. */
  finish(): Buffer {
    return this.bytes.subarray(0, this.size);
  }
}
