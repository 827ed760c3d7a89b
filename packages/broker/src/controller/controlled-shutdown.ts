// Takes the leaders off a broker that is about to stop, so that nobody waits for its session to expire.
// Source: kafka.controller.KafkaController.doControlledShutdown, KIP-380 (broker epochs).

import { Errors, KafkaError, type TopicPartition } from '@ottla/base';
import type { ControllerParts } from './controller-parts.ts';

/** @param brokerEpoch −1: the broker does not know epochs
 *  @returns partitions it still leads @throws KafkaError STALE_BROKER_EPOCH, BROKER_NOT_AVAILABLE */
export async function controlledShutdown(
  parts: ControllerParts,
  brokerId: number,
  brokerEpoch: bigint,
): Promise<TopicPartition[]> {
  const { context, logger } = parts;
  const known = context.brokerEpoch(brokerId);
  if (known === undefined) {
    throw new KafkaError(Errors.BROKER_NOT_AVAILABLE, `Broker id ${brokerId} does not exist.`);
  }
  if (brokerEpoch !== -1n && brokerEpoch < known) {
    throw new KafkaError(
      Errors.STALE_BROKER_EPOCH,
      `Received controlled shutdown request from an old broker epoch ${brokerEpoch} for broker ${brokerId}. Current broker epoch is ${known}.`,
    );
  }
  logger.info('shutting down a broker', { brokerId });
  context.shuttingDownBrokerIds.add(brokerId);
  await moveAway(parts, brokerId);
  return context.partitionLeadersOnBroker(brokerId);
}

/** Unreplicated partitions stay: there is nobody to take them. */
async function moveAway(parts: ControllerParts, brokerId: number): Promise<void> {
  const { context, partitionStateMachine, replicaStateMachine, topicDeletionManager } = parts;
  const leaderOf = (tp: TopicPartition) => context.partitionLeadershipInfo(tp)?.leaderAndIsr.leader;
  const partitions = context
    .partitionsOnBroker(brokerId)
    .filter(
      (tp) =>
        context.partitionReplicaAssignment(tp).length > 1 &&
        leaderOf(tp) !== undefined &&
        !topicDeletionManager.isTopicQueuedUpForDeletion(tp.topic),
    );
  const led = partitions.filter((tp) => leaderOf(tp) === brokerId);
  const followed = partitions.filter((tp) => leaderOf(tp) !== brokerId);
  await partitionStateMachine.handleStateChanges(led, 'OnlinePartition', { type: 'controlledShutdown' });
  const batch = parts.newBatch();
  for (const tp of followed) batch.addStopReplicaRequestForBrokers([brokerId], tp, false);
  batch.sendRequestsToBrokers();
  const replicas = followed.map((tp) => ({ tp, replica: brokerId }));
  await replicaStateMachine.handleStateChanges(replicas, 'OfflineReplica');
}
