// What all codecs refuse with: too much, and nonsense.

import { CorruptRecordError, InvalidRecordError } from '../errors.ts';

/** A small packet that unpacks to a large one is an attack or a mistake; either way it is not stored. */
export function decompressedTooLarge(maxSizeInBytes: number): InvalidRecordError {
  return new InvalidRecordError(`Compressed records unpack to more than the ${maxSizeInBytes} bytes allowed`);
}

/** @param position in the compressed bytes */
export function notDecodable(codec: string, reason: string, position = 0, cause?: unknown): CorruptRecordError {
  return new CorruptRecordError(`Cannot unpack ${codec} records: ${reason}`, position, { cause });
}
