// Groups between memory and log: where each lives, storing it, storing and fetching its offsets, removing what expired or was deleted.
// Memory follows the log: a commit is visible, and a removed offset gone, once its record was appended.
// Source: Kafka 3.9 GroupMetadataManager.

import { type Clock, type ErrorCode, Errors, errorName, type Logger, type TopicPartition } from '@ottla/base';
import type { CompressionType } from '@ottla/records';
import type { PartitionAppender, PartitionAppendResult } from '../partition-ports.ts';
import { groupStoreError, offsetCommitError } from './append-errors.ts';
import type { GroupCoordinatorConfig } from './group-config.ts';
import { GroupMetadata } from './group-metadata.ts';
import { OFFSETS_TOPIC, partitionForKey } from './group-partition.ts';
import { type CoordinatedPartition, CoordinatedPartitions } from './group-partitions.ts';
import {
  type BatchOptions,
  groupMetadataRecords,
  offsetCommitRecords,
  type ProducerIdAndEpoch,
  tombstoneRecords,
} from './group-records.ts';
import type { Assignment } from './group-step.ts';
import type { OffsetAndMetadata, OffsetsByPartition } from './offset-cache.ts';
import {
  type FetchedOffset,
  type FetchedOffsets,
  filterOffsets,
  noOffset,
  type PartitionErrors,
  partitionErrors,
} from './offset-results.ts';

/** Keeps a batch of tombstones well below any max.message.bytes. */
const TOMBSTONES_PER_BATCH_MAX = 1_000;
const COMPRESSION_TYPES: readonly CompressionType[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

export interface GroupMetadataManagerOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly config: GroupCoordinatorConfig;
  readonly appender: PartitionAppender;
}

export class GroupMetadataManager {
  readonly partitions = new CoordinatedPartitions();

  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #config: GroupCoordinatorConfig;
  readonly #appender: PartitionAppender;
  #partitionCount = 0;

  constructor(options: GroupMetadataManagerOptions) {
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#config = options.config;
    this.#appender = options.appender;
  }

  /** @param partitionCount partitions of __consumer_offsets; fixed for the life of the cluster */
  start(partitionCount: number): void {
    this.#partitionCount = partitionCount;
  }

  // --- groups

