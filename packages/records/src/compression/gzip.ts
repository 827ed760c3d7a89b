// gzip, by Node's zlib. Source: RFC 1952; org.apache.kafka.common.compress.GzipCompression.

import { constants, gunzipSync, gzipSync } from 'node:zlib';
import { decompressedTooLarge, notDecodable } from './limits.ts';

/** A member ends with its checksum and its unpacked size modulo 2^32. */
const TRAILER_BYTES = 8;
const SIZE_BYTES = 4;
/** The best that deflate can do. */
const EXPANSION_MAX = 1032;
const CHUNK_BYTES_MIN = 1024;
const CHUNK_BYTES_MAX = 1024 * 1024;

/** @param level 1 to 9; −1, zlib's own choice, unless given */
export function gzip(bytes: Buffer, level: number = constants.Z_DEFAULT_COMPRESSION): Buffer {
  return gzipSync(bytes, { level });
}

/** @throws InvalidRecordError when more than `maxSizeInBytes` would come out @throws CorruptRecordError */
export function gunzip(bytes: Buffer, maxSizeInBytes: number): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: Math.max(maxSizeInBytes, 1), chunkSize: chunkSizeFor(bytes) });
  } catch (error) {
    if (isTooLarge(error)) throw decompressedTooLarge(maxSizeInBytes);
    throw notDecodable('gzip', error instanceof Error ? error.message : String(error), 0, error);
  }
}

/** Room for all that the last four bytes say comes out, so that zlib need not put it together from pieces. It is only a hint: it is not
 *  believed beyond what deflate can make of so many bytes, and what is larger than a mebibyte does come in pieces. */
function chunkSizeFor(bytes: Buffer): number {
  const said = bytes.length < TRAILER_BYTES ? 0 : bytes.readUInt32LE(bytes.length - SIZE_BYTES);
  const likely = Math.min(said, bytes.length * EXPANSION_MAX);
  // One more, since a chunk that is full makes zlib fetch another.
  return Math.min(Math.max(likely + 1, CHUNK_BYTES_MIN), CHUNK_BYTES_MAX);
}

function isTooLarge(error: unknown): boolean {
  return error instanceof RangeError && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
}
