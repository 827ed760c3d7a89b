// Tells the coordinators which partitions of their topics this broker leads, and builds the group coordinator.
// Source: kafka.server.RequestHandlerHelper.onLeadershipChange, kafka.server.KafkaApis (StopReplica).

import type { Logger, TopicPartition } from '@ottla/base';
import type { KafkaConfig } from '../config/index.ts';
import { GroupCoordinator, groupCoordinatorConfig, OFFSETS_TOPIC } from '../group/index.ts';
import type { LeadershipListener } from '../replica/leader-and-isr.ts';
import type { ReplicaManager } from '../replica/replica-manager.ts';
import type { TransactionCoordinator } from '../transaction/transaction-coordinator.ts';
import { TRANSACTION_STATE_TOPIC } from '../transaction/transaction-state-manager.ts';
import type { TransactionVerifier } from '../transaction-verifier.ts';
import type { BrokerPorts } from './broker-ports.ts';

export function createGroupCoordinator(parts: {
  readonly ports: BrokerPorts;
  readonly config: KafkaConfig;
  readonly replicaManager: ReplicaManager;
  readonly transactionVerifier: TransactionVerifier;
}): GroupCoordinator {
  const { ports, config, replicaManager } = parts;
  return new GroupCoordinator({
    clock: ports.clock,
    random: ports.random,
    logger: ports.logger,
    metrics: ports.metrics,
    config: groupCoordinatorConfig(config),
    appender: replicaManager.appender,
    loader: replicaManager.loader,
    transactionVerifier: parts.transactionVerifier,
  });
}

export class CoordinatorElections implements LeadershipListener {
  readonly #groups: GroupCoordinator;
  readonly #transactions: TransactionCoordinator;
  readonly #logger: Logger;

  constructor(parts: { groups: GroupCoordinator; transactions: TransactionCoordinator; logger: Logger }) {
    this.#groups = parts.groups;
    this.#transactions = parts.transactions;
    this.#logger = parts.logger;
  }

  onLeadershipChange(...[leaders, followers]: Parameters<LeadershipListener['onLeadershipChange']>): void {
    for (const leader of leaders) this.#onElection(leader, leader.leaderEpoch);
    for (const follower of followers) this.#onResignation(follower, follower.leaderEpoch);
  }

  onReplicaStopped(tp: TopicPartition, options: { deleted: boolean; leaderEpoch: number | undefined }): void {
    this.#onResignation(tp, options.leaderEpoch);
  }

  #onElection({ topic, partition }: TopicPartition, leaderEpoch: number): void {
    if (topic === OFFSETS_TOPIC) this.#watch(this.#groups.onElection(partition, leaderEpoch), topic, partition);
    if (topic === TRANSACTION_STATE_TOPIC) {
      this.#watch(this.#transactions.onElection(partition, leaderEpoch), topic, partition);
    }
  }

  #onResignation({ topic, partition }: TopicPartition, leaderEpoch: number | undefined): void {
    if (topic === OFFSETS_TOPIC) this.#groups.onResignation(partition, leaderEpoch);
    if (topic === TRANSACTION_STATE_TOPIC) this.#transactions.onResignation(partition);
  }

  #watch(loading: Promise<void>, topic: string, partition: number): void {
    loading.catch((error: unknown) => {
      this.#logger.error('a coordinator could not load its partition', { topic, partition, cause: error });
    });
  }
}
