// What the controller tells this broker to lead, to follow and to give up. Each change of a partition's role is told to those who
// coordinate on its partitions, and to whoever waits on it. Source: kafka.server.ReplicaManager (becomeLeaderOrFollower, makeLeaders,
// makeFollowers, stopReplicas).

import { type ErrorCode, Errors, type Logger, type TopicPartition, type Uuid, ZERO_UUID } from '@ottla/base';
import type {
  Decoded,
  LeaderAndIsrPartitionState,
  LeaderAndIsrRequest,
  LeaderAndIsrResponse,
  StopReplicaRequest,
  StopReplicaResponse,
} from '@ottla/protocol';
import { isRefusedForSpace, type LogConfig, type LogManager } from '@ottla/storage';
import { mapError } from '../server/error-mapping.ts';
import type { AlterLogDirs } from './alter-log-dirs.ts';
import type { BrokerTopicStats } from './broker-topic-stats.ts';
import type { DelayedOperations } from './delayed-operations.ts';
import type { HighWatermarkCheckpoints } from './high-watermark-checkpoints.ts';
import type { HostedPartitions } from './hosted-partitions.ts';
import { Partition, type PartitionContext } from './partition.ts';
import { RolesAwaitingSpace } from './roles-awaiting-space.ts';

/** The leader epoch of a request that deletes whatever the epoch is. */
const EPOCH_DURING_DELETE = -2;
/** The leader epoch of a request too old to say. */
const NO_EPOCH = -1;
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
  readonly hosted: HostedPartitions;
  readonly delayed: DelayedOperations;
  readonly stats: BrokerTopicStats;
  readonly logManager: LogManager;
  readonly checkpoints: HighWatermarkCheckpoints;
  readonly alterLogDirs: AlterLogDirs;
  readonly logger: Logger;
  readonly partitionContext: Omit<PartitionContext, 'getOrCreateLog'>;
  readonly fetchTopicConfig: (topic: string) => Promise<LogConfig>;
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

interface PartitionError {
  readonly topic: string;
  readonly topicId: Uuid | undefined;
  readonly partitionIndex: number;
  readonly errorCode: ErrorCode;
}

export class LeaderAndIsr {
  readonly #parts: LeaderAndIsrParts;
  readonly #context: PartitionContext;
  readonly #listeners: LeadershipListener[] = [];
  /** Of the newest controller heard of. Older ones are refused. */
  #controllerEpoch = 0;
  /** Settings of topics whose logs the request under way may create. */
  readonly #topicConfigs = new Map<string, LogConfig>();
  /** The last change under way: changes run one after the other. */
  #changes: Promise<unknown> = Promise.resolve();
  readonly #awaitingSpace: RolesAwaitingSpace<RoleChange>;

  constructor(parts: LeaderAndIsrParts) {
    this.#parts = parts;
    const takeAgain = (): void => void this.#oneAfterTheOther(() => this.#takeRolesAgain());
    this.#awaitingSpace = new RolesAwaitingSpace(parts.partitionContext.clock, takeAgain);
    this.#context = { ...parts.partitionContext, getOrCreateLog: (tp, options) => this.#getOrCreateLog(tp, options) };
  }

  get controllerEpoch(): number {
    return this.#controllerEpoch;
  }

  addListener(listener: LeadershipListener): void {
    this.#listeners.push(listener);
  }

  becomeLeaderOrFollower(request: Decoded<LeaderAndIsrRequest>, version: number): Promise<LeaderAndIsrResponse> {
    return this.#oneAfterTheOther(() => this.#becomeLeaderOrFollower(request, version));
  }

  stopReplicas(request: Decoded<StopReplicaRequest>): Promise<StopReplicaResponse> {
    return this.#oneAfterTheOther(() => Promise.resolve(this.#stopReplicas(request)));
  }

  /** Safe to call twice. */
  close(): void {
    this.#awaitingSpace.close();
  }

