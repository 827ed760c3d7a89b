// What the coordinator knows of one transactional id, and the transitions it may make. Pure: a transition is first prepared (what the
// log shall say), then completed once the log says it; in between the id has a pending state and refuses everything else.
// Source: kafka.coordinator.transaction.TransactionMetadata, KIP-98, KIP-360.

import { assert, type ErrorCode, Errors, type TopicPartition } from '@ottla/base';
import { NO_PRODUCER_EPOCH, NO_PRODUCER_ID } from '@ottla/records';
import { TransactionPartitions } from './transaction-partitions.ts';
import { canFollow, type TransactionState } from './transaction-state.ts';

const EPOCH_MAX = 32767;

/** The highest epoch a client may hold; the last one is kept for the coordinator, which must be able to fence it. */
export function isEpochExhausted(producerEpoch: number): boolean {
  return producerEpoch >= EPOCH_MAX - 1;
}

/** What a transition will make of the id: exactly what goes into the log. */
export interface TransitMetadata {
  readonly producerId: number;
  readonly lastProducerId: number;
  readonly producerEpoch: number;
  readonly lastProducerEpoch: number;
  readonly timeoutMs: number;
  readonly state: TransactionState;
  readonly partitions: TransactionPartitions;
  /** Wall clock; −1 while no transaction is open. */
  readonly startTimestampMs: number;
  readonly lastUpdateTimestampMs: number;
}

export interface ProducerIdAndEpoch {
  readonly producerId: number;
  readonly producerEpoch: number;
}

export class TransactionMetadata {
  readonly transactionalId: string;
  producerId: number;
  /** The id before the last rotation, so that a client that missed the answer can ask again. */
  lastProducerId: number;
  producerEpoch: number;
  /** The epoch before the last bump that a client asked for. */
  lastProducerEpoch: number;
  timeoutMs: number;
  state: TransactionState;
  partitions: TransactionPartitions;
  startTimestampMs: number;
  lastUpdateTimestampMs: number;
  /** The state that is on its way to the log; while it is set no other transition may begin. */
  pendingState: TransactionState | undefined;
  /** A fencing bump could not be written: the epoch in memory is already the raised one and must not be raised again. */
  hasFailedEpochFence = false;

  constructor(transactionalId: string, initial: TransitMetadata) {
    this.transactionalId = transactionalId;
    this.producerId = initial.producerId;
    this.lastProducerId = initial.lastProducerId;
    this.producerEpoch = initial.producerEpoch;
    this.lastProducerEpoch = initial.lastProducerEpoch;
    this.timeoutMs = initial.timeoutMs;
    this.state = initial.state;
    this.partitions = initial.partitions;
    this.startTimestampMs = initial.startTimestampMs;
    this.lastUpdateTimestampMs = initial.lastUpdateTimestampMs;
  }

  /** A transactional id that was just seen for the first time: it has a producer id but no epoch yet. */
  static create(transactionalId: string, producerId: number, timeoutMs: number, nowMs: number): TransactionMetadata {
    return new TransactionMetadata(transactionalId, {
      producerId,
      lastProducerId: NO_PRODUCER_ID,
      producerEpoch: NO_PRODUCER_EPOCH,
      lastProducerEpoch: NO_PRODUCER_EPOCH,
      timeoutMs,
      state: 'Empty',
      partitions: new TransactionPartitions(),
      startTimestampMs: -1,
      lastUpdateTimestampMs: nowMs,
    });
  }

  get isProducerEpochExhausted(): boolean {
    return isEpochExhausted(this.producerEpoch);
  }

  /** May the holder of `expected` initialise again? It may when it is current, when the id is new, or when it missed the answer to a
   *  rotation away from its exhausted id. */
  isValidProducer(expected: ProducerIdAndEpoch): boolean {
    return (
      this.producerEpoch === NO_PRODUCER_EPOCH ||
      expected.producerId === this.producerId ||
      (expected.producerId === this.lastProducerId && isEpochExhausted(expected.producerEpoch))
    );
  }

