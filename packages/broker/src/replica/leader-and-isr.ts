// What the controller tells this broker to lead and to follow. Each change of a partition's role is told to those who coordinate on its
// partitions, and to whoever waits on it. Source: kafka.server.ReplicaManager (becomeLeaderOrFollower, makeLeaders, makeFollowers).

import { type ErrorCode, Errors, type Logger, type TopicPartition, type Uuid, ZERO_UUID } from '@ottla/base';
import type { Decoded, LeaderAndIsrPartitionState, LeaderAndIsrRequest, LeaderAndIsrResponse } from '@ottla/protocol';
import { isRefusedForSpace, type LogConfig, type LogManager } from '@ottla/storage';
import { mapError } from '../server/error-mapping.ts';
import type { AlterLogDirs } from './alter-log-dirs.ts';
import type { DelayedOperations } from './delayed-operations.ts';
import type { HighWatermarkCheckpoints } from './high-watermark-checkpoints.ts';
import type { HostedPartitions } from './hosted-partitions.ts';
import { Partition, type PartitionContext } from './partition.ts';
import type { ReplicaStateChanges } from './replica-state-changes.ts';
import { RolesAwaitingSpace } from './roles-awaiting-space.ts';

/** First version of LeaderAndIsr whose answer names topics by id. */
const TOPIC_ID_VERSION = 5;

export interface LeadershipListener {
  /** This broker leads `leaders` now and no longer leads `followers`, if it did. */
  onLeadershipChange(leaders: readonly Partition[], followers: readonly Partition[]): void;
  /** The replica was given up. @param leaderEpoch undefined: whatever the epoch is */
  onReplicaStopped(tp: TopicPartition, options: { deleted: boolean; leaderEpoch: number | undefined }): void;
}

/** Copies leaders' records into local replicas. */
export interface FollowerFetchers {
  addFetchers(partitions: readonly Partition[]): void;
  removeFetchers(partitions: readonly TopicPartition[]): void;
}

export interface LeaderAndIsrParts {
  readonly changes: ReplicaStateChanges;
  readonly hosted: HostedPartitions;
  readonly delayed: DelayedOperations;
  readonly logManager: LogManager;
  readonly checkpoints: HighWatermarkCheckpoints;
  readonly alterLogDirs: AlterLogDirs;
  readonly logger: Logger;
  readonly partitionContext: Omit<PartitionContext, 'getOrCreateLog'>;
  readonly fetchTopicConfig: (topic: string) => Promise<LogConfig>;
  readonly listeners: readonly LeadershipListener[];
  readonly followerFetchers?: FollowerFetchers | undefined;
}

interface RoleChange {
  readonly partition: Partition;
  readonly state: Decoded<LeaderAndIsrPartitionState>;
  readonly topicId: Uuid | undefined;
}

interface NamedPartitionState {
  readonly topic: string;
  readonly topicId: Uuid | undefined;
  readonly state: Decoded<LeaderAndIsrPartitionState>;
}

interface SortedStates {
  readonly leaders: RoleChange[];
  readonly followers: RoleChange[];
  /** Answers that are decided already. */
  readonly errors: PartitionError[];
}

interface PartitionError {
  readonly topic: string;
  readonly topicId: Uuid | undefined;
  readonly partitionIndex: number;
  readonly errorCode: ErrorCode;
}

export class LeaderAndIsr {
  readonly #parts: LeaderAndIsrParts;
  readonly #context: PartitionContext;
  /** Settings of topics whose logs the change under way may create, as they are now; undefined: they are being asked for. */
  readonly #topicConfigs = new Map<string, LogConfig | undefined>();
  readonly #awaitingSpace: RolesAwaitingSpace<RoleChange>;

  constructor(parts: LeaderAndIsrParts) {
    this.#parts = parts;
    this.#awaitingSpace = new RolesAwaitingSpace(parts.partitionContext.clock, () => void this.#takeRolesWithSpace());
    this.#context = { ...parts.partitionContext, getOrCreateLog: (tp, options) => this.#getOrCreateLog(tp, options) };
  }

  becomeLeaderOrFollower(request: Decoded<LeaderAndIsrRequest>, version: number): Promise<LeaderAndIsrResponse> {
    return this.#parts.changes.run(() => this.#becomeLeaderOrFollower(request, version));
  }

  /** Topics whose logs the change under way may create. */
  topicsUnderway(): Iterable<string> {
    return this.#topicConfigs.keys();
  }

