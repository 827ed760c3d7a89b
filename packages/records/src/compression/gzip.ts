// gzip, by Node's zlib. Source: RFC 1952; org.apache.kafka.common.compress.GzipCompression.

import { constants, gunzipSync, gzipSync } from 'node:zlib';
import { decompressedTooLarge, notDecodable } from './limits.ts';

/** @param level 1 to 9; −1, zlib's own choice, unless given */
export function gzip(bytes: Buffer, level: number = constants.Z_DEFAULT_COMPRESSION): Buffer {
  return gzipSync(bytes, { level });
}

/** @throws InvalidRecordError when more than `maxSizeInBytes` would come out @throws CorruptRecordError */
export function gunzip(bytes: Buffer, maxSizeInBytes: number): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: Math.max(maxSizeInBytes, 1) });
  } catch (error) {
    if (isTooLarge(error)) throw decompressedTooLarge(maxSizeInBytes);
    throw notDecodable('gzip', error instanceof Error ? error.message : String(error), 0, error);
  }
}

function isTooLarge(error: unknown): boolean {
  return error instanceof RangeError && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
}
