// What the batches of one append mean for their producers, before anything is written.
// Source: Kafka's UnifiedLog.analyzeAndValidateProducerState (3.9).

import { Errors, KafkaError } from '@ottla/base';
import { type AppendOrigin, batchAt } from '@ottla/records';
import type { LogSegment } from './log-segment.ts';
import type { CompletedTransaction, ProducerAppendInfo } from './producer-append-info.ts';
import type { BatchMetadata } from './producer-state-entry.ts';
import type { ProducerStateManager, VerificationGuard } from './producer-state-manager.ts';
import type { AbortedTransaction } from './transaction-index.ts';

export interface ProducerAnalysis {
  /** What changes if the append succeeds, by producer id. */
  readonly updates: ReadonlyMap<number, ProducerAppendInfo>;
  /** Transactions that markers among the batches end. */
  readonly completed: readonly CompletedTransaction[];
  /** The producer sent this before: nothing is to be written. */
  readonly duplicate: BatchMetadata | undefined;
}

/** No batch had a producer id. */
export const NO_PRODUCERS: ProducerAnalysis = { updates: new Map(), completed: [], duplicate: undefined };

const NO_TRANSACTIONS: readonly AbortedTransaction[] = [];

export interface ProducerAnalysisOptions {
  readonly producerStateManager: ProducerStateManager;
  /** Where the batches will be appended. */
  readonly segment: LogSegment;
  readonly origin: AppendOrigin;
  readonly verificationGuard: VerificationGuard | undefined;
  /** transaction.partition.verification.enable */
  readonly isVerificationRequired: boolean;
  /** For messages. */
  readonly partition: string;
}

/** @param records with their offsets assigned
 *  @throws KafkaError OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH, INVALID_TXN_STATE, TRANSACTION_COORDINATOR_FENCED */
export function analyzeProducers(records: Buffer, options: ProducerAnalysisOptions): ProducerAnalysis {
  const { producerStateManager, segment, origin } = options;
  const updates = new Map<number, ProducerAppendInfo>();
  const completed: CompletedTransaction[] = [];
  let position = 0;
  for (let batch = batchAt(records, 0); batch !== undefined; batch = batchAt(records, position)) {
    const relativePositionInSegment = segment.sizeInBytes + position;
    position += batch.sizeInBytes;
    if (!batch.hasProducerId) continue;
    const { producerId } = batch;
    if (origin === 'client') {
      const duplicate = producerStateManager.lastEntry(producerId)?.findDuplicate(batch);
      if (duplicate !== undefined) return { updates, completed, duplicate };
      if (batch.isTransactional) ensureVerified(producerId, options);
    }
    const update = updates.get(producerId) ?? producerStateManager.prepareUpdate(producerId, origin);
    updates.set(producerId, update);
    const ended = update.append(batch, {
      messageOffset: batch.baseOffset,
      segmentBaseOffset: segment.baseOffset,
      relativePositionInSegment,
    });
    if (ended !== undefined) completed.push(ended);
  }
  return { updates, completed, duplicate: undefined };
}

/** The index entries of the transactions that the append aborts, before its producers are noted. */
export function abortedTransactions(
  { updates, completed }: ProducerAnalysis,
  producerStateManager: ProducerStateManager,
): readonly AbortedTransaction[] {
  if (completed.length === 0) return NO_TRANSACTIONS;
  const ongoing = new Set(producerStateManager.ongoingTransactionOffsets);
  for (const { startedTransactions } of updates.values()) {
    for (const { firstOffset } of startedTransactions) ongoing.add(firstOffset.messageOffset);
  }
  const aborted: AbortedTransaction[] = [];
  for (const { producerId, firstOffset, lastOffset, isAborted } of completed) {
    ongoing.delete(firstOffset);
    if (!isAborted) continue;
    let first: number | undefined;
    for (const offset of ongoing) if (first === undefined || offset < first) first = offset;
    aborted.push({ producerId, firstOffset, lastOffset, lastStableOffset: first ?? lastOffset + 1 });
  }
  return aborted;
}

/** The first batch of a transaction carries the guard of its verification (KIP-890). */
function ensureVerified(producerId: number, options: ProducerAnalysisOptions): void {
  const { producerStateManager, verificationGuard } = options;
  if (!options.isVerificationRequired || producerStateManager.hasOngoingTransaction(producerId)) return;
  const expected = producerStateManager.verificationGuardOf(producerId);
  if (verificationGuard !== undefined && verificationGuard === expected) return;
  throw new KafkaError(
    Errors.INVALID_TXN_STATE,
    `producer ${producerId} wrote to ${options.partition} without its transaction having been verified`,
  );
}
