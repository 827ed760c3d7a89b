// Moves partitions between their states: creates the state of new ones, elects leaders, and tells brokers what came of it.
// Source: kafka.controller.ZkPartitionStateMachine.

import { type Logger, mustBePresent, type TopicPartition, TopicPartitionMap } from '@ottla/base';
import {
  ControllerMovedError,
  type KafkaZkClient,
  type LeaderAndIsr,
  type LeaderIsrAndControllerEpoch,
  type PartitionOutcome,
  TreeError,
} from '@ottla/coordination';
import type { ControllerBrokerRequestBatch } from './controller-broker-request-batch.ts';
import type { ControllerContext } from './controller-context.ts';
import { type PartitionState, StateChangeAbandonedError, StateChangeFailedError } from './controller-states.ts';
import { type ElectionResult, electLeader, type PartitionLeaderElectionStrategy } from './leader-election.ts';

export interface StateMachineOptions {
  readonly controllerId: number;
  readonly context: ControllerContext;
  readonly zkClient: KafkaZkClient;
  readonly logger: Logger;
  newBatch(): ControllerBrokerRequestBatch;
  /** `unclean.leader.election.enable` where a topic does not say. */
  isUncleanElectionEnabledByDefault(): boolean;
}

/** A new leader, or why there is none. */
export type ElectionResults = TopicPartitionMap<LeaderAndIsr | Error>;

const UNCLEAN_KEY = 'unclean.leader.election.enable';

export class PartitionStateMachine {
  readonly #options: StateMachineOptions;
  readonly #context: ControllerContext;
  readonly #logger: Logger;

  constructor(options: StateMachineOptions) {
    this.#options = options;
    this.#context = options.context;
    this.#logger = options.logger;
  }

  /** Takes up what the tree says of every partition, then elects where there is no leader. */
  async startup(): Promise<void> {
    for (const tp of this.#context.allPartitions()) {
      const info = this.#context.partitionLeadershipInfo(tp);
      if (info === undefined) this.#context.putPartitionState(tp, 'NewPartition');
      else {
        const isOnline = this.#context.isReplicaOnline(info.leaderAndIsr.leader, tp);
        this.#context.putPartitionState(tp, isOnline ? 'OnlinePartition' : 'OfflinePartition');
      }
    }
    await this.triggerOnlinePartitionStateChange();
  }

