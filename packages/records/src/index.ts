// The public face of @ottla/records.

export {
  compress,
  DECOMPRESSED_BYTES_MAX,
  type DecompressOptions,
  decompress,
  loadCompressionCodecs,
} from './compression/compress.ts';
export type { CompressionType } from './compression/compression-type.ts';
export * from './control-record.ts';
export * from './convert-records.ts';
export { crc32c } from './crc32c.ts';
export * from './errors.ts';
export {
  incrementSequence,
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
export { type EmptyBatchOptions, emptyBatch } from './header-writer.ts';
export * from './kafka-record.ts';
export * from './log-validator.ts';
export { batchAt, batchesIn, RecordBatch, type RecordsOptions } from './record-batch.ts';
export type { AppendOrigin, RecordChecksOptions } from './record-checks.ts';
export * from './records-builder.ts';
