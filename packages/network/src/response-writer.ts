// Puts responses onto a connection: frames them, gathers what is ready in the same turn into one write, and reads byte sources piece by
// piece as the peer takes them, so that a fetch of many megabytes never lies in memory whole. A source that may have to wait for a disk is
// read off the event loop, and only its own connection waits meanwhile.

import { type ByteChunk, type ByteSource, type Connection, Fifo, isByteSource, withOne } from '@ottla/base';

/** Bytes that are read and written in one go: a piece of a source, or several sources. */
const PIECE_BYTES = 256 * 1024;
/** A smaller piece is not worth a read: the next write begins with it. */
const PIECE_BYTES_MIN = 16 * 1024;
/** A source this small is read into a buffer of its own, from Node's pool. */
const SMALL_SOURCE_BYTES = 4 * 1024;
/** Small writes are copied together: one buffer is cheaper to send than many. */
const MERGED_BYTES_MAX = 16 * 1024;
/** After this much the other connections get their turn, however fast this peer reads. */
const TURN_BYTES_MAX = 1024 * 1024;
/** Staging buffers that wait for their next use, in the whole process. */
const SPARE_COUNT_MAX = 8;

const SIZE_BYTES = 4;
const NO_BYTES = Buffer.alloc(0);

const spareBuffers: Buffer[] = [];

export interface ResponseWriterEvents {
  /** Bytes were handed to the connection, or (0) the last of them have left. */
  onProgress(writtenBytes: number): void;
  /** A source could not be read after its response had begun to leave: the stream is broken, the connection must close. */
  onFailure(error: unknown): void;
}

export class ResponseWriter {
  readonly #connection: Connection;
  readonly #events: ResponseWriterEvents;
  readonly #queue = new Fifo<ByteChunk>();
  /** Bytes of the first chunk that were written; only a source is written in parts. */
  #position = 0;
  #queuedBytes = 0;
  /** The kernel's buffer is full: wait for `onDrain`. */
  #isBlocked = false;
  #isFlushDue = false;
  #isClosed = false;
  /** Holds the pieces of the write that is being gathered, or was the last; their bytes belong to the connection until that has drained. */
  #staging: Buffer | undefined;
  /** How much of it the write that is being gathered has taken. */
  #stagingUsed = 0;
  /** A piece of the first source in the queue is being read off the event loop. */
  #isReading = false;
  /** What that read, to be written next. */
  #pieceRead: Buffer | undefined;

  constructor(connection: Connection, events: ResponseWriterEvents) {
    this.#connection = connection;
    this.#events = events;
  }

  /** Bytes of responses that the kernel does not have yet. */
  get pendingBytes(): number {
    return this.#queuedBytes + this.#connection.queuedBytes;
  }

  /** Nothing waits to be handed to the connection. */
  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  /** Queues one response behind the others; its size goes in front. It leaves with the next flush. */
  enqueue(response: readonly ByteChunk[]): void {
    if (this.#isClosed) {
      releaseAll(response);
      return;
    }
    const size = sizeInBytes(response);
    this.#queuedBytes += SIZE_BYTES + size;
    const only = response.length === 1 ? response[0] : undefined;
    if (only !== undefined && size <= MERGED_BYTES_MAX && !isByteSource(only)) {
      this.#queue.push(framed(size, only));
    } else {
      this.#queue.push(framed(size, NO_BYTES));
      for (const chunk of response) this.#queue.push(chunk);
    }
  }

