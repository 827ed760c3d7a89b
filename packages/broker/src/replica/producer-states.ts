// The producers a partition remembers. Source: UnifiedLog.activeProducers; KIP-664.

import type { ProducerState } from '@ottla/protocol';
import type { Partition } from './partition.ts';

const NONE = -1;

/** @throws KafkaError NOT_LEADER_OR_FOLLOWER without a log */
export function activeProducers(partition: Partition): ProducerState[] {
  const log = partition.logFor({ currentLeaderEpoch: -1, requireLeader: false });
  return Array.from(log.producerStateManager.activeProducers.values(), (producer) => ({
    producerId: producer.producerId,
    producerEpoch: producer.producerEpoch,
    lastSequence: producer.lastSequence,
    lastTimestamp: producer.lastTimestamp,
    coordinatorEpoch: producer.coordinatorEpoch,
    currentTxnStartOffset: producer.currentTxnFirstOffset ?? NONE,
  }));
}
