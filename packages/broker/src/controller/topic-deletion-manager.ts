// Deletes topics: takes their partitions offline, has brokers delete the replicas, and removes the topic from the tree when all are gone.
// A topic waits while one of its replicas is not there or a partition is being moved. Source: kafka.controller.TopicDeletionManager.

import type { Logger, TopicPartition } from '@ottla/base';
import type { KafkaZkClient } from '@ottla/coordination';
import type { ControllerContext, PartitionAndReplica } from './controller-context.ts';
import type { PartitionStateMachine } from './partition-state-machine.ts';
import type { ReplicaStateMachine } from './replica-state-machine.ts';

/** What deleting a topic needs from the controller. */
export interface DeletionClient {
  /** Changes of the topic's node are of no more interest. */
  mutePartitionModifications(topic: string): void;
  sendMetadataUpdate(partitions: readonly TopicPartition[]): void;
}

export interface TopicDeletionManagerOptions {
  readonly context: ControllerContext;
  readonly zkClient: KafkaZkClient;
  readonly replicaStateMachine: ReplicaStateMachine;
  readonly partitionStateMachine: PartitionStateMachine;
  readonly client: DeletionClient;
  readonly logger: Logger;
  /** `delete.topic.enable`. */
  readonly isDeleteTopicEnabled: boolean;
}

export class TopicDeletionManager {
  readonly #options: TopicDeletionManagerOptions;
  readonly #context: ControllerContext;

  constructor(options: TopicDeletionManagerOptions) {
    this.#options = options;
    this.#context = options.context;
  }

  /** Takes up deletions that a former controller left. */
  async init(topicsToBeDeleted: readonly string[], topicsIneligible: ReadonlySet<string>): Promise<void> {
    if (!this.#options.isDeleteTopicEnabled) {
      await this.#options.zkClient.deleteTopicDeletions(topicsToBeDeleted, this.#context.epochZkVersion);
      return;
    }
    for (const topic of topicsToBeDeleted) {
      this.#context.topicsToBeDeleted.add(topic);
      if (topicsIneligible.has(topic)) this.#context.topicsIneligibleForDeletion.add(topic);
    }
  }

