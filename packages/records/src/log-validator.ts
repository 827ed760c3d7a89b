// Checks what is about to be appended and gives it its offsets, timestamps and leader epoch: in place where formats and
// compression agree, rebuilt where they do not.
// Source: org.apache.kafka.storage.internals.log.LogValidator (3.9).
//
//   appended at log end 40, leader epoch 7:
//   before   baseOffset 0   lastOffsetDelta 2   leaderEpoch −1   | r0 r1 r2
//   after    baseOffset 40  lastOffsetDelta 2   leaderEpoch 7    | r0 r1 r2   (same bytes, same checksum)

import type { CompressionType } from './compression/compression-type.ts';
import { openRecords, recordsFrom } from './default-records.ts';
import { CorruptRecordError, InvalidRecordError } from './errors.ts';
import { NO_TIMESTAMP, type TimestampType } from './format.ts';
import type { KafkaRecord } from './kafka-record.ts';
import { legacyHasKey, legacyRecord, legacyTimestamp, wrappedMessages } from './legacy-records.ts';
import { batchAt, type RecordBatch, type RecordsOptions } from './record-batch.ts';
import { RecordChecks, type RecordChecksOptions } from './record-checks.ts';
import { RecordCursor } from './record-cursor.ts';
import { RecordsBuilder } from './records-builder.ts';

export interface ValidationOptions extends RecordChecksOptions {
  /** The offset of the first record: the log end offset. */
  readonly firstOffset: number;
  /** compression.type of the topic; 'producer' keeps what the batch has. */
  readonly compressionType: CompressionType | 'producer';
  /** Of the topic's codec (KIP-390), for what must be compressed anew. */
  readonly compressionLevel?: number | undefined;
  readonly partitionLeaderEpoch: number;
  /** False where the caller has checked the checksums already. Default true. */
  readonly verifyChecksums?: boolean;
  /** The most a compressed batch may unpack to. */
  readonly maxDecompressedBytes?: number;
}

export interface ValidationResult {
  /** What to append: the buffer that was given, changed in place, or a new one. */
  readonly records: Buffer;
  /** The offset after the last record. */
  readonly nextOffset: number;
  /** The largest timestamp; −1 without. */
  readonly maxTimestamp: number;
  /** The last offset of the batch (message, in formats 0 and 1) with the largest timestamp; −1 without. */
  readonly shallowOffsetOfMaxTimestamp: number;
  /** Were the records rebuilt, so that their size must be checked again? */
  readonly messageSizeMaybeChanged: boolean;
  readonly recordConversionStats: RecordConversionStats;
}

/** What conversion and recompression cost; zeroes where records were taken as they came. */
export interface RecordConversionStats {
  readonly temporaryMemoryBytes: number;
  readonly recordsConverted: number;
}

const NO_CONVERSION: RecordConversionStats = { temporaryMemoryBytes: 0, recordsConverted: 0 };

/** Checks `records` and prepares them for the log. The buffer may be changed in place, also when it is then refused.
 *  @throws CorruptRecordError when the bytes are not batches
 *  @throws InvalidRecordError | InvalidTimestampError when Kafka would refuse them
 *  @throws UnsupportedForMessageFormatError | UnsupportedCompressionError */
export function validateMessagesAndAssignOffsets(records: Buffer, options: ValidationOptions): ValidationResult {
  const batches = wholeBatches(records, options.verifyChecksums ?? true);
  const source = sourceCompressionType(batches);
  const target = options.compressionType === 'producer' ? source : options.compressionType;
  const first = onlyBatchWhereOneIsDue(batches, source);
  const checks = new RecordChecks(options);
  if (source !== 'none' || target !== 'none') {
    return validateCompressed(records, batches, first, { ...options, source, target }, checks);
  }
  if (first.magic !== options.toMagic) return convertUncompressed(batches, first, options, checks);
  return options.toMagic === 2
    ? assignOffsetsToBatch(records, first, options, checks)
    : assignOffsetsToMessages(records, batches, options, checks);
}

