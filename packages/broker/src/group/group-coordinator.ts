// The group coordinator: one method for each group API, and the events of the offsets topic's leadership. It decides whether this broker
// may speak for the group at all; the rest is in the core (membership) and the manager (offsets).
// Source: Kafka 3.9 GroupCoordinator.

import {
  type Clock,
  type ErrorCode,
  Errors,
  type Logger,
  type MetricsRegistry,
  type Random,
  STRING_BYTES_MAX,
  sleep,
  type TopicPartition,
} from '@ottla/base';
import type { PartitionAppender, PartitionLoader } from '../partition-ports.ts';
import type { TransactionVerifier } from '../transaction-verifier.ts';
import type { GroupCoordinatorConfig } from './group-config.ts';
import { GroupLoader } from './group-loader.ts';
import type { GroupMetadata } from './group-metadata.ts';
import { GroupMetadataManager } from './group-metadata-manager.ts';
import { GroupMetrics } from './group-metrics.ts';
import { OFFSETS_TOPIC } from './group-partition.ts';
import type { CoordinatedPartition } from './group-partitions.ts';
import type { ProducerIdAndEpoch } from './group-records.ts';
import {
  DEAD_GROUP,
  describeError,
  type GroupDescription,
  type GroupOverview,
  type JoinGroupResult,
  joinError,
  type LeaveGroupResult,
  type LeavingMember,
  type SyncGroupResult,
  syncError,
  UNKNOWN_MEMBER_ID,
} from './group-results.ts';
import { GroupRunner } from './group-runner.ts';
import { joinGroup } from './join-group.ts';
import type { JoinGroupEvent } from './joining.ts';
import {
  admitOffsetCommit,
  heartbeat,
  leaveGroup,
  type MemberOfGeneration,
  validateOffsetCommit,
} from './membership.ts';
import type { OffsetsByPartition } from './offset-cache.ts';
import { type FetchedOffsets, type PartitionErrors, partitionErrors } from './offset-results.ts';
import { onGroupLoaded, onGroupUnloaded } from './rebalance.ts';
import type { Rebalance } from './rebalance-timeline.ts';
import { type SyncGroupEvent, syncGroup } from './sync-group.ts';

export interface GroupCoordinatorOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly config: GroupCoordinatorConfig;
  readonly appender: PartitionAppender;
  readonly loader: PartitionLoader;
  readonly metrics: MetricsRegistry;
  /** Without it nothing is verified. */
  readonly transactionVerifier?: TransactionVerifier;
}

export type JoinGroupArguments = Omit<JoinGroupEvent, 'ticket'> & { readonly groupId: string };
export type SyncGroupArguments = Omit<SyncGroupEvent, 'ticket'> & { readonly groupId: string };

export interface TransactionalCommit extends ProducerIdAndEpoch {
  readonly transactionalId: string;
  readonly apiVersion: number;
}

/** What stands before the dash and the uuid of a member id: the whole must fit Kafka's longest string. */
const MEMBER_ID_PREFIX_BYTES_MAX = STRING_BYTES_MAX - 1 - 36;
/** Groups that the retention check goes over between two turns of the event loop. */
const GROUPS_PER_CHECK_SLICE = 200;

export class GroupCoordinator {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #config: GroupCoordinatorConfig;
  readonly #verifier: TransactionVerifier | undefined;
  readonly #manager: GroupMetadataManager;
  readonly #runner: GroupRunner;
  readonly #loader: GroupLoader;
  readonly #metrics: GroupMetrics;
  /** Requests are answered between start and close. */
  #isActive = false;
  /** Loads and checks under way. */
  readonly #background = new Set<Promise<unknown>>();
  #retentionTimer: { cancel(): void } | undefined;

