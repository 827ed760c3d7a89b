// Moves replicas between their states: starts and stops them on brokers, takes them out of the in-sync set, deletes them.
// Source: kafka.controller.ZkReplicaStateMachine.

import { type Logger, type TopicPartition, TopicPartitionMap } from '@ottla/base';
import {
  ControllerMovedError,
  type LeaderAndIsr,
  type LeaderIsrAndControllerEpoch,
  NO_LEADER,
  TreeError,
} from '@ottla/coordination';
import type { ControllerBrokerRequestBatch } from './controller-broker-request-batch.ts';
import type { ControllerContext, PartitionAndReplica } from './controller-context.ts';
import { type ReplicaState, StateChangeAbandonedError, StateChangeFailedError } from './controller-states.ts';
import { newLeaderAndIsr } from './leader-election.ts';
import type { StateMachineOptions } from './partition-state-machine.ts';
import { removeReplica } from './replica-assignment.ts';

export class ReplicaStateMachine {
  readonly #options: StateMachineOptions;
  readonly #context: ControllerContext;
  readonly #logger: Logger;

  constructor(options: StateMachineOptions) {
    this.#options = options;
    this.#context = options.context;
    this.#logger = options.logger;
  }

  /** Replicas on live brokers are online and told so; the others cannot be deleted for the time being. */
  async startup(): Promise<void> {
    const { online, offline } = this.#context.onlineAndOfflineReplicas();
    for (const replica of online) this.#context.putReplicaState(replica, 'OnlineReplica');
    for (const replica of offline) this.#context.putReplicaState(replica, 'ReplicaDeletionIneligible');
    await this.handleStateChanges(online, 'OnlineReplica');
    await this.handleStateChanges(offline, 'OfflineReplica');
  }

  /** @throws ControllerMovedError, StateChangeAbandonedError */
  async handleStateChanges(replicas: readonly PartitionAndReplica[], target: ReplicaState): Promise<void> {
    if (replicas.length === 0) return;
    const batch = this.#options.newBatch();
    try {
      for (const [replicaId, ofBroker] of byBroker(replicas)) {
        const valid = ofBroker.filter((replica) => this.#isValid(replica, target));
        await this.#change(batch, replicaId, valid, target);
      }
      batch.sendRequestsToBrokers();
    } catch (error) {
      if (error instanceof ControllerMovedError || error instanceof TreeError) throw error;
      throw new StateChangeAbandonedError(`moving replicas to ${target} broke off`, { cause: error });
    }
  }

  #isValid(replica: PartitionAndReplica, target: ReplicaState): boolean {
    if (this.#context.canReplicaBecome(replica, target)) return true;
    this.#logFailed(replica, target, new StateChangeFailedError(`invalid transition to ${target}`));
    return false;
  }

  async #change(
    batch: ControllerBrokerRequestBatch,
    replicaId: number,
    replicas: readonly PartitionAndReplica[],
    target: ReplicaState,
  ): Promise<void> {
    switch (target) {
      case 'NewReplica':
        for (const replica of replicas) this.#toNew(batch, replica);
        return;
      case 'OnlineReplica':
        for (const replica of replicas) this.#toOnline(batch, replica);
        return;
      case 'OfflineReplica':
        return this.#toOffline(batch, replicaId, replicas);
      case 'ReplicaDeletionStarted':
        for (const replica of replicas) {
          this.#context.putReplicaState(replica, target);
          batch.addStopReplicaRequestForBrokers([replicaId], replica.tp, true);
        }
        return;
      case 'ReplicaDeletionIneligible':
      case 'ReplicaDeletionSuccessful':
        for (const replica of replicas) this.#context.putReplicaState(replica, target);
        return;
      case 'NonExistentReplica':
        for (const replica of replicas) this.#toNonExistent(replica);
        return;
      default:
        target satisfies never;
    }
  }