function wholeBatches(records: Buffer, verifyChecksums: boolean): RecordBatch[] {
  if (records.length === 0) return [];
  const first = wholeBatchAt(records, 0, verifyChecksums);
  // Nearly always the only one: a list that grows would make room for more.
  const batches = [first];
  for (let position = first.sizeInBytes; position < records.length; ) {
    const batch = wholeBatchAt(records, position, verifyChecksums);
    batches.push(batch);
    position += batch.sizeInBytes;
  }
  return batches;
}

function wholeBatchAt(records: Buffer, position: number, verifyChecksum: boolean): RecordBatch {
  const batch = batchAt(records, position);
  if (batch === undefined) throw new CorruptRecordError('A batch is cut short', position);
  if (verifyChecksum) batch.ensureValid();
  return batch;
}

function sourceCompressionType(batches: readonly RecordBatch[]): CompressionType {
  let source: CompressionType = 'none';
  for (const batch of batches) {
    const type = batch.compressionType;
    if (type !== 'none') source = type;
  }
  return source;
}

function onlyBatchWhereOneIsDue(batches: readonly RecordBatch[], source: CompressionType): RecordBatch {
  const first = batches[0];
  if (first === undefined) throw new InvalidRecordError('Record batch has no batches at all');
  if (batches.length > 1 && (first.magic === 2 || source !== 'none')) {
    throw new InvalidRecordError('Compressed outer record has more than one batch');
  }
  return first;
}

/** The path of nearly every produce request: one uncompressed batch of format 2. */
function assignOffsetsToBatch(
  records: Buffer,
  batch: RecordBatch,
  options: ValidationOptions,
  checks: RecordChecks,
): ValidationResult {
  checks.checkBatch(batch, batch);
  const maxTimestamp = checkRecords(batch, openRecords(batch, options), checks);
  checks.raise();
  return stampBatch(records, batch, maxTimestamp, options, NO_CONVERSION);
}

/** Walks the records of a format 2 batch. @returns the largest timestamp @throws InvalidRecordError when it is malformed */
function checkRecords(batch: RecordBatch, cursor: RecordCursor, checks: RecordChecks): number {
  const { baseOffset, baseTimestamp, recordCount = 0 } = batch;
  const { earliest, latest, usualKeySize } = checks;
  const isLogAppendTime = batch.timestampType === 'LogAppendTime';
  const logAppendTime = isLogAppendTime ? batch.maxTimestamp : NO_TIMESTAMP;
  let maxTimestamp = NO_TIMESTAMP;
  for (let i = 0; i < recordCount; i++) {
    cursor.next();
    const timestamp = isLogAppendTime ? logAppendTime : baseTimestamp + cursor.timestampDelta;
    if (cursor.offsetDelta !== i) checks.addOutOfSequence(i, cursor.offsetDelta);
    const isUsual = timestamp >= earliest && timestamp <= latest && cursor.keySize >= usualKeySize;
    if (!isUsual || isLogAppendTime) checks.checkRecord(batch, i, baseOffset + i, cursor.keySize, timestamp);
    if (timestamp > maxTimestamp) maxTimestamp = timestamp;
  }
  cursor.ensureNoneRemaining();
  return maxTimestamp;
}

/** Stamps the one batch of `records` in place. */
function stampBatch(
  records: Buffer,
  batch: RecordBatch,
  maxRecordTimestamp: number,
  options: ValidationOptions,
  recordConversionStats: RecordConversionStats,
  recordCount = batch.recordCount ?? 0,
): ValidationResult {
  const nextOffset = options.firstOffset + recordCount;
  const maxTimestamp = stampedTimestamp(batch, maxRecordTimestamp, options);
  batch.setLastOffset(nextOffset - 1);
  batch.setPartitionLeaderEpoch(options.partitionLeaderEpoch);
  batch.setMaxTimestamp(options.timestampType, maxTimestamp);
  return {
    records,
    nextOffset,
    maxTimestamp,
    shallowOffsetOfMaxTimestamp: maxTimestamp === NO_TIMESTAMP ? -1 : nextOffset - 1,
    messageSizeMaybeChanged: false,
    recordConversionStats,
  };
}

function stampedTimestamp(batch: RecordBatch, maxRecordTimestamp: number, options: ValidationOptions): number {
  if (batch.magic === 0) return NO_TIMESTAMP;
  return options.timestampType === 'LogAppendTime' ? options.now : maxRecordTimestamp;
}

