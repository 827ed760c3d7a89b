// Brokers that come, go, come back or lose a log directory. Source: kafka.controller.KafkaController (onBrokerStartup, onBrokerFailure,
// processBrokerChange, processBrokerModification, processLogDirEventNotification, processLeaderAndIsrResponseReceived).

import { Errors, errorName, type TopicPartition, TopicPartitionSet } from '@ottla/base';
import { type BrokerAndEpoch, BrokerIdZNode } from '@ottla/coordination';
import type { LeaderAndIsrResponse } from '@ottla/protocol';
import type { PartitionAndReplica } from './controller-context.ts';
import { type ControllerParts, whileActive } from './controller-parts.ts';
import type { PartitionReassignments } from './partition-reassignments.ts';
import { targetReplicas } from './replica-assignment.ts';

export class BrokerChanges {
  readonly #parts: ControllerParts;
  readonly #reassignments: PartitionReassignments;
  /** Brokers whose registration is watched. */
  readonly #watched = new Set<number>();

  constructor(parts: ControllerParts, reassignments: PartitionReassignments) {
    this.#parts = parts;
    this.#reassignments = reassignments;
  }

  async registerBrokerModificationsHandlers(brokerIds: Iterable<number>): Promise<void> {
    for (const brokerId of brokerIds) {
      this.#watched.add(brokerId);
      await this.#parts.zkClient.registerZNodeChangeHandlerAndCheckExistence({
        path: BrokerIdZNode.path(brokerId),
        handleDataChange: () =>
          this.#parts.enqueue(
            whileActive(this.#parts, 'BrokerModifications', () => this.#processBrokerModification(brokerId)),
          ),
      });
    }
  }

  unregisterBrokerModificationsHandlers(brokerIds: Iterable<number> = [...this.#watched]): void {
    for (const brokerId of brokerIds) {
      this.#watched.delete(brokerId);
      this.#parts.zkClient.unregisterZNodeChangeHandler(BrokerIdZNode.path(brokerId));
    }
  }

  /** Compares the registrations with what is known. A broker with a later epoch went away and came back unseen. */
  async processBrokerChange(): Promise<void> {
    const { context, zkClient, channelManager, logger } = this.#parts;
    const current = await zkClient.getAllBrokerAndEpochsInCluster();
    const isKnown = ({ broker }: BrokerAndEpoch) => context.brokerEpoch(broker.id) !== undefined;
    const started = current.filter((broker) => !isKnown(broker));
    const bounced = current.filter(({ broker, epoch }) => epoch > (context.brokerEpoch(broker.id) ?? epoch));
    const currentIds = new Set(current.map(({ broker }) => broker.id));
    const dead = context.liveOrShuttingDownBrokerIds().filter((id) => !currentIds.has(id));
    logger.info('brokers changed', { started: idsOf(started), bounced: idsOf(bounced), dead });
    for (const id of [...idsOf(bounced), ...dead]) channelManager.removeBroker(id);
    for (const id of [...idsOf(started), ...idsOf(bounced)]) channelManager.addBroker(id);
    if (started.length > 0) await this.#onBrokersAdded(started);
    if (bounced.length > 0) {
      context.removeLiveBrokers(idsOf(bounced));
      await this.#onBrokerFailure(idsOf(bounced));
      await this.#onBrokersAdded(bounced);
    }
    if (dead.length > 0) {
      context.removeLiveBrokers(dead);
      await this.#onBrokerFailure(dead);
    }
  }

  async #onBrokersAdded(brokers: readonly BrokerAndEpoch[]): Promise<void> {
    this.#parts.context.addLiveBrokers(brokers);
    await this.#onBrokerStartup(idsOf(brokers));
  }

  /** The others hear of the new brokers, the new ones of everything; then leaders are elected where there were none. */
  async #onBrokerStartup(newBrokers: readonly number[]): Promise<void> {
    const { context, replicaStateMachine, partitionStateMachine, topicDeletionManager } = this.#parts;
    for (const id of newBrokers) context.replicasOnOfflineDirs.delete(id);
    const existing = context.liveOrShuttingDownBrokerIds().filter((id) => !newBrokers.includes(id));
    this.#parts.sendUpdateMetadataRequest(existing, []);
    this.#parts.sendUpdateMetadataRequest(newBrokers, context.partitionsWithLeaders());
    const replicas = context.replicasOnBrokers(newBrokers);
    await replicaStateMachine.handleStateChanges(replicas, 'OnlineReplica');
    await partitionStateMachine.triggerOnlinePartitionStateChange();
    await this.#reassignments.maybeResumeReassignments((_tp, assignment) =>
      targetReplicas(assignment).some((id) => newBrokers.includes(id)),
    );
    await topicDeletionManager.resumeDeletionForTopics(replicas.map(({ tp }) => tp.topic));
    await this.registerBrokerModificationsHandlers(newBrokers);
  }

  async #onBrokerFailure(deadBrokers: readonly number[]): Promise<void> {
    const { context } = this.#parts;
    for (const id of deadBrokers) {
      context.replicasOnOfflineDirs.delete(id);
      context.shuttingDownBrokerIds.delete(id);
    }
    await this.#onReplicasBecomeOffline(context.replicasOnBrokers(deadBrokers));
    this.unregisterBrokerModificationsHandlers(deadBrokers);
  }

  /** Partitions they led get new leaders, they leave the in-sync sets, topics being deleted wait for them. */
  async #onReplicasBecomeOffline(replicas: readonly PartitionAndReplica[]): Promise<void> {
    const { context, partitionStateMachine, replicaStateMachine, topicDeletionManager } = this.#parts;
    const isForDeletion = ({ tp }: PartitionAndReplica) => topicDeletionManager.isTopicQueuedUpForDeletion(tp.topic);
    const forDeletion = replicas.filter(isForDeletion);
    const others = replicas.filter((replica) => !isForDeletion(replica));
    await partitionStateMachine.handleStateChanges(context.partitionsWithOfflineLeader(), 'OfflinePartition');
    const elections = await partitionStateMachine.triggerOnlinePartitionStateChange();
    await replicaStateMachine.handleStateChanges(others, 'OfflineReplica');
    // A replica on a dead broker cannot be deleted; without this it would be waited for without end.
    await topicDeletionManager.failReplicaDeletion(forDeletion);
    const isNobodyElected = [...elections.values()].every((result) => result instanceof Error);
    // Nothing above told the brokers who is gone.
    if (others.length === 0 && isNobodyElected) {
      this.#parts.sendUpdateMetadataRequest(context.liveOrShuttingDownBrokerIds(), []);
    }
  }

  async #processBrokerModification(brokerId: number): Promise<void> {
    const { context, zkClient } = this.#parts;
    const updated = await zkClient.getBroker(brokerId);
    const known = context.liveOrShuttingDownBroker(brokerId);
    if (updated === undefined || known === undefined) return;
    const described = ({ endPoints, features }: typeof known) => JSON.stringify([endPoints, [...features]]);
    if (described(updated) === described(known)) return;
    context.updateBrokerMetadata(updated);
    this.#parts.sendUpdateMetadataRequest(context.liveOrShuttingDownBrokerIds(), []);
  }

  /** A broker tells which replicas it lost only when asked: LeaderAndIsr for all of them does that. */
  async processLogDirEventNotification(): Promise<void> {
    const { context, zkClient, replicaStateMachine } = this.#parts;
    const sequenceNumbers = await zkClient.getAllLogDirEventNotifications();
    try {
      const brokerIds = await zkClient.getBrokerIdsFromLogDirEvents(sequenceNumbers);
      await replicaStateMachine.handleStateChanges(context.replicasOnBrokers(brokerIds), 'OnlineReplica');
    } finally {
      await zkClient.deleteLogDirEventNotifications(context.epochZkVersion, sequenceNumbers);
    }
  }

  async processLeaderAndIsrResponse(brokerId: number, response: LeaderAndIsrResponse): Promise<void> {
    const { context, logger } = this.#parts;
    if (response.errorCode !== Errors.NONE) {
      logger.error('a broker refused LeaderAndIsr', { brokerId, error: errorName(response.errorCode) });
      return;
    }
    const former = context.replicasOnOfflineDirs.get(brokerId) ?? new TopicPartitionSet();
    const offline = new TopicPartitionSet(former);
    for (const [tp, errorCode] of this.#partitionErrors(response)) {
      if (errorCode === Errors.KAFKA_STORAGE_ERROR) offline.add(tp);
      else if (errorCode === Errors.NONE) offline.delete(tp);
    }
    context.replicasOnOfflineDirs.set(brokerId, offline);
    const newlyOffline = [...offline].filter((tp) => !former.has(tp));
    if (newlyOffline.length === 0) return;
    await this.#onReplicasBecomeOffline(newlyOffline.map((tp) => ({ tp, replica: brokerId })));
  }

  /** Topics that were deleted meanwhile are left out. */
  #partitionErrors({ topics = [] }: LeaderAndIsrResponse): [TopicPartition, number][] {
    return topics.flatMap(({ topicId, partitionErrors }) => {
      const topic = this.#parts.context.topicNames.get(topicId);
      if (topic === undefined) return [];
      return partitionErrors.map(({ partitionIndex, errorCode }): [TopicPartition, number] => [
        { topic, partition: partitionIndex },
        errorCode,
      ]);
    });
  }
}

function idsOf(brokers: readonly BrokerAndEpoch[]): number[] {
  return brokers.map(({ broker }) => broker.id).sort((a, b) => a - b);
}
