// What operators watch of the controller, under Kafka's names. All but the first are zero on a broker that is not the controller: it knows of
// nothing then. Counting goes over all partitions, but only when somebody reads.
// Source: kafka.controller.KafkaController (newGauge, updateMetrics), ControllerContext.

import type { MetricName, MetricsRegistry } from '@ottla/base';
import type { ControllerContext } from './controller-context.ts';

const KAFKA_CONTROLLER = { group: 'kafka.controller', type: 'KafkaController' };

export class ControllerGauges {
  readonly #metrics: MetricsRegistry;
  readonly #registered: MetricName[] = [];

  constructor(
    metrics: MetricsRegistry,
    controller: { readonly isActive: boolean; readonly context: ControllerContext },
  ) {
    const { context } = controller;
    this.#metrics = metrics;
    this.#gauge('ActiveControllerCount', () => (controller.isActive ? 1 : 0));
    this.#gauge('OfflinePartitionsCount', () => offlinePartitionCount(context));
    this.#gauge('PreferredReplicaImbalanceCount', () => preferredReplicaImbalanceCount(context));
    this.#gauge('GlobalTopicCount', () => context.allTopics.size);
    this.#gauge('GlobalPartitionCount', () => context.partitionWithLeadersCount);
    this.#gauge('TopicsToDeleteCount', () => context.topicsToBeDeleted.size);
    this.#gauge('TopicsIneligibleToDeleteCount', () => context.topicsIneligibleForDeletion.size);
    this.#gauge('ActiveBrokerCount', () => context.liveOrShuttingDownBrokerIds().length);
  }

  close(): void {
    for (const name of this.#registered) this.#metrics.remove(name);
  }

  #gauge(name: string, read: () => number): void {
    const metric = { ...KAFKA_CONTROLLER, name };
    this.#registered.push(metric);
    this.#metrics.gauge(metric, read);
  }
}

/** Those of topics that are being deleted are offline on purpose. */
function offlinePartitionCount(context: ControllerContext): number {
  const offline = context.partitionsInStates(['OfflinePartition']);
  return offline.filter(({ topic }) => !context.isTopicDeletionInProgress(topic)).length;
}

/** Partitions that another replica leads than the first one of their assignment. */
function preferredReplicaImbalanceCount(context: ControllerContext): number {
  let count = 0;
  for (const tp of context.partitionsWithLeaders()) {
    const { replicas, addingReplicas } = context.partitionFullReplicaAssignment(tp);
    const [preferred] = replicas;
    // A replica that is still being added cannot lead yet.
    if (preferred === undefined || addingReplicas.includes(preferred)) continue;
    if (context.partitionLeadershipInfo(tp)?.leaderAndIsr.leader !== preferred) count++;
  }
  return count;
}
