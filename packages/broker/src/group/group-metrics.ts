// What operators watch of the group coordinator, under Kafka's names. Counting groups goes over all of them, but only when somebody reads.
// Source: Kafka 3.9 GroupMetadataManager (gauges), GroupCoordinator (sensors of group-coordinator-metrics).

import type { MetricName, MetricsRegistry } from '@ottla/base';
import type { GroupMetadata, GroupState } from './group-metadata.ts';

const STATES: readonly GroupState[] = ['PreparingRebalance', 'CompletingRebalance', 'Stable', 'Dead', 'Empty'];

export class GroupMetrics {
  readonly #metrics: MetricsRegistry;
  readonly #registered: MetricName[] = [];

  /** @param groups those this broker coordinates at the moment */
  constructor(metrics: MetricsRegistry, groups: () => Iterable<GroupMetadata>) {
    this.#metrics = metrics;
    this.#gauge('NumGroups', () => sum(groups(), () => 1));
    this.#gauge('NumOffsets', () => sum(groups(), (group) => group.offsets.size));
    for (const state of STATES)
      this.#gauge(`NumGroups${state}`, () => sum(groups(), (group) => (group.state === state ? 1 : 0)));
  }

  offsetsCommitted(count: number): void {
    this.#count('offset-commit-count', count);
  }

  offsetsExpired(count: number): void {
    this.#count('offset-expiration-count', count);
  }

  offsetsDeleted(count: number): void {
    this.#count('offset-deletion-count', count);
  }

  rebalanceCompleted(): void {
    this.#count('group-completed-rebalance-count', 1);
  }

  close(): void {
    for (const name of this.#registered) this.#metrics.remove(name);
  }

  #gauge(name: string, read: () => number): void {
    const metric = { group: 'kafka.coordinator.group', type: 'GroupMetadataManager', name };
    this.#registered.push(metric);
    this.#metrics.gauge(metric, read);
  }

  #count(name: string, count: number): void {
    this.#metrics.counter({ group: 'kafka.server', type: 'group-coordinator-metrics', name }).add(count);
  }
}

function sum(groups: Iterable<GroupMetadata>, read: (group: GroupMetadata) => number): number {
  let total = 0;
  for (const group of groups) total += read(group);
  return total;
}
