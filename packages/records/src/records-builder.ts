// Builds one batch of format 2, or the messages (plain, or one wrapper with compressed ones) of formats 0 and 1.
// Source: org.apache.kafka.common.record.{MemoryRecordsBuilder,DefaultRecord,LegacyRecord}.

import { assert } from '@ottla/base';
import { compress } from './compression/compress.ts';
import { type CompressionType, ensureCompressionFitsMagic } from './compression/compression-type.ts';
import { InvalidRecordError, UnsupportedForMessageFormatError } from './errors.ts';
import {
  LOG_OVERHEAD,
  type Magic,
  NO_PARTITION_LEADER_EPOCH,
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  NO_SEQUENCE,
  NO_TIMESTAMP,
  RECORD_BATCH_OVERHEAD,
  type TimestampType,
} from './format.ts';
import { writeDefaultBatchHeader, writeLegacyMessageHeader } from './header-writer.ts';
import type { RecordHeader } from './kafka-record.ts';
import { sizeOfVarint, sizeOfVarlong, writeVarint, writeVarlong } from './numbers.ts';

const NO_HEADERS: readonly RecordHeader[] = [];
const INITIAL_BYTES = 512;
const VARINT_BYTES_MAX = 5;
const OFFSET_DELTA_MAX = 0x7fffffff;

export interface RecordsBuilderOptions {
  readonly magic: Magic;
  readonly compressionType: CompressionType;
  /** NoTimestampType in format 0, one of the others elsewhere. */
  readonly timestampType: TimestampType;
  /** The first record's offset. */
  readonly baseOffset: number;
  /** The codec's level; its default where not given. */
  readonly compressionLevel?: number | undefined;
  readonly producerId?: number;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  readonly isTransactional?: boolean;
  /** Makes a control batch: its records' keys are control records' (format 2). */
  readonly isControl?: boolean;
  readonly partitionLeaderEpoch?: number;
  /** The timestamp of all records where the type is LogAppendTime. */
  readonly logAppendTime?: number;
  /** Set by the cleaner (KIP-534); becomes the base timestamp. */
  readonly deleteHorizonMs?: number;
}

export interface RecordToAppend {
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** Formats 0 and 1 have none and drop them. */
  readonly headers?: readonly RecordHeader[];
}

export class RecordsBuilder {
  readonly #options: RecordsBuilderOptions;
  /** The records so far, as they will be written or compressed; [0, #position) is filled. */
  #bytes: Buffer;
  #position: number;
  /** Where in #bytes the records begin: room for the header of format 2. */
  readonly #recordsStart: number;
  #recordCount = 0;
  #lastOffset: number | undefined;
  #baseTimestamp: number | undefined;
  #maxTimestamp = NO_TIMESTAMP;
  #offsetOfMaxTimestamp = -1;

  /** @throws UnsupportedCompressionError | UnsupportedForMessageFormatError for what the format cannot express */
  constructor(options: RecordsBuilderOptions) {
    ensureCompressionFitsMagic(options.compressionType, options.magic);
    ensureFitsMagic(options);
    this.#options = options;
    this.#recordsStart = options.magic === 2 ? RECORD_BATCH_OVERHEAD : 0;
    this.#bytes = Buffer.allocUnsafe(INITIAL_BYTES);
    this.#position = this.#recordsStart;
    this.#baseTimestamp = options.deleteHorizonMs;
  }

  get recordCount(): number {
    return this.#recordCount;
  }

  /** The size of what has been appended, before compression, with the header of format 2. */
  get sizeInBytes(): number {
    return this.#position;
  }

  /** The last record's offset, or what `overrideLastOffset` said; `baseOffset` − 1 while there is neither. */
  get lastOffset(): number {
    return this.#lastOffset ?? this.#options.baseOffset - 1;
  }

  /** The largest timestamp of the batch; −1 without. */
  get maxTimestamp(): number {
    const { timestampType, logAppendTime = NO_TIMESTAMP } = this.#options;
    return timestampType === 'LogAppendTime' ? logAppendTime : this.#maxTimestamp;
  }

  /** The offset of a message of formats 0 and 1 that has `maxTimestamp`; where a batch holds several records, its last one's. */
  get shallowOffsetOfMaxTimestamp(): number {
    const { magic, compressionType, timestampType, baseOffset } = this.#options;
    if (this.maxTimestamp === NO_TIMESTAMP) return -1;
    if (magic === 2 || compressionType !== 'none') return this.lastOffset;
    return timestampType === 'LogAppendTime' ? baseOffset : this.#offsetOfMaxTimestamp;
  }