  #toNew(batch: ControllerBrokerRequestBatch, replica: PartitionAndReplica): void {
    const { tp } = replica;
    const state = this.#context.partitionLeadershipInfo(tp);
    if (state?.leaderAndIsr.leader === replica.replica) {
      const error = new StateChangeFailedError('a leader cannot become a new replica');
      this.#logFailed(replica, 'NewReplica', error);
      return;
    }
    if (state !== undefined) {
      const assignment = this.#context.partitionFullReplicaAssignment(tp);
      batch.addLeaderAndIsrRequestForBrokers([replica.replica], tp, state, assignment, true);
    }
    this.#context.putReplicaState(replica, 'NewReplica');
  }

  #toOnline(batch: ControllerBrokerRequestBatch, replica: PartitionAndReplica): void {
    const { tp } = replica;
    const assignment = this.#context.partitionFullReplicaAssignment(tp);
    const state = this.#context.partitionLeadershipInfo(tp);
    if (this.#context.replicaState(replica) === 'NewReplica') {
      if (!assignment.replicas.includes(replica.replica)) {
        const replicas = [...assignment.replicas, replica.replica];
        this.#context.updatePartitionFullReplicaAssignment(tp, { ...assignment, replicas });
      }
    } else if (state !== undefined) {
      batch.addLeaderAndIsrRequestForBrokers([replica.replica], tp, state, assignment, false);
    }
    this.#context.putReplicaState(replica, 'OnlineReplica');
  }

  async #toOffline(
    batch: ControllerBrokerRequestBatch,
    replicaId: number,
    replicas: readonly PartitionAndReplica[],
  ): Promise<void> {
    for (const { tp } of replicas) batch.addStopReplicaRequestForBrokers([replicaId], tp, false);
    const hasLeadership = ({ tp }: PartitionAndReplica) => this.#context.partitionLeadershipInfo(tp) !== undefined;
    const led = replicas.filter(hasLeadership);
    const withoutLeadership = replicas.filter((replica) => !hasLeadership(replica));
    for (const [tp, state] of await this.#removeReplicaFromIsr(
      replicaId,
      led.map(({ tp }) => tp),
    )) {
      if (!this.#context.isTopicQueuedUpForDeletion(tp.topic)) {
        const recipients = this.#context.partitionReplicaAssignment(tp).filter((id) => id !== replicaId);
        const assignment = this.#context.partitionFullReplicaAssignment(tp);
        batch.addLeaderAndIsrRequestForBrokers(recipients, tp, state, assignment, false);
      }
      this.#context.putReplicaState({ tp, replica: replicaId }, 'OfflineReplica');
    }
    for (const replica of withoutLeadership) {
      batch.addUpdateMetadataRequestForBrokers(this.#context.liveOrShuttingDownBrokerIds(), [replica.tp]);
      this.#context.putReplicaState(replica, 'OfflineReplica');
    }
  }

  #toNonExistent(replica: PartitionAndReplica): void {
    const assignment = this.#context.partitionFullReplicaAssignment(replica.tp);
    this.#context.updatePartitionFullReplicaAssignment(replica.tp, removeReplica(assignment, replica.replica));
    this.#context.putReplicaState(replica, 'NonExistentReplica');
  }

  /** @returns the state of each partition where the replica is now out of the in-sync set, or already was */
  async #removeReplicaFromIsr(
    replicaId: number,
    partitions: readonly TopicPartition[],
  ): Promise<TopicPartitionMap<LeaderIsrAndControllerEpoch>> {
    const removed = new TopicPartitionMap<LeaderIsrAndControllerEpoch>();
    let remaining = partitions;
    while (remaining.length > 0) remaining = await this.#tryRemoveReplicaFromIsr(replicaId, remaining, removed);
    return removed;
  }

  /** @returns partitions whose state another writer changed meanwhile */
  async #tryRemoveReplicaFromIsr(
    replicaId: number,
    partitions: readonly TopicPartition[],
    removed: TopicPartitionMap<LeaderIsrAndControllerEpoch>,
  ): Promise<TopicPartition[]> {
    const states = await this.#options.zkClient.getTopicPartitionStates(partitions);
    const updates = new TopicPartitionMap<LeaderAndIsr>();
    for (const tp of partitions) {
      const state = states.get(tp);
      const problem = this.#problemOf(tp, state);
      if (problem !== undefined) this.#logFailed({ tp, replica: replicaId }, 'OfflineReplica', problem);
      else if (state?.leaderAndIsr.isr.includes(replicaId))
        updates.set(tp, withoutReplica(state.leaderAndIsr, replicaId));
      else if (state !== undefined) this.#removed(removed, tp, state.leaderAndIsr);
    }
    const { epoch, epochZkVersion } = this.#context;
    const written = await this.#options.zkClient.updateLeaderAndIsr(updates, epoch, epochZkVersion);
    for (const [tp, result] of written.finishedPartitions) {
      if (result instanceof Error) this.#logFailed({ tp, replica: replicaId }, 'OfflineReplica', result);
      else this.#removed(removed, tp, result);
    }
    return written.partitionsToRetry;
  }

  #problemOf(tp: TopicPartition, state: LeaderIsrAndControllerEpoch | undefined): Error | undefined {
    if (state === undefined) {
      if (this.#context.isTopicQueuedUpForDeletion(tp.topic)) return undefined;
      return new StateChangeFailedError('the leader and isr path is empty');
    }
    if (state.controllerEpoch <= this.#context.epoch) return undefined;
    return new StateChangeFailedError('the leader and isr path was written by a later controller');
  }

  #removed(
    removed: TopicPartitionMap<LeaderIsrAndControllerEpoch>,
    tp: TopicPartition,
    leaderAndIsr: LeaderAndIsr,
  ): void {
    const state = { leaderAndIsr, controllerEpoch: this.#context.epoch };
    this.#context.putPartitionLeadershipInfo(tp, state);
    removed.set(tp, state);
  }

  #logFailed(replica: PartitionAndReplica, target: ReplicaState, error: Error): void {
    this.#logger.error('failed to change the state of a replica', {
      ...replica.tp,
      replica: replica.replica,
      from: this.#context.replicaState(replica),
      to: target,
      controllerEpoch: this.#context.epoch,
      error,
    });
  }
}

/** The last replica stays in the in-sync set, so that it is known who has the records. */
function withoutReplica(former: LeaderAndIsr, replicaId: number): LeaderAndIsr {
  const leader = former.leader === replicaId ? NO_LEADER : former.leader;
  const isr = former.isr.length === 1 ? former.isr : former.isr.filter((id) => id !== replicaId);
  return newLeaderAndIsr(former, leader, isr);
}

function byBroker(replicas: readonly PartitionAndReplica[]): Map<number, PartitionAndReplica[]> {
  const groups = new Map<number, PartitionAndReplica[]>();
  for (const replica of replicas) {
    const group = groups.get(replica.replica);
    if (group === undefined) groups.set(replica.replica, [replica]);
    else group.push(replica);
  }
  return groups;
}
