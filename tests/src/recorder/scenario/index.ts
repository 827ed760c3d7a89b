// The whole scenario, in order: later parts build on what earlier ones left behind.

import type { BrokerUnderTest } from '../session.ts';
import type { Step } from '../step.ts';
import { clusterSteps } from './cluster.ts';
import { configSteps } from './configs.ts';
import { fetchSteps } from './fetch.ts';
import { groupSteps } from './groups.ts';
import { produceSteps } from './produce.ts';
import { replicaSteps } from './replicas.ts';
import { securitySteps } from './security.ts';
import { topicSteps } from './topics.ts';
import { transactionSteps } from './transactions.ts';

/** The settings that the scenario expects of a broker, whose id is 1. */
export const BROKER_CONFIG: Readonly<Record<string, string>> = {
  'broker.id': '1',
  'num.partitions': '2',
  'offsets.topic.num.partitions': '4',
  'offsets.topic.replication.factor': '1',
  'transaction.state.log.num.partitions': '4',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  // With 0 Kafka 3.9 never answers the join.
  'group.initial.rebalance.delay.ms': '100',
  // The scenario's records are from 2023.
  'log.retention.ms': '-1',
  // Nothing is cleaned while the scenario runs.
  'log.cleaner.backoff.ms': '600000',
};

export function scenario(broker: BrokerUnderTest): Step[] {
  return [
    ...clusterSteps(),
    ...topicSteps(),
    ...produceSteps(),
    ...fetchSteps(),
    ...groupSteps(),
    ...transactionSteps(),
    ...configSteps(),
    ...replicaSteps(broker),
    ...securitySteps(),
  ];
}