  partitionFor(groupId: string): number {
    return partitionForKey(groupId, this.#partitionCount);
  }

  partitionOf(groupId: string): CoordinatedPartition | undefined {
    return this.partitions.get(this.partitionFor(groupId));
  }

  getGroup(groupId: string): GroupMetadata | undefined {
    return this.partitionOf(groupId)?.groups.get(groupId);
  }

  /** Of a partition that this broker coordinates; a group in another one would never be found. */
  getOrCreateGroup(groupId: string): GroupMetadata {
    const existing = this.getGroup(groupId);
    if (existing !== undefined) return existing;
    const group = new GroupMetadata(groupId, this.#clock.nowMs());
    this.partitionOf(groupId)?.groups.set(groupId, group);
    return group;
  }

  *groups(): Generator<GroupMetadata, void, void> {
    for (const owned of this.partitions.all()) if (!owned.isLoading) yield* owned.groups.values();
  }

  /** A request made this group and left nothing in it. */
  dropIfAbandoned(group: GroupMetadata): void {
    if (group.isAbandoned && group.generationId === 0) this.#drop(group);
  }

  /** Writes the group with `assignment`. @returns the error as members are told it */
  async storeGroup(group: GroupMetadata, assignment: Assignment): Promise<ErrorCode> {
    const { errorCode } = await this.#append(group.groupId, () =>
      groupMetadataRecords(group, assignment, this.#batchOptions()),
    );
    return groupStoreError(errorCode);
  }

  // --- offsets

  /** Writes the offsets; those with too much metadata are refused one by one. With `transaction` they stay pending until its marker. */
  async storeOffsets(
    group: GroupMetadata,
    offsets: OffsetsByPartition,
    transaction?: ProducerIdAndEpoch,
  ): Promise<PartitionErrors> {
    const isSmall = (metadata: string): boolean => metadata.length <= this.#config.offsetMetadataMaxSize;
    const accepted = filterOffsets(offsets, isSmall);
    const errorCode =
      accepted.count === 0 ? Errors.NONE : await this.#appendOffsets(group, accepted.offsets, transaction);
    return partitionErrors(offsets, (value) =>
      isSmall(value.metadata) ? offsetCommitError(errorCode) : Errors.OFFSET_METADATA_TOO_LARGE,
    );
  }

  async #appendOffsets(
    group: GroupMetadata,
    offsets: OffsetsByPartition,
    transaction: ProducerIdAndEpoch | undefined,
  ): Promise<ErrorCode> {
    const owned = this.partitionOf(group.groupId);
    this.#warnOfMixture(group, transaction !== undefined);
    if (transaction === undefined) group.offsets.prepareCommit(offsets);
    else {
      group.offsets.prepareTransactionalCommit(transaction.producerId, offsets);
      owned?.addProducer(transaction.producerId, group);
    }
    const options = { ...this.#batchOptions(), ...(transaction === undefined ? {} : { transaction }) };
    const { errorCode, baseOffset } = await this.#append(group.groupId, () =>
      offsetCommitRecords(group.groupId, offsets, options),
    );
    if (transaction !== undefined) {
      const { producerId } = transaction;
      if (errorCode === Errors.NONE) group.offsets.completeTransactionalAppend(producerId, offsets, baseOffset);
      else group.offsets.failTransactionalAppend(producerId, offsets);
      owned?.maybeRemoveProducer(producerId, group);
    } else if (errorCode === Errors.NONE) group.offsets.completeCommit(offsets, baseOffset);
    else group.offsets.failCommit(offsets);
    return errorCode;
  }

  #warnOfMixture(group: GroupMetadata, isTransactional: boolean): void {
    const wasMixed = group.receivedConsumerCommits && group.receivedTransactionalCommits;
    if (isTransactional) group.receivedTransactionalCommits = true;
    else group.receivedConsumerCommits = true;
    if (wasMixed || !group.receivedConsumerCommits || !group.receivedTransactionalCommits) return;
    this.#logger.warn('group commits offsets both from consumers and in transactions, which will surprise', {
      groupId: group.groupId,
    });
  }

  /** @param topics undefined: everything committed */
  fetchOffsets(
    groupId: string,
    options: { readonly requireStable: boolean; readonly topics: ReadonlyMap<string, Iterable<number>> | undefined },
  ): FetchedOffsets {
    const offsets = this.getGroup(groupId)?.offsets;
    const asked = options.topics ?? partitionsByTopic(offsets?.topics ?? new Map());
    const fetched = new Map<string, Map<number, FetchedOffset>>();
    for (const [topic, partitions] of asked) {
      const ofTopic = new Map<number, FetchedOffset>();
      for (const partition of partitions) {
        const isUnstable = options.requireStable && offsets?.isUnstable(topic, partition) === true;
        const value = offsets?.get(topic, partition);
        ofTopic.set(partition, isUnstable ? noOffset(Errors.UNSTABLE_OFFSET_COMMIT) : fetchedOffset(value));
      }
      fetched.set(topic, ofTopic);
    }
    return fetched;
  }

  // --- removal

  /** Writes tombstones for `offsets`, and with `whole` for the group, which must be empty. Nobody may join, commit or delete meanwhile;
   *  when the log refuses, all is as before. @returns the append's error, as group requests are told it */
  async remove(group: GroupMetadata, offsets: readonly TopicPartition[], whole: boolean): Promise<ErrorCode> {
    const { stateTimestampMs, groupId } = group;
    if (whole) group.transitionTo('Dead', this.#clock.nowMs());
    const errorCode = await this.#appendTombstones(group, offsets, whole && group.generationId > 0);
    if (errorCode === Errors.NONE) {
      if (whole) this.#drop(group);
    } else {
      this.#logger.error('could not append tombstones', { groupId, error: errorName(errorCode) });
      if (whole && this.getGroup(groupId) === group) group.revive('Empty', stateTimestampMs);
    }
    return groupStoreError(errorCode);
  }

  /** In several batches where there are many; each removes its offsets as soon as it was appended. */
  async #appendTombstones(
    group: GroupMetadata,
    offsets: readonly TopicPartition[],
    withGroup: boolean,
  ): Promise<ErrorCode> {
    const { groupId } = group;
    for (let first = 0; first < offsets.length || (first === 0 && withGroup); first += TOMBSTONES_PER_BATCH_MAX) {
      const chunk = offsets.slice(first, first + TOMBSTONES_PER_BATCH_MAX);
      const isLast = first + TOMBSTONES_PER_BATCH_MAX >= offsets.length;
      const removed = { offsets: chunk, withGroup: withGroup && isLast };
      const { errorCode, baseOffset } = await this.#append(groupId, () =>
        tombstoneRecords(groupId, removed, this.#batchOptions()),
      );
      if (errorCode !== Errors.NONE) return errorCode;
      group.offsets.remove(chunk, baseOffset);
    }
    return Errors.NONE;
  }

  /** Removes what outlived its retention, and groups that have nothing left. @returns how many offsets */
  async removeExpired(group: GroupMetadata): Promise<number> {
    const rule = group.expiryRule();
    const { offsets } = group;
    const expired =
      rule === undefined ? [] : offsets.expired(this.#clock.nowMs(), this.#config.offsetsRetentionMs, rule);
    const isLast = group.state === 'Empty' && group.pendingMembers.size === 0 && !offsets.hasOffsetsBeside(expired);
    if (expired.length === 0 && !isLast) return 0;
    const errorCode = await this.remove(group, expired, isLast);
    return errorCode === Errors.NONE ? expired.length : 0;
  }

  #drop(group: GroupMetadata): void {
    const groups = this.partitionOf(group.groupId)?.groups;
    if (groups?.get(group.groupId) === group) groups.delete(group.groupId);
  }

  // --- the log

  #batchOptions(): BatchOptions {
    return {
      nowMs: this.#clock.nowMs(),
      compressionType: COMPRESSION_TYPES[this.#config.offsetsTopicCompressionCodec] ?? 'none',
    };
  }

  /** What Kafka has no error for, building the records included, is a failure of this broker, which the client cannot do anything about. */
  async #append(groupId: string, build: () => Buffer): Promise<PartitionAppendResult> {
    const tp = { topic: OFFSETS_TOPIC, partition: this.partitionFor(groupId) };
    const timeoutMs = this.#config.offsetCommitTimeoutMs;
    try {
      return await this.#appender.append(tp, build(), { origin: 'coordinator', requiredAcks: -1, timeoutMs });
    } catch (error) {
      this.#logger.error('appending to the offsets topic failed', { ...tp, error });
      return { errorCode: Errors.UNKNOWN_SERVER_ERROR, baseOffset: -1 };
    }
  }
}

function fetchedOffset(value: OffsetAndMetadata | undefined): FetchedOffset {
  if (value === undefined) return noOffset();
  const { offset, leaderEpoch, metadata } = value;
  return { offset, leaderEpoch, metadata, errorCode: Errors.NONE };
}

function partitionsByTopic(
  topics: ReadonlyMap<string, ReadonlyMap<number, unknown>>,
): ReadonlyMap<string, Iterable<number>> {
  return new Map([...topics].map(([topic, partitions]) => [topic, partitions.keys()]));
}
