// Packs and unpacks the records of a batch by compression type. What comes out is bounded before it is made.
// Source: org.apache.kafka.common.compress.Compression.

import { UnsupportedCompressionError } from '../errors.ts';
import type { Magic } from '../format.ts';
import { type CompressionType, ensureCompressionFitsMagic } from './compression-type.ts';
import { gunzip, gzip } from './gzip.ts';
import { decompressedTooLarge } from './limits.ts';

/** The most a batch may unpack to unless the caller says otherwise: Kafka's usual largest request (socket.request.max.bytes). */
export const DECOMPRESSED_BYTES_MAX = 104_857_600;

export interface DecompressOptions {
  /** The most that may come out. */
  readonly maxSizeInBytes: number;
  /** The format of what is inside, 2 unless given: lz4 frames of formats 0 and 1 have a checksum of their own kind. */
  readonly magic?: Magic;
}

/** Compresses `bytes` as they stand in a batch of format `magic`. The level is the codec's own where none is given.
 *  @throws UnsupportedCompressionError when there is no codec */
export function compress(type: CompressionType, bytes: Buffer, level?: number, magic: Magic = 2): Buffer {
  ensureCompressionFitsMagic(type, magic);
  switch (type) {
    case 'none':
      return bytes;
    case 'gzip':
      return gzip(bytes, level);
    default:
      throw new UnsupportedCompressionError(`No codec for ${type}`);
  }
}

/** Undoes `compress`, and what other Kafka clients write.
 *  @throws InvalidRecordError when more than `maxSizeInBytes` would come out
 *  @throws CorruptRecordError when `bytes` are not what `type` says
 *  @throws UnsupportedCompressionError when there is no codec */
export function decompress(type: CompressionType, bytes: Buffer, options: DecompressOptions): Buffer {
  const { maxSizeInBytes, magic = 2 } = options;
  ensureCompressionFitsMagic(type, magic);
  switch (type) {
    case 'none':
      if (bytes.length > maxSizeInBytes) throw decompressedTooLarge(maxSizeInBytes);
      return bytes;
    case 'gzip':
      return gunzip(bytes, maxSizeInBytes);
    default:
      throw new UnsupportedCompressionError(`No codec for ${type}`);
  }
}
