// What operators watch of the replicas at a moment, under Kafka's names. Counting goes over all partitions, but only when somebody reads.
// Source: kafka.server.ReplicaManager (gauges), DelayedOperationPurgatory, FetchSessionCache.

import type { MetricName, MetricsRegistry } from '@ottla/base';
import type { LogManager } from '@ottla/storage';
import type { DelayedOperations } from './delayed-operations.ts';
import type { HostedPartitions } from './hosted-partitions.ts';
import type { Partition } from './partition.ts';
import { PartitionLogGauges } from './partition-log-gauges.ts';

export class ReplicaGauges {
  readonly #metrics: MetricsRegistry;
  readonly #registered: MetricName[] = [];
  readonly #removeLogGauges: () => void;

  constructor(
    metrics: MetricsRegistry,
    parts: { hosted: HostedPartitions; delayed: DelayedOperations; logManager: LogManager },
  ) {
    const { hosted, delayed, logManager } = parts;
    this.#metrics = metrics;
    this.#removeLogGauges = metrics.addProvider(new PartitionLogGauges(logManager));
    this.#count('LeaderCount', hosted, (partition) => partition.isLeader);
    this.#count('PartitionCount', hosted, () => true);
    this.#count('UnderReplicatedPartitions', hosted, (partition) => partition.isUnderReplicated);
    this.#count('UnderMinIsrPartitionCount', hosted, (partition) => partition.isUnderMinIsr);
    this.#count('AtMinIsrPartitionCount', hosted, (partition) => partition.isAtMinIsr);
    this.#count('ReassigningPartitions', hosted, (partition) => partition.isLeader && partition.isReassigning);
    this.#gauge({ ...REPLICA_MANAGER, name: 'OfflineReplicaCount' }, () => hosted.offlineCount);
    const purgatories = [
      ['Produce', delayed.produce],
      ['Fetch', delayed.fetch],
      ['DeleteRecords', delayed.deleteRecords],
    ] as const;
    for (const [delayedOperation, purgatory] of purgatories) {
      const tags = new Map([['delayedOperation', delayedOperation]]);
      const purgatoryMetric = { group: 'kafka.server', type: 'DelayedOperationPurgatory', tags };
      this.#gauge({ ...purgatoryMetric, name: 'PurgatorySize' }, () => purgatory.watchedCount);
      this.#gauge({ ...purgatoryMetric, name: 'NumDelayedOperations' }, () => purgatory.delayedCount);
    }
  }

  close(): void {
    for (const name of this.#registered) this.#metrics.remove(name);
    this.#removeLogGauges();
  }

  #count(name: string, hosted: HostedPartitions, isCounted: (partition: Partition) => boolean): void {
    this.#gauge({ ...REPLICA_MANAGER, name }, () => {
      let count = 0;
      for (const partition of hosted) if (isCounted(partition)) count++;
      return count;
    });
  }

  #gauge(name: MetricName, read: () => number): void {
    this.#registered.push(name);
    this.#metrics.gauge(name, read);
  }
}

const REPLICA_MANAGER = { group: 'kafka.server', type: 'ReplicaManager' };
