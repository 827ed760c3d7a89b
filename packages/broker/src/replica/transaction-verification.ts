// Before the first batch of a transaction enters a partition, its coordinator is asked whether the partition takes part in it: a batch that
// comes after the transaction ended would never get a marker. Source: KIP-890 (part 1), kafka.server.ReplicaManager
// (maybeStartTransactionVerificationForPartitions), AddPartitionsToTxnManager.

import { type ErrorCode, Errors, errorName } from '@ottla/base';
import { batchAt, CorruptRecordError, type RecordBatch } from '@ottla/records';
import type { VerificationGuard } from '@ottla/storage';
import type { TransactionVerifier } from '../transaction-verifier.ts';
import type { HostedPartitions } from './hosted-partitions.ts';
import { type AppendEntry, type AppendResult, failedAppend } from './replica-append.ts';

/** Verification may fail for a moment, in ways that old producers take for the end. They repeat on this code, without a metadata refresh. */
const RETRIED_AS_NOT_ENOUGH_REPLICAS: ReadonlySet<ErrorCode> = new Set([
  Errors.CONCURRENT_TRANSACTIONS,
  Errors.NETWORK_EXCEPTION,
  Errors.COORDINATOR_LOAD_IN_PROGRESS,
  Errors.COORDINATOR_NOT_AVAILABLE,
  Errors.NOT_COORDINATOR,
]);

/** What verification made of an entry: something to append, or an answer already. */
export type VerifiedEntry = { readonly entry: AppendEntry } | { readonly refusal: AppendResult };

interface Check {
  readonly guard: VerificationGuard;
  readonly producer: { readonly producerId: number; readonly producerEpoch: number };
}

export class TransactionVerification {
  readonly #hosted: HostedPartitions;
  readonly #verifier: TransactionVerifier;

  constructor(parts: { hosted: HostedPartitions; verifier: TransactionVerifier }) {
    this.#hosted = parts.hosted;
    this.#verifier = parts.verifier;
  }

  /** undefined: nothing is to be verified, all may be appended at once. */
  verify(
    entries: readonly AppendEntry[],
    options: { transactionalId: string; apiVersion: number },
  ): Promise<VerifiedEntry[]> | undefined {
    const checks = entries.map((entry) => this.#start(entry));
    if (checks.every((check) => check === undefined)) return undefined;
    // The records are lent until the handler returns, and they are appended later.
    const kept = entries.map((entry) => ({ ...entry, records: Buffer.from(entry.records) }));
    return Promise.all(
      kept.map(async (entry, index): Promise<VerifiedEntry> => {
        const check = checks[index];
        return check === undefined ? { entry } : this.#finish(entry, check, options);
      }),
    );
  }

  #start(entry: AppendEntry): Check | undefined {
    const log = this.#hosted.online(entry.topic, entry.partition)?.log;
    const batch = batchAtStart(entry.records);
    if (log === undefined || batch === undefined || !batch.isTransactional || !batch.hasProducerId) return undefined;
    const { producerId, producerEpoch, baseSequence } = batch;
    const guard = log.maybeStartTransactionVerification(producerId, baseSequence, producerEpoch);
    return guard && { guard, producer: { producerId, producerEpoch } };
  }

  async #finish(
    entry: AppendEntry,
    check: Check,
    { transactionalId, apiVersion }: { transactionalId: string; apiVersion: number },
  ): Promise<VerifiedEntry> {
    const tp = { topic: entry.topic, partition: entry.partition };
    const code = await this.#verifier.verify(transactionalId, check.producer, tp, { apiVersion });
    if (code === Errors.NONE) return { entry: { ...entry, verificationGuard: check.guard } };
    return { refusal: refusalOf(entry.partition, code) };
  }
}

/** Bytes that are no batch are for the log to refuse. */
function batchAtStart(records: Buffer): RecordBatch | undefined {
  try {
    return batchAt(records, 0);
  } catch (error) {
    if (error instanceof CorruptRecordError) return undefined;
    throw error;
  }
}

function refusalOf(index: number, code: ErrorCode): AppendResult {
  if (RETRIED_AS_NOT_ENOUGH_REPLICAS.has(code)) {
    const errorMessage = `Unable to verify the partition has been added to the transaction. Underlying error: ${errorName(code)}`;
    return { ...failedAppend(index, Errors.NOT_ENOUGH_REPLICAS), errorMessage };
  }
  const errorMessage = code === Errors.INVALID_TXN_STATE ? 'Partition was not added to the transaction' : null;
  return { ...failedAppend(index, code), errorMessage };
}