  /** Tries to bring new and offline partitions online. @param topic only this one's */
  triggerOnlinePartitionStateChange(topic?: string): Promise<ElectionResults> {
    const partitions = this.#context
      .partitionsInStates(['OfflinePartition', 'NewPartition'], topic)
      .filter((tp) => !this.#context.isTopicQueuedUpForDeletion(tp.topic));
    return this.handleStateChanges(partitions, 'OnlinePartition', { type: 'offline', allowUnclean: false });
  }

  /** @param strategy needed for OnlinePartition
   *  @returns what came of elections; nothing for partitions that needed none
   *  @throws ControllerMovedError, StateChangeAbandonedError */
  async handleStateChanges(
    partitions: readonly TopicPartition[],
    target: PartitionState,
    strategy?: PartitionLeaderElectionStrategy,
  ): Promise<ElectionResults> {
    if (partitions.length === 0) return new TopicPartitionMap();
    const batch = this.#options.newBatch();
    const valid = partitions.filter((tp) => this.#isValid(tp, target));
    try {
      const results = await this.#change(batch, valid, target, strategy);
      batch.sendRequestsToBrokers();
      return results;
    } catch (error) {
      if (error instanceof ControllerMovedError || error instanceof TreeError) throw error;
      throw new StateChangeAbandonedError(`moving partitions to ${target} broke off`, { cause: error });
    }
  }

  #isValid(tp: TopicPartition, target: PartitionState): boolean {
    if (this.#context.canPartitionBecome(tp, target)) return true;
    this.#logFailed(tp, target, new StateChangeFailedError(`invalid transition to ${target}`));
    return false;
  }

  async #change(
    batch: ControllerBrokerRequestBatch,
    partitions: readonly TopicPartition[],
    target: PartitionState,
    strategy: PartitionLeaderElectionStrategy | undefined,
  ): Promise<ElectionResults> {
    if (target !== 'OnlinePartition') {
      for (const tp of partitions) this.#context.putPartitionState(tp, target);
      return new TopicPartitionMap();
    }
    const isNew = (tp: TopicPartition) => this.#context.partitionState(tp) === 'NewPartition';
    const toInitialize = partitions.filter(isNew);
    const toElect = partitions.filter((tp) => !isNew(tp));
    if (toInitialize.length > 0) await this.#initializeLeaderAndIsr(batch, toInitialize);
    if (toElect.length === 0) return new TopicPartitionMap();
    const results = await this.#electLeaders(batch, toElect, mustBePresent(strategy, 'election strategy'));
    for (const [tp, result] of results) {
      if (!(result instanceof Error)) this.#context.putPartitionState(tp, 'OnlinePartition');
    }
    return results;
  }

  /** The first state of partitions: the first live replica leads, all live ones are in sync. */
  async #initializeLeaderAndIsr(
    batch: ControllerBrokerRequestBatch,
    partitions: readonly TopicPartition[],
  ): Promise<void> {
    const states = new TopicPartitionMap<LeaderIsrAndControllerEpoch>();
    for (const tp of partitions) {
      const isr = this.#context.partitionReplicaAssignment(tp).filter((id) => this.#context.isReplicaOnline(id, tp));
      const [leader] = isr;
      if (leader === undefined) {
        this.#logFailed(tp, 'OnlinePartition', new StateChangeFailedError('no assigned replica is alive'));
        continue;
      }
      const leaderAndIsr: LeaderAndIsr = { leader, leaderEpoch: 0, isr, leaderRecoveryState: 0, partitionEpoch: 0 };
      states.set(tp, { leaderAndIsr, controllerEpoch: this.#context.epoch });
    }
    const outcomes = await this.#options.zkClient.createTopicPartitionStatesRaw(states, this.#context.epochZkVersion);
    for (const outcome of outcomes) this.#initialized(batch, states, outcome);
  }

  #initialized(
    batch: ControllerBrokerRequestBatch,
    states: TopicPartitionMap<LeaderIsrAndControllerEpoch>,
    { tp, error }: PartitionOutcome,
  ): void {
    if (error !== undefined) {
      this.#logFailed(tp, 'OnlinePartition', error);
      return;
    }
    const state = mustBePresent(states.get(tp), 'state of an initialized partition');
    const assignment = this.#context.partitionFullReplicaAssignment(tp);
    this.#context.putPartitionLeadershipInfo(tp, state);
    batch.addLeaderAndIsrRequestForBrokers(state.leaderAndIsr.isr, tp, state, assignment, true);
    this.#context.putPartitionState(tp, 'OnlinePartition');
  }

  async #electLeaders(
    batch: ControllerBrokerRequestBatch,
    partitions: readonly TopicPartition[],
    strategy: PartitionLeaderElectionStrategy,
  ): Promise<ElectionResults> {
    const results: ElectionResults = new TopicPartitionMap();
    let remaining = partitions;
    while (remaining.length > 0) remaining = await this.#tryElectLeaders(batch, remaining, strategy, results);
    for (const [tp, result] of results) if (result instanceof Error) this.#logFailed(tp, 'OnlinePartition', result);
    return results;
  }

