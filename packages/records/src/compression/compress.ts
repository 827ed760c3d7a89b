// Packs and unpacks the records of a batch by compression type. What comes out is bounded before it is made.
// Source: org.apache.kafka.common.compress.Compression.

import type { Magic } from '../format.ts';
import { type CompressionType, ensureCompressionFitsMagic } from './compression-type.ts';
import { gunzip, gzip } from './gzip.ts';
import { decompressedTooLarge } from './limits.ts';
import { lz4, unlz4 } from './lz4-frame.ts';
import { snappy, unsnappy } from './snappy.ts';
import { loadZstd, unzstd, zstd } from './zstd.ts';

/** The most a batch may unpack to unless the caller says otherwise: Kafka's usual largest request (socket.request.max.bytes). */
export const DECOMPRESSED_BYTES_MAX = 104_857_600;

export interface DecompressOptions {
  /** The most that may come out. */
  readonly maxSizeInBytes: number;
  /** The format of what is inside, 2 unless given: lz4 frames of formats 0 and 1 have a checksum of their own kind. */
  readonly magic?: Magic;
  /** What comes out is looked at before anything else is unpacked, and not kept: it may lie in memory that the next call uses again. */
  readonly isLent?: boolean;
}

/** Compresses `bytes` as they stand in a batch of format `magic`. `level` is for gzip, lz4 and
 *  zstd.
 *  @throws UnsupportedCompressionError when there is no codec */
export function compress(type: CompressionType, bytes: Buffer, level?: number, magic: Magic = 2): Buffer {
  ensureCompressionFitsMagic(type, magic);
  switch (type) {
    case 'none':
      return bytes;
    case 'gzip':
      return gzip(bytes, level);
    case 'snappy':
      return snappy(bytes);
    case 'lz4':
      return lz4(bytes, magic, level);
    case 'zstd':
      return zstd(bytes, level);
    default:
      return type satisfies never;
  }
}

/** Undoes `compress`, and what other Kafka clients write.
 *  @throws InvalidRecordError when more than `maxSizeInBytes` would come out
 *  @throws CorruptRecordError when `bytes` are not what `type` says
 *  @throws UnsupportedCompressionError when there is no codec */
export function decompress(type: CompressionType, bytes: Buffer, options: DecompressOptions): Buffer {
  const { maxSizeInBytes, magic = 2, isLent = false } = options;
  ensureCompressionFitsMagic(type, magic);
  switch (type) {
    case 'none':
      if (bytes.length > maxSizeInBytes) throw decompressedTooLarge(maxSizeInBytes);
      return bytes;
    case 'gzip':
      return gunzip(bytes, maxSizeInBytes, isLent);
    case 'snappy':
      return unsnappy(bytes, maxSizeInBytes, isLent);
    case 'lz4':
      return unlz4(bytes, { maxSizeInBytes, magic, isLent });
    case 'zstd':
      return unzstd(bytes, maxSizeInBytes, isLent);
    default:
      return type satisfies never;
  }
}

/** Loads the codecs that cannot be loaded when first used (zstd). Until it has resolved, Node below 22.15 refuses zstd with an
 *  UnsupportedCompressionError that says so. Never fails. */
export function loadCompressionCodecs(): Promise<void> {
  return loadZstd();
}
