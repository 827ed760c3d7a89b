// Folds the batches of one partition of __consumer_offsets into groups: later records win, tombstones remove, offsets of a transaction
// wait for its marker. Knows nothing of where the batches come from.
// Source: Kafka 3.9 GroupMetadataManager.doLoadGroupsAndOffsets.

import type { Logger } from '@ottla/base';
import { controlRecordType, type KafkaRecord, type RecordBatch } from '@ottla/records';
import { GroupMetadata } from './group-metadata.ts';
import { readGroupLogKey, readGroupValue, readOffsetValue } from './group-records.ts';
import { type CommitRecord, PartitionMap } from './offset-cache.ts';

type OffsetsByGroup = Map<string, PartitionMap<CommitRecord>>;

/** What a replay found: groups with their offsets, and the open transactions they have a part in. */
export interface ReplayedGroup {
  readonly group: GroupMetadata;
  readonly producerIds: readonly number[];
}

export class GroupLogReplay {
  readonly #logger: Logger;
  readonly #nowMs: number;
  readonly #groups = new Map<string, GroupMetadata>();
  readonly #offsets: OffsetsByGroup = new Map();
  /** Producer id → offsets of its open transaction. */
  readonly #pending = new Map<number, OffsetsByGroup>();
  #recordCount = 0;

  constructor(logger: Logger, nowMs: number) {
    this.#logger = logger;
    this.#nowMs = nowMs;
  }

  get recordCount(): number {
    return this.#recordCount;
  }

  /** @throws InvalidRecordError, CorruptRecordError when the batch cannot be taken apart */
  add(batch: RecordBatch): void {
    if (batch.isControlBatch) this.#addMarker(batch);
    else this.#addRecords(batch);
  }

  #addMarker(batch: RecordBatch): void {
    for (const record of batch.records()) {
      this.#recordCount++;
      if (controlRecordType(record) === 'commit') this.#commit(batch.producerId);
      this.#pending.delete(batch.producerId);
      return;
    }
  }

  #commit(producerId: number): void {
    for (const [groupId, offsets] of this.#pending.get(producerId) ?? []) {
      const committed = offsetsOf(this.#offsets, groupId);
      offsets.forEach((commit, topic, partition) => {
        const current = committed.get(topic, partition);
        if (current === undefined || current.appendedAtOffset < commit.appendedAtOffset)
          committed.set(topic, partition, commit);
      });
    }
  }

  #addRecords(batch: RecordBatch): void {
    let appendedAtOffset: number | undefined;
    const offsets = batch.isTransactional ? this.#pendingOf(batch.producerId) : this.#offsets;
    for (const record of batch.records()) {
      this.#recordCount++;
      appendedAtOffset ??= record.offset;
      try {
        this.#addRecord(record, offsets, appendedAtOffset);
      } catch (error) {
        // One unreadable record must not take every group of the partition away.
        this.#logger.error('unreadable record in the offsets topic, ignored', { offset: record.offset, error });
      }
    }
  }

  #addRecord(record: KafkaRecord, offsets: OffsetsByGroup, appendedAtOffset: number): void {
    const key = readGroupLogKey(record.key);
    if (key.kind === 'offset') {
      const ofGroup = offsetsOf(offsets, key.groupId);
      if (record.value === null) ofGroup.delete(key.topic, key.partition);
      else ofGroup.set(key.topic, key.partition, { value: readOffsetValue(record.value), appendedAtOffset });
    } else if (key.kind === 'group') {
      if (record.value === null) this.#groups.delete(key.groupId);
      else this.#groups.set(key.groupId, readGroupValue(key.groupId, record.value, this.#nowMs));
    } else {
      const { offset } = record;
      this.#logger.warn('unknown key version in the offsets topic, ignored', { version: key.version, offset });
    }
  }

  #pendingOf(producerId: number): OffsetsByGroup {
    let offsets = this.#pending.get(producerId);
    if (offsets === undefined) {
      offsets = new Map();
      this.#pending.set(producerId, offsets);
    }
    return offsets;
  }

  /** The groups, each complete when it is handed out. Groups of pure commits have no record of their own. */
  *finish(): Generator<ReplayedGroup, void, void> {
    const producersOf = new Map<string, number[]>();
    for (const [producerId, byGroup] of this.#pending) {
      for (const [groupId, offsets] of byGroup) {
        if (offsets.size === 0) continue;
        const producers = producersOf.get(groupId) ?? [];
        producers.push(producerId);
        producersOf.set(groupId, producers);
      }
    }
    const groupIds = new Set([...this.#groups.keys(), ...this.#offsets.keys(), ...producersOf.keys()]);
    for (const groupId of groupIds) {
      const group = this.#groups.get(groupId) ?? new GroupMetadata(groupId, this.#nowMs);
      const producerIds = producersOf.get(groupId) ?? [];
      this.#fill(group, producerIds);
      if (this.#groups.has(groupId) || group.offsets.hasOffsets) yield { group, producerIds };
    }
  }

  #fill({ groupId, offsets }: GroupMetadata, producerIds: readonly number[]): void {
    this.#offsets.get(groupId)?.forEach((commit, topic, partition) => {
      offsets.put(topic, partition, commit);
    });
    for (const producerId of producerIds) {
      const pending = this.#pending.get(producerId)?.get(groupId);
      pending?.forEach((commit, topic, partition) => {
        offsets.loadTransactionalCommit(producerId, topic, partition, commit);
      });
    }
  }
}

function offsetsOf(offsets: OffsetsByGroup, groupId: string): PartitionMap<CommitRecord> {
  let ofGroup = offsets.get(groupId);
  if (ofGroup === undefined) {
    ofGroup = new PartitionMap();
    offsets.set(groupId, ofGroup);
  }
  return ofGroup;
}
