// Moves partitions to other brokers: adds the new replicas, waits until they are in sync, makes one of them leader if the old one goes,
// removes the old ones. RS replicas, ORS the original ones, TRS the target, AR adding, RR removing:
//   RS              AR        RR        leader  isr
//   1,2,3                               1       1,2,3            at the start
//   4,5,6,1,2,3     4,5,6     1,2,3     1       1,2,3            asked for (written to the tree first, so that it survives a failover)
//   4,5,6,1,2,3     4,5,6     1,2,3     1       1,2,3,4,5,6      the new ones are in sync
//   4,5,6,1,2,3     4,5,6     1,2,3     4       4,5,6            leader moved, old ones out
//   4,5,6                               4       4,5,6            done (written last)
// Source: kafka.controller.KafkaController (onPartitionReassignment and around), KIP-455.

import { type ErrorCode, Errors, mustBePresent, type TopicPartition, TopicPartitionMap } from '@ottla/base';
import {
  ControllerMovedError,
  type LeaderIsrAndControllerEpoch,
  ReassignPartitionsZNode,
  type ReplicaAssignment,
  TreeError,
  type ZNodeChangeHandler,
} from '@ottla/coordination';
import { type ControllerParts, whileActive } from './controller-parts.ts';
import { StateChangeAbandonedError, StateChangeFailedError } from './controller-states.ts';
import {
  assignmentOf,
  isBeingReassigned,
  isSameAssignment,
  isSameList,
  originReplicas,
  reassignTo,
  targetReplicas,
} from './replica-assignment.ts';

/** Kafka's ApiError: what one partition of a request is answered. */
export interface ApiError {
  readonly errorCode: ErrorCode;
  readonly message: string | null;
}

export const NO_ERROR: ApiError = { errorCode: Errors.NONE, message: null };

const PARTITION_DOES_NOT_EXIST: ApiError = {
  errorCode: Errors.UNKNOWN_TOPIC_OR_PARTITION,
  message: 'The partition does not exist.',
};
const NO_REASSIGNMENT_IN_PROGRESS: ApiError = {
  errorCode: Errors.NO_REASSIGNMENT_IN_PROGRESS,
  message: 'No partition reassignment is in progress.',
};

export class PartitionReassignments {
  readonly #parts: ControllerParts;
  /** Of /admin/reassign_partitions, where tools before KIP-455 ask. */
  readonly zkHandler: ZNodeChangeHandler;

