// gzip, by Node's zlib. Source: RFC 1952; org.apache.kafka.common.compress.GzipCompression.

import { constants, gunzipSync, gzipSync } from 'node:zlib';
import { gunzipInto } from './gzip-engine.ts';
import { decompressedTooLarge, notDecodable } from './limits.ts';
import { roomFor } from './output.ts';

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
export function gunzip(bytes: Buffer, maxSizeInBytes: number, isLent: boolean): Buffer {
  const whole = unpackedAsSaid(bytes, isLent);
  if (whole !== undefined && whole.length <= maxSizeInBytes) return whole;
  try {
    return gunzipSync(bytes, { maxOutputLength: Math.max(maxSizeInBytes, 1), chunkSize: chunkSizeFor(bytes) });
  } catch (error) {
    if (isTooLarge(error)) throw decompressedTooLarge(maxSizeInBytes);
    throw notDecodable('gzip', error instanceof Error ? error.message : String(error), 0, error);
  }
}

/** @returns undefined when something else comes out than the end of `bytes` says, or it is too much to make room for at once */
function unpackedAsSaid(bytes: Buffer, isLent: boolean): Buffer | undefined {
  const size = likelySize(bytes);
  if (size > CHUNK_BYTES_MAX) return undefined;
  const target = roomFor(size + 1, isLent);
  return gunzipInto(bytes, target) ? target.subarray(0, size) : undefined;
}

/** Room for all that is likely to come out, so that zlib need not put it together from pieces. What is larger than a mebibyte does come in
 *  pieces. */
function chunkSizeFor(bytes: Buffer): number {
  // One more, since a chunk that is full makes zlib fetch another.
  return Math.min(Math.max(likelySize(bytes) + 1, CHUNK_BYTES_MIN), CHUNK_BYTES_MAX);
}

/** What the last four bytes say comes out. It is only a hint (of several members they know the last), and not believed beyond what
 *  deflate can make of so many bytes. */
function likelySize(bytes: Buffer): number {
  const said = bytes.length < TRAILER_BYTES ? 0 : bytes.readUInt32LE(bytes.length - SIZE_BYTES);
  return Math.min(said, bytes.length * EXPANSION_MAX);
}

function isTooLarge(error: unknown): boolean {
  return error instanceof RangeError && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
}
