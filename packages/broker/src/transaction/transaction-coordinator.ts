// Answers InitProducerId, AddPartitionsToTxn, AddOffsetsToTxn and EndTxn for the transactional ids this broker coordinates, and ends
// transactions whose producers fell silent. Each answer follows from the state of one id; each change of it goes through the log first.
// Source: kafka.coordinator.transaction.TransactionCoordinator, KIP-98, KIP-360, KIP-890.

import {
  type Clock,
  type ErrorCode,
  Errors,
  errorName,
  type Logger,
  silentLogger,
  type Timer,
  type TopicPartition,
} from '@ottla/base';
import { NO_PRODUCER_EPOCH, NO_PRODUCER_ID } from '@ottla/records';
import type { ProducerIdManager } from './producer-id-manager.ts';
import type { TransactionConfig } from './transaction-config.ts';
import type { TransactionMarkerSender } from './transaction-marker-sender.ts';
import { type ProducerIdAndEpoch, TransactionMetadata, type TransitMetadata } from './transaction-metadata.ts';
import type { TransactionState } from './transaction-state.ts';
import type { CoordinatedTransaction, TransactionStateManager } from './transaction-state-manager.ts';

export type TransactionResult = 'commit' | 'abort';

export interface InitProducerIdResult extends ProducerIdAndEpoch {
  readonly errorCode: ErrorCode;
}

export interface InitProducerIdOptions {
  /** null: an idempotent producer without transactions. */
  readonly transactionalId: string | null;
  readonly transactionTimeoutMs: number;
  /** Who the client believes it is, when it asks again (KIP-360). */
  readonly expected: ProducerIdAndEpoch | undefined;
}

export interface TransactionProducer extends ProducerIdAndEpoch {
  readonly transactionalId: string;
}

export interface TransactionFilter {
  readonly states: ReadonlySet<TransactionState>;
  readonly producerIds: ReadonlySet<number>;
  /** Negative: whatever they run. */
  readonly runningAtLeastMs: number;
}

export interface TransactionCoordinatorOptions {
  readonly clock: Clock;
  readonly config: TransactionConfig;
  readonly state: TransactionStateManager;
  readonly markers: TransactionMarkerSender;
  readonly producerIds: ProducerIdManager;
  readonly logger?: Logger;
}

export class TransactionCoordinator {
  readonly #clock: Clock;
  readonly #config: TransactionConfig;
  readonly #state: TransactionStateManager;
  readonly #markers: TransactionMarkerSender;
  readonly #producerIds: ProducerIdManager;
  readonly #logger: Logger;
  readonly #timers = new Map<string, Timer>();
  /** Background work that `close` waits for. */
  readonly #underway = new Set<Promise<unknown>>();
  #isRunning = false;