  /** The settings of a topic changed: logs made from now on have these. */
  updateTopicConfig(topic: string, config: LogConfig): void {
    if (this.#topicConfigs.has(topic)) this.#topicConfigs.set(topic, config);
  }

  /** Safe to call twice. */
  close(): void {
    this.#awaitingSpace.close();
  }

  async #becomeLeaderOrFollower(request: Decoded<LeaderAndIsrRequest>, version: number): Promise<LeaderAndIsrResponse> {
    const { changes, checkpoints } = this.#parts;
    const states = namedStates(request);
    if (request.controllerEpoch < changes.controllerEpoch) {
      const refused = states.map((named) => errorOf(named, Errors.STALE_CONTROLLER_EPOCH));
      return leaderAndIsrResponse(Errors.STALE_CONTROLLER_EPOCH, refused, version);
    }
    const errors = await this.#withTopicConfigs(states, async () => {
      changes.obey(request.controllerEpoch);
      const { leaders, followers, errors: decided } = await this.#sortAll(states);
      return [...decided, ...(await this.#apply(leaders, followers))];
    });
    // Only now do checkpoints hold every partition: an earlier one would lose the watermarks of those not heard of yet.
    checkpoints.start();
    return leaderAndIsrResponse(Errors.NONE, errors, version);
  }

  async #takeRolesWithSpace(): Promise<void> {
    try {
      await this.#parts.changes.run(() => this.#takeRolesAgain());
    } catch (error) {
      this.#parts.logger.warn('cannot take the roles of replicas that found no space', { error });
    }
  }

  /** Those that found no space, unless the controller has thought of something else since. */
  async #takeRolesAgain(): Promise<void> {
    const roles = this.#awaitingSpace.take().filter(({ partition, state }) => {
      const { topic, partition: index } = partition;
      return this.#parts.hosted.get(topic, index) === partition && state.leaderEpoch > partition.leaderEpoch;
    });
    if (roles.length === 0) return;
    const named = roles.map(({ partition, ...role }) => ({ topic: partition.topic, ...role }));
    const leads = ({ state }: RoleChange): boolean => state.leader === this.#context.brokerId;
    const follows = (role: RoleChange): boolean => !leads(role);
    try {
      await this.#withTopicConfigs(named, () => this.#apply(roles.filter(leads), roles.filter(follows)));
    } catch (error) {
      for (const role of roles) this.#awaitingSpace.add(role);
      throw error;
    }
  }

  /** The settings live in the tree, which is read asynchronously; logs are made synchronously. */
  async #withTopicConfigs<Result>(
    states: readonly NamedPartitionState[],
    change: () => Promise<Result>,
  ): Promise<Result> {
    try {
      await this.#fetchTopicConfigs(states);
      this.#parts.changes.mustBeOpen();
      return await change();
    } finally {
      this.#topicConfigs.clear();
    }
  }

  async #fetchTopicConfigs(states: readonly NamedPartitionState[]): Promise<void> {
    const { changes, hosted, fetchTopicConfig } = this.#parts;
    for (const { topic, state } of states) {
      const found = hosted.get(topic, state.partitionIndex);
      if (found !== 'offline' && found?.log === undefined) this.#topicConfigs.set(topic, undefined);
    }
    for (const topic of this.#topicConfigs.keys()) {
      if (changes.isSliceOver) await changes.nextSlice();
      const config = await fetchTopicConfig(topic);
      // They may have changed while they were on their way.
      if (this.#topicConfigs.get(topic) === undefined) this.#topicConfigs.set(topic, config);
    }
  }

  async #sortAll(states: readonly NamedPartitionState[]): Promise<SortedStates> {
    const { changes } = this.#parts;
    const sorted: SortedStates = { leaders: [], followers: [], errors: [] };
    for (const named of states) {
      if (changes.isSliceOver) await changes.nextSlice();
      const errorCode = this.#sort(named, sorted);
      if (errorCode !== undefined) sorted.errors.push(errorOf(named, errorCode));
    }
    return sorted;
  }

  /** Decides what a partition becomes. @returns the answer for it when that is decided already */
  #sort(
    { topic, topicId, state }: NamedPartitionState,
    into: Pick<SortedStates, 'leaders' | 'followers'>,
  ): ErrorCode | undefined {
    const { hosted, partitionContext } = this.#parts;
    const tp = { topic, partition: state.partitionIndex };
    const found = hosted.get(topic, state.partitionIndex);
    if (found === 'offline') return Errors.KAFKA_STORAGE_ERROR;
    const partition = found ?? new Partition(tp, this.#context);
    if (topicId !== undefined && partition.topicId !== undefined && partition.topicId !== topicId) {
      return Errors.INCONSISTENT_TOPIC_ID;
    }
    if (state.leaderEpoch < partition.leaderEpoch) return Errors.STALE_CONTROLLER_EPOCH;
    if (state.leaderEpoch === partition.leaderEpoch) return assignTopicId(partition, topicId);
    if (!state.replicas.includes(partitionContext.brokerId)) return Errors.UNKNOWN_TOPIC_OR_PARTITION;
    if (found === undefined) hosted.set(tp, partition);
    const isLeader = state.leader === partitionContext.brokerId;
    (isLeader ? into.leaders : into.followers).push({ partition, state, topicId });
    return undefined;
  }

  /** @returns the answer for each */
  async #apply(leaders: readonly RoleChange[], followers: readonly RoleChange[]): Promise<PartitionError[]> {
    const { changes, followerFetchers, listeners } = this.#parts;
    followerFetchers?.removeFetchers([...leaders, ...followers].map(({ partition }) => partition));
    const errors: PartitionError[] = [];
    const nowLeading: Partition[] = [];
    const nowFollowing: Partition[] = [];
    for (const change of leaders) {
      if (changes.isSliceOver) await changes.nextSlice();
      errors.push(this.#changeRole(change, ({ partition, state, topicId }) => partition.makeLeader(state, topicId)));
      if (change.partition.isLeader) nowLeading.push(change.partition);
    }
    for (const change of followers) {
      if (changes.isSliceOver) await changes.nextSlice();
      errors.push(this.#changeRole(change, ({ partition, state, topicId }) => partition.makeFollower(state, topicId)));
      if (change.partition.log !== undefined) nowFollowing.push(change.partition);
    }
    followerFetchers?.addFetchers(nowFollowing);
    for (const listener of listeners) listener.onLeadershipChange(nowLeading, nowFollowing);
    return errors;
  }

  /** All that becomes of one partition, in one turn of the event loop. */
  #changeRole(change: RoleChange, make: (change: RoleChange) => boolean): PartitionError {
    const { delayed, alterLogDirs } = this.#parts;
    const { partition } = change;
    const errorCode = this.#try(change, make);
    delayed.checkAndCompleteAll(partition);
    alterLogDirs.resume(partition);
    return errorOf({ topic: partition.topic, ...change }, errorCode);
  }

  /** A log that cannot be made is that partition's misfortune, not the request's. */
  #try(change: RoleChange, make: (change: RoleChange) => boolean): ErrorCode {
    try {
      make(change);
      return Errors.NONE;
    } catch (error) {
      if (isRefusedForSpace(error)) {
        this.#awaitingSpace.add(change);
        return Errors.NONE;
      }
      const { code } = mapError(error);
      const { partition } = change;
      const { topic, partition: index } = partition;
      this.#parts.logger.error('cannot change the role of a replica', { topic, partition: index, error });
      if (code === Errors.KAFKA_STORAGE_ERROR) this.#parts.hosted.set(partition, 'offline');
      partition.markOffline();
      return code;
    }
  }

  #getOrCreateLog(tp: TopicPartition, options: { isNew: boolean; topicId: Uuid | undefined }) {
    const { logManager } = this.#parts;
    const existing = logManager.getLog(tp);
    const config = this.#topicConfigs.get(tp.topic) ?? existing?.config;
    if (config === undefined) throw new Error(`no settings were fetched for topic ${JSON.stringify(tp.topic)}`);
    return logManager.getOrCreateLog(tp, { isNew: options.isNew, topicId: options.topicId, config });
  }
}