  async tryTopicDeletion(): Promise<void> {
    if (this.#options.isDeleteTopicEnabled) await this.#resumeDeletions();
  }

  async enqueueTopicsForDeletion(topics: Iterable<string>): Promise<void> {
    if (!this.#options.isDeleteTopicEnabled) return;
    for (const topic of topics) this.#context.topicsToBeDeleted.add(topic);
    await this.#resumeDeletions();
  }

  /** What they waited for is over: a broker came back, a reassignment ended. */
  async resumeDeletionForTopics(topics: Iterable<string>): Promise<void> {
    const waiting = [...new Set(topics)].filter((topic) => this.isTopicQueuedUpForDeletion(topic));
    if (waiting.length === 0) return;
    for (const topic of waiting) this.#context.topicsIneligibleForDeletion.delete(topic);
    await this.#resumeDeletions();
  }

  /** Their brokers or log directories are gone, or refused. */
  async failReplicaDeletion(replicas: readonly PartitionAndReplica[]): Promise<void> {
    const failed = replicas.filter(({ tp }) => this.isTopicQueuedUpForDeletion(tp.topic));
    if (failed.length === 0) return;
    await this.#options.replicaStateMachine.handleStateChanges(failed, 'ReplicaDeletionIneligible');
    this.markTopicIneligibleForDeletion(topicsOf(failed), 'replica deletion failure');
    await this.#resumeDeletions();
  }

  async completeReplicaDeletion(replicas: readonly PartitionAndReplica[]): Promise<void> {
    const deleted = replicas.filter(({ tp }) => this.isTopicQueuedUpForDeletion(tp.topic));
    await this.#options.replicaStateMachine.handleStateChanges(deleted, 'ReplicaDeletionSuccessful');
    await this.#resumeDeletions();
  }

  markTopicIneligibleForDeletion(topics: Iterable<string>, reason: string): void {
    for (const topic of new Set(topics)) {
      if (!this.isTopicQueuedUpForDeletion(topic)) continue;
      this.#context.topicsIneligibleForDeletion.add(topic);
      this.#options.logger.info('halted the deletion of a topic', { topic, reason });
    }
  }

  isTopicQueuedUpForDeletion(topic: string): boolean {
    return this.#options.isDeleteTopicEnabled && this.#context.isTopicQueuedUpForDeletion(topic);
  }

  async #resumeDeletions(): Promise<void> {
    const toRetry: string[] = [];
    const toDelete: string[] = [];
    for (const topic of [...this.#context.topicsToBeDeleted]) {
      if (this.#context.areAllReplicasInState(topic, 'ReplicaDeletionSuccessful'))
        await this.#completeDeleteTopic(topic);
      else if (
        !this.#context.isAnyReplicaInState(topic, 'ReplicaDeletionStarted') &&
        this.#context.isAnyReplicaInState(topic, 'ReplicaDeletionIneligible')
      ) {
        toRetry.push(topic);
      }
      if (this.#isTopicEligibleForDeletion(topic)) toDelete.push(topic);
    }
    if (toRetry.length > 0) await this.#retryDeletionForIneligibleReplicas(toRetry);
    if (toDelete.length > 0) await this.#onTopicDeletion(toDelete);
  }

  #isTopicEligibleForDeletion(topic: string): boolean {
    return (
      this.#context.isTopicQueuedUpForDeletion(topic) &&
      !this.#context.isAnyReplicaInState(topic, 'ReplicaDeletionStarted') &&
      !this.#context.topicsIneligibleForDeletion.has(topic)
    );
  }

  async #completeDeleteTopic(topic: string): Promise<void> {
    const { client, replicaStateMachine, zkClient, logger } = this.#options;
    // Else a topic created anew under the name would be taken for a change of this one.
    client.mutePartitionModifications(topic);
    const deleted = this.#context.replicasInState(topic, 'ReplicaDeletionSuccessful');
    await replicaStateMachine.handleStateChanges(deleted, 'NonExistentReplica');
    const { epochZkVersion } = this.#context;
    await zkClient.deleteTopicZNode(topic, epochZkVersion);
    await zkClient.deleteTopicConfigs([topic], epochZkVersion);
    await zkClient.deleteTopicDeletions([topic], epochZkVersion);
    this.#context.removeTopic(topic);
    logger.info('deleted a topic', { topic });
  }

  async #retryDeletionForIneligibleReplicas(topics: readonly string[]): Promise<void> {
    const failed = topics.flatMap((topic) => this.#context.replicasInState(topic, 'ReplicaDeletionIneligible'));
    await this.#options.replicaStateMachine.handleStateChanges(failed, 'OfflineReplica');
  }

  async #onTopicDeletion(topics: readonly string[]): Promise<void> {
    const { partitionStateMachine, client } = this.#options;
    const unseen = topics.filter((topic) => !this.#context.topicsWithDeletionStarted.has(topic));
    const partitions = unseen.flatMap((topic) => this.#context.partitionsForTopic(topic));
    await partitionStateMachine.handleStateChanges(partitions, 'OfflinePartition');
    await partitionStateMachine.handleStateChanges(partitions, 'NonExistentPartition');
    for (const topic of unseen) this.#context.topicsWithDeletionStarted.add(topic);
    // Brokers stop serving the topics before their data goes.
    client.sendMetadataUpdate(topics.flatMap((topic) => this.#context.partitionsForTopic(topic)));
    await this.#onPartitionDeletion(topics);
  }

  async #onPartitionDeletion(topics: readonly string[]): Promise<void> {
    const { replicaStateMachine } = this.#options;
    const dead: PartitionAndReplica[] = [];
    const toDelete: PartitionAndReplica[] = [];
    for (const replica of topics.flatMap((topic) => this.#context.replicasForTopic(topic))) {
      if (!this.#context.isReplicaOnline(replica.replica, replica.tp)) dead.push(replica);
      else if (this.#context.replicaState(replica) !== 'ReplicaDeletionSuccessful') toDelete.push(replica);
    }
    await replicaStateMachine.handleStateChanges(dead, 'ReplicaDeletionIneligible');
    // First they stop fetching, then they are deleted.
    await replicaStateMachine.handleStateChanges(toDelete, 'OfflineReplica');
    await replicaStateMachine.handleStateChanges(toDelete, 'ReplicaDeletionStarted');
    this.markTopicIneligibleForDeletion(topicsOf(dead), 'offline replicas');
  }
}

function topicsOf(replicas: readonly PartitionAndReplica[]): Set<string> {
  return new Set(replicas.map(({ tp }) => tp.topic));
}