  constructor(options: TransactionCoordinatorOptions) {
    this.#clock = options.clock;
    this.#config = options.config;
    this.#state = options.state;
    this.#markers = options.markers;
    this.#producerIds = options.producerIds;
    this.#logger = options.logger ?? silentLogger;
  }

  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#repeat('abort timed-out transactions', this.#config.abortTimedOutTransactionsIntervalMs, () =>
      this.abortTimedOutTransactions(),
    );
    this.#repeat('expire transactional ids', this.#config.removeExpiredTransactionalIdsIntervalMs, async () => {
      await this.#state.removeExpired();
    });
  }

  async close(): Promise<void> {
    this.#isRunning = false;
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    this.#markers.close();
    await Promise.allSettled(this.#underway);
  }

  /** The partition of __transaction_state that keeps `transactionalId`. */
  partitionFor(transactionalId: string): number {
    return this.#state.partitionFor(transactionalId);
  }

  /** This broker leads a partition of the transaction log now: loads it, and finishes what was decided before. */
  async onElection(partition: number, coordinatorEpoch: number): Promise<void> {
    const decided = await this.#state.load(partition, coordinatorEpoch);
    for (const transaction of decided) this.#inBackground(this.#finish(transaction));
  }

  /** This broker no longer leads that partition. */
  onResignation(partition: number): void {
    this.#state.unload(partition);
  }

  /** Gives a producer its id and epoch, and fences whoever held the transactional id before. */
  async initProducerId(options: InitProducerIdOptions): Promise<InitProducerIdResult> {
    const { transactionalId } = options;
    if (transactionalId === null) return this.#initIdempotent();
    if (transactionalId === '') return failed(Errors.INVALID_REQUEST);
    if (!this.#isValidTimeout(options.transactionTimeoutMs)) return failed(Errors.INVALID_TRANSACTION_TIMEOUT);
    const found = await this.#getOrCreate(transactionalId, options.transactionTimeoutMs);
    if (typeof found === 'number') return failed(found);
    const transit = await this.#prepareInit(found, options);
    if (typeof transit === 'number') return failed(transit);
    if (transit.state === 'PrepareEpochFence') return failed(await this.#fence(transactionalId, transit));
    const errorCode = await this.#state.append(found, transit);
    if (errorCode !== Errors.NONE) return failed(errorCode);
    return { errorCode, producerId: transit.producerId, producerEpoch: transit.producerEpoch };
  }

  async #initIdempotent(): Promise<InitProducerIdResult> {
    const producerId = await this.#producerIds.generate();
    return { errorCode: Errors.NONE, producerId, producerEpoch: 0 };
  }

  #isValidTimeout(timeoutMs: number): boolean {
    return timeoutMs > 0 && timeoutMs <= this.#config.transactionMaxTimeoutMs;
  }

  async #getOrCreate(transactionalId: string, timeoutMs: number): Promise<CoordinatedTransaction | ErrorCode> {
    const found = this.#state.get(transactionalId);
    if (found !== undefined) return found;
    const producerId = await this.#producerIds.generate();
    return this.#state.putIfAbsent(
      TransactionMetadata.create(transactionalId, producerId, timeoutMs, this.#clock.nowMs()),
    );
  }

  async #prepareInit(
    { metadata }: CoordinatedTransaction,
    { transactionTimeoutMs, expected }: InitProducerIdOptions,
  ): Promise<TransitMetadata | ErrorCode> {
    if (metadata.pendingState !== undefined) return Errors.CONCURRENT_TRANSACTIONS;
    if (expected && !metadata.isValidProducer(expected)) return Errors.PRODUCER_FENCED;
    switch (metadata.state) {
      case 'PrepareCommit':
      case 'PrepareAbort':
        return Errors.CONCURRENT_TRANSACTIONS;
      case 'Ongoing':
        return metadata.prepareFenceProducerEpoch();
      case 'Empty':
      case 'CompleteCommit':
      case 'CompleteAbort':
        break;
      case 'Dead':
      case 'PrepareEpochFence':
        return Errors.CONCURRENT_TRANSACTIONS;
      default:
        metadata.state satisfies never;
    }
    const isRotationDue =
      metadata.isProducerEpochExhausted &&
      (expected === undefined || expected.producerEpoch === metadata.producerEpoch);
    if (isRotationDue) return this.#prepareRotation(metadata, transactionTimeoutMs, expected !== undefined);
    return metadata.prepareIncrementProducerEpoch(transactionTimeoutMs, expected?.producerEpoch, this.#clock.nowMs());
  }

  async #prepareRotation(
    metadata: TransactionMetadata,
    timeoutMs: number,
    recordLastEpoch: boolean,
  ): Promise<TransitMetadata | ErrorCode> {
    const { state, producerId, producerEpoch } = metadata;
    const newProducerId = await this.#producerIds.generate();
    // The id may have moved on while the block of producer ids was fetched.
    const isUnchanged =
      metadata.pendingState === undefined &&
      metadata.state === state &&
      metadata.producerId === producerId &&
      metadata.producerEpoch === producerEpoch;
    if (!isUnchanged) return Errors.CONCURRENT_TRANSACTIONS;
    return metadata.prepareProducerIdRotation(newProducerId, timeoutMs, this.#clock.nowMs(), recordLastEpoch);
  }

  /** Aborts what the fenced session left open. @returns CONCURRENT_TRANSACTIONS when it went well: the client shall ask again */
  async #fence(transactionalId: string, { producerId, producerEpoch }: TransitMetadata): Promise<ErrorCode> {
    const code = await this.#end({ transactionalId, producerId, producerEpoch }, 'abort', 'coordinator');
    return code === Errors.NONE ? Errors.CONCURRENT_TRANSACTIONS : code;
  }

  /** Makes `partitions` part of the open transaction, opening one where none is.
   *  @returns one code for all partitions */
  async addPartitions(producer: TransactionProducer, partitions: readonly TopicPartition[]): Promise<ErrorCode> {
    const found = this.#find(producer.transactionalId);
    if (typeof found === 'number') return found;
    const { metadata } = found;
    const refusal = refuseAdd(metadata, producer);
    if (refusal !== Errors.NONE) return refusal;
    if (metadata.state === 'Ongoing' && partitions.every((tp) => metadata.partitions.has(tp))) return Errors.NONE;
    return this.#state.append(found, metadata.prepareAddPartitions(partitions, this.#clock.nowMs()));
  }

  /** Is each of `partitions` part of the producer's open transaction? A leader asks before it takes the first record (KIP-890).
   *  @returns one code for all, or a code per partition */
  verifyPartitions(producer: TransactionProducer, partitions: readonly TopicPartition[]): ErrorCode | ErrorCode[] {
    const found = this.#find(producer.transactionalId);
    if (typeof found === 'number') return found;
    const { metadata } = found;
    if (metadata.producerId !== producer.producerId) return Errors.INVALID_PRODUCER_ID_MAPPING;
    if (metadata.producerEpoch !== producer.producerEpoch) return Errors.PRODUCER_FENCED;
    if (metadata.state === 'PrepareCommit' || metadata.state === 'PrepareAbort') return Errors.CONCURRENT_TRANSACTIONS;
    return partitions.map((tp) => (metadata.partitions.has(tp) ? Errors.NONE : Errors.TRANSACTION_ABORTABLE));
  }

  /** Ends the producer's transaction. Answers once the decision is in the log; markers follow. */
  async endTransaction(producer: TransactionProducer, result: TransactionResult): Promise<ErrorCode> {
    return this.#end(producer, result, 'client');
  }

  /** For DescribeTransactions: the id's metadata, or why it cannot be told. */
  describe(transactionalId: string): TransactionMetadata | ErrorCode {
    if (transactionalId === '') return Errors.INVALID_REQUEST;
    const found = this.#state.get(transactionalId);
    if (typeof found === 'number') return found;
    return found === undefined || found.metadata.state === 'Dead' ? Errors.TRANSACTIONAL_ID_NOT_FOUND : found.metadata;
  }

  /** For ListTransactions: every id this broker coordinates that passes the filters; an empty filter lets everything pass.
   *  @returns COORDINATOR_LOAD_IN_PROGRESS while a part of the log is still being read */
  list({ states, producerIds, runningAtLeastMs }: TransactionFilter): TransactionMetadata[] | ErrorCode {
    if (this.#state.isLoading()) return Errors.COORDINATOR_LOAD_IN_PROGRESS;
    const nowMs = this.#clock.nowMs();
    return Array.from(this.#state.all(), ({ metadata }) => metadata).filter(
      (metadata) =>
        metadata.state !== 'Dead' &&
        (states.size === 0 || states.has(metadata.state)) &&
        (producerIds.size === 0 || producerIds.has(metadata.producerId)) &&
        (runningAtLeastMs < 0 || nowMs - metadata.startTimestampMs > runningAtLeastMs),
    );
  }

  #find(transactionalId: string): CoordinatedTransaction | ErrorCode {
    if (transactionalId === '') return Errors.INVALID_REQUEST;
    return this.#state.get(transactionalId) ?? Errors.INVALID_PRODUCER_ID_MAPPING;
  }

  async #end(
    producer: TransactionProducer,
    result: TransactionResult,
    origin: 'client' | 'coordinator',
  ): Promise<ErrorCode> {
    const found = this.#find(producer.transactionalId);
    if (typeof found === 'number') return found;
    const decision = this.#decide(found.metadata, producer, result, origin);
    if (typeof decision === 'number') return decision;
    const { transit, isEpochFence } = decision;
    const code = await this.#state.append(found, transit);
    if (code === Errors.NONE) this.#inBackground(this.#finish(found));
    else if (isEpochFence) found.metadata.hasFailedEpochFence = true;
    return code;
  }

  #decide(
    metadata: TransactionMetadata,
    producer: TransactionProducer,
    result: TransactionResult,
    origin: 'client' | 'coordinator',
  ): { transit: TransitMetadata; isEpochFence: boolean } | ErrorCode {
    if (metadata.producerId !== producer.producerId) return Errors.INVALID_PRODUCER_ID_MAPPING;
    const isFenced =
      origin === 'client'
        ? producer.producerEpoch !== metadata.producerEpoch
        : producer.producerEpoch < metadata.producerEpoch;
    if (isFenced) return Errors.PRODUCER_FENCED;
    const isEpochFence = metadata.pendingState === 'PrepareEpochFence' && origin === 'coordinator';
    if (metadata.pendingState !== undefined && !isEpochFence) return Errors.CONCURRENT_TRANSACTIONS;
    if (metadata.state !== 'Ongoing') return answerEndWhenNotOngoing(metadata, result);
    if (isEpochFence) {
      // The raised epoch goes into the log together with the decision to abort.
      metadata.pendingState = undefined;
      metadata.producerEpoch = producer.producerEpoch;
      metadata.lastProducerEpoch = NO_PRODUCER_EPOCH;
    }
    const state = result === 'commit' ? 'PrepareCommit' : 'PrepareAbort';
    return { transit: metadata.prepareAbortOrCommit(state, this.#clock.nowMs()), isEpochFence };
  }

  /** Writes the markers of a decided transaction and then its completion. Gives up only when another broker took over. */
  async #finish(transaction: CoordinatedTransaction): Promise<void> {
    const { metadata, coordinatorEpoch } = transaction;
    const isWritten = await this.#markers.send({
      transactionalId: metadata.transactionalId,
      producerId: metadata.producerId,
      producerEpoch: metadata.producerEpoch,
      result: metadata.state === 'PrepareCommit' ? 'commit' : 'abort',
      coordinatorEpoch,
      partitions: metadata.partitions,
    });
    if (!isWritten) return;
    await this.#complete(transaction);
  }

  async #complete(transaction: CoordinatedTransaction): Promise<void> {
    const { metadata } = transaction;
    if (metadata.pendingState !== undefined) return;
    const transit = metadata.prepareComplete(this.#clock.nowMs());
    // A log that cannot be written to, for want of space perhaps, is still ours.
    const isToBeRepeated = (error: ErrorCode): boolean =>
      error === Errors.COORDINATOR_NOT_AVAILABLE ||
      (error === Errors.NOT_COORDINATOR && this.#state.isOwned(transaction));
    while (isToBeRepeated(await this.#state.append(transaction, transit, isToBeRepeated))) {
      if (!(await this.#markers.backOff())) return;
    }
  }

  /** Fences and aborts every transaction that has been open longer than its producer asked for. */
  async abortTimedOutTransactions(): Promise<void> {
    for (const { metadata } of this.#state.timedOut()) {
      if (metadata.pendingState !== undefined || metadata.state !== 'Ongoing') continue;
      const { transactionalId } = metadata;
      const { producerId, producerEpoch } = metadata.prepareFenceProducerEpoch();
      const code = await this.#end({ transactionalId, producerId, producerEpoch }, 'abort', 'coordinator');
      this.#logger.info('aborted a transaction that timed out', { transactionalId, error: errorName(code) });
      if (metadata.pendingState === 'PrepareEpochFence') metadata.pendingState = undefined;
    }
  }

  #repeat(name: string, intervalMs: number, task: () => Promise<void>): void {
    const run = async () => {
      try {
        await task();
      } catch (error) {
        this.#logger.error(`could not ${name}`, { error });
      }
      if (this.#isRunning) this.#repeat(name, intervalMs, task);
    };
    this.#timers.set(
      name,
      this.#clock.schedule(intervalMs, () => this.#inBackground(run())),
    );
  }

  #inBackground(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => this.#logger.error('the transaction coordinator failed in the background', { error }))
      .finally(() => this.#underway.delete(tracked));
    this.#underway.add(tracked);
  }
}

function failed(errorCode: ErrorCode): InitProducerIdResult {
  return { errorCode, producerId: NO_PRODUCER_ID, producerEpoch: NO_PRODUCER_EPOCH };
}

function refuseAdd(metadata: TransactionMetadata, producer: ProducerIdAndEpoch): ErrorCode {
  if (metadata.producerId !== producer.producerId) return Errors.INVALID_PRODUCER_ID_MAPPING;
  if (metadata.producerEpoch !== producer.producerEpoch) return Errors.PRODUCER_FENCED;
  if (metadata.pendingState !== undefined) return Errors.CONCURRENT_TRANSACTIONS;
  const isEnding = metadata.state === 'PrepareCommit' || metadata.state === 'PrepareAbort';
  return isEnding ? Errors.CONCURRENT_TRANSACTIONS : Errors.NONE;
}

/** A repeated EndTxn with the same outcome is fine, one with the other outcome is not. */
function answerEndWhenNotOngoing({ state }: TransactionMetadata, result: TransactionResult): ErrorCode {
  switch (state) {
    case 'CompleteCommit':
      return result === 'commit' ? Errors.NONE : Errors.INVALID_TXN_STATE;
    case 'CompleteAbort':
      return result === 'abort' ? Errors.NONE : Errors.INVALID_TXN_STATE;
    case 'PrepareCommit':
      return result === 'commit' ? Errors.CONCURRENT_TRANSACTIONS : Errors.INVALID_TXN_STATE;
    case 'PrepareAbort':
      return result === 'abort' ? Errors.CONCURRENT_TRANSACTIONS : Errors.INVALID_TXN_STATE;
    default:
      return Errors.INVALID_TXN_STATE;
  }
}
