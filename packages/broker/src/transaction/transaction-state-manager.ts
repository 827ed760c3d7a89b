// The coordinator's memory: which partitions of __transaction_state it owns, and the metadata of every transactional id in them. The
// memory changes only after the log has the record. Source: kafka.coordinator.transaction.TransactionStateManager.

import {
  assert,
  type Clock,
  type ErrorCode,
  Errors,
  errorName,
  type Logger,
  silentLogger,
  type TopicPartition,
} from '@ottla/base';
import { partitionForKey } from '../group/group-partition.ts';
import type { PartitionAppender, PartitionLoader } from '../partition-ports.ts';
import type { TransactionConfig } from './transaction-config.ts';
import { readTransactionLogRecord, transactionLogRecords } from './transaction-log.ts';
import type { TransactionMetadata, TransitMetadata } from './transaction-metadata.ts';
import { isExpirationAllowed } from './transaction-state.ts';

export const TRANSACTION_STATE_TOPIC = '__transaction_state';

/** A transactional id together with the epoch of the coordinator that found it: a later append must still be in that epoch. */
export interface CoordinatedTransaction {
  readonly coordinatorEpoch: number;
  readonly metadata: TransactionMetadata;
}

/** One owned partition of the transaction log. */
interface OwnedPartition {
  readonly coordinatorEpoch: number;
  /** False while the log is being read; requests are answered COORDINATOR_LOAD_IN_PROGRESS until then. */
  isLoaded: boolean;
  readonly transactions: Map<string, TransactionMetadata>;
}

export interface TransactionStateManagerOptions {
  readonly clock: Clock;
  readonly config: TransactionConfig;
  readonly appender: PartitionAppender;
  readonly loader: PartitionLoader;
  /** Partitions of __transaction_state: as it exists, or transaction.state.log.num.partitions before it does. */
  readonly partitionCount: () => number;
  readonly logger?: Logger;
}

export class TransactionStateManager {
  readonly #clock: Clock;
  readonly #config: TransactionConfig;
  readonly #appender: PartitionAppender;
  readonly #loader: PartitionLoader;
  readonly #partitionCount: () => number;
  readonly #logger: Logger;
  readonly #owned = new Map<number, OwnedPartition>();

  constructor(options: TransactionStateManagerOptions) {
    this.#clock = options.clock;
    this.#config = options.config;
    this.#appender = options.appender;
    this.#loader = options.loader;
    this.#partitionCount = options.partitionCount;
    this.#logger = options.logger ?? silentLogger;
  }

  /** The partition of the transaction log that keeps `transactionalId`. */
  partitionFor(transactionalId: string): number {
    return partitionForKey(transactionalId, this.#partitionCount());
  }

  /** @returns the transaction, undefined when the id is unknown here, or NOT_COORDINATOR / COORDINATOR_LOAD_IN_PROGRESS */
  get(transactionalId: string): CoordinatedTransaction | undefined | ErrorCode {
    const owned = this.#ownerOf(transactionalId);
    if (typeof owned === 'number') return owned;
    const metadata = owned.transactions.get(transactionalId);
    return metadata && { coordinatorEpoch: owned.coordinatorEpoch, metadata };
  }

  /** Keeps `created` unless the id is known by now. @returns what is kept */
  putIfAbsent(created: TransactionMetadata): CoordinatedTransaction | ErrorCode {
    const owned = this.#ownerOf(created.transactionalId);
    if (typeof owned === 'number') return owned;
    const metadata = owned.transactions.get(created.transactionalId) ?? created;
    owned.transactions.set(created.transactionalId, metadata);
    return { coordinatorEpoch: owned.coordinatorEpoch, metadata };
  }

  #ownerOf(transactionalId: string): OwnedPartition | ErrorCode {
    const owned = this.#owned.get(this.partitionFor(transactionalId));
    if (owned === undefined) return Errors.NOT_COORDINATOR;
    return owned.isLoaded ? owned : Errors.COORDINATOR_LOAD_IN_PROGRESS;
  }

