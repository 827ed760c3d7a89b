// Checks the batches of one append against what is known of their producer, and collects what changes if the append succeeds.
// Source: Kafka's ProducerAppendInfo and VerificationStateEntry (3.9).

import { Errors, KafkaError, type Logger } from '@ottla/base';
import {
  type AppendOrigin,
  type EndTransactionMarker,
  NO_PRODUCER_EPOCH,
  NO_SEQUENCE,
  type RecordBatch,
  readEndTransactionMarker,
} from '@ottla/records';
import { type LogOffsetMetadata, offsetOnly } from './log-offset-metadata.ts';
import { ProducerStateEntry } from './producer-state-entry.ts';

const SEQUENCE_MAX = 0x7fffffff;

/** A transaction a producer has begun in the partition. */
export interface OngoingTransaction {
  readonly producerId: number;
  readonly firstOffset: LogOffsetMetadata;
}

export interface CompletedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
  /** Of the marker. */
  readonly lastOffset: number;
  readonly isAborted: boolean;
}

export interface ProducerAppendInfoOptions {
  /** For messages. */
  readonly partition: string;
  readonly producerId: number;
  readonly current: ProducerStateEntry | undefined;
  readonly origin: AppendOrigin;
  readonly logger: Logger;
  /** While a first write is verified: no sequence above the lowest one seen may come first (KIP-890). */
  readonly lowestVerifiedSequence?: number | undefined;
}

export class ProducerAppendInfo {
  readonly producerId: number;
  readonly updatedEntry: ProducerStateEntry;
  readonly startedTransactions: OngoingTransaction[] = [];
  readonly #options: ProducerAppendInfoOptions;
  readonly #current: ProducerStateEntry;

  constructor(options: ProducerAppendInfoOptions) {
    this.#options = options;
    this.producerId = options.producerId;
    this.#current = options.current ?? new ProducerStateEntry(options.producerId);
    this.updatedEntry = new ProducerStateEntry(options.producerId, this.#current);
  }

  /** @param firstOffset where the batch will stand. @returns the transaction that the batch, a marker, ends
   *  @throws KafkaError INVALID_PRODUCER_EPOCH, OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_TXN_STATE, TRANSACTION_COORDINATOR_FENCED */
  append(batch: RecordBatch, firstOffset?: LogOffsetMetadata): CompletedTransaction | undefined {
    if (!batch.isControlBatch) {
      this.#appendDataBatch(batch, firstOffset ?? offsetOnly(batch.baseOffset));
      return undefined;
    }
    for (const record of batch.records()) {
      const marker = readEndTransactionMarker(record);
      return this.#appendEndTxnMarker(marker, batch.producerEpoch, batch.baseOffset, record.timestamp);
    }
    // A marker whose record the cleaner has dropped: an empty control batch.
    return undefined;
  }

  #appendDataBatch(batch: RecordBatch, firstOffset: LogOffsetMetadata): void {
    const { producerEpoch, lastOffset } = batch;
    this.#checkProducerEpoch(producerEpoch, firstOffset.messageOffset);
    if (this.#options.origin === 'client')
      this.#checkSequence(producerEpoch, batch.baseSequence, firstOffset.messageOffset);
    this.updatedEntry.addBatch(producerEpoch, {
      lastSequence: batch.lastSequence,
      lastOffset,
      offsetDelta: lastOffset - firstOffset.messageOffset,
      timestamp: batch.maxTimestamp,
    });
    const isOpen = this.updatedEntry.currentTxnFirstOffset !== undefined;
    if (isOpen && !batch.isTransactional) {
      throw this.#refuse(Errors.INVALID_TXN_STATE, `wrote outside its open transaction at offset ${batch.baseOffset}`);
    }
    if (!isOpen && batch.isTransactional) {
      this.updatedEntry.currentTxnFirstOffset = firstOffset.messageOffset;
      this.startedTransactions.push({ producerId: this.producerId, firstOffset });
    }
  }

  #appendEndTxnMarker(
    marker: EndTransactionMarker,
    producerEpoch: number,
    offset: number,
    timestamp: number,
  ): CompletedTransaction | undefined {
    this.#checkProducerEpoch(producerEpoch, offset);
    this.#checkCoordinatorEpoch(marker, offset);
    const firstOffset = this.updatedEntry.currentTxnFirstOffset;
    this.updatedEntry.maybeUpdateEpoch(producerEpoch);
    this.updatedEntry.coordinatorEpoch = marker.coordinatorEpoch;
    this.updatedEntry.lastTimestamp = timestamp;
    this.updatedEntry.currentTxnFirstOffset = undefined;
    // The marker of a transaction that wrote nothing here completes nothing.
    if (firstOffset === undefined) return undefined;
    return { producerId: this.producerId, firstOffset, lastOffset: offset, isAborted: marker.type === 'abort' };
  }

