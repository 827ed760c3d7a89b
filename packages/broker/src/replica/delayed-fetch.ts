// A fetch that waits until there is enough to read, or something else to tell. Source: kafka.server.DelayedFetch.

import { KafkaError } from '@ottla/base';
import { DelayedOperation } from './delayed-operation-purgatory.ts';
import type { FetchParams } from './fetch-params.ts';
import type { FetchPartitionRequest } from './fetch-session.ts';
import type { Partition } from './partition.ts';
import { bytesAvailable, hasDiverged } from './partition-reads.ts';
import type { FetchedPartition } from './replica-fetch.ts';

export interface DelayedFetchOptions {
  readonly params: FetchParams;
  readonly requests: readonly FetchPartitionRequest[];
  /** One for each request: all were readable when the fetch was parked. */
  readonly partitions: readonly Partition[];
  readonly read: () => FetchedPartition[];
}

export class DelayedFetch extends DelayedOperation<FetchedPartition[]> {
  readonly #options: DelayedFetchOptions;

  constructor(options: DelayedFetchOptions) {
    super(options.params.maxWaitMs);
    this.#options = options;
  }

  protected override isSatisfied(): boolean {
    const { params, requests, partitions } = this.#options;
    let bytes = 0;
    for (let i = 0; i < requests.length; i++) {
      const request = requests[i];
      const partition = partitions[i];
      if (request === undefined || partition === undefined) return true;
      bytes += this.#bytesToTell(partition, request);
      if (bytes >= params.minBytes) return true;
    }
    return false;
  }

  protected override complete(): FetchedPartition[] {
    return this.#options.read();
  }

  /** Infinity: the fetcher must hear something else about the partition. */
  #bytesToTell(partition: Partition, request: FetchPartitionRequest): number {
    const { params } = this.#options;
    const { log } = partition;
    const isFenced = request.currentLeaderEpoch >= 0 && request.currentLeaderEpoch !== partition.leaderEpoch;
    if (log === undefined || isFenced || (params.requireLeader && !partition.isLeader)) return Number.POSITIVE_INFINITY;
    try {
      if (request.lastFetchedEpoch >= 0 && hasDiverged(partition, log, request)) return Number.POSITIVE_INFINITY;
      return bytesAvailable(log, request, params.isolation);
    } catch (error) {
      if (error instanceof KafkaError) return Number.POSITIVE_INFINITY;
      throw error;
    }
  }
}
