// Writes the outcome of a transaction into each of its partitions, by WriteTxnMarkers requests to their leaders, until every
// partition has it. Source: kafka.coordinator.transaction.TransactionMarkerChannelManager.

import {
  type Clock,
  type ErrorCode,
  Errors,
  errorName,
  type Logger,
  silentLogger,
  sleep,
  type TopicPartition,
} from '@ottla/base';
import { TransactionPartitions } from './transaction-partitions.ts';

/** One decided transaction, as its markers say it. */
export interface TransactionMarker {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly result: 'commit' | 'abort';
  readonly coordinatorEpoch: number;
  readonly partitions: TransactionPartitions;
}

/** The door to the partitions' leaders. */
export interface TransactionMarkerChannel {
  /** undefined: no leader is known at the moment. 'gone': the partition does not exist any more. */
  leaderOf(tp: TopicPartition): number | undefined | 'gone';
  /** Sends the marker to one broker for some of its partitions. Rejects when the broker cannot be reached. */
  writeMarkers(
    brokerId: number,
    marker: Omit<TransactionMarker, 'partitions'>,
    partitions: TransactionPartitions,
  ): Promise<{ tp: TopicPartition; errorCode: ErrorCode }[]>;
}

const RETRY_BACKOFF_MS = 100;

export class TransactionMarkerSender {
  readonly #clock: Clock;
  readonly #channel: TransactionMarkerChannel;
  readonly #logger: Logger;
  #isClosed = false;

  constructor(options: { clock: Clock; channel: TransactionMarkerChannel; logger?: Logger }) {
    this.#clock = options.clock;
    this.#channel = options.channel;
    this.#logger = options.logger ?? silentLogger;
  }

  close(): void {
    this.#isClosed = true;
  }

  /** @returns true once every partition that still exists has the marker; false when another coordinator took over, or on close */
  async send(marker: TransactionMarker): Promise<boolean> {
    const missing = TransactionPartitions.of(marker.partitions);
    while (!missing.isEmpty) {
      const isFenced = await this.#sendRound(marker, missing);
      if (isFenced || this.#isClosed) return false;
      if (!missing.isEmpty && !(await this.backOff())) return false;
    }
    return true;
  }

  /** Waits before another try. @returns false when the sender was closed meanwhile */
  async backOff(): Promise<boolean> {
    await sleep(this.#clock, RETRY_BACKOFF_MS);
    return !this.#isClosed;
  }

  /** Tries every missing partition once, and takes those off the list that are done. @returns whether this coordinator is fenced */
  async #sendRound(marker: TransactionMarker, missing: TransactionPartitions): Promise<boolean> {
    const rounds = [...this.#byLeader(missing)].map(([brokerId, partitions]) =>
      this.#sendTo(brokerId, marker, partitions),
    );
    const results = (await Promise.all(rounds)).flat();
    for (const { tp, errorCode } of results) {
      const verdict = judge(errorCode);
      if (verdict === 'done') missing.delete(tp);
      if (verdict === 'fenced') {
        this.#logger.info('stopped writing markers: a newer coordinator or producer took over', {
          transactionalId: marker.transactionalId,
          error: errorName(errorCode),
        });
        return true;
      }
    }
    return false;
  }

  #byLeader(missing: TransactionPartitions): Map<number, TransactionPartitions> {
    const byLeader = new Map<number, TransactionPartitions>();
    for (const tp of TransactionPartitions.of(missing)) {
      const leader = this.#channel.leaderOf(tp);
      if (leader === 'gone') missing.delete(tp);
      else if (leader !== undefined) {
        const partitions = byLeader.get(leader) ?? new TransactionPartitions();
        partitions.add(tp);
        byLeader.set(leader, partitions);
      }
    }
    return byLeader;
  }

  async #sendTo(
    brokerId: number,
    { partitions: _, ...marker }: TransactionMarker,
    partitions: TransactionPartitions,
  ): Promise<{ tp: TopicPartition; errorCode: ErrorCode }[]> {
    try {
      return await this.#channel.writeMarkers(brokerId, marker, partitions);
    } catch (error) {
      this.#logger.warn('could not send transaction markers; trying again', { brokerId, error });
      return [];
    }
  }
}

type Verdict = 'done' | 'again' | 'fenced';

/** Anything unknown is tried again: a marker that is never written would hold the last stable offset for ever. */
function judge(code: ErrorCode): Verdict {
  switch (code) {
    case Errors.NONE:
    case Errors.UNSUPPORTED_FOR_MESSAGE_FORMAT:
      return 'done';
    case Errors.INVALID_PRODUCER_EPOCH:
    case Errors.TRANSACTION_COORDINATOR_FENCED:
      return 'fenced';
    default:
      return 'again';
  }
}