/** The controller repeats itself: all there may be to learn is the topic's id. */
function assignTopicId(partition: Partition, topicId: Uuid | undefined): ErrorCode {
  if (topicId === undefined || partition.log === undefined || partition.topicId !== undefined) {
    return Errors.STALE_CONTROLLER_EPOCH;
  }
  partition.log.assignTopicId(topicId);
  return Errors.NONE;
}

function namedStates(request: Decoded<LeaderAndIsrRequest>): NamedPartitionState[] {
  const states: NamedPartitionState[] = request.ungroupedPartitionStates.map((state) => ({
    topic: state.topicName,
    topicId: undefined,
    state,
  }));
  for (const { topicName, topicId, partitionStates } of request.topicStates) {
    const id = topicId === ZERO_UUID ? undefined : topicId;
    for (const state of partitionStates) states.push({ topic: topicName, topicId: id, state });
  }
  return states;
}

function errorOf({ topic, topicId, state }: NamedPartitionState, errorCode: ErrorCode): PartitionError {
  return { topic, topicId, partitionIndex: state.partitionIndex, errorCode };
}

function leaderAndIsrResponse(
  errorCode: ErrorCode,
  errors: readonly PartitionError[],
  version: number,
): LeaderAndIsrResponse {
  if (version < TOPIC_ID_VERSION) {
    const partitionErrors = errors.map(({ topic, partitionIndex, errorCode: code }) => ({
      topicName: topic,
      partitionIndex,
      errorCode: code,
    }));
    return { errorCode, partitionErrors };
  }
  const byId = new Map<Uuid, { partitionIndex: number; errorCode: ErrorCode }[]>();
  for (const { topicId = ZERO_UUID, partitionIndex, errorCode: code } of errors) {
    const ofTopic = byId.get(topicId) ?? [];
    ofTopic.push({ partitionIndex, errorCode: code });
    byId.set(topicId, ofTopic);
  }
  return { errorCode, topics: Array.from(byId, ([topicId, partitionErrors]) => ({ topicId, partitionErrors })) };
}