  constructor(parts: ControllerParts) {
    this.#parts = parts;
    this.zkHandler = { path: ReassignPartitionsZNode.path, handleCreation: () => this.#enqueueZkReassignment() };
  }

  #enqueueZkReassignment(): void {
    this.#parts.enqueue(
      whileActive(this.#parts, 'ZkPartitionReassignment', async () => {
        await this.#processZkPartitionReassignment();
      }),
    );
  }

  /** What a former controller left, and what tools asked for meanwhile. */
  async initialize(): Promise<void> {
    const fromZk = await this.#processZkPartitionReassignment();
    await this.maybeResumeReassignments((tp) => !fromZk.has(tp));
  }

  async maybeResumeReassignments(
    shouldResume: (tp: TopicPartition, assignment: ReplicaAssignment) => boolean,
  ): Promise<void> {
    const { context } = this.#parts;
    for (const tp of [...context.partitionsBeingReassigned]) {
      const assignment = context.partitionFullReplicaAssignment(tp);
      if (shouldResume(tp, assignment)) await this.#onPartitionReassignment(tp, assignment);
    }
  }

  /** @param wanted the replicas a partition shall have; null: cancel what is under way */
  async processApiReassignment(
    wanted: TopicPartitionMap<readonly number[] | null>,
  ): Promise<TopicPartitionMap<ApiError>> {
    const results = new TopicPartitionMap<ApiError>();
    const accepted = new TopicPartitionMap<ReplicaAssignment>();
    for (const [tp, replicas] of wanted) {
      const problem = replicas === null ? undefined : this.#validateReplicas(tp, replicas);
      const reassignment = problem === undefined ? this.#buildReassignment(tp, replicas) : undefined;
      if (reassignment === undefined) results.set(tp, problem ?? NO_REASSIGNMENT_IN_PROGRESS);
      else accepted.set(tp, reassignment);
    }
    // The newest request counts, by whichever way it came.
    await this.#maybeRemoveFromZkReassignment((tp) => accepted.has(tp));
    for (const [tp, result] of await this.#trigger(accepted)) results.set(tp, result);
    return results;
  }

  list(partitions: Iterable<TopicPartition> | undefined): TopicPartitionMap<ReplicaAssignment> {
    const { context } = this.#parts;
    const found = new TopicPartitionMap<ReplicaAssignment>();
    for (const tp of partitions ?? context.partitionsBeingReassigned) {
      const assignment = context.partitionFullReplicaAssignment(tp);
      if (isBeingReassigned(assignment)) found.set(tp, assignment);
    }
    return found;
  }

  /** The in-sync set of a partition that is being moved changed. */
  async maybeCompleteReassignment(tp: TopicPartition): Promise<void> {
    const { context } = this.#parts;
    if (!context.partitionsBeingReassigned.has(tp)) return;
    const assignment = context.partitionFullReplicaAssignment(tp);
    if (await this.#isComplete(tp, assignment)) await this.#onPartitionReassignment(tp, assignment);
  }

  /** @returns partitions whose reassignment began */
  async #processZkPartitionReassignment(): Promise<TopicPartitionMap<ApiError>> {
    const { zkClient, logger } = this.#parts;
    const results = new TopicPartitionMap<ApiError>();
    // Watches the path whether it is there or not.
    if (!(await zkClient.registerZNodeChangeHandlerAndCheckExistence(this.zkHandler))) return results;
    const accepted = new TopicPartitionMap<ReplicaAssignment>();
    for (const [tp, replicas] of await zkClient.getPartitionReassignment()) {
      const reassignment = this.#buildReassignment(tp, replicas);
      if (reassignment !== undefined) accepted.set(tp, reassignment);
    }
    for (const [tp, result] of await this.#trigger(accepted)) results.set(tp, result);
    const failed = new TopicPartitionMap([...results].filter(([, { errorCode }]) => errorCode !== Errors.NONE));
    if (failed.size > 0) {
      logger.warn('partitions of a reassignment through the tree failed', { partitions: [...failed] });
      await this.#maybeRemoveFromZkReassignment((tp) => failed.has(tp));
      for (const tp of failed.keys()) results.delete(tp);
    }
    return results;
  }

  #validateReplicas(tp: TopicPartition, replicas: readonly number[]): ApiError | undefined {
    const { context } = this.#parts;
    const invalid = (message: string): ApiError => ({ errorCode: Errors.INVALID_REPLICA_ASSIGNMENT, message });
    const listed = `ArrayBuffer(${replicas.join(', ')})`;
    if (replicas.length === 0) return invalid('Empty replica list specified in partition reassignment.');
    if (new Set(replicas).size !== replicas.length) {
      return invalid(`Duplicate replica ids in partition reassignment replica list: ${listed}`);
    }
    if (replicas.some((replica) => replica < 0)) return invalid(`Invalid broker id in replica list: ${listed}`);
    const { addingReplicas } = reassignTo(context.partitionFullReplicaAssignment(tp), replicas);
    if (addingReplicas.every((replica) => context.isLiveBroker(replica))) return undefined;
    return invalid(
      `Replica assignment has brokers that are not alive. Replica list: ArrayBuffer(${addingReplicas.join(', ')}), ` +
        `live broker list: Set(${context.liveBrokerIds().join(', ')})`,
    );
  }

  /** undefined: there is nothing to cancel. */
  #buildReassignment(tp: TopicPartition, replicas: readonly number[] | null): ReplicaAssignment | undefined {
    const current = this.#parts.context.partitionFullReplicaAssignment(tp);
    if (replicas !== null) return reassignTo(current, replicas);
    return isBeingReassigned(current) ? reassignTo(current, originReplicas(current)) : undefined;
  }

  async #trigger(reassignments: TopicPartitionMap<ReplicaAssignment>): Promise<TopicPartitionMap<ApiError>> {
    const results = new TopicPartitionMap<ApiError>();
    for (const [tp, reassignment] of reassignments) results.set(tp, await this.#triggerOne(tp, reassignment));
    return results;
  }

  async #triggerOne(tp: TopicPartition, reassignment: ReplicaAssignment): Promise<ApiError> {
    const { context, topicDeletionManager, logger } = this.#parts;
    if (topicDeletionManager.isTopicQueuedUpForDeletion(tp.topic)) return PARTITION_DOES_NOT_EXIST;
    if (context.partitionReplicaAssignment(tp).length === 0) return PARTITION_DOES_NOT_EXIST;
    try {
      await this.#onPartitionReassignment(tp, reassignment);
      return NO_ERROR;
    } catch (error) {
      if (error instanceof ControllerMovedError || error instanceof StateChangeAbandonedError) throw error;
      if (error instanceof TreeError && error.code === 'SESSIONEXPIRED') throw error;
      logger.error('could not reassign a partition', { ...tp, error });
      return {
        errorCode: Errors.UNKNOWN_SERVER_ERROR,
        message: 'The server experienced an unexpected error when processing the request.',
      };
    }
  }

  async #onPartitionReassignment(tp: TopicPartition, reassignment: ReplicaAssignment): Promise<void> {
    this.#parts.topicDeletionManager.markTopicIneligibleForDeletion([tp.topic], 'topic reassignment in progress');
    await this.#updateCurrentReassignment(tp, reassignment);
    if (await this.#isComplete(tp, reassignment)) await this.#complete(tp, reassignment);
    else await this.#begin(tp, reassignment);
  }

  /** The tree first, then memory: a failover finds it there. A reassignment that was under way is replaced. */
  async #updateCurrentReassignment(tp: TopicPartition, reassignment: ReplicaAssignment): Promise<void> {
    const { context } = this.#parts;
    const current = context.partitionFullReplicaAssignment(tp);
    if (!isSameAssignment(current, reassignment)) {
      await this.#writeAssignment(tp, reassignment);
      context.updatePartitionFullReplicaAssignment(tp, reassignment);
      const unneeded = current.replicas.filter((replica) => !reassignment.replicas.includes(replica));
      if (unneeded.length > 0) await this.#stopRemovedReplicas(tp, unneeded);
    }
    context.partitionsBeingReassigned.add(tp);
  }

  async #isComplete(tp: TopicPartition, assignment: ReplicaAssignment): Promise<boolean> {
    if (!isBeingReassigned(assignment)) return true;
    const isr = (await this.#parts.zkClient.getTopicPartitionState(tp))?.leaderAndIsr.isr;
    return isr !== undefined && targetReplicas(assignment).every((replica) => isr.includes(replica));
  }

  /** Everyone hears of the larger set of replicas; the new ones start. */
  async #begin(tp: TopicPartition, reassignment: ReplicaAssignment): Promise<void> {
    await this.#updateLeaderEpochAndSendRequest(tp, reassignment);
    const adding = reassignment.addingReplicas.map((replica) => ({ tp, replica }));
    await this.#parts.replicaStateMachine.handleStateChanges(adding, 'NewReplica');
  }

  async #complete(tp: TopicPartition, reassignment: ReplicaAssignment): Promise<void> {
    const { context, replicaStateMachine, topicDeletionManager } = this.#parts;
    const added = reassignment.addingReplicas.map((replica) => ({ tp, replica }));
    await replicaStateMachine.handleStateChanges(added, 'OnlineReplica');
    const completed = assignmentOf(targetReplicas(reassignment));
    context.updatePartitionFullReplicaAssignment(tp, completed);
    await this.#moveLeaderIfRequired(tp, completed);
    await this.#stopRemovedReplicas(tp, reassignment.removingReplicas);
    await this.#writeAssignment(tp, completed);
    await this.#maybeRemoveFromZkReassignment(
      (other, replicas) =>
        other.topic === tp.topic && other.partition === tp.partition && isSameList(replicas, completed.replicas),
    );
    context.partitionsBeingReassigned.delete(tp);
    this.#parts.sendUpdateMetadataRequest(context.liveOrShuttingDownBrokerIds(), [tp]);
    await topicDeletionManager.resumeDeletionForTopics([tp.topic]);
  }

  async #moveLeaderIfRequired(tp: TopicPartition, completed: ReplicaAssignment): Promise<void> {
    const { context, partitionStateMachine } = this.#parts;
    const { leader } = mustBePresent(
      context.partitionLeadershipInfo(tp),
      'leader of a reassigned partition',
    ).leaderAndIsr;
    if (completed.replicas.includes(leader) && context.isReplicaOnline(leader, tp)) {
      await this.#updateLeaderEpochAndSendRequest(tp, completed);
    } else {
      await partitionStateMachine.handleStateChanges([tp], 'OnlinePartition', { type: 'reassign' });
    }
  }

  async #stopRemovedReplicas(tp: TopicPartition, removed: readonly number[]): Promise<void> {
    const { replicaStateMachine } = this.#parts;
    const replicas = removed.map((replica) => ({ tp, replica }));
    await replicaStateMachine.handleStateChanges(replicas, 'OfflineReplica');
    await replicaStateMachine.handleStateChanges(replicas, 'ReplicaDeletionStarted');
    await replicaStateMachine.handleStateChanges(replicas, 'ReplicaDeletionSuccessful');
    await replicaStateMachine.handleStateChanges(replicas, 'NonExistentReplica');
  }

  async #writeAssignment(tp: TopicPartition, assignment: ReplicaAssignment): Promise<void> {
    const { context, zkClient } = this.#parts;
    const ofTopic = new Map(context.assignmentOfTopic(tp.topic)).set(tp.partition, assignment);
    const topicId = context.topicIds.get(tp.topic);
    await zkClient.setTopicAssignment({ topic: tp.topic, topicId, assignment: ofTopic }, context.epochZkVersion);
  }

  /** The leader stays, its epoch grows: replicas with another idea of the assignment are fenced. */
  async #updateLeaderEpochAndSendRequest(tp: TopicPartition, assignment: ReplicaAssignment): Promise<void> {
    const state = await this.#incrementLeaderEpoch(tp);
    const batch = this.#parts.newBatch();
    // Only a replica that is new may be made in any log directory; the others' may be offline.
    batch.addLeaderAndIsrRequestForBrokers(originReplicas(assignment), tp, state, assignment, false);
    batch.addLeaderAndIsrRequestForBrokers(assignment.addingReplicas, tp, state, assignment, true);
    batch.sendRequestsToBrokers();
  }

  async #incrementLeaderEpoch(tp: TopicPartition): Promise<LeaderIsrAndControllerEpoch> {
    const { context, zkClient } = this.#parts;
    for (;;) {
      const current = await zkClient.getTopicPartitionState(tp);
      if (current === undefined) throw new StateChangeFailedError('a reassigned partition has no state');
      if (current.controllerEpoch > context.epoch) {
        throw new StateChangeFailedError('the state of the partition was written by a later controller');
      }
      const next = { ...current.leaderAndIsr, leaderEpoch: current.leaderAndIsr.leaderEpoch + 1 };
      const updates = new TopicPartitionMap([[tp, next] as const]);
      const written = await zkClient.updateLeaderAndIsr(updates, context.epoch, context.epochZkVersion);
      const result = written.finishedPartitions.get(tp);
      if (result instanceof Error) throw result;
      if (result === undefined) continue;
      const state = { leaderAndIsr: result, controllerEpoch: context.epoch };
      context.putPartitionLeadershipInfo(tp, state);
      return state;
    }
  }

  async #maybeRemoveFromZkReassignment(
    shouldRemove: (tp: TopicPartition, replicas: readonly number[]) => boolean,
  ): Promise<void> {
    const { context, zkClient } = this.#parts;
    if (!(await zkClient.reassignPartitionsInProgress())) return;
    const left = new TopicPartitionMap<readonly number[]>();
    for (const [tp, replicas] of await zkClient.getPartitionReassignment()) {
      if (!shouldRemove(tp, replicas)) left.set(tp, replicas);
    }
    if (left.size > 0) {
      await zkClient.setOrCreatePartitionReassignment(left, context.epochZkVersion);
      return;
    }
    await zkClient.deletePartitionReassignment(context.epochZkVersion);
    this.#enqueueZkReassignment();
  }
}
