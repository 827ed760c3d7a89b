// What the controller knows of the cluster: brokers, topics, assignments, leaders, states. Plain state and questions about it; it writes
// nothing and sends nothing. Source: kafka.controller.ControllerContext.

import { mustBePresent, type TopicPartition, TopicPartitionMap, TopicPartitionSet, type Uuid } from '@ottla/base';
import type { BrokerAndEpoch, BrokerInfo, LeaderIsrAndControllerEpoch, ReplicaAssignment } from '@ottla/coordination';
import {
  type PartitionState,
  type ReplicaState,
  VALID_PREVIOUS_PARTITION_STATES,
  VALID_PREVIOUS_REPLICA_STATES,
} from './controller-states.ts';
import { isBeingReassigned, NO_ASSIGNMENT } from './replica-assignment.ts';

export interface PartitionAndReplica {
  readonly tp: TopicPartition;
  /** Broker id. */
  readonly replica: number;
}

/** Leader epoch of a partition that has no leader yet. */
const NO_EPOCH = -1;
/** Leader epoch in requests about a topic that is being deleted: it overrides any other. */
export const EPOCH_DURING_DELETE = -2;

export class ControllerContext {
  /** This controller's epoch, and the version of the node that holds it; 0 while this broker is not the controller. */
  epoch = 0;
  epochZkVersion = 0;
  /** Brokers that asked to leave: still there, but no leaders any more. */
  readonly shuttingDownBrokerIds = new Set<number>();
  readonly allTopics = new Set<string>();
  readonly topicIds = new Map<string, Uuid>();
  readonly topicNames = new Map<Uuid, string>();
  readonly partitionsBeingReassigned = new TopicPartitionSet();
  /** Broker → replicas in log directories that failed. */
  readonly replicasOnOfflineDirs = new Map<number, TopicPartitionSet>();
  readonly topicsToBeDeleted = new Set<string>();
  /** Of those, the ones whose partitions were taken offline. */
  readonly topicsWithDeletionStarted = new Set<string>();
  /** Of those to be deleted, the ones that must wait: a replica is not there, or a partition is being moved. */
  readonly topicsIneligibleForDeletion = new Set<string>();
  readonly #liveBrokers = new Map<number, BrokerAndEpoch>();
  readonly #assignments = new Map<string, Map<number, ReplicaAssignment>>();
  readonly #leadership = new TopicPartitionMap<LeaderIsrAndControllerEpoch>();
  readonly #partitionStates = new TopicPartitionMap<PartitionState>();
  readonly #replicaStates = new TopicPartitionMap<Map<number, ReplicaState>>();

