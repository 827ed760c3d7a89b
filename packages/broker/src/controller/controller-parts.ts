// What the parts of the controller share: its context, its way to the tree and to brokers, its state machines, its queue.

import type { Clock, Logger, Random, TopicPartition } from '@ottla/base';
import type { KafkaZkClient } from '@ottla/coordination';
import type { ControllerBrokerRequestBatch } from './controller-broker-request-batch.ts';
import type { ControllerChannelManager } from './controller-channel-manager.ts';
import type { ControllerContext } from './controller-context.ts';
import type { ControllerEvent } from './controller-event-queue.ts';
import type { PartitionStateMachine } from './partition-state-machine.ts';
import type { ReplicaStateMachine } from './replica-state-machine.ts';
import type { TopicDeletionManager } from './topic-deletion-manager.ts';

/** Read when needed: some can change while the broker runs. */
export interface ControllerSettings {
  readonly brokerId: number;
  readonly interBrokerListenerName: string;
  /** `auto.leader.rebalance.enable`, `leader.imbalance.per.broker.percentage`, `leader.imbalance.check.interval.seconds`. */
  readonly autoLeaderRebalanceEnable: boolean;
  readonly leaderImbalancePerBrokerPercentage: number;
  readonly leaderImbalanceCheckIntervalSeconds: number;
  /** `delete.topic.enable`. */
  readonly deleteTopicEnable: boolean;
  /** `unclean.leader.election.enable`. */
  readonly uncleanLeaderElectionEnable: boolean;
}

export interface ControllerParts {
  readonly settings: ControllerSettings;
  readonly context: ControllerContext;
  readonly zkClient: KafkaZkClient;
  readonly channelManager: ControllerChannelManager;
  readonly partitionStateMachine: PartitionStateMachine;
  readonly replicaStateMachine: ReplicaStateMachine;
  readonly topicDeletionManager: TopicDeletionManager;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  newBatch(): ControllerBrokerRequestBatch;
  sendUpdateMetadataRequest(brokerIds: readonly number[], partitions: Iterable<TopicPartition>): void;
  /** Is this broker the controller? */
  isActive(): boolean;
  enqueue(event: ControllerEvent): void;
}

/** An event that does nothing once this broker is not the controller any more. */
export function whileActive(parts: ControllerParts, name: string, process: () => Promise<void>): ControllerEvent {
  return {
    name,
    process: async () => {
      if (parts.isActive()) await process();
    },
  };
}