  /** Writes a prepared transition and, once the log has it, completes it in memory.
   *  @param keepPendingOn codes after which the transition stays pending, because the caller will try again
   *  @returns NONE, or the error to answer with; then the memory is as before and nothing is pending */
  async append(
    { coordinatorEpoch, metadata }: CoordinatedTransaction,
    transit: TransitMetadata,
    keepPendingOn: (code: ErrorCode) => boolean = () => false,
  ): Promise<ErrorCode> {
    const { transactionalId } = metadata;
    const code = this.#checkStillOwner(transactionalId, coordinatorEpoch, metadata);
    if (code !== Errors.NONE) return this.#giveUp(metadata, code, keepPendingOn);
    const records = transactionLogRecords([{ transactionalId, transit }], this.#clock.nowMs());
    const { errorCode } = await this.#appender.append(this.#topicPartition(transactionalId), records, {
      origin: 'coordinator',
      requiredAcks: -1,
      timeoutMs: this.#config.requestTimeoutMs,
    });
    if (errorCode !== Errors.NONE) return this.#giveUp(metadata, toCoordinatorError(errorCode), keepPendingOn);
    const codeAfter = this.#checkStillOwner(transactionalId, coordinatorEpoch, metadata);
    if (codeAfter !== Errors.NONE) return codeAfter;
    metadata.completeTransitionTo(transit);
    return Errors.NONE;
  }

  /** This broker still coordinates the transaction, in the same epoch. */
  isOwned({ coordinatorEpoch, metadata }: CoordinatedTransaction): boolean {
    return this.#checkStillOwner(metadata.transactionalId, coordinatorEpoch, metadata) === Errors.NONE;
  }

  #checkStillOwner(transactionalId: string, coordinatorEpoch: number, metadata: TransactionMetadata): ErrorCode {
    const owned = this.#ownerOf(transactionalId);
    if (typeof owned === 'number') return owned;
    const isSame = owned.coordinatorEpoch === coordinatorEpoch && owned.transactions.get(transactionalId) === metadata;
    return isSame ? Errors.NONE : Errors.NOT_COORDINATOR;
  }

  #giveUp(metadata: TransactionMetadata, code: ErrorCode, keepPendingOn: (code: ErrorCode) => boolean): ErrorCode {
    const isRepeated = keepPendingOn(code);
    this.#logger[isRepeated ? 'debug' : 'info']('a transaction transition could not be written', {
      transactionalId: metadata.transactionalId,
      state: metadata.state,
      pendingState: metadata.pendingState,
      error: errorName(code),
    });
    if (!isRepeated) metadata.pendingState = undefined;
    return code;
  }

  #topicPartition(transactionalId: string): TopicPartition {
    return { topic: TRANSACTION_STATE_TOPIC, partition: this.partitionFor(transactionalId) };
  }

  /** This broker became leader of a partition of the log: reads it. Resolves when its ids are served.
   *  @returns the transactions whose outcome was decided but whose markers may be missing */
  async load(partition: number, coordinatorEpoch: number): Promise<CoordinatedTransaction[]> {
    const current = this.#owned.get(partition);
    if (current && current.coordinatorEpoch >= coordinatorEpoch) return [];
    const owned: OwnedPartition = { coordinatorEpoch, isLoaded: false, transactions: new Map() };
    this.#owned.set(partition, owned);
    const startedMs = this.#clock.monotonicMs();
    await this.#readLog(partition, owned.transactions);
    if (this.#owned.get(partition) !== owned) return [];
    owned.isLoaded = true;
    this.#logger.info('loaded a partition of the transaction log', {
      partition,
      coordinatorEpoch,
      transactionalIds: owned.transactions.size,
      tookMs: Math.round(this.#clock.monotonicMs() - startedMs),
    });
    return [...owned.transactions.values()]
      .filter(({ state }) => state === 'PrepareCommit' || state === 'PrepareAbort')
      .map((metadata) => ({ coordinatorEpoch, metadata }));
  }

  async #readLog(partition: number, transactions: Map<string, TransactionMetadata>): Promise<void> {
    await this.#loader.load(
      { topic: TRANSACTION_STATE_TOPIC, partition },
      (batch) => {
        if (batch.isControlBatch) return;
        for (const record of batch.records()) {
          const entry = readTransactionLogRecord(record);
          if (entry === undefined) continue;
          if (entry.metadata) transactions.set(entry.transactionalId, entry.metadata);
          else transactions.delete(entry.transactionalId);
        }
      },
      { from: 'logStart' },
    );
  }

  /** This broker is no longer leader of that partition. */
  unload(partition: number): void {
    this.#owned.delete(partition);
  }

  isLoading(): boolean {
    return [...this.#owned.values()].some(({ isLoaded }) => !isLoaded);
  }

  /** Every transaction of the loaded partitions. */
  *all(): Generator<CoordinatedTransaction> {
    for (const { coordinatorEpoch, isLoaded, transactions } of this.#owned.values()) {
      if (!isLoaded) continue;
      for (const metadata of transactions.values()) yield { coordinatorEpoch, metadata };
    }
  }

  /** Open transactions that have outlived their timeout and have no transition under way. */
  timedOut(): CoordinatedTransaction[] {
    const nowMs = this.#clock.nowMs();
    return [...this.all()].filter(
      ({ metadata }) =>
        metadata.state === 'Ongoing' &&
        metadata.pendingState === undefined &&
        metadata.startTimestampMs + metadata.timeoutMs < nowMs,
    );
  }

  /** Writes tombstones for ids that nobody used for transactional.id.expiration.ms, and forgets them. @returns how many */
  async removeExpired(): Promise<number> {
    const nowMs = this.#clock.nowMs();
    let count = 0;
    for (const transaction of [...this.all()]) {
      const { metadata } = transaction;
      if (metadata.pendingState !== undefined || !isExpirationAllowed(metadata.state)) continue;
      if (metadata.lastUpdateTimestampMs + this.#config.transactionalIdExpirationMs > nowMs) continue;
      if (await this.#removeOne(transaction)) count++;
    }
    return count;
  }

  async #removeOne({ coordinatorEpoch, metadata }: CoordinatedTransaction): Promise<boolean> {
    const { transactionalId } = metadata;
    metadata.prepareDead();
    const records = transactionLogRecords([{ transactionalId, transit: undefined }], this.#clock.nowMs());
    const { errorCode } = await this.#appender.append(this.#topicPartition(transactionalId), records, {
      origin: 'coordinator',
      requiredAcks: -1,
      timeoutMs: this.#config.requestTimeoutMs,
    });
    metadata.pendingState = undefined;
    if (errorCode !== Errors.NONE) {
      this.#logger.warn('a transactional id could not be expired', { transactionalId, error: errorName(errorCode) });
      return false;
    }
    const owned = this.#owned.get(this.partitionFor(transactionalId));
    if (owned?.coordinatorEpoch !== coordinatorEpoch) return false;
    assert(owned.transactions.get(transactionalId) === metadata, `${transactionalId} changed while it was expired`);
    return owned.transactions.delete(transactionalId);
  }
}

/** What an append error of the log means to a client of the coordinator. */
function toCoordinatorError(code: ErrorCode): ErrorCode {
  switch (code) {
    case Errors.UNKNOWN_TOPIC_OR_PARTITION:
    case Errors.NOT_ENOUGH_REPLICAS:
    case Errors.NOT_ENOUGH_REPLICAS_AFTER_APPEND:
    case Errors.REQUEST_TIMED_OUT:
      return Errors.COORDINATOR_NOT_AVAILABLE;
    case Errors.NOT_LEADER_OR_FOLLOWER:
    case Errors.KAFKA_STORAGE_ERROR:
      return Errors.NOT_COORDINATOR;
    case Errors.MESSAGE_TOO_LARGE:
    case Errors.RECORD_LIST_TOO_LARGE:
      return Errors.UNKNOWN_SERVER_ERROR;
    default:
      return code;
  }
}
