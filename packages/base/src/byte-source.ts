// Bytes that are somewhere else until they are sent: a slice of a log file inside a fetch response.

/** A run of bytes that can be read in pieces. Whoever holds it calls `release` exactly once. */
export interface ByteSource {
  readonly sizeInBytes: number;
  /** Fills `target` from `position` of this run. @returns how many bytes were read; less than asked only at the end */
  readSync(target: Buffer, position: number): number;
  /** There where reading may have to wait for a disk: the same, off the event loop. `target` belongs to the read until it settles;
   *  `release` may be called meanwhile. */
  readonly read?: (target: Buffer, position: number) => Promise<number>;
  /** false where there is `read`, but the next one has hardly to wait; asked before each piece. */
  readonly mayWait?: boolean;
  /** Lets go of the file underneath. Nothing may be read afterwards. */
  release(): void;
}

/** What an encoder puts out: bytes in memory, or bytes to stream. */
export type ByteChunk = Buffer | ByteSource;

export function isByteSource(chunk: ByteChunk): chunk is ByteSource {
  return !Buffer.isBuffer(chunk);
}

/** The whole run as one buffer. Releases the source. */
export function readFully(source: ByteSource): Buffer {
  try {
    const bytes = Buffer.alloc(source.sizeInBytes);
    let position = 0;
    while (position < bytes.length) {
      const count = source.readSync(bytes.subarray(position), position);
      if (count === 0) throw new RangeError(`source ended at ${position} of ${bytes.length} bytes`);
      position += count;
    }
    return bytes;
  } finally {
    source.release();
  }
}