  /** Appends at the offset after the last. @throws InvalidRecordError for a negative timestamp other than −1 */
  append(record: RecordToAppend): void {
    this.appendWithOffset(this.lastOffset + 1, record);
  }

  /** Appends at `offset`, which is greater than the last one's: records that are copied may come from anywhere, so it is
   *  they that are refused. @throws InvalidRecordError */
  appendWithOffset(offset: number, record: RecordToAppend): void {
    const { lastOffset } = this;
    if (
      !(offset > lastOffset && offset - this.#options.baseOffset <= OFFSET_DELTA_MAX && Number.isSafeInteger(offset))
    ) {
      throw new InvalidRecordError(
        `Illegal offset ${offset} following previous offset ${lastOffset} (offsets must increase)`,
      );
    }
    const { timestamp } = record;
    if (timestamp < 0 && timestamp !== NO_TIMESTAMP)
      throw new InvalidRecordError(`Invalid negative timestamp ${timestamp}`);
    if (this.#options.magic === 2) this.#appendDefaultRecord(offset, record);
    else this.#appendMessage(offset, record);
    this.#lastOffset = offset;
    this.#recordCount++;
    if (this.#options.magic > 0 && timestamp > this.#maxTimestamp) {
      this.#maxTimestamp = timestamp;
      this.#offsetOfMaxTimestamp = offset;
    }
  }

  /** Makes the batch end at `offset`, beyond its last record: what remains of a compacted batch keeps its range (format 2). */
  overrideLastOffset(offset: number): void {
    assert(this.#options.magic === 2 && offset >= this.lastOffset, `cannot make the batch end at ${offset}`);
    this.#lastOffset = offset;
  }

  /** The batch; empty when nothing was appended. The builder must not be used after. */
  build(): Buffer {
    if (this.#recordCount === 0) return Buffer.alloc(0);
    return this.#options.magic === 2 ? this.#buildBatch() : this.#buildMessages();
  }

  #appendDefaultRecord(offset: number, record: RecordToAppend): void {
    this.#baseTimestamp ??= record.timestamp;
    const timestampDelta = record.timestamp - this.#baseTimestamp;
    const offsetDelta = offset - this.#options.baseOffset;
    const headers = record.headers ?? NO_HEADERS;
    const keySize = record.key === null ? -1 : record.key.length;
    const valueSize = record.value === null ? -1 : record.value.length;
    const size =
      1 +
      sizeOfVarlong(timestampDelta) +
      sizeOfVarint(offsetDelta) +
      sizeOfField(keySize) +
      sizeOfField(valueSize) +
      sizeOfHeaders(headers);
    this.#makeRoom(size + VARINT_BYTES_MAX);
    const bytes = this.#bytes;
    let position = writeVarint(bytes, size, this.#position);
    bytes[position++] = 0;
    position = writeVarlong(bytes, timestampDelta, position);
    position = writeVarint(bytes, offsetDelta, position);
    position = writeField(bytes, record.key, position);
    position = writeField(bytes, record.value, position);
    this.#position = writeHeaders(bytes, headers, position);
  }

  #appendMessage(offset: number, record: RecordToAppend): void {
    const { magic, compressionType, timestampType, baseOffset, logAppendTime = NO_TIMESTAMP } = this.#options;
    const compressed = compressionType !== 'none';
    const start = this.#position;
    const headerSize = magic === 0 ? LOG_OVERHEAD + 6 : LOG_OVERHEAD + 14;
    this.#makeRoom(headerSize + 8 + (record.key?.length ?? 0) + (record.value?.length ?? 0));
    let position = writeSizedField(this.#bytes, record.key, start + headerSize);
    position = writeSizedField(this.#bytes, record.value, position);
    this.#position = position;
    writeLegacyMessageHeader(this.#bytes.subarray(start, position), {
      magic: magic === 0 ? 0 : 1,
      offset: compressed && magic === 1 ? offset - baseOffset : offset,
      compressionType: 'none',
      timestampType,
      timestamp: timestampType === 'LogAppendTime' && !compressed ? logAppendTime : record.timestamp,
    });
  }

  #buildBatch(): Buffer {
    const options = this.#options;
    const body = this.#bytes.subarray(RECORD_BATCH_OVERHEAD, this.#position);
    const batch =
      options.compressionType === 'none'
        ? this.#bytes.subarray(0, this.#position)
        : afterHeader(RECORD_BATCH_OVERHEAD, compress(options.compressionType, body, options.compressionLevel));
    writeDefaultBatchHeader(batch, {
      baseOffset: options.baseOffset,
      lastOffset: this.lastOffset,
      compressionType: options.compressionType,
      timestampType: options.timestampType,
      baseTimestamp: this.#baseTimestamp ?? NO_TIMESTAMP,
      maxTimestamp: this.maxTimestamp,
      producerId: options.producerId ?? NO_PRODUCER_ID,
      producerEpoch: options.producerEpoch ?? NO_PRODUCER_EPOCH,
      baseSequence: options.baseSequence ?? NO_SEQUENCE,
      isTransactional: options.isTransactional ?? false,
      isControl: options.isControl ?? false,
      hasDeleteHorizon: options.deleteHorizonMs !== undefined,
      partitionLeaderEpoch: options.partitionLeaderEpoch ?? NO_PARTITION_LEADER_EPOCH,
      recordCount: this.#recordCount,
    });
    return batch;
  }

  #buildMessages(): Buffer {
    const { magic, compressionType, timestampType, compressionLevel } = this.#options;
    const messages = this.#bytes.subarray(0, this.#position);
    if (compressionType === 'none') return messages;
    const legacyMagic = magic === 0 ? 0 : 1;
    const value = compress(compressionType, messages, compressionLevel, legacyMagic);
    const headerSize = (legacyMagic === 0 ? LOG_OVERHEAD + 6 : LOG_OVERHEAD + 14) + 8;
    const wrapper = afterHeader(headerSize, value);
    wrapper.writeInt32BE(-1, headerSize - 8);
    wrapper.writeInt32BE(value.length, headerSize - 4);
    writeLegacyMessageHeader(wrapper, {
      magic: legacyMagic,
      offset: this.lastOffset,
      compressionType,
      timestampType,
      timestamp: this.maxTimestamp,
    });
    return wrapper;
  }

  #makeRoom(size: number): void {
    const needed = this.#position + size;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length));
    this.#bytes.copy(larger, 0, 0, this.#position);
    this.#bytes = larger;
  }
}

function ensureFitsMagic(options: RecordsBuilderOptions): void {
  const { magic, timestampType } = options;
  assert(magic === 0 || timestampType !== 'NoTimestampType', `format ${magic} needs a timestamp type`);
  if (magic === 2) return;
  if (options.isTransactional) {
    throw new UnsupportedForMessageFormatError(`Transactional records are not supported for magic ${magic}`);
  }
  if (options.isControl)
    throw new UnsupportedForMessageFormatError(`Control records are not supported for magic ${magic}`);
  if (options.producerId !== undefined && options.producerId !== NO_PRODUCER_ID) {
    throw new UnsupportedForMessageFormatError(`Idempotent messages are not supported for magic ${magic}`);
  }
}

function afterHeader(headerSize: number, body: Buffer): Buffer {
  const whole = Buffer.allocUnsafe(headerSize + body.length);
  whole.fill(0, 0, headerSize);
  body.copy(whole, headerSize);
  return whole;
}

function sizeOfField(size: number): number {
  return sizeOfVarint(size) + Math.max(size, 0);
}

function sizeOfHeaders(headers: readonly RecordHeader[]): number {
  let size = sizeOfVarint(headers.length);
  for (const header of headers) {
    size += sizeOfField(Buffer.byteLength(header.key)) + sizeOfField(header.value === null ? -1 : header.value.length);
  }
  return size;
}

function writeHeaders(bytes: Buffer, headers: readonly RecordHeader[], start: number): number {
  let position = writeVarint(bytes, headers.length, start);
  for (const header of headers) {
    position = writeVarint(bytes, Buffer.byteLength(header.key), position);
    position += bytes.write(header.key, position);
    position = writeField(bytes, header.value, position);
  }
  return position;
}

function writeField(bytes: Buffer, field: Buffer | null, start: number): number {
  if (field === null) return writeVarint(bytes, -1, start);
  const position = writeVarint(bytes, field.length, start);
  return position + field.copy(bytes, position);
}

function writeSizedField(bytes: Buffer, field: Buffer | null, start: number): number {
  const position = bytes.writeInt32BE(field === null ? -1 : field.length, start);
  return field === null ? position : position + field.copy(bytes, position);
}
