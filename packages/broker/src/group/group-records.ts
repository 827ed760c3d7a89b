// Groups and offsets as records of __consumer_offsets, as Kafka 3.9 writes them.
// Source: Kafka 3.9 GroupMetadataManager; schemas OffsetCommitKey/Value, GroupMetadataKey/Value.
//
//   key version 0, 1: an offset (0 is of old brokers)     value version 3; 1 when the client limited its life
//   key version 2:    a group's metadata                  value version 3

import { ByteReader, ByteWriter, Errors, KafkaError } from '@ottla/base';
import { groupMetadataKey, groupMetadataValue, offsetCommitKey, offsetCommitValue } from '@ottla/protocol';
import { type CompressionType, RecordsBuilder, type RecordToAppend } from '@ottla/records';
import { GroupMetadata } from './group-metadata.ts';
import { EMPTY_BYTES } from './group-results.ts';
import type { Assignment } from './group-step.ts';
import { MemberMetadata } from './member-metadata.ts';
import type { OffsetAndMetadata, OffsetsByPartition } from './offset-cache.ts';

const OFFSET_KEY_VERSION = 1;
const GROUP_KEY_VERSION = 2;
const OFFSET_VALUE_VERSION = 3;
/** The one version that can say when the offset expires. */
const OFFSET_VALUE_VERSION_WITH_EXPIRY = 1;
const GROUP_VALUE_VERSION = 3;
const VALUE_VERSION_MAX = 4;

/** Kafka writes offset commits with sequence 0, transactional or not. */
const OFFSET_COMMIT_BASE_SEQUENCE = 0;

export interface ProducerIdAndEpoch {
  readonly producerId: number;
  readonly producerEpoch: number;
}

export interface BatchOptions {
  readonly nowMs: number;
  readonly compressionType: CompressionType;
}

// --- writing

export function offsetCommitRecords(
  groupId: string,
  offsets: OffsetsByPartition,
  options: BatchOptions & { readonly transaction?: ProducerIdAndEpoch },
): Buffer {
  const { transaction } = options;
  const builder = new RecordsBuilder({
    magic: 2,
    compressionType: options.compressionType,
    timestampType: 'CreateTime',
    baseOffset: 0,
    baseSequence: OFFSET_COMMIT_BASE_SEQUENCE,
    ...(transaction === undefined ? {} : { ...transaction, isTransactional: true }),
  });
  for (const [topic, partitions] of offsets) {
    for (const [partition, value] of partitions) {
      builder.append({
        timestamp: options.nowMs,
        key: encodeOffsetKey(groupId, topic, partition),
        value: encodeOffsetValue(value),
      });
    }
  }
  return builder.build();
}

/** The group with what its members are assigned. */
export function groupMetadataRecords(group: GroupMetadata, assignment: Assignment, options: BatchOptions): Buffer {
  return plainBatch(options, [
    {
      timestamp: options.nowMs,
      key: encodeGroupKey(group.groupId),
      value: encodeGroupValue(group, assignment),
    },
  ]);
}

/** Removes offsets, and the group itself where `withGroup`. */
export function tombstoneRecords(
  groupId: string,
  removed: { offsets: readonly { topic: string; partition: number }[]; withGroup: boolean },
  options: BatchOptions,
): Buffer {
  const timestamp = options.nowMs;
  const records: RecordToAppend[] = removed.offsets.map(({ topic, partition }) => ({
    timestamp,
    key: encodeOffsetKey(groupId, topic, partition),
    value: null,
  }));
  if (removed.withGroup) records.push({ timestamp, key: encodeGroupKey(groupId), value: null });
  return plainBatch(options, records);
}

function plainBatch(options: BatchOptions, records: readonly RecordToAppend[]): Buffer {
  const { compressionType } = options;
  const builder = new RecordsBuilder({ magic: 2, compressionType, timestampType: 'CreateTime', baseOffset: 0 });
  for (const record of records) builder.append(record);
  return builder.build();
}

function encodeOffsetKey(group: string, topic: string, partition: number): Buffer {
  const writer = new ByteWriter();
  writer.writeInt16(OFFSET_KEY_VERSION);
  offsetCommitKey.write(writer, { group, topic, partition }, OFFSET_KEY_VERSION);
  return writer.finishBuffer();
}

function encodeOffsetValue(value: OffsetAndMetadata): Buffer {
  const version = value.expireTimestampMs === -1 ? OFFSET_VALUE_VERSION : OFFSET_VALUE_VERSION_WITH_EXPIRY;
  const writer = new ByteWriter();
  writer.writeInt16(version);
  offsetCommitValue.write(
    writer,
    {
      offset: value.offset,
      leaderEpoch: value.leaderEpoch,
      metadata: value.metadata,
      commitTimestamp: value.commitTimestampMs,
      expireTimestamp: value.expireTimestampMs,
    },
    version,
  );
  return writer.finishBuffer();
}

