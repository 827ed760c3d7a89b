// A view of one batch inside a buffer: its header's fields, checksum, the fields a broker stamps, its records. In formats 0
// and 1 a batch is a message: a plain one, or a wrapper with compressed messages.
// Source: org.apache.kafka.common.record.{DefaultRecordBatch,AbstractLegacyRecordBatch,ByteBufferLogInputStream}.

import { crc32 } from 'node:zlib';
import { type CompressionType, compressionTypeOf } from './compression/compression-type.ts';
import { crc32c } from './crc32c.ts';
import { defaultRecords } from './default-records.ts';
import { CorruptRecordError } from './errors.ts';
import {
  ATTRIBUTES_POSITION,
  BASE_SEQUENCE_POSITION,
  BASE_TIMESTAMP_POSITION,
  COMPRESSION_MASK,
  CONTROL_FLAG,
  CRC_POSITION,
  DELETE_HORIZON_FLAG,
  HEADER_SIZE_UP_TO_MAGIC,
  incrementSequence,
  LAST_OFFSET_DELTA_POSITION,
  LEGACY_ATTRIBUTES_POSITION,
  LEGACY_CRC_POSITION,
  LEGACY_OVERHEAD_V0,
  LEGACY_TIMESTAMP_POSITION,
  LOG_OVERHEAD,
  MAGIC_POSITION,
  MAX_TIMESTAMP_POSITION,
  type Magic,
  minimumSizeField,
  NO_PARTITION_LEADER_EPOCH,
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  NO_SEQUENCE,
  NO_TIMESTAMP,
  PARTITION_LEADER_EPOCH_POSITION,
  PRODUCER_EPOCH_POSITION,
  PRODUCER_ID_POSITION,
  RECORD_COUNT_POSITION,
  SIZE_POSITION,
  TIMESTAMP_TYPE_MASK,
  type TimestampType,
  TRANSACTIONAL_FLAG,
} from './format.ts';
import type { KafkaRecord } from './kafka-record.ts';
import { legacyBaseOffset, legacyRecords } from './legacy-records.ts';
import { readInt64, writeInt64 } from './numbers.ts';

export interface RecordsOptions {
  /** The most a compressed batch may unpack to. Default 100 MiB. */
  readonly maxDecompressedBytes?: number;
  /** Nothing is kept of the records, and nothing else unpacked before the last was looked at: they may lie in memory that is used again. */
  readonly isLent?: boolean;
}

/** A view; making one copies nothing. All of its bytes are in the buffer; whether they make sense, `isValid` says. */
export class RecordBatch {
  readonly buffer: Buffer;
  /** Where the batch starts in `buffer`. */
  readonly position: number;
  /** The whole batch, from its offset field on. */
  readonly sizeInBytes: number;
  readonly magic: Magic;

  /** For `batchAt`, which has checked that the bytes are there. */
  constructor(buffer: Buffer, position: number, sizeInBytes: number, magic: Magic) {
    this.buffer = buffer;
    this.position = position;
    this.sizeInBytes = sizeInBytes;
    this.magic = magic;
  }

  /** The first record's offset. Of a compressed message of formats 0 and 1 it must be unpacked to know. */
  get baseOffset(): number {
    if (this.magic === 2) return readInt64(this.buffer, this.position);
    return this.compressionType === 'none' ? this.lastOffset : legacyBaseOffset(this);
  }

  get lastOffset(): number {
    const offset = readInt64(this.buffer, this.position);
    return this.magic === 2 ? offset + this.lastOffsetDelta : offset;
  }

  get nextOffset(): number {
    return this.lastOffset + 1;
  }

  /** lastOffset − baseOffset as the batch says (format 2), 0 for a message. */
  get lastOffsetDelta(): number {
    return this.magic === 2 ? this.buffer.readInt32BE(this.position + LAST_OFFSET_DELTA_POSITION) : 0;
  }

  get attributes(): number {
    if (this.magic === 2) return this.buffer.readUInt16BE(this.position + ATTRIBUTES_POSITION);
    return this.buffer.readUInt8(this.position + LEGACY_ATTRIBUTES_POSITION);
  }