  #checkProducerEpoch(producerEpoch: number, offset: number): void {
    const known = this.updatedEntry.producerEpoch;
    if (producerEpoch >= known) return;
    const message = `epoch ${producerEpoch} at offset ${offset} is below the last seen ${known}`;
    if (this.#options.origin !== 'replication') throw this.#refuse(Errors.INVALID_PRODUCER_EPOCH, message);
    this.#options.logger.warn(this.#describe(message));
  }

  #checkCoordinatorEpoch(marker: EndTransactionMarker, offset: number): void {
    const known = this.updatedEntry.coordinatorEpoch;
    if (marker.coordinatorEpoch >= known) return;
    const message = `coordinator epoch ${marker.coordinatorEpoch} at offset ${offset} is below the last seen ${known}`;
    if (this.#options.origin !== 'replication') throw this.#refuse(Errors.TRANSACTION_COORDINATOR_FENCED, message);
    this.#options.logger.info(this.#describe(message));
  }

  #checkSequence(producerEpoch: number, baseSequence: number, offset: number): void {
    const { lowestVerifiedSequence } = this.#options;
    if (lowestVerifiedSequence !== undefined && baseSequence > lowestVerifiedSequence) {
      throw this.#outOfOrder(`sequence ${baseSequence} at offset ${offset} came before ${lowestVerifiedSequence}`);
    }
    const knownEpoch = this.updatedEntry.producerEpoch;
    if (producerEpoch !== knownEpoch) {
      if (baseSequence === 0 || knownEpoch === NO_PRODUCER_EPOCH) return;
      throw this.#outOfOrder(
        `sequence ${baseSequence} at offset ${offset} begins new epoch ${producerEpoch}, expected 0`,
      );
    }
    // Nothing known of the producer (its records were deleted, say): any sequence may begin.
    if (this.#current.producerEpoch === NO_PRODUCER_EPOCH) return;
    const lastSequence = this.#lastSequence(producerEpoch);
    if (isNextSequence(lastSequence, baseSequence)) return;
    throw this.#outOfOrder(`sequence ${baseSequence} at offset ${offset} does not follow ${lastSequence}`);
  }

  #lastSequence(producerEpoch: number): number {
    if (!this.updatedEntry.isEmpty) return this.updatedEntry.lastSequence;
    return producerEpoch === this.#current.producerEpoch ? this.#current.lastSequence : NO_SEQUENCE;
  }

  #outOfOrder(message: string): KafkaError {
    return this.#refuse(Errors.OUT_OF_ORDER_SEQUENCE_NUMBER, message);
  }

  #refuse(code: number, message: string): KafkaError {
    return new KafkaError(code, this.#describe(message));
  }

  #describe(message: string): string {
    return `producer ${this.producerId} of ${this.#options.partition}: ${message}`;
  }
}

function isNextSequence(lastSequence: number, next: number): boolean {
  return next === lastSequence + 1 || (next === 0 && lastSequence === SEQUENCE_MAX);
}
