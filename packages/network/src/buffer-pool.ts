// Buffers that are used again and again, so that a stream of large frames leaves nothing to the garbage collector: memory outside the
// heap is dear to allocate and, worse, makes the collector run over the whole heap every few hundred requests.

const SMALLEST_EXPONENT = 12;
/** Bytes that lie unused at most; what comes back beyond that is left to the garbage collector. */
const SPARE_BYTES_MAX = 8 * 1024 * 1024;

export class BufferPool {
  /** Spare buffers of 2^12, 2^13 … bytes. */
  readonly #spares: Buffer[][] = [];
  #spareBytes = 0;

  /** A buffer of at least `byteCount` bytes, at most twice that or 4 KiB, whichever is more. Its content is anything. */
  take(byteCount: number): Buffer {
    const exponent = exponentOf(byteCount);
    const spare = this.#spares[exponent]?.pop();
    if (spare === undefined) return Buffer.allocUnsafeSlow(2 ** exponent);
    this.#spareBytes -= spare.length;
    return spare;
  }

  /** Takes back what `take` gave. Nobody may look at it any more. */
  giveBack(buffer: Buffer): void {
    if (this.#spareBytes + buffer.length > SPARE_BYTES_MAX) return;
    const exponent = exponentOf(buffer.length);
    const spares = this.#spares[exponent];
    if (spares === undefined) this.#spares[exponent] = [buffer];
    else spares.push(buffer);
    this.#spareBytes += buffer.length;
  }
}

/** Of the smallest power of two that holds `byteCount`. */
function exponentOf(byteCount: number): number {
  return byteCount <= 2 ** SMALLEST_EXPONENT ? SMALLEST_EXPONENT : 32 - Math.clz32(byteCount - 1);
}
