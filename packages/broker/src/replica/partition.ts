// One replica of a partition on this broker: whether it leads, under which epoch, with which followers, and how far they are. What can
// be asked of it beside appends (reads, offsets by time and epoch) is partition-reads.ts. Nothing here wakes waiting operations: methods
// say whether something moved, and callers see to the waiters. Source: kafka.cluster.Partition.

import { type Clock, Errors, KafkaError, LazyMap, type TopicPartition, type Uuid } from '@ottla/base';
import type { AppendOrigin } from '@ottla/records';
import type { Log, LogAppendInfo, VerificationGuard } from '@ottla/storage';
import { kept } from '../broker-ids.ts';
import { RemoteReplica, UNKNOWN_OFFSET } from './remote-replica.ts';

/** What the controller says about a partition, in LeaderAndIsr. */
export interface PartitionStateUpdate {
  readonly controllerEpoch: number;
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly isr: readonly number[];
  readonly partitionEpoch: number;
  readonly replicas: readonly number[];
  readonly addingReplicas: readonly number[];
  readonly removingReplicas: readonly number[];
  /** Just created: its log cannot exist yet. */
  readonly isNew: boolean;
}

/** What a partition needs around it. */
export interface PartitionContext {
  readonly brokerId: number;
  readonly clock: Clock;
  /** replica.lag.time.max.ms */
  readonly replicaLagTimeMaxMs: number;
  isAliveBroker(brokerId: number): boolean;
  /** The partition's log, created when absent, with its high watermark as last checkpointed. */
  getOrCreateLog(tp: TopicPartition, options: { isNew: boolean; topicId: Uuid | undefined }): Log;
}

/** What the state of the replica allows a request to be answered from. */
export interface LogRequirement {
  /** The epoch the asker believes in; -1: it does not say. */
  readonly currentLeaderEpoch: number;
  readonly requireLeader: boolean;
}

const NO_LEADER = -1;
const INITIAL_EPOCH = -1;

