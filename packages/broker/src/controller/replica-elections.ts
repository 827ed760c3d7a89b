// Elections that somebody asked for: an admin client, a tool through the tree, or the periodic look at how leaders are spread.
// Source: kafka.controller.KafkaController (processReplicaLeaderElection, onReplicaElection, checkAndTriggerAutoLeaderRebalance), KIP-460.

import { Errors, type TopicPartition, TopicPartitionMap } from '@ottla/base';
import {
  ControllerMovedError,
  NO_LEADER,
  PreferredReplicaElectionZNode,
  TreeError,
  type ZNodeChangeHandler,
} from '@ottla/coordination';
import { type ControllerParts, whileActive } from './controller-parts.ts';
import { StateChangeFailedError } from './controller-states.ts';
import { type PartitionLeaderElectionStrategy, preferredLeader } from './leader-election.ts';
import type { ApiError } from './partition-reassignments.ts';
import type { ElectionResults } from './partition-state-machine.ts';

/** ElectLeaders' election types 0 and 1. */
export type ElectionType = 'preferred' | 'unclean';

type ElectionTrigger = 'adminClient' | 'zk' | 'auto';

/** The new leader's broker id, or why there is none. */
export type LeaderElectionResults = TopicPartitionMap<number | ApiError>;

export class ReplicaElections {
  readonly #parts: ControllerParts;
  /** Of /admin/preferred_replica_election, where tools before KIP-460 ask. */
  readonly zkHandler: ZNodeChangeHandler;

  constructor(parts: ControllerParts) {
    this.#parts = parts;
    this.zkHandler = {
      path: PreferredReplicaElectionZNode.path,
      handleCreation: () => this.#enqueueZkElection(),
    };
  }

