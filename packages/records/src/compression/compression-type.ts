// The compressions a batch can have and their numbers in its attributes.
// Source: org.apache.kafka.common.record.CompressionType.

import { UnsupportedCompressionError } from '../errors.ts';
import type { Magic } from '../format.ts';

export type CompressionType = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';

const TYPES: readonly CompressionType[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

/** @throws UnsupportedCompressionError for a number that stands for nothing */
export function compressionTypeOf(id: number): CompressionType {
  const type = TYPES[id];
  if (type === undefined) throw new UnsupportedCompressionError(`Unknown compression type id: ${id}`);
  return type;
}

export function compressionIdOf(type: CompressionType): number {
  return TYPES.indexOf(type);
}

/** zstd came with KIP-110, after formats 0 and 1. @throws UnsupportedCompressionError */
export function ensureCompressionFitsMagic(type: CompressionType, magic: Magic): void {
  if (type === 'zstd' && magic < 2) {
    throw new UnsupportedCompressionError(`ZStandard compression is not supported for magic ${magic}`);
  }
}