export class Partition implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  readonly #context: PartitionContext;
  #log: Log | undefined;
  #leaderId = NO_LEADER;
  /** Below every epoch a controller hands out until it has spoken. */
  #leaderEpoch = INITIAL_EPOCH;
  /** The log's end when this broker began to lead in this epoch; undefined while it does not. */
  #leaderEpochStartOffset: number | undefined;
  #partitionEpoch = INITIAL_EPOCH;
  #controllerEpoch = 0;
  #replicas: readonly number[] = [];
  #isr: readonly number[] = [];
  #addingReplicas: readonly number[] = [];
  #removingReplicas: readonly number[] = [];
  /** The other replicas, in assignment order. Kept up only while this broker leads. */
  readonly #remoteReplicas = new LazyMap<number, RemoteReplica>();

  constructor(tp: TopicPartition, context: PartitionContext) {
    this.topic = tp.topic;
    this.partition = tp.partition;
    this.#context = context;
  }

  get log(): Log | undefined {
    return this.#log;
  }

  get topicId(): Uuid | undefined {
    return this.#log?.topicId;
  }

  /** -1: none. */
  get leaderId(): number {
    return this.#leaderId;
  }

  get leaderEpoch(): number {
    return this.#leaderEpoch;
  }

  get leaderEpochStartOffset(): number | undefined {
    return this.#leaderEpochStartOffset;
  }

  get partitionEpoch(): number {
    return this.#partitionEpoch;
  }

  /** Of the controller that decided who leads. */
  get controllerEpoch(): number {
    return this.#controllerEpoch;
  }

  get isLeader(): boolean {
    return this.#leaderId === this.#context.brokerId;
  }

  get replicas(): readonly number[] {
    return this.#replicas;
  }

  get isr(): readonly number[] {
    return this.#isr;
  }

  get isUnderMinIsr(): boolean {
    return this.isLeader && this.#log !== undefined && this.#isr.length < this.#effectiveMinIsr(this.#log);
  }

  get isAtMinIsr(): boolean {
    return this.isLeader && this.#log !== undefined && this.#isr.length === this.#effectiveMinIsr(this.#log);
  }

  get isUnderReplicated(): boolean {
    return this.isLeader && this.#isr.length < this.#replicas.length - this.#addingReplicas.length;
  }

  get isReassigning(): boolean {
    return this.#addingReplicas.length > 0 || this.#removingReplicas.length > 0;
  }

  get isAddingLocalReplica(): boolean {
    return this.#addingReplicas.includes(this.#context.brokerId);
  }

  remoteReplica(brokerId: number): RemoteReplica | undefined {
    return this.#remoteReplicas.get(brokerId);
  }

  /** Leads from now on, in the epoch of `state`.
   *  @returns whether it did not lead before. Nothing changes when `state` is older than what is known.
   *  @throws KafkaError KAFKA_STORAGE_ERROR when the log cannot be created or opened */
  makeLeader(state: PartitionStateUpdate, topicId: Uuid | undefined): boolean {
    if (state.partitionEpoch < this.#partitionEpoch) return false;
    const wasLeader = this.isLeader;
    const isNewEpoch = state.leaderEpoch > this.#leaderEpoch;
    const log = this.#openLog(state.isNew, topicId);
    this.#takeOver(state);
    this.#retainRemoteReplicas();
    if (isNewEpoch) this.#beginLeaderEpoch(log, state.leaderEpoch, !wasLeader);
    this.#leaderId = this.#context.brokerId;
    this.maybeIncrementHighWatermark();
    return !wasLeader;
  }

  /** Follows from now on.
   *  @returns whether the leader is another one, or the epoch
   *  @throws KafkaError KAFKA_STORAGE_ERROR when the log cannot be created or opened */
  makeFollower(state: PartitionStateUpdate, topicId: Uuid | undefined): boolean {
    if (state.partitionEpoch < this.#partitionEpoch) return false;
    const isNewEpoch = state.leaderEpoch > this.#leaderEpoch;
    const isNewLeader = this.#leaderId !== state.leader;
    this.#openLog(state.isNew, topicId);
    this.#takeOver(state);
    this.#remoteReplicas.clear();
    this.#leaderEpoch = state.leaderEpoch;
    this.#leaderEpochStartOffset = undefined;
    this.#leaderId = state.leader;
    return isNewLeader || isNewEpoch;
  }

  /** Is no longer to be had: deleted, or its disk failed. Whoever still holds it is told that it does not lead. */
  markOffline(): void {
    this.#log = undefined;
    this.#leaderId = NO_LEADER;
    this.#leaderEpochStartOffset = undefined;
    this.#remoteReplicas.clear();
  }

  /** The replica is in another log dir now. */
  replaceLog(log: Log): void {
    if (this.#log !== undefined) this.#log = log;
  }

  /** The log, when the replica may answer.
   *  @throws KafkaError FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH, NOT_LEADER_OR_FOLLOWER */
  logFor(requirement: LogRequirement): Log {
    const { currentLeaderEpoch } = requirement;
    if (currentLeaderEpoch >= 0 && currentLeaderEpoch !== this.#leaderEpoch) throw this.#wrongEpoch(currentLeaderEpoch);
    if (this.#log === undefined || (requirement.requireLeader && !this.isLeader)) throw this.notLeader();
    return this.#log;
  }

  /** @throws KafkaError NOT_LEADER_OR_FOLLOWER, NOT_ENOUGH_REPLICAS, and what `Log#appendAsLeader` throws
   *  @param records are changed: the log stamps offsets into them */
  appendRecordsToLeader(
    records: Buffer,
    options: { origin: AppendOrigin; requiredAcks: number; verificationGuard?: VerificationGuard | undefined },
  ): LogAppendInfo {
    const log = this.#log;
    if (log === undefined || !this.isLeader) throw this.notLeader();
    if (options.requiredAcks === -1) this.#requireEnoughReplicas(log);
    return log.appendAsLeader(records, {
      leaderEpoch: this.#leaderEpoch,
      origin: options.origin,
      verificationGuard: options.verificationGuard,
    });
  }

  /** Moves the high watermark to what every replica has that is in sync, or about to be. It stays while fewer are in sync than
   *  min.insync.replicas. @returns whether it moved. Source: Partition.maybeIncrementLeaderHW */
  maybeIncrementHighWatermark(): boolean {
    const log = this.#log;
    if (log === undefined || !this.isLeader || this.isUnderMinIsr) return false;
    let highWatermark = log.logEndOffset;
    if (this.#remoteReplicas.size > 0) highWatermark = this.#replicatedUpTo(highWatermark);
    if (highWatermark <= log.highWatermark) return false;
    log.updateHighWatermark(highWatermark);
    return true;
  }

  /** A follower fetched. @returns whether the high watermark or the low watermark may have moved */
  updateFollowerFetchState(
    follower: RemoteReplica,
    fetch: { fetchOffset: number; logStartOffset: number; leaderLogEndOffset: number },
  ): boolean {
    const { logEndOffset, logStartOffset } = follower;
    follower.updateFetchState({ ...fetch, nowMs: this.#context.clock.monotonicMs() });
    const hasMovedEnd = follower.logEndOffset !== logEndOffset;
    const hasMovedHighWatermark = hasMovedEnd && this.maybeIncrementHighWatermark();
    return hasMovedHighWatermark || follower.logStartOffset !== logStartOffset;
  }

  /** Do enough replicas have everything below `requiredOffset`? An error code ends the wait.
   *  Source: Partition.checkEnoughReplicasReachOffset */
  checkEnoughReplicasReachOffset(requiredOffset: number): { hasEnough: boolean; errorCode: number } {
    const log = this.#log;
    if (log === undefined || !this.isLeader) return { hasEnough: false, errorCode: Errors.NOT_LEADER_OR_FOLLOWER };
    if (log.highWatermark < requiredOffset) return { hasEnough: false, errorCode: Errors.NONE };
    const isShort = this.#isr.length < this.#effectiveMinIsr(log);
    return { hasEnough: true, errorCode: isShort ? Errors.NOT_ENOUGH_REPLICAS_AFTER_APPEND : Errors.NONE };
  }

  /** The smallest log start offset among the live replicas: what is below is gone everywhere.
   *  @throws KafkaError NOT_LEADER_OR_FOLLOWER */
  lowWatermark(): number {
    let lowWatermark = this.logFor({ currentLeaderEpoch: -1, requireLeader: true }).logStartOffset;
    for (const replica of this.#remoteReplicas.entries.values()) {
      if (replica.logStartOffset < lowWatermark && this.#context.isAliveBroker(replica.brokerId)) {
        lowWatermark = replica.logStartOffset;
      }
    }
    return lowWatermark;
  }

  notLeader(): KafkaError {
    return new KafkaError(
      Errors.NOT_LEADER_OR_FOLLOWER,
      `Leader not local for partition ${this.topic}-${this.partition} on broker ${this.#context.brokerId}`,
    );
  }

  #openLog(isNew: boolean, topicId: Uuid | undefined): Log {
    this.#log ??= this.#context.getOrCreateLog(this, { isNew, topicId });
    return this.#log;
  }

  #takeOver(state: PartitionStateUpdate): void {
    this.#controllerEpoch = state.controllerEpoch;
    this.#partitionEpoch = state.partitionEpoch;
    this.#replicas = kept(state.replicas);
    this.#isr = kept(state.isr, this.#replicas);
    this.#addingReplicas = kept(state.addingReplicas);
    this.#removingReplicas = kept(state.removingReplicas);
  }

  #retainRemoteReplicas(): void {
    for (const brokerId of this.#remoteReplicas.entries.keys()) {
      if (!this.#replicas.includes(brokerId)) this.#remoteReplicas.delete(brokerId);
    }
    for (const brokerId of this.#replicas) {
      if (brokerId !== this.#context.brokerId && !this.#remoteReplicas.has(brokerId)) {
        this.#remoteReplicas.set(brokerId, new RemoteReplica(brokerId));
      }
    }
  }

  #beginLeaderEpoch(log: Log, leaderEpoch: number, isNewLeader: boolean): void {
    const leaderLogEndOffset = log.logEndOffset;
    log.assignEpochStartOffset(leaderEpoch, leaderLogEndOffset);
    const nowMs = this.#context.clock.monotonicMs();
    for (const replica of this.#remoteReplicas.entries.values()) {
      replica.reset({ nowMs, leaderLogEndOffset, isNewLeader, isInSync: this.#isr.includes(replica.brokerId) });
    }
    this.#leaderEpoch = leaderEpoch;
    this.#leaderEpochStartOffset = leaderLogEndOffset;
  }

  #replicatedUpTo(logEndOffset: number): number {
    const nowMs = this.#context.clock.monotonicMs();
    let offset = logEndOffset;
    for (const replica of this.#remoteReplicas.entries.values()) {
      if (replica.logEndOffset >= offset) continue;
      // One that is caught up is let in before the watermark passes it: else it could never join.
      const isWaitedFor =
        this.#isr.includes(replica.brokerId) ||
        (this.#context.isAliveBroker(replica.brokerId) &&
          replica.isCaughtUp(logEndOffset, nowMs, this.#context.replicaLagTimeMaxMs));
      if (isWaitedFor) offset = replica.logEndOffset;
    }
    return offset === UNKNOWN_OFFSET ? 0 : offset;
  }

  /** Never more than there are replicas: else such a topic could not be written to at all. */
  #effectiveMinIsr(log: Log): number {
    return Math.min(log.config.minInsyncReplicas, this.#remoteReplicas.size + 1);
  }

  #requireEnoughReplicas(log: Log): void {
    const minIsr = this.#effectiveMinIsr(log);
    if (this.#isr.length >= minIsr) return;
    throw new KafkaError(
      Errors.NOT_ENOUGH_REPLICAS,
      `The size of the current ISR [${this.#isr.join(', ')}] is insufficient to satisfy the min.isr requirement of ${minIsr} for partition ${this.topic}-${this.partition}`,
    );
  }

  #wrongEpoch(currentLeaderEpoch: number): KafkaError {
    const isOld = currentLeaderEpoch < this.#leaderEpoch;
    return new KafkaError(
      isOld ? Errors.FENCED_LEADER_EPOCH : Errors.UNKNOWN_LEADER_EPOCH,
      `leader epoch ${currentLeaderEpoch} for ${this.topic}-${this.partition}, it is ${this.#leaderEpoch}`,
    );
  }
}
