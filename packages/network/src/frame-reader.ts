// Cuts a byte stream into frames: a big-endian int32 size, then that many bytes. What the bytes mean is not known here.
//
//   chunk   | 00 00 00 05 | h e l l o | 00 00 00 | …        a size may be cut anywhere
//
// A frame that lies within one chunk is a view of it: nothing is copied. A frame across chunks is assembled with one copy.
// A view keeps its whole chunk in memory (64 KiB at most from TCP), so whoever keeps bytes of a request longer than the request
// copies them. Source: org.apache.kafka.common.network.NetworkReceive.

/** A size that no frame may have. The stream cannot be read any further: close the connection. */
export class InvalidFrameError extends Error {
  override readonly name = 'InvalidFrameError';
}

const SIZE_BYTES = 4;
/** A frame up to this size gets its buffer when its size is known. A larger one gets more as its bytes arrive, so that a peer
 *  cannot reserve memory by merely announcing bytes. */
const ALLOCATED_AT_ONCE_BYTES = 2 * 1024 * 1024;

export class FrameReader {
  readonly #frameBytesMax: number;
  /** Chunks not yet cut up; the first from `#position` on. */
  #chunks: Buffer[] = [];
  #position = 0;
  #availableBytes = 0;
  /** Size of the frame being read, -1 while the size itself is. */
  #frameSize = -1;
  /** The frame being assembled from several chunks, `#filled` bytes of it; absent while nothing of it had to be copied. */
  #frame: Buffer | undefined;
  #filled = 0;

  /** @param frameBytesMax the largest size accepted, itself included (socket.request.max.bytes) */
  constructor(frameBytesMax: number) {
    this.#frameBytesMax = frameBytesMax;
  }

  /** Bytes that were pushed and belong to no frame that was taken yet. */
  get bufferedBytes(): number {
    return this.#availableBytes + this.#filled;
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#availableBytes += chunk.length;
  }

  /** The next whole frame, without its size; undefined until more bytes come.
   *  @throws InvalidFrameError when a size is negative or too large */
  next(): Buffer | undefined {
    if (this.#frameSize < 0 && !this.#readSize()) return undefined;
    if (this.#frame === undefined) {
      const chunk = this.#chunks[0];
      const size = this.#frameSize;
      if (size === 0 || (chunk !== undefined && chunk.length - this.#position >= size)) {
        const view = size === 0 || chunk === undefined ? Buffer.alloc(0) : this.#view(chunk, size);
        this.#frameSize = -1;
        return view;
      }
      this.#frame = Buffer.allocUnsafeSlow(Math.min(size, ALLOCATED_AT_ONCE_BYTES));
    }
    return this.#assemble(this.#frame);
  }

  #view(chunk: Buffer, size: number): Buffer {
    const view = chunk.subarray(this.#position, this.#position + size);
    this.#advance(chunk, size);
    return view;
  }

  #readSize(): boolean {
    if (this.#availableBytes < SIZE_BYTES) return false;
    let size = 0;
    for (let i = 0; i < SIZE_BYTES; i++) {
      const chunk = this.#chunks[0] as Buffer;
      size = (size << 8) | (chunk[this.#position] as number);
      this.#advance(chunk, 1);
    }
    if (size < 0 || size > this.#frameBytesMax) {
      throw new InvalidFrameError(`frame size ${size} out of range [0, ${this.#frameBytesMax}]`);
    }
    this.#frameSize = size;
    return true;
  }

  #assemble(started: Buffer): Buffer | undefined {
    let frame = started;
    for (let chunk = this.#chunks[0]; chunk !== undefined && this.#filled < this.#frameSize; chunk = this.#chunks[0]) {
      if (this.#filled === frame.length) frame = this.#grow(frame);
      const room = Math.min(frame.length - this.#filled, chunk.length - this.#position);
      chunk.copy(frame, this.#filled, this.#position, this.#position + room);
      this.#filled += room;
      this.#advance(chunk, room);
    }
    if (this.#filled < this.#frameSize) return undefined;
    this.#frame = undefined;
    this.#filled = 0;
    this.#frameSize = -1;
    return frame;
  }

  #grow(frame: Buffer): Buffer {
    const larger = Buffer.allocUnsafeSlow(Math.min(this.#frameSize, frame.length * 2));
    frame.copy(larger, 0, 0, this.#filled);
    this.#frame = larger;
    return larger;
  }

  /** Moves past `count` bytes of the first chunk, and past the chunk when that was all. */
  #advance(chunk: Buffer, count: number): void {
    this.#availableBytes -= count;
    this.#position += count;
    if (this.#position < chunk.length) return;
    this.#chunks.shift();
    this.#position = 0;
  }
}