  /** Writes what is queued when the promises settled in this turn have run. */
  flushSoon(): void {
    if (this.#isFlushDue || !this.#mayWrite) return;
    this.#isFlushDue = true;
    process.nextTick(this.#flush);
  }

  /** Writes what is queued now; not before their turn what other connections are let go first. */
  flush(): void {
    if (!this.#isFlushDue && this.#mayWrite) this.#flush();
  }

  /** Writes what the connection takes. */
  readonly #flush = (): void => {
    this.#isFlushDue = false;
    let turnBytes = 0;
    try {
      while (this.#mayWrite && turnBytes < TURN_BYTES_MAX) turnBytes += this.#writeOnce();
    } catch (error) {
      this.#events.onFailure(error);
      return;
    }
    if (this.#mayWrite) {
      this.#isFlushDue = true;
      setImmediate(this.#flush);
    }
    if (this.#queue.length === 0 && !this.#isBlocked) this.#returnStaging();
    if (turnBytes > 0) this.#events.onProgress(turnBytes);
  };

  onDrain(): void {
    this.#isBlocked = false;
    this.#flush();
    if (this.#queue.length === 0 && !this.#isBlocked) this.#events.onProgress(0);
  }

  /** Lets go of every source. Nothing is written afterwards. */
  close(): void {
    this.#isClosed = true;
    for (let chunk = this.#queue.shift(); chunk !== undefined; chunk = this.#queue.shift()) release(chunk);
    this.#queuedBytes = 0;
    this.#staging = undefined;
  }

  get #mayWrite(): boolean {
    return this.#queue.length > 0 && !this.#isBlocked && !this.#isReading;
  }

  /** @returns how many bytes were written */
  #writeOnce(): number {
    const only = this.#queue.length === 1 ? this.#queue.at(0) : undefined;
    if (only === undefined || isByteSource(only)) return this.#gatherAndWrite();
    this.#queue.shift();
    this.#queuedBytes -= only.length;
    return this.#write([only], only.length);
  }

  /** Makes one write of buffers and sources, the last source in part. */
  #gatherAndWrite(): number {
    let batch: Buffer[] | undefined;
    let batchBytes = 0;
    this.#stagingUsed = 0;
    try {
      while (batchBytes < PIECE_BYTES) {
        const chunk = this.#queue.at(0);
        if (chunk === undefined) break;
        const bytes = isByteSource(chunk) ? this.#nextPiece(chunk) : chunk;
        if (bytes === undefined) break;
        batch = withOne(batch, bytes);
        batchBytes += bytes.length;
        if (this.#position > 0) break;
        this.#queue.shift();
      }
    } finally {
      this.#queuedBytes -= batchBytes;
    }
    if (batch === undefined) return 0;
    const isMerged = batch.length > 1 && batchBytes <= MERGED_BYTES_MAX;
    return this.#write(isMerged ? [Buffer.concat(batch, batchBytes)] : batch, batchBytes);
  }

  #write(batch: readonly Buffer[], batchBytes: number): number {
    this.#isBlocked = !this.#connection.write(batch);
    if (!this.#isBlocked && this.#connection.queuedBytes > 0) this.#staging = undefined;
    return batchBytes;
  }

  /** The next piece of a source; undefined: it comes with the next write, since it is being read, or there is no room. `#position` is 0
   *  afterwards, and the source released, when it was the last. */
  #nextPiece(source: ByteSource): Buffer | undefined {
    let piece = this.#pieceRead;
    if (piece === undefined) {
      piece = this.#bufferFor(source);
      if (piece === undefined) return undefined;
      if (source.read !== undefined && source.mayWait !== false) {
        void this.#readOffLoop(source, piece);
        return undefined;
      }
      readExactly(source, piece, this.#position);
    }
    this.#pieceRead = undefined;
    if (piece.buffer === this.#staging?.buffer) this.#stagingUsed = piece.byteOffset + piece.length;
    this.#position += piece.length;
    if (this.#position === source.sizeInBytes) {
      source.release();
      this.#position = 0;
    }
    return piece;
  }

  /** Room for all of a small source, in a buffer of its own, or for as much of a large one as staging still holds; undefined: for too little. */
  #bufferFor(source: ByteSource): Buffer | undefined {
    if (source.sizeInBytes <= SMALL_SOURCE_BYTES) return Buffer.allocUnsafe(source.sizeInBytes);
    const start = this.#stagingUsed;
    const end = Math.min(PIECE_BYTES, start + source.sizeInBytes - this.#position);
    const isLast = end - start === source.sizeInBytes - this.#position;
    if (!isLast && end - start < PIECE_BYTES_MIN) return undefined;
    this.#staging ??= spareBuffers.pop() ?? Buffer.allocUnsafeSlow(PIECE_BYTES);
    return this.#staging.subarray(start, end);
  }

  async #readOffLoop(source: ByteSource, piece: Buffer): Promise<void> {
    this.#isReading = true;
    try {
      await fill(source, piece, this.#position);
    } catch (error) {
      if (!this.#isClosed) this.#events.onFailure(error);
      return;
    }
    if (this.#isClosed) return;
    this.#isReading = false;
    this.#pieceRead = piece;
    this.#flush();
  }

  /** A staging buffer is used again only when the kernel has all its bytes; otherwise it is left to the garbage collector. */
  #returnStaging(): void {
    const staging = this.#staging;
    this.#staging = undefined;
    if (staging === undefined || this.#connection.queuedBytes > 0 || spareBuffers.length >= SPARE_COUNT_MAX) return;
    spareBuffers.push(staging);
  }
}

/** A response's size, and behind it `bytes`. */
function framed(size: number, bytes: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(SIZE_BYTES + bytes.length);
  frame.writeInt32BE(size);
  bytes.copy(frame, SIZE_BYTES);
  return frame;
}

function sizeInBytes(response: readonly ByteChunk[]): number {
  let size = 0;
  for (const chunk of response) size += isByteSource(chunk) ? chunk.sizeInBytes : chunk.length;
  return size;
}

/** @throws RangeError when the source is shorter than it said: the frame's size is sent already, so the connection must close */
function readExactly(source: ByteSource, target: Buffer, position: number): void {
  let filled = 0;
  while (filled < target.length) {
    const count = source.readSync(filled === 0 ? target : target.subarray(filled), position + filled);
    if (count <= 0) throw endedEarly(source, position + filled);
    filled += count;
  }
}

/** The same off the event loop. */
async function fill(source: ByteSource, target: Buffer, position: number): Promise<void> {
  let filled = 0;
  while (filled < target.length) {
    const count = (await source.read?.(target.subarray(filled), position + filled)) ?? 0;
    if (count <= 0) throw endedEarly(source, position + filled);
    filled += count;
  }
}

function endedEarly(source: ByteSource, position: number): RangeError {
  return new RangeError(`source ended at ${position} of ${source.sizeInBytes} bytes`);
}

/** Releases every source among `chunks`. */
export function releaseAll(chunks: readonly ByteChunk[]): void {
  for (const chunk of chunks) release(chunk);
}

function release(chunk: ByteChunk): void {
  if (isByteSource(chunk)) chunk.release();
}
