// Reads the records of a format 2 batch. Source: org.apache.kafka.common.record.DefaultRecordBatch.iterator.

import { DECOMPRESSED_BYTES_MAX, decompress } from './compression/compress.ts';
import { InvalidRecordError } from './errors.ts';
import { incrementSequence, NO_SEQUENCE, RECORD_BATCH_OVERHEAD } from './format.ts';
import type { KafkaRecord, RecordHeader } from './kafka-record.ts';
import type { RecordBatch, RecordsOptions } from './record-batch.ts';
import { RecordCursor } from './record-cursor.ts';

const NO_HEADERS: readonly RecordHeader[] = [];

/** A cursor before the first record of `batch`, unpacked if need be.
 *  @throws CorruptRecordError | InvalidRecordError | UnsupportedCompressionError */
export function openRecords(batch: RecordBatch, options: RecordsOptions = {}): RecordCursor {
  const start = batch.position + RECORD_BATCH_OVERHEAD;
  const end = batch.position + batch.sizeInBytes;
  const type = batch.compressionType;
  if (type === 'none') return new RecordCursor(batch.buffer, start, end);
  const maxSizeInBytes = options.maxDecompressedBytes ?? DECOMPRESSED_BYTES_MAX;
  const { isLent = false } = options;
  const bytes = decompress(type, batch.buffer.subarray(start, end), { maxSizeInBytes, magic: 2, isLent });
  return new RecordCursor(bytes, 0, bytes.length);
}

/** The records of a format 2 batch, unpacked when the first is asked for. */
export function* defaultRecords(batch: RecordBatch, options: RecordsOptions): Generator<KafkaRecord, void, void> {
  yield* recordsFrom(batch, openRecords(batch, options));
}

/** The records of `batch` under `cursor`, which stands before the first. */
export function* recordsFrom(batch: RecordBatch, cursor: RecordCursor): Generator<KafkaRecord, void, void> {
  const count = batch.recordCount ?? 0;
  if (count < 0) throw new InvalidRecordError(`Found invalid record count ${count} in magic v2 batch`);
  const { baseOffset, baseTimestamp, baseSequence } = batch;
  const logAppendTime = batch.timestampType === 'LogAppendTime' ? batch.maxTimestamp : undefined;
  for (let i = 0; i < count; i++) {
    cursor.next();
    const { offsetDelta } = cursor;
    yield {
      offset: baseOffset + offsetDelta,
      timestamp: logAppendTime ?? baseTimestamp + cursor.timestampDelta,
      key: slice(cursor.buffer, cursor.keyPosition, cursor.keySize),
      value: slice(cursor.buffer, cursor.valuePosition, cursor.valueSize),
      headers: cursor.headerCount === 0 ? NO_HEADERS : readHeaders(cursor),
      sequence: baseSequence >= 0 ? incrementSequence(baseSequence, offsetDelta) : NO_SEQUENCE,
    };
  }
  cursor.ensureNoneRemaining();
}

function readHeaders(cursor: RecordCursor): RecordHeader[] {
  const headers: RecordHeader[] = [];
  cursor.rewindToHeaders();
  for (let i = 0; i < cursor.headerCount; i++) {
    cursor.nextHeader();
    const { buffer, headerKeyPosition, headerKeySize } = cursor;
    headers.push({
      key: buffer.toString('utf8', headerKeyPosition, headerKeyPosition + headerKeySize),
      value: slice(buffer, cursor.headerValuePosition, cursor.headerValueSize),
    });
  }
  return headers;
}

function slice(buffer: Buffer, position: number, size: number): Buffer | null {
  return size < 0 ? null : buffer.subarray(position, position + size);
}
