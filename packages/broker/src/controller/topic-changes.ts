// Topics that were created, got partitions, or are to be deleted. Source: kafka.controller.KafkaController (processTopicChange,
// processPartitionModifications, processTopicDeletion, onNewPartitionCreation, processTopicIds).

import { randomUuid, type TopicPartition, TopicPartitionMap } from '@ottla/base';
import {
  type ReplicaAssignment,
  type TopicIdReplicaAssignment,
  TopicPartitionsZNode,
  TopicZNode,
} from '@ottla/coordination';
import { type ControllerParts, whileActive } from './controller-parts.ts';

export class TopicChanges {
  readonly #parts: ControllerParts;
  /** Topics whose node is watched. */
  readonly #watched = new Set<string>();

  constructor(parts: ControllerParts) {
    this.#parts = parts;
  }

  /** The watch itself is set by the next read of the topic. */
  registerPartitionModificationsHandlers(topics: Iterable<string>): void {
    for (const topic of topics) {
      this.#watched.add(topic);
      this.#parts.zkClient.registerZNodeChangeHandler({
        path: TopicZNode.path(topic),
        handleDataChange: () =>
          this.#parts.enqueue(
            whileActive(this.#parts, 'PartitionModifications', () => this.#processPartitionModifications(topic)),
          ),
      });
    }
  }

  unregisterPartitionModificationsHandlers(topics: Iterable<string> = [...this.#watched]): void {
    for (const topic of topics) {
      this.#watched.delete(topic);
      this.#parts.zkClient.unregisterZNodeChangeHandler(TopicZNode.path(topic));
    }
  }

  async processTopicChange(): Promise<void> {
    const { context, zkClient, logger } = this.#parts;
    const topics = new Set(await zkClient.getAllTopicsInCluster(true));
    const created = [...topics].filter((topic) => !context.allTopics.has(topic));
    const deleted = [...context.allTopics].filter((topic) => !topics.has(topic));
    logger.info('topics changed', { created, deleted });
    this.registerPartitionModificationsHandlers(created);
    const assignments = await zkClient.getReplicaAssignmentAndTopicIdForTopics(created);
    for (const topic of deleted) context.removeTopic(topic);
    context.setAllTopics(topics);
    await this.processTopicIds(assignments);
    await this.#onNewPartitionCreation(this.putAssignments(assignments));
  }

  /** Topics of brokers before 2.8 get an id. */
  async processTopicIds(assignments: readonly TopicIdReplicaAssignment[]): Promise<void> {
    const { context, zkClient, random } = this.#parts;
    const withoutId = assignments.filter(({ topicId }) => topicId === undefined);
    const given = await zkClient.setTopicIds(withoutId, () => randomUuid(random), context.epochZkVersion);
    for (const { topic, topicId } of [...assignments, ...given]) {
      if (topicId !== undefined) context.addTopicId(topic, topicId);
    }
  }

  /** @returns their partitions */
  putAssignments(assignments: readonly TopicIdReplicaAssignment[]): TopicPartition[] {
    const partitions: TopicPartition[] = [];
    for (const { topic, assignment } of assignments) {
      for (const [partition, replicas] of assignment) {
        const tp = { topic, partition };
        this.#parts.context.updatePartitionFullReplicaAssignment(tp, replicas);
        partitions.push(tp);
      }
    }
    return partitions;
  }

  async #onNewPartitionCreation(partitions: readonly TopicPartition[]): Promise<void> {
    const { context, partitionStateMachine, replicaStateMachine } = this.#parts;
    if (partitions.length === 0) return;
    await partitionStateMachine.handleStateChanges(partitions, 'NewPartition');
    await replicaStateMachine.handleStateChanges(context.replicasForPartition(partitions), 'NewReplica');
    await partitionStateMachine.handleStateChanges(partitions, 'OnlinePartition', {
      type: 'offline',
      allowUnclean: false,
    });
    await replicaStateMachine.handleStateChanges(context.replicasForPartition(partitions), 'OnlineReplica');
  }

  async #processPartitionModifications(topic: string): Promise<void> {
    const { context, zkClient, topicDeletionManager } = this.#parts;
    const assignments = await zkClient.getFullReplicaAssignmentForTopics([topic]);
    const added = new TopicPartitionMap<ReplicaAssignment>();
    for (const [tp, assignment] of assignments) {
      if (context.partitionReplicaAssignment(tp).length === 0) added.set(tp, assignment);
    }
    if (added.size === 0) return;
    if (topicDeletionManager.isTopicQueuedUpForDeletion(topic)) {
      await this.#restorePartitionReplicaAssignment(topic, assignments);
      return;
    }
    for (const [tp, assignment] of added) context.updatePartitionFullReplicaAssignment(tp, assignment);
    await this.#onNewPartitionCreation([...added.keys()]);
  }

  /** Takes back partitions that were added to a topic while it is being deleted: their replicas would be left over. */
  async #restorePartitionReplicaAssignment(
    topic: string,
    assignments: TopicPartitionMap<ReplicaAssignment>,
  ): Promise<void> {
    const { context, zkClient, logger } = this.#parts;
    logger.warn('taking back partitions added to a topic that is being deleted', { topic });
    const existing = new Set(await zkClient.getChildren(TopicPartitionsZNode.path(topic)));
    const restored = new Map<number, ReplicaAssignment>();
    for (const tp of assignments.keys()) {
      if (existing.has(String(tp.partition))) restored.set(tp.partition, context.partitionFullReplicaAssignment(tp));
    }
    const topicId = context.topicIds.get(topic);
    await zkClient.setTopicAssignment({ topic, topicId, assignment: restored }, context.epochZkVersion);
  }

  async processTopicDeletion(): Promise<void> {
    const { context, zkClient, topicDeletionManager, settings, logger } = this.#parts;
    const asked = await zkClient.getTopicDeletions();
    const known = asked.filter((topic) => context.allTopics.has(topic));
    const unknown = asked.filter((topic) => !context.allTopics.has(topic));
    if (unknown.length > 0) {
      logger.warn('ignoring the deletion of topics that do not exist', { topics: unknown });
      await zkClient.deleteTopicDeletions(unknown, context.epochZkVersion);
    }
    if (!settings.deleteTopicEnable) {
      await zkClient.deleteTopicDeletions(known, context.epochZkVersion);
      return;
    }
    if (known.length === 0) return;
    for (const topic of known) context.topicsToBeDeleted.add(topic);
    const moving = context.topicsBeingReassigned();
    const waiting = known.filter((topic) => moving.has(topic));
    topicDeletionManager.markTopicIneligibleForDeletion(waiting, 'topic reassignment in progress');
    await topicDeletionManager.enqueueTopicsForDeletion(known);
  }
}