  /** @throws UnsupportedCompressionError for a number Kafka does not define */
  get compressionType(): CompressionType {
    return compressionTypeOf(this.attributes & COMPRESSION_MASK);
  }

  get timestampType(): TimestampType {
    if (this.magic === 0) return 'NoTimestampType';
    return (this.attributes & TIMESTAMP_TYPE_MASK) === 0 ? 'CreateTime' : 'LogAppendTime';
  }

  get isTransactional(): boolean {
    return this.magic === 2 && (this.attributes & TRANSACTIONAL_FLAG) !== 0;
  }

  get isControlBatch(): boolean {
    return this.magic === 2 && (this.attributes & CONTROL_FLAG) !== 0;
  }

  /** The time from which the batch's tombstones or transaction marker may be dropped, if the cleaner has set it (KIP-534). */
  get deleteHorizonMs(): number | undefined {
    if (this.magic !== 2 || (this.attributes & DELETE_HORIZON_FLAG) === 0) return undefined;
    return readInt64(this.buffer, this.position + BASE_TIMESTAMP_POSITION);
  }

  /** What record timestamps are relative to (format 2; −1 otherwise). */
  get baseTimestamp(): number {
    return this.magic === 2 ? readInt64(this.buffer, this.position + BASE_TIMESTAMP_POSITION) : NO_TIMESTAMP;
  }

  /** The largest timestamp; of a message of formats 0 and 1 its own (−1 in format 0). */
  get maxTimestamp(): number {
    if (this.magic === 2) return readInt64(this.buffer, this.position + MAX_TIMESTAMP_POSITION);
    return this.magic === 1 ? readInt64(this.buffer, this.position + LEGACY_TIMESTAMP_POSITION) : NO_TIMESTAMP;
  }

  get producerId(): number {
    return this.magic === 2 ? readInt64(this.buffer, this.position + PRODUCER_ID_POSITION) : NO_PRODUCER_ID;
  }

  get hasProducerId(): boolean {
    // The sign is in the first of its eight bytes.
    return this.magic === 2 && this.buffer.readInt8(this.position + PRODUCER_ID_POSITION) >= 0;
  }

  get producerEpoch(): number {
    return this.magic === 2 ? this.buffer.readInt16BE(this.position + PRODUCER_EPOCH_POSITION) : NO_PRODUCER_EPOCH;
  }

  get baseSequence(): number {
    return this.magic === 2 ? this.buffer.readInt32BE(this.position + BASE_SEQUENCE_POSITION) : NO_SEQUENCE;
  }

  /** The sequence of the record at `lastOffset`, on the ring [0, 2^31); −1 without sequences. */
  get lastSequence(): number {
    const baseSequence = this.baseSequence;
    return baseSequence === NO_SEQUENCE ? NO_SEQUENCE : incrementSequence(baseSequence, this.lastOffsetDelta);
  }

  get partitionLeaderEpoch(): number {
    if (this.magic !== 2) return NO_PARTITION_LEADER_EPOCH;
    return this.buffer.readInt32BE(this.position + PARTITION_LEADER_EPOCH_POSITION);
  }

  /** How many records the batch says it has (format 2); undefined in formats 0 and 1, which do not say. */
  get recordCount(): number | undefined {
    return this.magic === 2 ? this.buffer.readInt32BE(this.position + RECORD_COUNT_POSITION) : undefined;
  }

  /** The checksum in the batch. */
  get crc(): number {
    return this.buffer.readUInt32BE(this.position + (this.magic === 2 ? CRC_POSITION : LEGACY_CRC_POSITION));
  }

  /** Does the checksum hold? */
  isValid(): boolean {
    return this.crc === this.#computeChecksum();
  }

  /** @throws CorruptRecordError unless `isValid()` */
  ensureValid(): void {
    const computed = this.#computeChecksum();
    if (this.crc !== computed) {
      throw new CorruptRecordError(
        `Record is corrupt (stored crc = ${this.crc}, computed crc = ${computed})`,
        this.position,
      );
    }
  }

  /** Moves the batch to end at `offset`. The checksum does not cover offsets. */
  setLastOffset(offset: number): void {
    writeInt64(this.buffer, offset - this.lastOffsetDelta, this.position);
  }

