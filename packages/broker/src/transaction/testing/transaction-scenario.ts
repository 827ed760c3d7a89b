// What the tests of the coordinator share: a coordinator over a log kept in an array, markers that go into a list, and a clock to turn.

import { type ErrorCode, Errors, FakeClock, type TopicPartition, topicPartitionKey } from '@ottla/base';
import { batchAt } from '@ottla/records';
import type { PartitionAppender, PartitionLoader } from '../../partition-ports.ts';
import { ProducerIdManager } from '../producer-id-manager.ts';
import { TransactionCoordinator } from '../transaction-coordinator.ts';
import { type TransactionMarkerChannel, TransactionMarkerSender } from '../transaction-marker-sender.ts';
import { TransactionStateManager } from '../transaction-state-manager.ts';

/** A log of one partition in memory. Failing appends and waiting ones are made to order. */
export class MemoryTransactionLog implements PartitionAppender, PartitionLoader {
  readonly batches: Buffer[] = [];
  /** Codes that the next appends answer, in order; afterwards they succeed. */
  readonly nextErrors: ErrorCode[] = [];
  /** While set, appends wait for it. */
  gate: Promise<void> | undefined;

  async append(_tp: TopicPartition, records: Buffer): Promise<{ errorCode: ErrorCode; baseOffset: number }> {
    await this.gate;
    const errorCode = this.nextErrors.shift() ?? Errors.NONE;
    if (errorCode !== Errors.NONE) return { errorCode, baseOffset: -1 };
    this.batches.push(records);
    return { errorCode, baseOffset: this.batches.length - 1 };
  }

  async load(_tp: TopicPartition, onBatch: Parameters<PartitionLoader['load']>[1]): Promise<{ endOffset: number }> {
    for (const bytes of this.batches) {
      const batch = batchAt(bytes, 0);
      if (batch) onBatch(batch);
    }
    return { endOffset: this.batches.length };
  }
}

/** Leaders that write markers into a list: `orders-0 commit 5/0`. */
export class MemoryMarkerChannel implements TransactionMarkerChannel {
  readonly written: string[] = [];
  readonly gone = new Set<string>();
  /** Codes that the next markers answer, in order; afterwards they succeed. */
  readonly nextErrors: ErrorCode[] = [];

  leaderOf(tp: TopicPartition): number | 'gone' {
    return this.gone.has(topicPartitionKey(tp)) ? 'gone' : 1;
  }

  async writeMarkers(
    _brokerId: number,
    marker: Parameters<TransactionMarkerChannel['writeMarkers']>[1],
    partitions: Parameters<TransactionMarkerChannel['writeMarkers']>[2],
  ): Promise<{ tp: TopicPartition; errorCode: ErrorCode }[]> {
    return [...partitions].map((tp) => {
      const errorCode = this.nextErrors.shift() ?? Errors.NONE;
      if (errorCode === Errors.NONE) {
        this.written.push(`${topicPartitionKey(tp)} ${marker.result} ${marker.producerId}/${marker.producerEpoch}`);
      }
      return { tp, errorCode };
    });
  }
}

export interface TransactionScenario {
  readonly clock: FakeClock;
  readonly log: MemoryTransactionLog;
  readonly markers: MemoryMarkerChannel;
  readonly coordinator: TransactionCoordinator;
  init(
    transactionalId: string,
    expected?: { producerId: number; producerEpoch: number },
  ): ReturnType<TransactionCoordinator['initProducerId']>;
}

/** A coordinator that leads the only partition of the transaction log.
 *  @param log the log of a former coordinator, for restarts */
export async function transactionScenario(log = new MemoryTransactionLog()): Promise<TransactionScenario> {
  const clock = new FakeClock();
  const config = {
    transactionalIdExpirationMs: 604_800_000,
    transactionMaxTimeoutMs: 900_000,
    abortTimedOutTransactionsIntervalMs: 10_000,
    removeExpiredTransactionalIdsIntervalMs: 3_600_000,
    requestTimeoutMs: 30_000,
  };
  const markers = new MemoryMarkerChannel();
  let nextBlock = 0;
  const coordinator = new TransactionCoordinator({
    clock,
    config,
    state: new TransactionStateManager({ clock, config, appender: log, loader: log, partitionCount: () => 1 }),
    markers: new TransactionMarkerSender({ clock, channel: markers }),
    producerIds: new ProducerIdManager({
      reserveBlock: async () => ({ firstProducerId: 1000 * nextBlock++, count: 1000 }),
    }),
  });
  await coordinator.onElection(0, 1);
  return {
    clock,
    log,
    markers,
    coordinator,
    init: (transactionalId, expected) =>
      coordinator.initProducerId({ transactionalId, transactionTimeoutMs: 60_000, expected }),
  };
}