/** Uncompressed messages of formats 0 and 1: each has an offset of its own. */
function assignOffsetsToMessages(
  records: Buffer,
  messages: readonly RecordBatch[],
  options: ValidationOptions,
  checks: RecordChecks,
): ValidationResult {
  let nextOffset = options.firstOffset;
  let maxTimestamp = NO_TIMESTAMP;
  let shallowOffsetOfMaxTimestamp = -1;
  const first = messages[0] as RecordBatch;
  for (const message of messages) {
    checks.checkBatch(first, message);
    const ownTimestamp = legacyTimestamp(message, undefined);
    checks.checkRecord(message, 0, message.lastOffset, legacyHasKey(message) ? 0 : -1, ownTimestamp);
    checks.raise();
    const timestamp = stampedTimestamp(message, ownTimestamp, options);
    message.setLastOffset(nextOffset);
    message.setMaxTimestamp(options.timestampType, timestamp);
    if (timestamp > maxTimestamp) {
      maxTimestamp = timestamp;
      shallowOffsetOfMaxTimestamp = nextOffset;
    }
    nextOffset++;
  }
  return {
    records,
    nextOffset,
    maxTimestamp,
    shallowOffsetOfMaxTimestamp,
    messageSizeMaybeChanged: false,
    recordConversionStats: NO_CONVERSION,
  };
}

/** Uncompressed records of another format than the topic's. */
function convertUncompressed(
  batches: readonly RecordBatch[],
  first: RecordBatch,
  options: ValidationOptions,
  checks: RecordChecks,
): ValidationResult {
  const validated: KafkaRecord[] = [];
  for (const batch of batches) {
    checks.checkBatch(first, batch);
    unpackAndCheck(batch, options, checks, validated);
    checks.raise();
  }
  return rebuild(validated, first, 'none', 0, options);
}

interface CompressedOptions extends ValidationOptions {
  readonly source: CompressionType;
  readonly target: CompressionType;
}

/** Records that are compressed, or are to be. Taken in place when only the header must change. */
function validateCompressed(
  records: Buffer,
  batches: readonly RecordBatch[],
  first: RecordBatch,
  options: CompressedOptions,
  checks: RecordChecks,
): ValidationResult {
  let inPlace = options.source === options.target && first.magic === options.toMagic && options.toMagic > 0;
  // Control records are not compressed unless they came so.
  if (options.source === 'none' && first.isControlBatch) inPlace = true;
  if (inPlace && first.magic === 2) return validateCompressedBatchInPlace(records, first, options, checks);

  const validated: KafkaRecord[] = [];
  let unpackedBytes = 0;
  for (const batch of batches) {
    checks.checkBatch(first, batch);
    unpackedBytes += unpackAndCheck(batch, options, checks, validated);
    checks.raise();
  }
  // Some old clients number the messages of a format 1 wrapper wrongly; Kafka has always rewritten those.
  if (!inPlace || !isNumberedFromZero(validated))
    return rebuild(validated, first, options.target, unpackedBytes, options);
  const stats = { temporaryMemoryBytes: unpackedBytes, recordsConverted: 0 };
  return stampBatch(records, first, largestTimestamp(validated), options, stats, validated.length);
}

function validateCompressedBatchInPlace(
  records: Buffer,
  batch: RecordBatch,
  options: CompressedOptions,
  checks: RecordChecks,
): ValidationResult {
  checks.checkBatch(batch, batch);
  const cursor = openForValidation(batch, { ...options, isLent: true });
  const maxTimestamp = checkRecords(batch, cursor, checks);
  checks.raise();
  const stats = { temporaryMemoryBytes: cursor.buffer === records ? 0 : cursor.buffer.length, recordsConverted: 0 };
  return stampBatch(records, batch, maxTimestamp, options, stats);
}

/** Adds the batch's records, checked, to `validated`. @returns their unpacked size */
function unpackAndCheck(
  batch: RecordBatch,
  options: ValidationOptions,
  checks: RecordChecks,
  validated: KafkaRecord[],
): number {
  if (batch.magic !== 2) return unpackAndCheckMessages(batch, options, checks, validated);
  const cursor = openForValidation(batch, options);
  const { buffer, position, end } = cursor;
  checkRecords(batch, cursor, checks);
  for (const record of recordsFrom(batch, new RecordCursor(buffer, position, end))) validated.push(record);
  return end - position;
}

