// Where the fields of a batch stand, for message formats 0, 1 and 2, and the constants of the formats.
// Source: org.apache.kafka.common.record.{Records,RecordBatch,DefaultRecordBatch,LegacyRecord}.
//
// All formats begin alike, so that a reader can find the magic byte before it knows the format:
//
//   0         8       12               16      17
//   | offset  | size  | (see below)    | magic |
//
// Format 2, a batch (the checksum covers everything from `attributes` on):
//
//   0            8      12            16     17   21          23               27             35            43
//   | baseOffset | size | leaderEpoch | magic| crc| attributes| lastOffsetDelta| baseTimestamp| maxTimestamp|
//   43           51             53            57           61
//   | producerId | producerEpoch| baseSequence| recordCount| records …
//
// Formats 0 and 1, a message (the checksum covers everything from `magic` on; format 0 has no timestamp). A compressed
// message is a wrapper: its value is compressed messages, and its offset that of the last of them.
//
//   0        8      12    16      17           18          26        30
//   | offset | size | crc | magic | attributes | timestamp | keySize | key | valueSize | value |

/** The message format. */
export type Magic = 0 | 1 | 2;

/** In which sense a record's timestamp is meant; format 0 has none. */
export type TimestampType = 'NoTimestampType' | 'CreateTime' | 'LogAppendTime';

export const NO_PRODUCER_ID = -1;
export const NO_PRODUCER_EPOCH = -1;
export const NO_SEQUENCE = -1;
export const NO_TIMESTAMP = -1;
export const NO_PARTITION_LEADER_EPOCH = -1;

/** The size of what every format begins with: offset and size. */
export const LOG_OVERHEAD = 12;
/** The size of a format 2 batch without records. */
export const RECORD_BATCH_OVERHEAD = 61;
/** What must be there to learn a batch's size and format. */
export const HEADER_SIZE_UP_TO_MAGIC = 17;

export const SIZE_POSITION = 8;
export const MAGIC_POSITION = 16;

export const PARTITION_LEADER_EPOCH_POSITION = 12;
export const CRC_POSITION = 17;
export const ATTRIBUTES_POSITION = 21;
export const LAST_OFFSET_DELTA_POSITION = 23;
export const BASE_TIMESTAMP_POSITION = 27;
export const MAX_TIMESTAMP_POSITION = 35;
export const PRODUCER_ID_POSITION = 43;
export const PRODUCER_EPOCH_POSITION = 51;
export const BASE_SEQUENCE_POSITION = 53;
export const RECORD_COUNT_POSITION = 57;

export const LEGACY_CRC_POSITION = 12;
export const LEGACY_ATTRIBUTES_POSITION = 17;
export const LEGACY_TIMESTAMP_POSITION = 18;
export const LEGACY_KEY_SIZE_POSITION_V0 = 18;
export const LEGACY_KEY_SIZE_POSITION_V1 = 26;
/** The size of a message with an empty key and value, without `LOG_OVERHEAD`. */
export const LEGACY_OVERHEAD_V0 = 14;
export const LEGACY_OVERHEAD_V1 = 22;

export const COMPRESSION_MASK = 0x07;
export const TIMESTAMP_TYPE_MASK = 0x08;
export const TRANSACTIONAL_FLAG = 0x10;
export const CONTROL_FLAG = 0x20;
export const DELETE_HORIZON_FLAG = 0x40;

const SEQUENCE_MAX = 0x7fffffff;

/** `sequence` + `increment` on the ring of sequences, [0, 2^31): the one after 2^31 − 1 is 0. */
export function incrementSequence(sequence: number, increment: number): number {
  return sequence > SEQUENCE_MAX - increment ? increment - (SEQUENCE_MAX - sequence) - 1 : sequence + increment;
}

/** The smallest size field a message of format `magic` can have. */
export function minimumSizeField(magic: Magic): number {
  if (magic === 2) return RECORD_BATCH_OVERHEAD - LOG_OVERHEAD;
  return magic === 1 ? LEGACY_OVERHEAD_V1 : LEGACY_OVERHEAD_V0;
}
