// Which transactions' records compaction walks past, so that records of aborted ones go, and a marker goes only after everything
// its transaction wrote. Source: Kafka's CleanedTransactionMetadata (3.9).

import { controlRecordType, type RecordBatch } from '@ottla/records';
import type { AbortedTransaction, TransactionIndex } from './transaction-index.ts';

interface OngoingAborted {
  readonly transaction: AbortedTransaction;
  /** A batch of it was met. */
  isSeen: boolean;
}

export class CleanedTransactionMetadata {
  /** Producers whose open transaction was met and is not known to be aborted. */
  readonly #ongoingCommitted = new Set<number>();
  readonly #ongoingAborted = new Map<number, OngoingAborted>();
  /** Not reached yet, by first offset. */
  #upcoming: AbortedTransaction[] = [];
  readonly #known = new Set<number>();
  /** Where aborted transactions that still have records are noted. */
  cleanedIndex: TransactionIndex | undefined;

  addAbortedTransactions(transactions: readonly AbortedTransaction[]): void {
    for (const transaction of transactions) {
      // One that spans segments is found in each of them.
      if (this.#known.has(transaction.lastOffset)) continue;
      this.#known.add(transaction.lastOffset);
      this.#upcoming.push(transaction);
    }
    this.#upcoming.sort((a, b) => a.firstOffset - b.firstOffset);
  }

  /** @returns whether nothing of its transaction is left, so that the marker may go */
  onControlBatchRead(batch: RecordBatch): boolean {
    this.#consumeUpTo(batch.lastOffset);
    const [marker] = batch.records();
    if (marker === undefined) return true;
    switch (controlRecordType(marker)) {
      case 'abort':
        return this.#onAbort(batch.producerId);
      case 'commit':
        return !this.#ongoingCommitted.delete(batch.producerId);
      default:
        return false;
    }
  }

  /** @returns whether the batch belongs to an aborted transaction */
  onBatchRead(batch: RecordBatch): boolean {
    this.#consumeUpTo(batch.lastOffset);
    if (!batch.isTransactional) return false;
    const aborted = this.#ongoingAborted.get(batch.producerId);
    if (aborted === undefined) {
      this.#ongoingCommitted.add(batch.producerId);
      return false;
    }
    aborted.isSeen = true;
    return true;
  }

  #onAbort(producerId: number): boolean {
    const aborted = this.#ongoingAborted.get(producerId);
    this.#ongoingAborted.delete(producerId);
    if (aborted === undefined || !aborted.isSeen) return true;
    this.cleanedIndex?.append(aborted.transaction);
    return false;
  }

  #consumeUpTo(offset: number): void {
    for (let next = this.#upcoming[0]; next !== undefined && next.firstOffset <= offset; next = this.#upcoming[0]) {
      this.#upcoming.shift();
      if (!this.#ongoingAborted.has(next.producerId)) {
        this.#ongoingAborted.set(next.producerId, { transaction: next, isSeen: false });
      }
    }
  }
}
