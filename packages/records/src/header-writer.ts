// Writes the headers of batches and messages around bytes that are already in place, checksum last.
// Source: org.apache.kafka.common.record.{DefaultRecordBatch.writeHeader,LegacyRecord.write}.

import { crc32 } from 'node:zlib';
import { type CompressionType, compressionIdOf } from './compression/compression-type.ts';
import { crc32c } from './crc32c.ts';
import {
  ATTRIBUTES_POSITION,
  BASE_SEQUENCE_POSITION,
  BASE_TIMESTAMP_POSITION,
  CONTROL_FLAG,
  CRC_POSITION,
  DELETE_HORIZON_FLAG,
  LAST_OFFSET_DELTA_POSITION,
  LEGACY_ATTRIBUTES_POSITION,
  LEGACY_CRC_POSITION,
  LEGACY_TIMESTAMP_POSITION,
  LOG_OVERHEAD,
  MAGIC_POSITION,
  MAX_TIMESTAMP_POSITION,
  PARTITION_LEADER_EPOCH_POSITION,
  PRODUCER_EPOCH_POSITION,
  PRODUCER_ID_POSITION,
  RECORD_BATCH_OVERHEAD,
  RECORD_COUNT_POSITION,
  SIZE_POSITION,
  TIMESTAMP_TYPE_MASK,
  type TimestampType,
  TRANSACTIONAL_FLAG,
} from './format.ts';
import { writeInt64 } from './numbers.ts';

export interface DefaultBatchHeader {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly compressionType: CompressionType;
  readonly timestampType: TimestampType;
  readonly baseTimestamp: number;
  readonly maxTimestamp: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
  readonly hasDeleteHorizon: boolean;
  readonly partitionLeaderEpoch: number;
  readonly recordCount: number;
}

/** Fills the first 61 bytes of `batch`, all of which is one batch of format 2. */
export function writeDefaultBatchHeader(batch: Buffer, header: DefaultBatchHeader): void {
  writeInt64(batch, header.baseOffset, 0);
  batch.writeInt32BE(batch.length - LOG_OVERHEAD, SIZE_POSITION);
  batch.writeInt32BE(header.partitionLeaderEpoch, PARTITION_LEADER_EPOCH_POSITION);
  batch.writeInt8(2, MAGIC_POSITION);
  batch.writeInt16BE(attributesOf(header), ATTRIBUTES_POSITION);
  batch.writeInt32BE(header.lastOffset - header.baseOffset, LAST_OFFSET_DELTA_POSITION);
  writeInt64(batch, header.baseTimestamp, BASE_TIMESTAMP_POSITION);
  writeInt64(batch, header.maxTimestamp, MAX_TIMESTAMP_POSITION);
  writeInt64(batch, header.producerId, PRODUCER_ID_POSITION);
  batch.writeInt16BE(header.producerEpoch, PRODUCER_EPOCH_POSITION);
  batch.writeInt32BE(header.baseSequence, BASE_SEQUENCE_POSITION);
  batch.writeInt32BE(header.recordCount, RECORD_COUNT_POSITION);
  batch.writeUInt32BE(crc32c(batch, ATTRIBUTES_POSITION), CRC_POSITION);
}

function attributesOf(header: DefaultBatchHeader): number {
  return (
    compressionIdOf(header.compressionType) |
    (header.timestampType === 'LogAppendTime' ? TIMESTAMP_TYPE_MASK : 0) |
    (header.isTransactional ? TRANSACTIONAL_FLAG : 0) |
    (header.isControl ? CONTROL_FLAG : 0) |
    (header.hasDeleteHorizon ? DELETE_HORIZON_FLAG : 0)
  );
}

/** What remains of a batch when compaction takes its last record: its range and its producer's last sequence. */
export interface EmptyBatchOptions {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly timestampType: TimestampType;
  readonly timestamp: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
  readonly partitionLeaderEpoch: number;
}

/** A batch of format 2 without records. Source: DefaultRecordBatch.writeEmptyHeader. */
export function emptyBatch(options: EmptyBatchOptions): Buffer {
  const batch = Buffer.alloc(RECORD_BATCH_OVERHEAD);
  writeDefaultBatchHeader(batch, {
    baseOffset: options.baseOffset,
    lastOffset: options.lastOffset,
    compressionType: 'none',
    timestampType: options.timestampType,
    baseTimestamp: -1,
    maxTimestamp: options.timestamp,
    producerId: options.producerId,
    producerEpoch: options.producerEpoch,
    baseSequence: options.baseSequence,
    isTransactional: options.isTransactional,
    isControl: options.isControl,
    hasDeleteHorizon: false,
    partitionLeaderEpoch: options.partitionLeaderEpoch,
    recordCount: 0,
  });
  return batch;
}

export interface LegacyMessageHeader {
  readonly magic: 0 | 1;
  readonly offset: number;
  readonly compressionType: CompressionType;
  readonly timestampType: TimestampType;
  readonly timestamp: number;
}

/** Fills what comes before the key of `message`, all of which is one message of format 0 or 1. */
export function writeLegacyMessageHeader(message: Buffer, header: LegacyMessageHeader): void {
  writeInt64(message, header.offset, 0);
  message.writeInt32BE(message.length - LOG_OVERHEAD, SIZE_POSITION);
  message.writeInt8(header.magic, MAGIC_POSITION);
  const timestampBit = header.magic === 1 && header.timestampType === 'LogAppendTime' ? TIMESTAMP_TYPE_MASK : 0;
  message.writeUInt8(compressionIdOf(header.compressionType) | timestampBit, LEGACY_ATTRIBUTES_POSITION);
  if (header.magic === 1) writeInt64(message, header.timestamp, LEGACY_TIMESTAMP_POSITION);
  message.writeUInt32BE(crc32(message.subarray(MAGIC_POSITION)), LEGACY_CRC_POSITION);
}
