// Control records: what the transaction coordinator writes between a producer's records to say how they ended.
// Source: org.apache.kafka.common.record.{ControlRecordType,EndTransactionMarker}; KIP-98.
//
//   key:   version int16 (0), type int16          value of commit and abort: version int16 (0), coordinatorEpoch int32

import { InvalidRecordError } from './errors.ts';
import { NO_PARTITION_LEADER_EPOCH } from './format.ts';
import { RecordsBuilder } from './records-builder.ts';

export type ControlRecordType =
  | 'abort'
  | 'commit'
  | 'leaderChange'
  | 'snapshotHeader'
  | 'snapshotFooter'
  | 'kraftVersion'
  | 'kraftVoters'
  | 'unknown';

/** In the order of their numbers, from 0. */
const TYPES: readonly ControlRecordType[] = [
  'abort',
  'commit',
  'leaderChange',
  'snapshotHeader',
  'snapshotFooter',
  'kraftVersion',
  'kraftVoters',
];
const KEY_BYTES = 4;
const VALUE_BYTES = 6;

export interface EndTransactionMarker {
  readonly type: 'commit' | 'abort';
  readonly coordinatorEpoch: number;
}

export interface EndTransactionMarkerOptions extends EndTransactionMarker {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly timestamp: number;
  /** 0 unless given; the log assigns it. */
  readonly baseOffset?: number;
  readonly partitionLeaderEpoch?: number;
}

/** The batch (format 2, control, transactional) that ends a producer's transaction in a partition. */
export function endTransactionMarker(options: EndTransactionMarkerOptions): Buffer {
  const builder = new RecordsBuilder({
    magic: 2,
    compressionType: 'none',
    timestampType: 'CreateTime',
    baseOffset: options.baseOffset ?? 0,
    producerId: options.producerId,
    producerEpoch: options.producerEpoch,
    isTransactional: true,
    isControl: true,
    partitionLeaderEpoch: options.partitionLeaderEpoch ?? NO_PARTITION_LEADER_EPOCH,
  });
  const key = Buffer.alloc(KEY_BYTES);
  key.writeInt16BE(TYPES.indexOf(options.type), 2);
  const value = Buffer.alloc(VALUE_BYTES);
  value.writeInt32BE(options.coordinatorEpoch, 2);
  builder.append({ timestamp: options.timestamp, key, value });
  return builder.build();
}

/** What kind of control record this is; 'unknown' for a type of the future.
 *  @throws InvalidRecordError when its key is none of a control record */
export function controlRecordType(record: { readonly key: Buffer | null }): ControlRecordType {
  const { key } = record;
  if (key === null || key.length < KEY_BYTES) {
    throw new InvalidRecordError(
      `Invalid control record key: ${key === null ? 'null' : `${key.length} bytes`}, expected at least ${KEY_BYTES} bytes`,
    );
  }
  const version = key.readInt16BE(0);
  if (version < 0) throw new InvalidRecordError(`Invalid control record key version: ${version}`);
  return TYPES[key.readInt16BE(2)] ?? 'unknown';
}

/** @throws InvalidRecordError when the record is no end-of-transaction marker */
export function readEndTransactionMarker(record: {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}): EndTransactionMarker {
  const type = controlRecordType(record);
  if (type !== 'commit' && type !== 'abort') {
    throw new InvalidRecordError(`Control record of type ${type} is no end-of-transaction marker`);
  }
  const { value } = record;
  if (value === null || value.length < VALUE_BYTES) {
    throw new InvalidRecordError(`Invalid end-of-transaction marker: expected at least ${VALUE_BYTES} bytes of value`);
  }
  const version = value.readInt16BE(0);
  if (version < 0) throw new InvalidRecordError(`Invalid end-of-transaction marker version: ${version}`);
  return { type, coordinatorEpoch: value.readInt32BE(2) };
}
