// What waits on partitions: produces for replicas, fetches for records, deletions for replicas. Keys are the partitions themselves.
// Source: kafka.cluster.DelayedOperations.

import type { Clock } from '@ottla/base';
import { DelayedOperationPurgatory } from './delayed-operation-purgatory.ts';
import type { Partition } from './partition.ts';

export class DelayedOperations {
  readonly produce: DelayedOperationPurgatory<Partition>;
  readonly fetch: DelayedOperationPurgatory<Partition>;
  readonly deleteRecords: DelayedOperationPurgatory<Partition>;

  constructor(clock: Clock) {
    this.produce = new DelayedOperationPurgatory(clock);
    this.fetch = new DelayedOperationPurgatory(clock);
    this.deleteRecords = new DelayedOperationPurgatory(clock);
  }

  /** The partition's watermarks, leader or whereabouts changed. */
  checkAndCompleteAll(partition: Partition): void {
    this.fetch.checkAndComplete(partition);
    this.produce.checkAndComplete(partition);
    this.deleteRecords.checkAndComplete(partition);
  }

  /** The partition's log grew, and nobody but followers may see it yet. */
  checkAndCompleteFetch(partition: Partition): void {
    this.fetch.checkAndComplete(partition);
  }

  close(): void {
    this.produce.close();
    this.fetch.close();
    this.deleteRecords.close();
  }
}
