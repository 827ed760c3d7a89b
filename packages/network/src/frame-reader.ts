// Cuts a byte stream into frames: a big-endian int32 size, then that many bytes. What the bytes mean is not known here.
//
//   chunk   | 00 00 00 05 | h e l l o | 00 00 00 | …        a size may be cut anywhere
//
// Chunks are lent to the reader, and frames by it: a frame that lies within one chunk is a view of it, one across chunks is put together in
// a buffer that serves the next such frame afterwards. So reading requests allocates next to nothing, however many come.
// Source: org.apache.kafka.common.network.NetworkReceive.

import { BufferPool } from './buffer-pool.ts';

/** A size that no frame may have. The stream cannot be read any further: close the connection. */
export class InvalidFrameError extends Error {
  override readonly name = 'InvalidFrameError';
}

const SIZE_BYTES = 4;
/** A frame up to this size gets its buffer when its size is known. A larger one gets more as its bytes arrive, so that a peer
 *  cannot reserve memory by merely announcing bytes. */
const ALLOCATED_AT_ONCE_BYTES = 2 * 1024 * 1024;
const NO_BYTES = Buffer.alloc(0);

/** Of all readers: none needs its buffer for longer than one frame takes to arrive. */
const frameBuffers = new BufferPool();

export class FrameReader {
  readonly #frameBytesMax: number;
  /** Bytes not yet cut up: from `#position` on. Lent by whoever pushed them until `keep`. */
  #chunk: Buffer = NO_BYTES;
  #position = 0;
  /** The size's bytes that have come, most significant first, and how many; SIZE_BYTES: the frame itself is being read. */
  #size = 0;
  #sizeBytesRead = 0;
  /** The frame being put together from several chunks, `#filled` bytes of it; undefined while it may still be a view. */
  #frame: Buffer | undefined;
  #filled = 0;
  /** Under the frame that was returned last, if that was put together. */
  #lent: Buffer | undefined;

  /** @param frameBytesMax the largest size accepted, itself included (socket.request.max.bytes) */
  constructor(frameBytesMax: number) {
    this.#frameBytesMax = frameBytesMax;
  }

  /** Bytes that were pushed and belong to no frame that was taken yet. */
  get bufferedBytes(): number {
    return this.#chunk.length - this.#position + this.#filled;
  }

  /** Where the frames lie that are not put together from several chunks. It stays as it is until the next `push` or `keep`. */
  get chunk(): Buffer {
    return this.#chunk;
  }

  /** The chunk must stay as it is until `keep`. */
  push(chunk: Buffer): void {
    const isCutUp = this.#position === this.#chunk.length;
    this.#chunk = isCutUp ? chunk : Buffer.concat([this.#chunk.subarray(this.#position), chunk]);
    this.#position = 0;
  }

  /** The next whole frame, without its size; undefined until more bytes come. Its bytes are there until the next call of anything here.
   *  @throws InvalidFrameError when a size is negative or too large */
  next(): Buffer | undefined {
    this.#takeBack();
    if (this.#sizeBytesRead < SIZE_BYTES && !this.#readSize()) return undefined;
    const size = this.#size;
    if (this.#frame !== undefined) return this.#fill(this.#frame);
    const end = this.#position + size;
    if (end <= this.#chunk.length) {
      const view = this.#chunk.subarray(this.#position, end);
      this.#position = end;
      this.#sizeBytesRead = 0;
      return view;
    }
    return this.#fill(frameBuffers.take(Math.min(size, ALLOCATED_AT_ONCE_BYTES)));
  }

  /** Copies what is left of the chunk, which goes back to whoever pushed it. */
  keep(): void {
    this.#takeBack();
    this.#chunk = this.#position === this.#chunk.length ? NO_BYTES : Buffer.from(this.#chunk.subarray(this.#position));
    this.#position = 0;
  }

  /** The stream has ended. */
  close(): void {
    this.#takeBack();
    this.#lent = this.#frame;
    this.#takeBack();
    this.#frame = undefined;
    this.#chunk = NO_BYTES;
    this.#position = 0;
    this.#filled = 0;
  }

  #readSize(): boolean {
    const chunk = this.#chunk;
    while (this.#sizeBytesRead < SIZE_BYTES) {
      if (this.#position === chunk.length) return false;
      this.#size = (this.#size << 8) | (chunk[this.#position++] as number);
      this.#sizeBytesRead++;
    }
    if (this.#size < 0 || this.#size > this.#frameBytesMax) {
      throw new InvalidFrameError(`frame size ${this.#size} out of range [0, ${this.#frameBytesMax}]`);
    }
    return true;
  }

  /** Moves what there is into the frame. @returns it when it is whole */
  #fill(started: Buffer): Buffer | undefined {
    let frame = started;
    const wanted = Math.min(this.#size - this.#filled, this.#chunk.length - this.#position);
    if (this.#filled + wanted > frame.length) frame = this.#grow(frame, this.#filled + wanted);
    this.#chunk.copy(frame, this.#filled, this.#position, this.#position + wanted);
    this.#position += wanted;
    this.#filled += wanted;
    if (this.#filled < this.#size) {
      this.#frame = frame;
      return undefined;
    }
    this.#frame = undefined;
    this.#filled = 0;
    this.#sizeBytesRead = 0;
    this.#lent = frame;
    return frame.subarray(0, this.#size);
  }

  #grow(frame: Buffer, bytesMin: number): Buffer {
    const larger = frameBuffers.take(Math.max(bytesMin, Math.min(this.#size, frame.length * 2)));
    frame.copy(larger, 0, 0, this.#filled);
    frameBuffers.giveBack(frame);
    return larger;
  }

  #takeBack(): void {
    if (this.#lent === undefined) return;
    frameBuffers.giveBack(this.#lent);
    this.#lent = undefined;
  }
}
