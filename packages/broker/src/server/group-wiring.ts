// Puts the group coordinator together with what it reaches, and tells it which partitions of its topic this broker leads.
// Source: Kafka 3.9 GroupCoordinator.apply, RequestHandlerHelper.onLeadershipChange.

import type { Clock, Logger, Random } from '@ottla/base';
import type { KafkaConfig } from '../config/index.ts';
import { groupCoordinatorConfig } from '../group/group-config.ts';
import { GroupCoordinator, type TransactionVerifier } from '../group/group-coordinator.ts';
import { OFFSETS_TOPIC } from '../group/group-partition.ts';
import type { PartitionAppender, PartitionLoader } from '../partition-ports.ts';
import type { LeadershipListener } from '../replica/leader-and-isr.ts';

export interface GroupParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly config: KafkaConfig;
  readonly logs: PartitionAppender & PartitionLoader;
  /** Left out where `transaction.partition.verification.enable` is false. */
  readonly transactionVerifier?: TransactionVerifier;
}

export function createGroupCoordinator(parts: GroupParts): GroupCoordinator {
  const { logs, config, ...rest } = parts;
  return new GroupCoordinator({ ...rest, config: groupCoordinatorConfig(config), appender: logs, loader: logs });
}

/** Elections and resignations of the offsets topic's partitions. Loads run on in the background. */
export function groupLeadershipListener(groupCoordinator: GroupCoordinator): LeadershipListener {
  return {
    onLeadershipChange(leaders, followers) {
      for (const { topic, partition, leaderEpoch } of leaders) {
        if (topic === OFFSETS_TOPIC) void groupCoordinator.onElection(partition, leaderEpoch);
      }
      for (const { topic, partition, leaderEpoch } of followers) {
        if (topic === OFFSETS_TOPIC) groupCoordinator.onResignation(partition, leaderEpoch);
      }
    },
    onReplicaStopped({ topic, partition }, { leaderEpoch }) {
      if (topic === OFFSETS_TOPIC) groupCoordinator.onResignation(partition, leaderEpoch);
    },
  };
}