function encodeGroupKey(group: string): Buffer {
  const writer = new ByteWriter();
  writer.writeInt16(GROUP_KEY_VERSION);
  groupMetadataKey.write(writer, { group }, GROUP_KEY_VERSION);
  return writer.finishBuffer();
}

function encodeGroupValue(group: GroupMetadata, assignment: Assignment): Buffer {
  const writer = new ByteWriter();
  writer.writeInt16(GROUP_VALUE_VERSION);
  groupMetadataValue.write(
    writer,
    {
      protocolType: group.protocolType ?? '',
      generation: group.generationId,
      protocol: group.protocolName,
      leader: group.leader,
      currentStateTimestamp: group.stateTimestampMs ?? -1,
      members: group.members().map((member) => ({
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rebalanceTimeout: member.rebalanceTimeoutMs,
        sessionTimeout: member.sessionTimeoutMs,
        subscription: group.protocolName === null ? EMPTY_BYTES : member.metadata(group.protocolName),
        assignment: assignment.get(member.memberId) ?? EMPTY_BYTES,
      })),
    },
    GROUP_VALUE_VERSION,
  );
  return writer.finishBuffer();
}

// --- reading

export type GroupLogKey =
  | { readonly kind: 'offset'; readonly groupId: string; readonly topic: string; readonly partition: number }
  | { readonly kind: 'group'; readonly groupId: string }
  | { readonly kind: 'unknown'; readonly version: number };

/** @throws MalformedMessageError, KafkaError CORRUPT_MESSAGE for a record without a key */
export function readGroupLogKey(bytes: Buffer | null): GroupLogKey {
  if (bytes === null) throw new KafkaError(Errors.CORRUPT_MESSAGE, 'a record of the offsets topic has no key');
  const reader = new ByteReader(bytes);
  const version = reader.readInt16();
  if (version === 0 || version === OFFSET_KEY_VERSION) {
    const { group: groupId, topic, partition } = offsetCommitKey.read(reader, version);
    return { kind: 'offset', groupId, topic, partition };
  }
  if (version === GROUP_KEY_VERSION) return { kind: 'group', groupId: groupMetadataKey.read(reader, version).group };
  return { kind: 'unknown', version };
}

/** @throws MalformedMessageError, KafkaError CORRUPT_MESSAGE for a version that nobody wrote yet */
export function readOffsetValue(bytes: Buffer): OffsetAndMetadata {
  const reader = new ByteReader(bytes);
  const value = offsetCommitValue.read(reader, readValueVersion(reader, 'an offset'));
  return {
    offset: value.offset,
    leaderEpoch: value.leaderEpoch,
    metadata: value.metadata,
    commitTimestampMs: value.commitTimestamp,
    expireTimestampMs: value.expireTimestamp,
  };
}

/** The group as it was when its record was written: stable, or empty. What it keeps is copied out of `bytes`.
 *  @throws as readOffsetValue */
export function readGroupValue(groupId: string, bytes: Buffer, nowMs: number): GroupMetadata {
  const reader = new ByteReader(bytes);
  const version = readValueVersion(reader, 'a group');
  const value = groupMetadataValue.read(reader, version);
  const protocolType = value.protocolType === '' ? null : value.protocolType;
  const { protocol } = value;
  return new GroupMetadata(groupId, nowMs, {
    state: value.members.length === 0 ? 'Empty' : 'Stable',
    generationId: value.generation,
    protocolType,
    protocolName: protocol,
    leader: value.leader,
    stateTimestampMs: value.currentStateTimestamp === -1 ? undefined : value.currentStateTimestamp,
    members: value.members.map(
      (member) =>
        new MemberMetadata({
          memberId: member.memberId,
          groupInstanceId: member.groupInstanceId,
          clientId: member.clientId,
          clientHost: member.clientHost,
          rebalanceTimeoutMs: version === 0 ? member.sessionTimeout : member.rebalanceTimeout,
          sessionTimeoutMs: member.sessionTimeout,
          protocolType: protocolType ?? '',
          protocols: protocol === null ? [] : [{ name: protocol, metadata: Buffer.from(member.subscription) }],
          assignment: Buffer.from(member.assignment),
        }),
    ),
  });
}

function readValueVersion(reader: ByteReader, what: string): number {
  const version = reader.readInt16();
  if (version < 0 || version > VALUE_VERSION_MAX)
    throw new KafkaError(Errors.CORRUPT_MESSAGE, `the record of ${what} has unknown version ${version}`);
  return version;
}