  /** As if this broker had never been the controller. */
  reset(): void {
    this.epoch = 0;
    this.epochZkVersion = 0;
    for (const set of [this.shuttingDownBrokerIds, this.allTopics, this.partitionsBeingReassigned]) set.clear();
    for (const set of [this.topicsToBeDeleted, this.topicsWithDeletionStarted, this.topicsIneligibleForDeletion]) {
      set.clear();
    }
    for (const map of [this.topicIds, this.topicNames, this.replicasOnOfflineDirs]) map.clear();
    for (const map of [this.#liveBrokers, this.#assignments, this.#leadership]) map.clear();
    this.clearStates();
  }

  clearStates(): void {
    this.#partitionStates.clear();
    this.#replicaStates.clear();
  }

  // Brokers

  setLiveBrokers(brokers: readonly BrokerAndEpoch[]): void {
    this.#liveBrokers.clear();
    this.addLiveBrokers(brokers);
  }

  addLiveBrokers(brokers: readonly BrokerAndEpoch[]): void {
    for (const broker of brokers) this.#liveBrokers.set(broker.broker.id, broker);
  }

  removeLiveBrokers(brokerIds: Iterable<number>): void {
    for (const id of brokerIds) this.#liveBrokers.delete(id);
  }

  /** The same registration with other endpoints or features. */
  updateBrokerMetadata(broker: BrokerInfo): void {
    const { epoch } = mustBePresent(this.#liveBrokers.get(broker.id), `broker ${broker.id}`);
    this.#liveBrokers.set(broker.id, { broker, epoch });
  }

  liveBrokerIds(): number[] {
    return this.liveOrShuttingDownBrokerIds().filter((id) => !this.shuttingDownBrokerIds.has(id));
  }

  isLiveBroker(brokerId: number): boolean {
    return this.#liveBrokers.has(brokerId) && !this.shuttingDownBrokerIds.has(brokerId);
  }

  liveOrShuttingDownBrokerIds(): number[] {
    return [...this.#liveBrokers.keys()];
  }

  liveOrShuttingDownBrokers(): BrokerInfo[] {
    return [...this.#liveBrokers.values()].map(({ broker }) => broker);
  }

  liveOrShuttingDownBroker(brokerId: number): BrokerInfo | undefined {
    return this.#liveBrokers.get(brokerId)?.broker;
  }

  /** undefined: it is not there. */
  brokerEpoch(brokerId: number): bigint | undefined {
    return this.#liveBrokers.get(brokerId)?.epoch;
  }

  isReplicaOnline(brokerId: number, tp: TopicPartition, includeShuttingDownBrokers = false): boolean {
    const isThere = includeShuttingDownBrokers ? this.#liveBrokers.has(brokerId) : this.isLiveBroker(brokerId);
    return isThere && this.replicasOnOfflineDirs.get(brokerId)?.has(tp) !== true;
  }

  // Topics and assignments

  addTopicId(topic: string, topicId: Uuid): void {
    const former = this.topicIds.get(topic);
    if (former !== undefined) this.topicNames.delete(former);
    this.topicIds.set(topic, topicId);
    this.topicNames.set(topicId, topic);
  }

  setAllTopics(topics: Iterable<string>): void {
    this.allTopics.clear();
    for (const topic of topics) this.allTopics.add(topic);
  }

  removeTopic(topic: string): void {
    for (const tp of this.partitionsForTopic(topic)) {
      this.#leadership.delete(tp);
      this.#partitionStates.delete(tp);
      this.#replicaStates.delete(tp);
      this.partitionsBeingReassigned.delete(tp);
    }
    const topicId = this.topicIds.get(topic);
    if (topicId !== undefined) this.topicNames.delete(topicId);
    this.topicIds.delete(topic);
    for (const set of [this.allTopics, this.topicsToBeDeleted, this.topicsWithDeletionStarted]) set.delete(topic);
    this.topicsIneligibleForDeletion.delete(topic);
    this.#assignments.delete(topic);
  }

  updatePartitionFullReplicaAssignment({ topic, partition }: TopicPartition, assignment: ReplicaAssignment): void {
    const ofTopic = this.#assignments.get(topic);
    if (ofTopic === undefined) this.#assignments.set(topic, new Map([[partition, assignment]]));
    else ofTopic.set(partition, assignment);
  }

  /** No replicas when the partition is not known. */
  partitionFullReplicaAssignment({ topic, partition }: TopicPartition): ReplicaAssignment {
    return this.#assignments.get(topic)?.get(partition) ?? NO_ASSIGNMENT;
  }

  partitionReplicaAssignment(tp: TopicPartition): readonly number[] {
    return this.partitionFullReplicaAssignment(tp).replicas;
  }

  assignmentOfTopic(topic: string): ReadonlyMap<number, ReplicaAssignment> {
    return this.#assignments.get(topic) ?? new Map();
  }

  partitionsForTopic(topic: string): TopicPartition[] {
    return [...this.assignmentOfTopic(topic).keys()].map((partition) => ({ topic, partition }));
  }

  allPartitions(): TopicPartition[] {
    return [...this.#assignments.keys()].flatMap((topic) => this.partitionsForTopic(topic));
  }

  partitionsOnBroker(brokerId: number): TopicPartition[] {
    return this.allPartitions().filter((tp) => this.partitionReplicaAssignment(tp).includes(brokerId));
  }

  replicasOnBrokers(brokerIds: Iterable<number>): PartitionAndReplica[] {
    return [...brokerIds].flatMap((replica) => this.partitionsOnBroker(replica).map((tp) => ({ tp, replica })));
  }

  replicasForPartition(partitions: Iterable<TopicPartition>): PartitionAndReplica[] {
    return [...partitions].flatMap((tp) => this.partitionReplicaAssignment(tp).map((replica) => ({ tp, replica })));
  }

  replicasForTopic(topic: string): PartitionAndReplica[] {
    return this.replicasForPartition(this.partitionsForTopic(topic));
  }

  onlineAndOfflineReplicas(): { online: PartitionAndReplica[]; offline: PartitionAndReplica[] } {
    const online: PartitionAndReplica[] = [];
    const offline: PartitionAndReplica[] = [];
    for (const replica of this.replicasForPartition(this.allPartitions())) {
      (this.isReplicaOnline(replica.replica, replica.tp) ? online : offline).push(replica);
    }
    return { online, offline };
  }

  topicsBeingReassigned(): Set<string> {
    return new Set([...this.partitionsBeingReassigned].map(({ topic }) => topic));
  }

  isReassignmentListed(tp: TopicPartition): boolean {
    return isBeingReassigned(this.partitionFullReplicaAssignment(tp));
  }

  // Leaders

  putPartitionLeadershipInfo(tp: TopicPartition, info: LeaderIsrAndControllerEpoch): void {
    this.#leadership.set(tp, info);
  }

  clearPartitionLeadershipInfo(): void {
    this.#leadership.clear();
  }

  partitionLeadershipInfo(tp: TopicPartition): LeaderIsrAndControllerEpoch | undefined {
    return this.#leadership.get(tp);
  }

  /** For requests: the sentinel while the topic is being deleted, −1 without leader. */
  leaderEpoch(tp: TopicPartition): number {
    if (this.isTopicQueuedUpForDeletion(tp.topic)) return EPOCH_DURING_DELETE;
    return this.#leadership.get(tp)?.leaderAndIsr.leaderEpoch ?? NO_EPOCH;
  }

  /** Partitions that have a leader, or had one. */
  get partitionWithLeadersCount(): number {
    return this.#leadership.size;
  }

  partitionsWithLeaders(): TopicPartition[] {
    return [...this.#leadership.keys()].filter(({ topic }) => !this.isTopicQueuedUpForDeletion(topic));
  }

  partitionsWithOfflineLeader(): TopicPartition[] {
    return this.partitionsWithLeaders().filter((tp) => !this.isReplicaOnline(this.#leaderOf(tp), tp));
  }

  /** Replicated partitions that `brokerId` leads. */
  partitionLeadersOnBroker(brokerId: number): TopicPartition[] {
    return this.partitionsWithLeaders().filter(
      (tp) => this.#leaderOf(tp) === brokerId && this.partitionReplicaAssignment(tp).length > 1,
    );
  }

  #leaderOf(tp: TopicPartition): number {
    return mustBePresent(this.#leadership.get(tp), 'leadership').leaderAndIsr.leader;
  }

  // Deletion

  isTopicQueuedUpForDeletion(topic: string): boolean {
    return this.topicsToBeDeleted.has(topic);
  }

  isTopicDeletionInProgress(topic: string): boolean {
    return this.topicsWithDeletionStarted.has(topic);
  }

  // States

  /** NonExistentPartition when nothing is known of it. */
  partitionState(tp: TopicPartition): PartitionState {
    return this.#partitionStates.get(tp) ?? 'NonExistentPartition';
  }

  putPartitionState(tp: TopicPartition, state: PartitionState): void {
    if (state === 'NonExistentPartition') this.#partitionStates.delete(tp);
    else this.#partitionStates.set(tp, state);
  }

  canPartitionBecome(tp: TopicPartition, target: PartitionState): boolean {
    return VALID_PREVIOUS_PARTITION_STATES[target].includes(this.partitionState(tp));
  }

  partitionsInStates(states: readonly PartitionState[], topic?: string): TopicPartition[] {
    const all = topic === undefined ? [...this.#partitionStates.keys()] : this.partitionsForTopic(topic);
    return all.filter((tp) => states.includes(this.partitionState(tp)));
  }

  /** NonExistentReplica when nothing is known of it. */
  replicaState({ tp, replica }: PartitionAndReplica): ReplicaState {
    return this.#replicaStates.get(tp)?.get(replica) ?? 'NonExistentReplica';
  }

  putReplicaState({ tp, replica }: PartitionAndReplica, state: ReplicaState): void {
    const ofPartition = this.#replicaStates.get(tp);
    if (state === 'NonExistentReplica') ofPartition?.delete(replica);
    else if (ofPartition === undefined) this.#replicaStates.set(tp, new Map([[replica, state]]));
    else ofPartition.set(replica, state);
  }

  canReplicaBecome(replica: PartitionAndReplica, target: ReplicaState): boolean {
    return VALID_PREVIOUS_REPLICA_STATES[target].includes(this.replicaState(replica));
  }

  replicasInState(topic: string, state: ReplicaState): PartitionAndReplica[] {
    return this.replicasForTopic(topic).filter((replica) => this.replicaState(replica) === state);
  }

  areAllReplicasInState(topic: string, state: ReplicaState): boolean {
    return this.replicasForTopic(topic).every((replica) => this.replicaState(replica) === state);
  }

  isAnyReplicaInState(topic: string, state: ReplicaState): boolean {
    return this.replicasForTopic(topic).some((replica) => this.replicaState(replica) === state);
  }
}