  /** A new session of the same producer: the epoch goes up by one, unless the client repeats a request whose answer it missed.
   *  @param expectedEpoch the epoch the client believes it has; undefined when it says none
   *  @returns PRODUCER_FENCED when another session took over */
  prepareIncrementProducerEpoch(
    timeoutMs: number,
    expectedEpoch: number | undefined,
    nowMs: number,
  ): TransitMetadata | ErrorCode {
    const epochs = this.#nextEpochs(expectedEpoch);
    if (epochs === undefined) return Errors.PRODUCER_FENCED;
    return this.#prepare('Empty', {
      ...epochs,
      timeoutMs,
      partitions: new TransactionPartitions(),
      lastUpdateTimestampMs: nowMs,
    });
  }

  /** undefined: `expected` is neither the current epoch nor the one before it. */
  #nextEpochs(expected: number | undefined): { producerEpoch: number; lastProducerEpoch: number } | undefined {
    if (expected === undefined) return { producerEpoch: this.#bumpedEpoch(), lastProducerEpoch: NO_PRODUCER_EPOCH };
    if (this.producerEpoch === NO_PRODUCER_EPOCH || expected === this.producerEpoch) {
      return { producerEpoch: this.#bumpedEpoch(), lastProducerEpoch: this.producerEpoch };
    }
    if (expected === this.lastProducerEpoch) {
      return { producerEpoch: this.producerEpoch, lastProducerEpoch: this.lastProducerEpoch };
    }
    return undefined;
  }

  #bumpedEpoch(): number {
    assert(!this.isProducerEpochExhausted, `epoch ${this.producerEpoch} of ${this.transactionalId} cannot go up`);
    return this.producerEpoch + 1;
  }

  /** The epochs are used up: a fresh producer id starts at epoch 0.
   *  @param recordLastEpoch whether the client said who it was and may ask again */
  prepareProducerIdRotation(
    newProducerId: number,
    timeoutMs: number,
    nowMs: number,
    recordLastEpoch: boolean,
  ): TransitMetadata {
    assert(this.pendingState === undefined, `${this.transactionalId} cannot rotate while a transition is pending`);
    return this.#prepare('Empty', {
      producerId: newProducerId,
      lastProducerId: this.producerId,
      producerEpoch: 0,
      lastProducerEpoch: recordLastEpoch ? this.producerEpoch : NO_PRODUCER_EPOCH,
      timeoutMs,
      partitions: new TransactionPartitions(),
      lastUpdateTimestampMs: nowMs,
    });
  }

  /** Shuts out a producer that left a transaction open: its epoch goes up, then the transaction is aborted. */
  prepareFenceProducerEpoch(): TransitMetadata {
    assert(this.producerEpoch < EPOCH_MAX, `epoch ${this.producerEpoch} of ${this.transactionalId} cannot be fenced`);
    const producerEpoch = this.hasFailedEpochFence ? this.producerEpoch : this.producerEpoch + 1;
    return this.#prepare('PrepareEpochFence', { producerEpoch, lastProducerEpoch: NO_PRODUCER_EPOCH });
  }

  prepareAddPartitions(added: Iterable<TopicPartition>, nowMs: number): TransitMetadata {
    return this.#prepare('Ongoing', {
      partitions: this.partitions.with(added),
      startTimestampMs: this.state === 'Ongoing' ? this.startTimestampMs : nowMs,
      lastUpdateTimestampMs: nowMs,
    });
  }

  prepareAbortOrCommit(state: 'PrepareCommit' | 'PrepareAbort', nowMs: number): TransitMetadata {
    return this.#prepare(state, { lastUpdateTimestampMs: nowMs });
  }

  prepareComplete(nowMs: number): TransitMetadata {
    this.hasFailedEpochFence = false;
    return this.#prepare(this.state === 'PrepareCommit' ? 'CompleteCommit' : 'CompleteAbort', {
      partitions: new TransactionPartitions(),
      lastUpdateTimestampMs: nowMs,
    });
  }

  prepareDead(): TransitMetadata {
    return this.#prepare('Dead', { partitions: new TransactionPartitions() });
  }

  /** Takes over what the log now says. */
  completeTransitionTo(transit: TransitMetadata): void {
    assert(
      this.pendingState === transit.state,
      `${this.transactionalId} completes ${transit.state} while ${this.pendingState ?? 'nothing'} is pending`,
    );
    this.pendingState = undefined;
    this.producerId = transit.producerId;
    this.lastProducerId = transit.lastProducerId;
    this.producerEpoch = transit.producerEpoch;
    this.lastProducerEpoch = transit.lastProducerEpoch;
    this.timeoutMs = transit.timeoutMs;
    this.state = transit.state;
    this.partitions = transit.partitions;
    this.startTimestampMs = transit.startTimestampMs;
    this.lastUpdateTimestampMs = transit.lastUpdateTimestampMs;
  }

  #prepare(state: TransactionState, changes: Partial<TransitMetadata>): TransitMetadata {
    assert(
      this.pendingState === undefined,
      `${this.transactionalId} prepares ${state} while ${this.pendingState} is pending`,
    );
    assert(canFollow(state, this.state), `${this.transactionalId} cannot go from ${this.state} to ${state}`);
    const transit: TransitMetadata = {
      producerId: this.producerId,
      lastProducerId: this.lastProducerId,
      producerEpoch: this.producerEpoch,
      lastProducerEpoch: this.lastProducerEpoch,
      timeoutMs: this.timeoutMs,
      partitions: this.partitions,
      startTimestampMs: this.startTimestampMs,
      lastUpdateTimestampMs: this.lastUpdateTimestampMs,
      ...changes,
      state,
    };
    assert(
      transit.producerId >= 0 && transit.producerEpoch >= 0,
      `${this.transactionalId} has no producer id or epoch`,
    );
    this.pendingState = state;
    return transit;
  }
}