  /** Stamps the leader's epoch, which formats 0 and 1 have no room for. The checksum does not cover it. */
  setPartitionLeaderEpoch(epoch: number): void {
    if (this.magic === 2) this.buffer.writeInt32BE(epoch, this.position + PARTITION_LEADER_EPOCH_POSITION);
  }

  /** Sets kind and value of the timestamp and the checksum over them. Does nothing where they are so already, and in
   *  format 0, which has none. */
  setMaxTimestamp(type: TimestampType, timestamp: number): void {
    if (this.magic === 0 || (this.timestampType === type && this.maxTimestamp === timestamp)) return;
    const attributes = (this.attributes & ~TIMESTAMP_TYPE_MASK) | (type === 'LogAppendTime' ? TIMESTAMP_TYPE_MASK : 0);
    if (this.magic === 2) {
      this.buffer.writeUInt16BE(attributes, this.position + ATTRIBUTES_POSITION);
      writeInt64(this.buffer, timestamp, this.position + MAX_TIMESTAMP_POSITION);
      this.buffer.writeUInt32BE(this.#computeChecksum(), this.position + CRC_POSITION);
    } else {
      this.buffer.writeUInt8(attributes, this.position + LEGACY_ATTRIBUTES_POSITION);
      writeInt64(this.buffer, timestamp, this.position + LEGACY_TIMESTAMP_POSITION);
      this.buffer.writeUInt32BE(this.#computeChecksum(), this.position + LEGACY_CRC_POSITION);
    }
  }

  /** The batch's bytes, not a copy. */
  bytes(): Buffer {
    return this.buffer.subarray(this.position, this.position + this.sizeInBytes);
  }

  /** The records in offset order.
   *  @throws InvalidRecordError when the records contradict the header or themselves, or unpack to too much
   *  @throws CorruptRecordError when they cannot be unpacked
   *  @throws UnsupportedCompressionError */
  records(options: RecordsOptions = {}): Iterable<KafkaRecord> {
    return this.magic === 2 ? defaultRecords(this, options) : legacyRecords(this, options);
  }

  #computeChecksum(): number {
    const end = this.position + this.sizeInBytes;
    if (this.magic === 2) return crc32c(this.buffer, this.position + ATTRIBUTES_POSITION, end);
    return crc32(this.buffer.subarray(this.position + MAGIC_POSITION, end));
  }
}

/** The batch at `position`, or undefined when `buffer[position, end)` ends before the batch does.
 *  @throws CorruptRecordError when size or format cannot be a batch's */
export function batchAt(buffer: Buffer, position: number, end = buffer.length): RecordBatch | undefined {
  const remaining = end - position;
  if (remaining < LOG_OVERHEAD) return undefined;
  const sizeField = buffer.readInt32BE(position + SIZE_POSITION);
  if (sizeField < LEGACY_OVERHEAD_V0) throw tooSmall(sizeField, LEGACY_OVERHEAD_V0, position);
  if (remaining < HEADER_SIZE_UP_TO_MAGIC) return undefined;
  const magic = buffer.readInt8(position + MAGIC_POSITION);
  if (magic !== 2 && magic !== 1 && magic !== 0) {
    throw new CorruptRecordError(`Invalid magic found in record: ${magic}`, position);
  }
  if (sizeField < minimumSizeField(magic)) throw tooSmall(sizeField, minimumSizeField(magic), position);
  const sizeInBytes = sizeField + LOG_OVERHEAD;
  return sizeInBytes > remaining ? undefined : new RecordBatch(buffer, position, sizeInBytes, magic);
}

/** The batches in `buffer[start, end)`; stops before a last one that is not whole, as the end of a fetch can be.
 *  @throws CorruptRecordError when size or format cannot be a batch's */
export function* batchesIn(buffer: Buffer, start = 0, end = buffer.length): Generator<RecordBatch, void, void> {
  let batch = batchAt(buffer, start, end);
  while (batch !== undefined) {
    yield batch;
    batch = batchAt(buffer, batch.position + batch.sizeInBytes, end);
  }
}

function tooSmall(sizeField: number, minimum: number, position: number): CorruptRecordError {
  return new CorruptRecordError(
    `Record size ${sizeField} is less than the minimum record overhead (${minimum})`,
    position,
  );
}