  constructor(options: GroupCoordinatorOptions) {
    const logger = options.logger.child('kafka.coordinator.group.GroupCoordinator');
    this.#clock = options.clock;
    this.#logger = logger;
    this.#config = options.config;
    this.#verifier = options.transactionVerifier;
    this.#manager = new GroupMetadataManager({ ...options, logger });
    this.#metrics = new GroupMetrics(options.metrics, () => this.#manager.groups());
    this.#runner = new GroupRunner({ ...options, logger, manager: this.#manager, metrics: this.#metrics });
    this.#loader = new GroupLoader({
      ...options,
      logger,
      onLoaded: ({ group }) => this.#runner.run(group, (step) => onGroupLoaded(step, group)),
    });
  }

  /** @param offsetsTopicPartitionCount partitions __consumer_offsets has, or will have when it is created */
  start(offsetsTopicPartitionCount: number): void {
    if (this.#isActive) return;
    this.#manager.start(offsetsTopicPartitionCount);
    this.#isActive = true;
    this.#scheduleRetentionCheck();
  }

  /** Answers whoever waits, and waits for what it began. */
  async close(): Promise<void> {
    this.#isActive = false;
    this.#retentionTimer?.cancel();
    for (const owned of [...this.#manager.partitions.all()]) this.onResignation(owned.partition);
    this.#runner.close();
    this.#metrics.close();
    await Promise.all(this.#background);
  }

  /** The partition of __consumer_offsets that decides who coordinates the group. */
  partitionFor(groupId: string): number {
    return this.#manager.partitionFor(groupId);
  }

  // --- membership

  /** Resolves when the rebalance completes, or at once with an error or MEMBER_ID_REQUIRED. */
  joinGroup({ groupId, ...request }: JoinGroupArguments): Promise<JoinGroupResult> {
    const { memberId, sessionTimeoutMs } = request;
    const statusError = this.#statusError(groupId, 'membership');
    if (statusError !== Errors.NONE) return Promise.resolve(joinError(memberId, statusError));
    if (
      sessionTimeoutMs < this.#config.groupMinSessionTimeoutMs ||
      sessionTimeoutMs > this.#config.groupMaxSessionTimeoutMs
    )
      return Promise.resolve(joinError(memberId, Errors.INVALID_SESSION_TIMEOUT));
    if (Buffer.byteLength(request.groupInstanceId ?? request.clientId) > MEMBER_ID_PREFIX_BYTES_MAX)
      return Promise.resolve(joinError(memberId, Errors.INVALID_REQUEST));
    const isNew = memberId === UNKNOWN_MEMBER_ID;
    const group = isNew ? this.#manager.getOrCreateGroup(groupId) : this.#manager.getGroup(groupId);
    if (group === undefined) return Promise.resolve(joinError(memberId, Errors.UNKNOWN_MEMBER_ID));
    const result = this.#runner.runJoin(group, (step, ticket) => joinGroup(step, group, { ...request, ticket }));
    this.#manager.dropIfAbandoned(group);
    return result;
  }

  /** Resolves when the leader's assignment was stored, or at once. */
  syncGroup({ groupId, ...request }: SyncGroupArguments): Promise<SyncGroupResult> {
    const statusError = this.#statusError(groupId, 'membership');
    // A load means that the rebalance under way is lost; old clients do not expect to hear of loads here.
    if (statusError === Errors.COORDINATOR_LOAD_IN_PROGRESS)
      return Promise.resolve(syncError(Errors.REBALANCE_IN_PROGRESS));
    if (statusError !== Errors.NONE) return Promise.resolve(syncError(statusError));
    const group = this.#manager.getGroup(groupId);
    if (group === undefined) return Promise.resolve(syncError(Errors.UNKNOWN_MEMBER_ID));
    return this.#runner.runSync(group, (step, ticket) => syncGroup(step, group, { ...request, ticket }));
  }

  heartbeat(groupId: string, sender: MemberOfGeneration): ErrorCode {
    const statusError = this.#statusError(groupId, 'membership');
    // Whether the member is one will turn out when the load is done.
    if (statusError === Errors.COORDINATOR_LOAD_IN_PROGRESS) return Errors.NONE;
    if (statusError !== Errors.NONE) return statusError;
    const group = this.#manager.getGroup(groupId);
    if (group === undefined) return Errors.UNKNOWN_MEMBER_ID;
    return this.#runner.run(group, (step) => heartbeat(step, group, sender));
  }

  leaveGroup(groupId: string, leaving: readonly LeavingMember[]): LeaveGroupResult {
    const statusError = this.#statusError(groupId, 'membership');
    if (statusError !== Errors.NONE) return { errorCode: statusError, members: [] };
    const group = this.#manager.getGroup(groupId);
    if (group !== undefined) return this.#runner.run(group, (step) => leaveGroup(step, group, leaving));
    const members = leaving.map(({ memberId, groupInstanceId }) => ({
      memberId,
      groupInstanceId,
      errorCode: Errors.UNKNOWN_MEMBER_ID,
    }));
    return { errorCode: Errors.NONE, members };
  }

  // --- offsets

  /** Resolves when the in-sync replicas have the offsets. */
  async commitOffsets(
    groupId: string,
    sender: MemberOfGeneration,
    offsets: OffsetsByPartition,
  ): Promise<PartitionErrors> {
    const refused = (code: ErrorCode): PartitionErrors => partitionErrors(offsets, () => code);
    const statusError = this.#statusError(groupId, 'offsets');
    if (statusError !== Errors.NONE) return refused(statusError);
    let group = this.#manager.getGroup(groupId);
    if (group === undefined) {
      // Without a generation the sender does not rely on group management.
      if (sender.generationId >= 0) return refused(Errors.ILLEGAL_GENERATION);
      group = this.#manager.getOrCreateGroup(groupId);
    }
    return this.#commit(group, sender, offsets);
  }

  async #commit(
    group: GroupMetadata,
    sender: MemberOfGeneration,
    offsets: OffsetsByPartition,
  ): Promise<PartitionErrors> {
    const senderError = validateOffsetCommit(group, sender, false);
    const errorCode =
      senderError === Errors.NONE
        ? this.#runner.run(group, (step) => admitOffsetCommit(step, group, sender))
        : senderError;
    const errors =
      errorCode === Errors.NONE
        ? await this.#manager.storeOffsets(group, offsets)
        : partitionErrors(offsets, () => errorCode);
    this.#metrics.offsetsCommitted(countAccepted(errors));
    this.#manager.dropIfAbandoned(group);
    return errors;
  }

  /** As commitOffsets, but the offsets count only once the transaction's marker is in the partition's log. */
  async commitTransactionalOffsets(
    groupId: string,
    sender: MemberOfGeneration,
    transaction: TransactionalCommit,
    offsets: OffsetsByPartition,
  ): Promise<PartitionErrors> {
    const refused = (code: ErrorCode): PartitionErrors => partitionErrors(offsets, () => code);
    const statusError = this.#statusError(groupId, 'membership');
    if (statusError !== Errors.NONE) return refused(statusError);
    const verifyError = await this.#verify(groupId, transaction);
    if (verifyError !== Errors.NONE) return refused(verifyError);
    const statusNow = this.#statusError(groupId, 'membership');
    if (statusNow !== Errors.NONE) return refused(statusNow);
    const group = this.#manager.getOrCreateGroup(groupId);
    const senderError = validateOffsetCommit(group, sender, true);
    const { producerId, producerEpoch } = transaction;
    const errors =
      senderError === Errors.NONE
        ? await this.#manager.storeOffsets(group, offsets, { producerId, producerEpoch })
        : refused(senderError);
    this.#metrics.offsetsCommitted(countAccepted(errors));
    this.#manager.dropIfAbandoned(group);
    return errors;
  }

  async #verify(groupId: string, transaction: TransactionalCommit): Promise<ErrorCode> {
    const { transactionalId, apiVersion } = transaction;
    const tp = { topic: OFFSETS_TOPIC, partition: this.partitionFor(groupId) };
    return (await this.#verifier?.verify(transactionalId, transaction, tp, { apiVersion })) ?? Errors.NONE;
  }

  /** @param topics undefined: every partition with a committed offset */
  fetchOffsets(
    groupId: string,
    options: { readonly requireStable: boolean; readonly topics: ReadonlyMap<string, Iterable<number>> | undefined },
  ): { readonly errorCode: ErrorCode; readonly offsets: FetchedOffsets } {
    const errorCode = this.#statusError(groupId, 'offsets');
    const offsets = errorCode === Errors.NONE ? this.#manager.fetchOffsets(groupId, options) : new Map();
    return { errorCode, offsets };
  }

  /** Removes offsets of partitions that nobody in the group consumes. */
  async deleteOffsets(
    groupId: string,
    partitions: readonly TopicPartition[],
  ): Promise<{ readonly errorCode: ErrorCode; readonly errorOf: (tp: TopicPartition) => ErrorCode }> {
    const groupError = (errorCode: ErrorCode) => ({ errorCode, errorOf: () => errorCode });
    const statusError = this.#statusError(groupId, 'membership');
    if (statusError !== Errors.NONE) return groupError(statusError);
    const group = this.#manager.getGroup(groupId);
    if (group === undefined || group.state === 'Dead') return groupError(Errors.GROUP_ID_NOT_FOUND);
    if (group.state !== 'Empty' && !group.isConsumerGroup) return groupError(Errors.NON_EMPTY_GROUP);
    const isConsumed = (tp: TopicPartition): boolean => group.state !== 'Empty' && group.isSubscribedToTopic(tp.topic);
    const consumed = new Set(partitions.filter(isConsumed).map(({ topic }) => topic));
    const removable = partitions.filter(({ topic }) => !consumed.has(topic));
    const removeError = await this.#removeOffsets(group, removable);
    if (removeError === Errors.NONE) this.#metrics.offsetsDeleted(removable.length);
    return {
      errorCode: Errors.NONE,
      errorOf: ({ topic }) => (consumed.has(topic) ? Errors.GROUP_SUBSCRIBED_TO_TOPIC : removeError),
    };
  }

  /** Commits under way do not count any more; a group that has nothing left goes, too. */
  async #removeOffsets(group: GroupMetadata, partitions: readonly TopicPartition[]): Promise<ErrorCode> {
    const { offsets } = group;
    offsets.forgetPending(partitions);
    const committed = partitions.filter(({ topic, partition }) => offsets.get(topic, partition) !== undefined);
    const isLast =
      group.state === 'Empty' && group.pendingMembers.size === 0 && !offsets.hasOffsetsBeside(distinct(committed));
    if (committed.length === 0 && !isLast) return Errors.NONE;
    return this.#manager.remove(group, distinct(committed), isLast);
  }

  // --- administration

  /** Removes groups without members. */
  async deleteGroups(groupIds: readonly string[]): Promise<ReadonlyMap<string, ErrorCode>> {
    const errors = new Map<string, ErrorCode>();
    const deletions = [...new Set(groupIds)].map(async (groupId) => {
      errors.set(groupId, Errors.NONE);
      errors.set(groupId, await this.#deleteGroup(groupId));
    });
    await Promise.all(deletions);
    return errors;
  }

  async #deleteGroup(groupId: string): Promise<ErrorCode> {
    const statusError = this.#statusError(groupId, 'offsets');
    if (statusError !== Errors.NONE) return statusError;
    const group = this.#manager.getGroup(groupId);
    if (group === undefined || group.state === 'Dead') return Errors.GROUP_ID_NOT_FOUND;
    if (group.state !== 'Empty') return Errors.NON_EMPTY_GROUP;
    const errorCode = await this.#manager.remove(group, group.offsets.partitions(), true);
    if (errorCode === Errors.NONE) this.#runner.forget(groupId);
    return errorCode;
  }

  describeGroup(groupId: string): GroupDescription {
    const statusError = this.#statusError(groupId, 'offsets');
    if (statusError !== Errors.NONE) return describeError(statusError);
    return this.#manager.getGroup(groupId)?.describe() ?? DEAD_GROUP;
  }

  /** @param filter states without regard to case and group types; an empty list filters nothing */
  listGroups(filter: { readonly states: readonly string[]; readonly types: readonly string[] }): {
    readonly errorCode: ErrorCode;
    readonly groups: readonly GroupOverview[];
  } {
    if (!this.#isActive) return { errorCode: Errors.COORDINATOR_NOT_AVAILABLE, groups: [] };
    const errorCode = this.#manager.partitions.isLoading ? Errors.COORDINATOR_LOAD_IN_PROGRESS : Errors.NONE;
    const states = new Set(filter.states.map((state) => state.toLowerCase()));
    const types = new Set(filter.types.map((type) => type.toLowerCase()));
    const groups: GroupOverview[] = [];
    if (types.size === 0 || types.has('classic')) {
      for (const group of this.#manager.groups()) {
        if (states.size === 0 || states.has(group.state.toLowerCase())) groups.push(group.overview());
      }
    }
    return { errorCode, groups };
  }

  /** The group's latest rebalances, oldest first; undefined for a group this broker does not coordinate. */
  rebalanceTimeline(groupId: string): readonly Rebalance[] | undefined {
    return this.#isActive ? this.#manager.getGroup(groupId)?.timeline.rebalances : undefined;
  }

  // --- the offsets topic

  /** This broker leads `partition` of __consumer_offsets now. Resolves when its groups are loaded; need not be waited for. */
  onElection(partition: number, leaderEpoch: number): Promise<void> {
    const owned = this.#manager.partitions.beginLoading(partition, leaderEpoch);
    if (owned === undefined) return Promise.resolve();
    this.#logger.debug('elected as the group coordinator', { partition, leaderEpoch });
    return this.#track(this.#load(owned));
  }

  async #load(owned: CoordinatedPartition): Promise<void> {
    const isCurrent = (): boolean => this.#manager.partitions.get(owned.partition) === owned;
    if (!(await this.#loader.load(owned, isCurrent)) || !isCurrent()) return;
    owned.isLoading = false;
    for (const { producerId, outcome } of owned.markersWhileLoading) owned.completeTransaction(producerId, outcome);
    owned.markersWhileLoading.length = 0;
  }

  /** This broker leads `partition` no longer.
   *  @param leaderEpoch undefined: the topic is deleted or the broker stops */
  onResignation(partition: number, leaderEpoch?: number): void {
    const owned = this.#manager.partitions.resign(partition, leaderEpoch);
    if (owned === undefined) return;
    for (const group of owned.groups.values()) {
      this.#runner.run(group, (step) => onGroupUnloaded(step, group, Errors.NOT_COORDINATOR));
      this.#runner.forget(group.groupId);
    }
    const level = owned.groups.size === 0 ? 'debug' : 'info';
    this.#logger[level]('resigned as the group coordinator', { partition, leaderEpoch, groups: owned.groups.size });
  }

  /** A transaction's marker was appended to `partition` of __consumer_offsets. */
  onTransactionMarker(partition: number, producerId: number, outcome: 'commit' | 'abort'): void {
    this.#manager.partitions.get(partition)?.completeTransaction(producerId, outcome);
  }

  /** The partitions exist no more, so nobody will ask for their offsets. Removes them in the background: whoever brings the news does not
   *  wait for the replicas of the offsets topic. */
  onPartitionsDeleted(partitions: readonly TopicPartition[]): void {
    this.#inBackground('removing the offsets of deleted partitions failed', () =>
      this.#forEachGroup(async (group) => {
        const known = group.offsets.knownAmong(partitions);
        if (known.length > 0) await this.#removeOffsets(group, known);
      }),
    );
  }

  // --- retention

  #scheduleRetentionCheck(): void {
    this.#retentionTimer = this.#clock.schedule(this.#config.offsetsRetentionCheckIntervalMs, () =>
      this.#inBackground('the retention check failed', () => this.#checkRetention()),
    );
  }

  async #checkRetention(): Promise<void> {
    this.#scheduleRetentionCheck();
    let removed = 0;
    await this.#forEachGroup(async (group) => {
      removed += await this.#manager.removeExpired(group);
    });
    this.#metrics.offsetsExpired(removed);
    if (removed > 0) this.#logger.info('removed expired offsets', { offsets: removed });
  }

  /** In slices, so that many groups do not hold the event loop up. */
  async #forEachGroup(visit: (group: GroupMetadata) => Promise<void>): Promise<void> {
    const groups = [...this.#manager.groups()];
    for (let first = 0; first < groups.length; first += GROUPS_PER_CHECK_SLICE) {
      const slice = groups.slice(first, first + GROUPS_PER_CHECK_SLICE).filter((group) => group.state !== 'Dead');
      await Promise.all(slice.map(visit));
      if (!this.#isActive) return;
      await sleep(this.#clock, 0);
    }
  }

  /** close() waits for it. */
  #inBackground(failure: string, work: () => Promise<void>): void {
    void this.#track(work().catch((error: unknown) => this.#logger.error(failure, { error })));
  }

  #track<T>(work: Promise<T>): Promise<T> {
    this.#background.add(work);
    return work.finally(() => this.#background.delete(work));
  }

  // --- may this broker speak for the group?

  /** The empty group id is legal where only offsets are concerned: simple consumers of old use it. */
  #statusError(groupId: string, concern: 'membership' | 'offsets'): ErrorCode {
    if (groupId === '' && concern === 'membership') return Errors.INVALID_GROUP_ID;
    if (!this.#isActive) return Errors.COORDINATOR_NOT_AVAILABLE;
    const owned = this.#manager.partitionOf(groupId);
    if (owned === undefined) return Errors.NOT_COORDINATOR;
    return owned.isLoading ? Errors.COORDINATOR_LOAD_IN_PROGRESS : Errors.NONE;
  }
}

function countAccepted(errors: PartitionErrors): number {
  let count = 0;
  for (const partitions of errors.values()) {
    for (const errorCode of partitions.values()) if (errorCode === Errors.NONE) count++;
  }
  return count;
}

function distinct(partitions: readonly TopicPartition[]): TopicPartition[] {
  const byTopic = new Map<string, Set<number>>();
  return partitions.filter(({ topic, partition }) => {
    const seen = byTopic.get(topic) ?? new Set();
    byTopic.set(topic, seen);
    if (seen.has(partition)) return false;
    seen.add(partition);
    return true;
  });
}
