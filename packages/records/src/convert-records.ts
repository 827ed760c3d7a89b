// Rewrites batches in another message format: for old consumers on the way out.
// Source: org.apache.kafka.common.record.RecordsUtil.downConvert.

import { UnsupportedCompressionError } from './errors.ts';
import { type Magic, NO_TIMESTAMP, type TimestampType } from './format.ts';
import type { KafkaRecord } from './kafka-record.ts';
import { batchesIn, type RecordBatch } from './record-batch.ts';
import { RecordsBuilder } from './records-builder.ts';

export interface ConvertOptions {
  readonly toMagic: Magic;
  /** Records of uncompressed batches before this offset are left out where the target has one message for each. */
  readonly firstOffset?: number;
  /** Also rewrite batches of older formats than `toMagic`. Default false, as for fetches: every reader of a format knows
   *  the older ones. */
  readonly upConvert?: boolean;
  readonly maxDecompressedBytes?: number;
  /** No batch is begun after so many bytes of records came out of those before; default: all are converted. */
  readonly maxBytes?: number;
}

/** The batches in `records` in format `toMagic`. Offsets, timestamps, keys and values stay. Formats 0 and 1 have no headers,
 *  no control batches and no timestamps before 1970: those are left out. An incomplete last batch is left out.
 *  Formats 0 and 1 cannot express a zstd batch: the result ends before it.
 *  @throws UnsupportedCompressionError when nothing comes before it
 *  @throws CorruptRecordError | InvalidRecordError */
export function convertRecords(records: Buffer, options: ConvertOptions): Buffer {
  const converted: Buffer[] = [];
  const { maxBytes = Number.POSITIVE_INFINITY } = options;
  let [unpackedBytes, convertedBytes] = [0, 0];
  for (const batch of batchesIn(records)) {
    if (unpackedBytes >= maxBytes && convertedBytes > 0) break;
    if (options.toMagic < 2 && batch.compressionType === 'zstd') {
      // What comes before it is the answer; whoever reads on gets the error.
      if (converted.length > 0) break;
      throw new UnsupportedCompressionError('Down-conversion of zstandard-compressed batches is not supported');
    }
    if (options.toMagic < 2 && batch.isControlBatch) continue;
    const kept = isKept(batch, options) ? batch.bytes() : undefined;
    const next = kept === undefined ? convertBatch(batch, options) : { bytes: kept, unpackedBytes: kept.length };
    converted.push(next.bytes);
    unpackedBytes += next.unpackedBytes;
    convertedBytes += next.bytes.length;
  }
  return converted.length === 1 && converted[0] !== undefined ? converted[0] : Buffer.concat(converted);
}

function isKept(batch: RecordBatch, options: ConvertOptions): boolean {
  return batch.magic === options.toMagic || (batch.magic < options.toMagic && !options.upConvert);
}

function convertBatch(batch: RecordBatch, options: ConvertOptions): { bytes: Buffer; unpackedBytes: number } {
  const records: KafkaRecord[] = [];
  const leaveOutBefore = options.toMagic < 2 && batch.compressionType === 'none' ? (options.firstOffset ?? 0) : 0;
  for (const record of batch.records(options)) if (record.offset >= leaveOutBefore) records.push(record);
  const first = records[0];
  if (first === undefined) return { bytes: Buffer.alloc(0), unpackedBytes: 0 };
  const builder = new RecordsBuilder({
    magic: options.toMagic,
    compressionType: batch.compressionType,
    timestampType: timestampTypeFor(batch.timestampType, options.toMagic),
    baseOffset: first.offset,
    logAppendTime: batch.timestampType === 'LogAppendTime' ? batch.maxTimestamp : NO_TIMESTAMP,
  });
  let unpackedBytes = 0;
  for (const record of records) {
    unpackedBytes += (record.key?.length ?? 0) + (record.value?.length ?? 0);
    builder.appendWithOffset(record.offset, options.toMagic < 2 ? withTimestampOfOld(record) : record);
  }
  return { bytes: builder.build(), unpackedBytes };
}

/** Kafka fails here, and the consumer goes no further. */
function withTimestampOfOld(record: KafkaRecord): KafkaRecord {
  return record.timestamp < NO_TIMESTAMP ? { ...record, timestamp: NO_TIMESTAMP } : record;
}

function timestampTypeFor(type: TimestampType, toMagic: Magic): TimestampType {
  if (toMagic === 0) return 'NoTimestampType';
  return type === 'NoTimestampType' ? 'CreateTime' : type;
}
