// Ends transactions in partitions: appends the marker that commits or aborts what a producer wrote.
// Source: kafka.server.KafkaApis.handleWriteTxnMarkersRequest.

import { type Clock, type ErrorCode, Errors } from '@ottla/base';
import { endTransactionMarker } from '@ottla/records';
import type { HostedPartitions } from './hosted-partitions.ts';
import { type AppendEntry, type AppendResult, failedAppend, type ReplicaAppend } from './replica-append.ts';

export interface TransactionMarker {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly coordinatorEpoch: number;
  readonly isCommit: boolean;
  readonly partitions: readonly { readonly topic: string; readonly partition: number }[];
}

export class TransactionMarkers {
  readonly #hosted: HostedPartitions;
  readonly #append: ReplicaAppend;
  readonly #clock: Clock;

  constructor(parts: { hosted: HostedPartitions; append: ReplicaAppend; clock: Clock }) {
    this.#hosted = parts.hosted;
    this.#append = parts.append;
    this.#clock = parts.clock;
  }

  /** Appends the marker to each of its partitions, and waits for their replicas.
   *  @returns an error code for each, in order */
  async write(marker: TransactionMarker, timeoutMs: number): Promise<ErrorCode[]> {
    const entries = marker.partitions.map(({ topic, partition }): AppendEntry | undefined => {
      if (this.#hosted.online(topic, partition)?.log === undefined) return undefined;
      return { topic, partition, records: markerRecords(marker, this.#clock.nowMs()) };
    });
    const results = await this.#append.appendRecords({
      timeoutMs,
      requiredAcks: -1,
      internalTopicsAllowed: true,
      origin: 'coordinator',
      entries: entries.filter((entry) => entry !== undefined),
    });
    return inOrder(entries, results).map(({ errorCode }) => errorCode);
  }
}

/** A buffer of its own for each partition: the log stamps it. */
function markerRecords(marker: TransactionMarker, timestamp: number): Buffer {
  const { producerId, producerEpoch, coordinatorEpoch } = marker;
  const type = marker.isCommit ? 'commit' : 'abort';
  return endTransactionMarker({ producerId, producerEpoch, coordinatorEpoch, type, timestamp });
}

/** The results beside the entries they are of; a partition that is not here has none. */
function inOrder(entries: readonly (AppendEntry | undefined)[], results: readonly AppendResult[]): AppendResult[] {
  let next = 0;
  return entries.map((entry) => {
    const result = entry === undefined ? undefined : results[next++];
    return result ?? failedAppend(-1, Errors.UNKNOWN_TOPIC_OR_PARTITION);
  });
}