  #enqueueZkElection(): void {
    this.#parts.enqueue(whileActive(this.#parts, 'ReplicaLeaderElection', () => this.#processZkElection()));
  }

  /** What tools asked a former controller for. */
  async resumePendingZkElections(): Promise<void> {
    const { context, zkClient, topicDeletionManager } = this.#parts;
    const pending = (await zkClient.getPreferredReplicaElection()).filter(
      (tp) =>
        context.partitionReplicaAssignment(tp).length > 0 &&
        !this.#hasPreferredLeader(tp) &&
        !topicDeletionManager.isTopicQueuedUpForDeletion(tp.topic),
    );
    await this.#elect(pending, 'preferred', 'zk');
  }

  async electForAdminClient(partitions: Iterable<TopicPartition>, type: ElectionType): Promise<LeaderElectionResults> {
    return this.#electKnown([...partitions], type, 'adminClient');
  }

  async #processZkElection(): Promise<void> {
    const { zkClient } = this.#parts;
    if (!(await zkClient.registerZNodeChangeHandlerAndCheckExistence(this.zkHandler))) return;
    await this.#electKnown(await zkClient.getPreferredReplicaElection(), 'preferred', 'zk');
  }

  async #electKnown(
    partitions: readonly TopicPartition[],
    type: ElectionType,
    trigger: ElectionTrigger,
  ): Promise<LeaderElectionResults> {
    const { context, topicDeletionManager } = this.#parts;
    const results: LeaderElectionResults = new TopicPartitionMap();
    const electable: TopicPartition[] = [];
    for (const tp of partitions) {
      if (context.partitionReplicaAssignment(tp).length === 0) {
        results.set(tp, apiError(Errors.UNKNOWN_TOPIC_OR_PARTITION, 'The partition does not exist.'));
      } else if (topicDeletionManager.isTopicQueuedUpForDeletion(tp.topic)) {
        results.set(tp, apiError(Errors.INVALID_TOPIC_EXCEPTION, 'The topic is being deleted'));
      } else if (this.#isElectionNeeded(tp, type)) electable.push(tp);
      else results.set(tp, apiError(Errors.ELECTION_NOT_NEEDED, 'Leader election not needed for topic partition.'));
    }
    for (const [tp, result] of await this.#elect(electable, type, trigger)) {
      results.set(tp, result instanceof Error ? electionError(result, type) : result.leader);
    }
    return results;
  }

  #isElectionNeeded(tp: TopicPartition, type: ElectionType): boolean {
    if (type === 'preferred') return !this.#hasPreferredLeader(tp);
    const leader = this.#leaderOf(tp);
    return leader === NO_LEADER || !this.#parts.context.isLiveBroker(leader);
  }

  #hasPreferredLeader(tp: TopicPartition): boolean {
    return this.#leaderOf(tp) === this.#parts.context.partitionReplicaAssignment(tp)[0];
  }

  #leaderOf(tp: TopicPartition): number {
    return this.#parts.context.partitionLeadershipInfo(tp)?.leaderAndIsr.leader ?? NO_LEADER;
  }

  /** Only an admin client may ask for a leader that loses records. */
  async #elect(
    partitions: readonly TopicPartition[],
    type: ElectionType,
    trigger: ElectionTrigger,
  ): Promise<ElectionResults> {
    const strategy: PartitionLeaderElectionStrategy =
      type === 'preferred' ? { type: 'preferred' } : { type: 'offline', allowUnclean: trigger === 'adminClient' };
    try {
      return await this.#parts.partitionStateMachine.handleStateChanges(partitions, 'OnlinePartition', strategy);
    } finally {
      if (trigger === 'zk') await this.#finishZkElection();
    }
  }

  async #finishZkElection(): Promise<void> {
    const { context, zkClient } = this.#parts;
    await zkClient.deletePreferredReplicaElection(context.epochZkVersion);
    this.#enqueueZkElection();
  }

  /** Moves leaders back to preferred replicas, broker by broker, where too many are elsewhere. */
  async checkAndTriggerAutoLeaderRebalance(): Promise<void> {
    const { context, settings, topicDeletionManager } = this.#parts;
    const byPreferred = new Map<number, TopicPartition[]>();
    for (const tp of context.allPartitions()) {
      const [preferred] = context.partitionReplicaAssignment(tp);
      if (preferred === undefined || topicDeletionManager.isTopicQueuedUpForDeletion(tp.topic)) continue;
      const partitions = byPreferred.get(preferred);
      if (partitions === undefined) byPreferred.set(preferred, [tp]);
      else partitions.push(tp);
    }
    for (const partitions of byPreferred.values()) {
      const led = partitions.filter((tp) => context.partitionLeadershipInfo(tp) !== undefined);
      const elsewhere = led.filter((tp) => !this.#hasPreferredLeader(tp));
      const imbalance = elsewhere.length / partitions.length;
      if (imbalance <= settings.leaderImbalancePerBrokerPercentage / 100) continue;
      await this.#elect(
        elsewhere.filter((tp) => this.#canPreferredReplicaLead(tp)),
        'preferred',
        'auto',
      );
    }
  }

  #canPreferredReplicaLead(tp: TopicPartition): boolean {
    const { context } = this.#parts;
    const info = context.partitionLeadershipInfo(tp);
    return info !== undefined && preferredLeader(context, tp, info.leaderAndIsr) !== undefined;
  }
}

function electionError(error: Error, type: ElectionType): ApiError {
  if (error instanceof ControllerMovedError) return apiError(Errors.NOT_CONTROLLER, null);
  if (error instanceof TreeError) return apiError(Errors.UNKNOWN_SERVER_ERROR, null);
  if (!(error instanceof StateChangeFailedError)) return apiError(Errors.UNKNOWN_SERVER_ERROR, null);
  const code = type === 'preferred' ? Errors.PREFERRED_LEADER_NOT_AVAILABLE : Errors.ELIGIBLE_LEADERS_NOT_AVAILABLE;
  return apiError(code, error.message);
}

function apiError(errorCode: number, message: string | null): ApiError {
  return { errorCode, message };
}