function unpackAndCheckMessages(
  batch: RecordBatch,
  options: ValidationOptions,
  checks: RecordChecks,
  validated: KafkaRecord[],
): number {
  if (batch.compressionType === 'none') {
    const record = legacyRecord(batch, batch.lastOffset, undefined);
    checks.checkRecord(batch, 0, record.offset, record.key === null ? -1 : 0, record.timestamp);
    validated.push(record);
    return batch.sizeInBytes;
  }
  const { messages, absoluteBaseOffset } = asInvalidRecord(() => wrappedMessages(batch, options));
  let unpackedBytes = 0;
  messages.forEach((message, index) => {
    checkWrappedMessage(batch, message, index, checks);
    const record = legacyRecord(message, absoluteBaseOffset + message.lastOffset, batch);
    checks.checkRecord(batch, index, record.offset, record.key === null ? -1 : 0, record.timestamp);
    validated.push(record);
    unpackedBytes += message.sizeInBytes;
  });
  return unpackedBytes;
}

function checkWrappedMessage(
  wrapper: RecordBatch,
  message: RecordBatch,
  batchIndex: number,
  checks: RecordChecks,
): void {
  if (message.magic !== wrapper.magic) {
    checks.add({ batchIndex, message: `Record's magic does not match outer magic ${wrapper.magic}.` });
  } else if (message.compressionType !== 'none') {
    checks.add({
      batchIndex,
      message: 'Compressed outer record should not have an inner record with a compression attribute set.',
    });
  }
  // The outer checksum was right, but older producers also sum each message; brokers have always looked.
  message.ensureValid();
}

/** The checksum held, so the bytes are what the producer sent: it is the records that are wrong, not the transport, and
 *  sending them again (as CORRUPT_MESSAGE invites to) would not help. */
function openForValidation(batch: RecordBatch, options: RecordsOptions): RecordCursor {
  return asInvalidRecord(() => openRecords(batch, options));
}

function asInvalidRecord<T>(unpack: () => T): T {
  try {
    return unpack();
  } catch (error) {
    if (error instanceof CorruptRecordError) throw new InvalidRecordError(error.message, [], { cause: error });
    throw error;
  }
}

function isNumberedFromZero(records: readonly KafkaRecord[]): boolean {
  return records.every((record, index) => record.offset === index);
}

function largestTimestamp(records: readonly KafkaRecord[]): number {
  let largest = NO_TIMESTAMP;
  for (const { timestamp } of records) if (timestamp > largest) largest = timestamp;
  return largest;
}

/** Writes `validated` anew in the topic's format and compression. */
function rebuild(
  validated: readonly KafkaRecord[],
  first: RecordBatch,
  target: CompressionType,
  unpackedBytes: number,
  options: ValidationOptions,
): ValidationResult {
  const builder = new RecordsBuilder({
    magic: options.toMagic,
    compressionType: target,
    compressionLevel: options.compressionLevel,
    timestampType: timestampTypeIn(options),
    baseOffset: options.firstOffset,
    logAppendTime: options.now,
    producerId: first.producerId,
    producerEpoch: first.producerEpoch,
    baseSequence: first.baseSequence,
    isTransactional: first.isTransactional,
    isControl: first.isControlBatch,
    partitionLeaderEpoch: options.partitionLeaderEpoch,
  });
  for (const record of validated) builder.append(record);
  const temporaryMemoryBytes = unpackedBytes + builder.sizeInBytes;
  return {
    records: builder.build(),
    nextOffset: options.firstOffset + validated.length,
    maxTimestamp: builder.maxTimestamp,
    shallowOffsetOfMaxTimestamp: builder.shallowOffsetOfMaxTimestamp,
    messageSizeMaybeChanged: true,
    recordConversionStats: { temporaryMemoryBytes, recordsConverted: validated.length },
  };
}

function timestampTypeIn(options: ValidationOptions): TimestampType {
  return options.toMagic === 0 ? 'NoTimestampType' : options.timestampType;
}