  #oneAfterTheOther<Result>(change: () => Promise<Result>): Promise<Result> {
    const result = this.#changes.then(change);
    // The next change starts however this one went; whoever asked for this one is told.
    this.#changes = result.then(nothing, nothing);
    return result;
  }

  async #becomeLeaderOrFollower(request: Decoded<LeaderAndIsrRequest>, version: number): Promise<LeaderAndIsrResponse> {
    const states = namedStates(request);
    if (request.controllerEpoch < this.#controllerEpoch) {
      const refused = states.map((named) => errorOf(named, Errors.STALE_CONTROLLER_EPOCH));
      return leaderAndIsrResponse(Errors.STALE_CONTROLLER_EPOCH, refused, version);
    }
    await this.#fetchTopicConfigs(states);
    this.#controllerEpoch = request.controllerEpoch;
    const errors: PartitionError[] = [];
    const leaders: RoleChange[] = [];
    const followers: RoleChange[] = [];
    for (const named of states) {
      const errorCode = this.#sort(named, { leaders, followers });
      if (errorCode !== undefined) errors.push(errorOf(named, errorCode));
    }
    this.#apply(leaders, followers, errors);
    this.#topicConfigs.clear();
    // Only now do checkpoints hold every partition: an earlier one would lose the watermarks of those not heard of yet.
    this.#parts.checkpoints.start();
    return leaderAndIsrResponse(Errors.NONE, errors, version);
  }

  /** Those that found no space, unless the controller has thought of something else since. */
  async #takeRolesAgain(): Promise<void> {
    const changes = this.#awaitingSpace.take().filter(({ partition, state }) => {
      const { topic, partition: index } = partition;
      return this.#parts.hosted.get(topic, index) === partition && state.leaderEpoch > partition.leaderEpoch;
    });
    if (changes.length === 0) return;
    try {
      await this.#fetchTopicConfigs(changes.map(({ partition, ...change }) => ({ topic: partition.topic, ...change })));
    } catch (error) {
      this.#parts.logger.warn('cannot read the settings of topics whose replicas found no space', { error });
      for (const change of changes) this.#awaitingSpace.add(change);
      return;
    }
    const leads = ({ state }: RoleChange): boolean => state.leader === this.#context.brokerId;
    const follows = (change: RoleChange): boolean => !leads(change);
    this.#apply(changes.filter(leads), changes.filter(follows), []);
    this.#topicConfigs.clear();
  }

  /** The settings live in the tree, which is read asynchronously; logs are made synchronously. */
  async #fetchTopicConfigs(states: readonly NamedPartitionState[]): Promise<void> {
    const topics = new Set<string>();
    for (const { topic, state } of states) {
      const hosted = this.#parts.hosted.get(topic, state.partitionIndex);
      if (hosted !== 'offline' && hosted?.log === undefined) topics.add(topic);
    }
    for (const topic of topics) this.#topicConfigs.set(topic, await this.#parts.fetchTopicConfig(topic));
  }

  /** Decides what a partition becomes. @returns the answer for it when that is decided already */
  #sort(
    { topic, topicId, state }: NamedPartitionState,
    into: { leaders: RoleChange[]; followers: RoleChange[] },
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

  #apply(leaders: readonly RoleChange[], followers: readonly RoleChange[], errors: PartitionError[]): void {
    const { followerFetchers } = this.#parts;
    followerFetchers?.removeFetchers([...leaders, ...followers].map(({ partition }) => partition));
    const nowLeading: Partition[] = [];
    const nowFollowing: Partition[] = [];
    for (const change of leaders) {
      const { partition, state, topicId } = change;
      errors.push(this.#try(change, () => partition.makeLeader(state, topicId)));
      if (partition.isLeader) nowLeading.push(partition);
    }
    for (const change of followers) {
      const { partition, state, topicId } = change;
      errors.push(this.#try(change, () => partition.makeFollower(state, topicId)));
      if (partition.log !== undefined) nowFollowing.push(partition);
    }
    for (const { partition } of [...leaders, ...followers]) this.#parts.delayed.checkAndCompleteAll(partition);
    followerFetchers?.addFetchers(nowFollowing);
    this.#parts.alterLogDirs.resume([...nowLeading, ...nowFollowing]);
    for (const listener of this.#listeners) listener.onLeadershipChange(nowLeading, nowFollowing);
  }

  /** A log that cannot be made is that partition's misfortune, not the request's. */
  #try(roleChange: RoleChange, change: () => void): PartitionError {
    const { partition, topicId } = roleChange;
    let errorCode: ErrorCode = Errors.NONE;
    try {
      change();
    } catch (error) {
      if (isRefusedForSpace(error)) {
        this.#awaitingSpace.add(roleChange);
        return { topic: partition.topic, topicId, partitionIndex: partition.partition, errorCode };
      }
      errorCode = mapError(error).code;
      const { topic, partition: index } = partition;
      this.#parts.logger.error('cannot change the role of a replica', { topic, partition: index, error });
      if (errorCode === Errors.KAFKA_STORAGE_ERROR) this.#parts.hosted.set(partition, 'offline');
      partition.markOffline();
    }
    return { topic: partition.topic, topicId, partitionIndex: partition.partition, errorCode };
  }

  #getOrCreateLog(tp: TopicPartition, options: { isNew: boolean; topicId: Uuid | undefined }) {
    const { logManager } = this.#parts;
    const existing = logManager.getLog(tp);
    const config = this.#topicConfigs.get(tp.topic) ?? existing?.config;
    if (config === undefined) throw new Error(`no settings were fetched for topic ${JSON.stringify(tp.topic)}`);
    return logManager.getOrCreateLog(tp, { isNew: options.isNew, topicId: options.topicId, config });
  }

  #stopReplicas(request: Decoded<StopReplicaRequest>): StopReplicaResponse {
    if (request.controllerEpoch < this.#controllerEpoch) {
      return { errorCode: Errors.STALE_CONTROLLER_EPOCH, partitionErrors: [] };
    }
    this.#controllerEpoch = request.controllerEpoch;
    const partitionErrors = stopStates(request).map((stop) => ({
      topicName: stop.topic,
      partitionIndex: stop.partition,
      errorCode: this.#stopReplica(stop),
    }));
    return { errorCode: Errors.NONE, partitionErrors };
  }

  #stopReplica({ topic, partition, leaderEpoch, deletePartition }: StopState): ErrorCode {
    const { hosted, delayed, logManager, followerFetchers, alterLogDirs } = this.#parts;
    const tp = { topic, partition };
    const found = hosted.get(topic, partition);
    if (found === 'offline') return Errors.KAFKA_STORAGE_ERROR;
    const isForced = leaderEpoch === EPOCH_DURING_DELETE || leaderEpoch === NO_EPOCH;
    if (found !== undefined && !isForced && leaderEpoch < found.leaderEpoch) return Errors.FENCED_LEADER_EPOCH;
    followerFetchers?.removeFetchers([tp]);
    if (deletePartition) {
      alterLogDirs.abandon(tp);
      hosted.delete(tp);
      found?.markOffline();
      if (!hosted.hasTopic(topic)) this.#parts.stats.remove(topic);
    }
    if (found !== undefined) delayed.checkAndCompleteAll(found);
    const errorCode = deletePartition ? this.#deleteLog(logManager, tp) : Errors.NONE;
    if (errorCode === Errors.NONE) {
      const epoch = leaderEpoch >= 0 ? leaderEpoch : undefined;
      for (const listener of this.#listeners) {
        listener.onReplicaStopped(tp, { deleted: deletePartition, leaderEpoch: epoch });
      }
    }
    return errorCode;
  }

  /** The log may be there without the partition: the topic may have been deleted while this broker was away. */
  #deleteLog(logManager: LogManager, tp: TopicPartition): ErrorCode {
    if (logManager.getLog(tp) === undefined) return Errors.NONE;
    try {
      logManager.asyncDelete(tp);
      return Errors.NONE;
    } catch (error) {
      this.#parts.logger.error('cannot delete a log', { ...tp, error });
      return mapError(error).code;
    }
  }
}

function nothing(): void {}

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

interface StopState {
  readonly topic: string;
  readonly partition: number;
  readonly leaderEpoch: number;
  readonly deletePartition: boolean;
}

/** The partitions of a request, whichever version it came in. */
function stopStates(request: Decoded<StopReplicaRequest>): StopState[] {
  const { deletePartitions } = request;
  const old = (topic: string, partition: number) => ({
    topic,
    partition,
    leaderEpoch: NO_EPOCH,
    deletePartition: deletePartitions,
  });
  return [
    ...request.ungroupedPartitions.map(({ topicName, partitionIndex }) => old(topicName, partitionIndex)),
    ...request.topics.flatMap(({ name, partitionIndexes }) => partitionIndexes.map((index) => old(name, index))),
    ...request.topicStates.flatMap(({ topicName, partitionStates }) =>
      partitionStates.map(({ partitionIndex, leaderEpoch, deletePartition }) => ({
        topic: topicName,
        partition: partitionIndex,
        leaderEpoch,
        deletePartition,
      })),
    ),
  ];
}
