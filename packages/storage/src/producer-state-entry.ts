// What a partition remembers of one producer: its epoch, its last five batches (so that a repeated one is recognised), and its open
// transaction. Source: Kafka's ProducerStateEntry and BatchMetadata (3.9).

import { NO_PRODUCER_EPOCH, NO_SEQUENCE, NO_TIMESTAMP, type RecordBatch } from '@ottla/records';

const BATCHES_RETAINED = 5;
const SEQUENCE_MAX = 0x7fffffff;

export interface BatchMetadata {
  readonly lastSequence: number;
  readonly lastOffset: number;
  /** lastOffset − first offset. */
  readonly offsetDelta: number;
  readonly timestamp: number;
}

/** The first sequence of a batch, on the ring [0, 2^31). */
export function firstSequenceOf(batch: BatchMetadata): number {
  const first = batch.lastSequence - batch.offsetDelta;
  return first >= 0 ? first : first + SEQUENCE_MAX + 1;
}

export class ProducerStateEntry {
  readonly producerId: number;
  producerEpoch: number;
  coordinatorEpoch: number;
  lastTimestamp: number;
  /** Of the open transaction. */
  currentTxnFirstOffset: number | undefined;
  /** Oldest first, at most BATCHES_RETAINED, all of `producerEpoch`. */
  batches: BatchMetadata[] = [];

  constructor(
    producerId: number,
    state: {
      producerEpoch: number;
      coordinatorEpoch: number;
      lastTimestamp: number;
      currentTxnFirstOffset: number | undefined;
    } = {
      producerEpoch: NO_PRODUCER_EPOCH,
      coordinatorEpoch: -1,
      lastTimestamp: NO_TIMESTAMP,
      currentTxnFirstOffset: undefined,
    },
  ) {
    this.producerId = producerId;
    this.producerEpoch = state.producerEpoch;
    this.coordinatorEpoch = state.coordinatorEpoch;
    this.lastTimestamp = state.lastTimestamp;
    this.currentTxnFirstOffset = state.currentTxnFirstOffset;
  }

  get isEmpty(): boolean {
    return this.batches.length === 0;
  }

  get lastBatch(): BatchMetadata | undefined {
    return this.batches[this.batches.length - 1];
  }

  get firstSequence(): number {
    const first = this.batches[0];
    return first === undefined ? NO_SEQUENCE : firstSequenceOf(first);
  }

  get lastSequence(): number {
    return this.lastBatch?.lastSequence ?? NO_SEQUENCE;
  }

  get firstDataOffset(): number {
    const first = this.batches[0];
    return first === undefined ? -1 : first.lastOffset - first.offsetDelta;
  }

  get lastDataOffset(): number {
    return this.lastBatch?.lastOffset ?? -1;
  }

  get lastOffsetDelta(): number {
    return this.lastBatch?.offsetDelta ?? 0;
  }

  addBatch(producerEpoch: number, batch: BatchMetadata): void {
    this.maybeUpdateEpoch(producerEpoch);
    this.#addBatch(batch);
    this.lastTimestamp = batch.timestamp;
  }

  /** Batches of another epoch are forgotten. */
  maybeUpdateEpoch(producerEpoch: number): void {
    if (this.producerEpoch === producerEpoch) return;
    this.batches = [];
    this.producerEpoch = producerEpoch;
  }

  /** Takes over what `next` gained. */
  update(next: ProducerStateEntry): void {
    this.maybeUpdateEpoch(next.producerEpoch);
    for (const batch of next.batches) this.#addBatch(batch);
    this.coordinatorEpoch = next.coordinatorEpoch;
    this.currentTxnFirstOffset = next.currentTxnFirstOffset;
    this.lastTimestamp = next.lastTimestamp;
  }

  /** The batch of ours that `batch` repeats. */
  findDuplicate(batch: RecordBatch): BatchMetadata | undefined {
    if (batch.producerEpoch !== this.producerEpoch) return undefined;
    const { baseSequence, lastSequence } = batch;
    return this.batches.find((known) => known.lastSequence === lastSequence && firstSequenceOf(known) === baseSequence);
  }

  #addBatch(batch: BatchMetadata): void {
    if (this.batches.length === BATCHES_RETAINED) this.batches.shift();
    this.batches.push(batch);
  }
}
