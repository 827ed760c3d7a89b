// The record sets that scenarios produce. Nothing in them changes from run to run.

import { type CompressionType, crc32c, type Magic, RecordsBuilder } from '@ottla/records';

/** 14 November 2023: far from the present, so that a transcript can tell the scenario's times from the broker's. */
export const FIXED_TIMESTAMP = 1_700_000_000_000;

export interface BatchOptions {
  readonly magic?: Magic;
  readonly compressionType?: CompressionType;
  readonly timestamp?: number;
  /** No record has a key. */
  readonly withoutKeys?: boolean;
  readonly producerId?: number;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  readonly isTransactional?: boolean;
}

/** One batch, or messages: `values` with keys k0, k1 …, a millisecond apart, and a header each in format 2. */
export function batchOf(values: readonly string[], options: BatchOptions = {}): Buffer {
  const { magic = 2, compressionType = 'none', timestamp = FIXED_TIMESTAMP, withoutKeys, ...producer } = options;
  const builder = new RecordsBuilder({
    magic,
    compressionType,
    timestampType: magic === 0 ? 'NoTimestampType' : 'CreateTime',
    baseOffset: 0,
    ...producer,
  });
  values.forEach((value, index) => {
    builder.append({
      timestamp: magic === 0 ? -1 : timestamp + index,
      key: withoutKeys ? null : Buffer.from(`k${index}`),
      value: Buffer.from(value),
      ...(magic === 2 ? { headers: [{ key: 'h', value: Buffer.from(String(index)) }] } : {}),
    });
  });
  return builder.build();
}

/** The format that a client of this Produce version writes. */
export function magicOfProduceVersion(version: number): Magic {
  if (version >= 3) return 2;
  return version === 2 ? 1 : 0;
}

/** A valid batch of which one byte was changed after its checksum was made. */
export function corruptBatch(magic: Magic): Buffer {
  const batch = batchOf(['spoiled'], { magic });
  batch.writeUInt8(batch.readUInt8(batch.length - 2) ^ 0xff, batch.length - 2);
  return batch;
}

const CRC_POSITION = 17;
const CHECKED_FROM = 21;

/** Makes the checksum of a batch of format 2 true again after its bytes were changed. */
export function withChecksum(batch: Buffer): Buffer {
  batch.writeUInt32BE(crc32c(batch.subarray(CHECKED_FROM)), CRC_POSITION);
  return batch;
}