  /** @returns partitions whose state another writer changed meanwhile */
  async #tryElectLeaders(
    batch: ControllerBrokerRequestBatch,
    partitions: readonly TopicPartition[],
    strategy: PartitionLeaderElectionStrategy,
    results: ElectionResults,
  ): Promise<TopicPartition[]> {
    const current = await this.#readStates(partitions, results);
    const unclean = await this.#partitionsWithUncleanElection(current, strategy);
    const elected = new TopicPartitionMap<ElectionResult>();
    const updates = new TopicPartitionMap<LeaderAndIsr>();
    for (const [tp, former] of current) {
      const election = electLeader(this.#context, strategy, tp, former, unclean.has(tp));
      if (election.leaderAndIsr === undefined) {
        const message = `Failed to elect leader for partition ${tp.topic}-${tp.partition} under strategy ${strategyName(strategy)}`;
        results.set(tp, new StateChangeFailedError(message));
      } else {
        elected.set(tp, election);
        updates.set(tp, election.leaderAndIsr);
      }
    }
    const { epoch, epochZkVersion } = this.#context;
    const written = await this.#options.zkClient.updateLeaderAndIsr(updates, epoch, epochZkVersion);
    for (const [tp, result] of written.finishedPartitions) {
      results.set(tp, result);
      if (!(result instanceof Error)) {
        this.#elected(batch, mustBePresent(elected.get(tp), 'election of a written partition'), result);
      }
    }
    return written.partitionsToRetry;
  }

  #elected(batch: ControllerBrokerRequestBatch, { tp, recipients }: ElectionResult, leaderAndIsr: LeaderAndIsr): void {
    const state = { leaderAndIsr, controllerEpoch: this.#context.epoch };
    const assignment = this.#context.partitionFullReplicaAssignment(tp);
    this.#context.putPartitionLeadershipInfo(tp, state);
    batch.addLeaderAndIsrRequestForBrokers(recipients, tp, state, assignment, false);
  }

  async #readStates(
    partitions: readonly TopicPartition[],
    results: ElectionResults,
  ): Promise<TopicPartitionMap<LeaderAndIsr>> {
    const states = await this.#options.zkClient.getTopicPartitionStates(partitions);
    const usable = new TopicPartitionMap<LeaderAndIsr>();
    for (const tp of partitions) {
      const state = states.get(tp);
      if (state === undefined) {
        results.set(tp, new StateChangeFailedError("LeaderAndIsr information doesn't exist"));
      } else if (state.controllerEpoch > this.#context.epoch) {
        results.set(tp, new StateChangeFailedError('the LeaderAndIsr path was written by a later controller'));
      } else usable.set(tp, state.leaderAndIsr);
    }
    return usable;
  }

  /** Partitions without a live in-sync replica whose topic accepts losing records. */
  async #partitionsWithUncleanElection(
    states: TopicPartitionMap<LeaderAndIsr>,
    strategy: PartitionLeaderElectionStrategy,
  ): Promise<TopicPartitionMap<true>> {
    const unclean = new TopicPartitionMap<true>();
    if (strategy.type !== 'offline') return unclean;
    for (const [tp, { isr }] of states) {
      if (isr.some((replica) => this.#context.isReplicaOnline(replica, tp))) continue;
      if (strategy.allowUnclean || (await this.#isUncleanElectionEnabled(tp.topic))) unclean.set(tp, true);
    }
    return unclean;
  }

  async #isUncleanElectionEnabled(topic: string): Promise<boolean> {
    const configs = await this.#options.zkClient.getEntityConfigs('topics', topic);
    const value = configs.get(UNCLEAN_KEY);
    return value === undefined ? this.#options.isUncleanElectionEnabledByDefault() : value.toLowerCase() === 'true';
  }

  #logFailed(tp: TopicPartition, target: PartitionState, error: Error): void {
    this.#logger.error('failed to change the state of a partition', {
      ...tp,
      from: this.#context.partitionState(tp),
      to: target,
      controllerEpoch: this.#context.epoch,
      error,
    });
  }
}

/** As Kafka prints it; clients see it in messages. */
function strategyName(strategy: PartitionLeaderElectionStrategy): string {
  switch (strategy.type) {
    case 'offline':
      return `OfflinePartitionLeaderElectionStrategy(${strategy.allowUnclean})`;
    case 'reassign':
      return 'ReassignPartitionLeaderElectionStrategy';
    case 'preferred':
      return 'PreferredReplicaPartitionLeaderElectionStrategy';
    case 'controlledShutdown':
      return 'ControlledShutdownPartitionLeaderElectionStrategy';
    default:
      return strategy satisfies never;
  }
}
