// Reads the records of messages of formats 0 and 1: a plain message is one record; a wrapper's value is compressed messages,
// whose offsets are absolute in format 0 and relative to the first of them in format 1.
// Source: org.apache.kafka.common.record.{AbstractLegacyRecordBatch.DeepRecordsIterator,LegacyRecord}; KIP-31, KIP-32.

import { DECOMPRESSED_BYTES_MAX, decompress } from './compression/compress.ts';
import { ensureCompressionFitsMagic } from './compression/compression-type.ts';
import { InvalidRecordError } from './errors.ts';
import {
  LEGACY_KEY_SIZE_POSITION_V0,
  LEGACY_KEY_SIZE_POSITION_V1,
  LEGACY_TIMESTAMP_POSITION,
  NO_SEQUENCE,
  NO_TIMESTAMP,
} from './format.ts';
import type { KafkaRecord, RecordHeader } from './kafka-record.ts';
import { readInt64 } from './numbers.ts';
import { batchesIn, type RecordBatch, type RecordsOptions } from './record-batch.ts';

const NO_HEADERS: readonly RecordHeader[] = [];

/** What a wrapper holds. */
export interface WrappedMessages {
  readonly messages: readonly RecordBatch[];
  /** To be added to a message's own offset. */
  readonly absoluteBaseOffset: number;
}

export function* legacyRecords(batch: RecordBatch, options: RecordsOptions): Generator<KafkaRecord, void, void> {
  if (batch.compressionType === 'none') {
    yield legacyRecord(batch, batch.lastOffset, undefined);
    return;
  }
  const { messages, absoluteBaseOffset } = wrappedMessages(batch, options);
  for (const message of messages) {
    if (message.compressionType !== 'none') throw new InvalidRecordError('Inner message must not be compressed');
    yield legacyRecord(message, absoluteBaseOffset + message.lastOffset, batch);
  }
}

/** The first offset a compressed message holds. */
export function legacyBaseOffset(batch: RecordBatch): number {
  const { messages, absoluteBaseOffset } = wrappedMessages(batch, {});
  return absoluteBaseOffset + (messages[0]?.lastOffset ?? 0);
}

/** Unpacks a compressed message. @throws CorruptRecordError | InvalidRecordError | UnsupportedCompressionError */
export function wrappedMessages(wrapper: RecordBatch, options: RecordsOptions): WrappedMessages {
  const { compressionType: type, magic } = wrapper;
  ensureCompressionFitsMagic(type, magic);
  const { value } = fieldsOf(wrapper);
  if (value === null) {
    throw new InvalidRecordError(`Found invalid compressed record set with null value (magic = ${magic})`);
  }
  const maxSizeInBytes = options.maxDecompressedBytes ?? DECOMPRESSED_BYTES_MAX;
  const messages = [...batchesIn(decompress(type, value, { maxSizeInBytes, magic }))];
  const last = messages.at(-1);
  if (last === undefined) throw new InvalidRecordError('Found invalid compressed record set with no inner records');
  return { messages, absoluteBaseOffset: absoluteBaseOffset(wrapper, last) };
}

/** Offset 0 on a wrapper of format 1 is what some versions of librdkafka sent: then its messages count from 0. */
function absoluteBaseOffset(wrapper: RecordBatch, last: RecordBatch): number {
  if (wrapper.magic === 0 || wrapper.lastOffset === 0) return 0;
  if (wrapper.lastOffset < last.lastOffset) {
    throw new InvalidRecordError(
      `Found invalid wrapper offset in compressed v1 message set: wrapper offset ${wrapper.lastOffset} is less than the last inner message offset ${last.lastOffset}`,
    );
  }
  return wrapper.lastOffset - last.lastOffset;
}

/** A message as a record. In a LogAppendTime wrapper every message has the wrapper's timestamp (KIP-32). */
export function legacyRecord(message: RecordBatch, offset: number, wrapper: RecordBatch | undefined): KafkaRecord {
  const { key, value } = fieldsOf(message);
  return {
    offset,
    timestamp: legacyTimestamp(message, wrapper),
    key,
    value,
    headers: NO_HEADERS,
    sequence: NO_SEQUENCE,
  };
}

/** The timestamp of a message, which may stand in `wrapper`. */
export function legacyTimestamp(message: RecordBatch, wrapper: RecordBatch | undefined): number {
  if (message.magic !== 1) return NO_TIMESTAMP;
  if (wrapper?.timestampType === 'LogAppendTime') return wrapper.maxTimestamp;
  return readInt64(message.buffer, message.position + LEGACY_TIMESTAMP_POSITION);
}

function fieldsOf(message: RecordBatch): { key: Buffer | null; value: Buffer | null } {
  if (message.magic === 2)
    throw new InvalidRecordError('Found a batch of magic v2 inside a message of an older format');
  const keySizePosition = message.magic === 0 ? LEGACY_KEY_SIZE_POSITION_V0 : LEGACY_KEY_SIZE_POSITION_V1;
  const keyPosition = message.position + keySizePosition + 4;
  const end = message.position + message.sizeInBytes;
  const keySize = fieldSize(message.buffer, keyPosition - 4, end);
  const valuePosition = keyPosition + Math.max(keySize, 0) + 4;
  const valueSize = fieldSize(message.buffer, valuePosition - 4, end);
  return {
    key: keySize < 0 ? null : message.buffer.subarray(keyPosition, keyPosition + keySize),
    value: valueSize < 0 ? null : message.buffer.subarray(valuePosition, valuePosition + valueSize),
  };
}

/** The size that stands at `position`; −1 for null. */
function fieldSize(buffer: Buffer, position: number, end: number): number {
  const size = position + 4 <= end ? buffer.readInt32BE(position) : Number.NaN;
  if (size >= -1 && position + 4 + size <= end) return size;
  throw new InvalidRecordError(`Found invalid record structure: a field of ${size} bytes`);
}

/** Whether a message has a key. @throws InvalidRecordError when its lengths contradict each other */
export function legacyHasKey(message: RecordBatch): boolean {
  return fieldsOf(message).key !== null;
}
