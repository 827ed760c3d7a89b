// Appends records to partitions that this broker leads, and waits for their replicas where the producer asks for that.
// Source: kafka.server.ReplicaManager (appendRecords, appendToLocalLog).

import { type ErrorCode, Errors, type Logger, withOne } from '@ottla/base';
import { type AppendOrigin, InvalidRecordError } from '@ottla/records';
import type { LogAppendInfo, VerificationGuard } from '@ottla/storage';
import { isInternalTopic } from '../admin/topic-names.ts';
import { mapError } from '../server/error-mapping.ts';
import type { BrokerTopicStats } from './broker-topic-stats.ts';
import type { DelayedOperations } from './delayed-operations.ts';
import { DelayedProduce, isSettled, type PendingAppend } from './delayed-produce.ts';
import type { HostedPartitions } from './hosted-partitions.ts';
import type { Partition } from './partition.ts';

const UNKNOWN = -1;
const NONE: readonly never[] = [];

/** Records for one partition. */
export interface AppendEntry {
  readonly topic: string;
  readonly partition: number;
  /** Changed by the append: the log stamps offsets into them. */
  readonly records: Buffer;
  /** From the verification of the transaction the records belong to. */
  readonly verificationGuard?: VerificationGuard | undefined;
}

/** How an append went, in the fields of a produce response. */
export interface AppendResult {
  readonly index: number;
  errorCode: ErrorCode;
  /** -1: nothing was appended. */
  readonly baseOffset: number;
  /** -1 with CreateTime. */
  readonly logAppendTimeMs: number;
  readonly logStartOffset: number;
  readonly recordErrors: { batchIndex: number; batchIndexErrorMessage: string | null }[];
  readonly errorMessage: string | null;
}

export interface AppendRequest {
  readonly timeoutMs: number;
  /** 0, 1, or -1: all in-sync replicas. Anything else is refused. */
  readonly requiredAcks: number;
  readonly internalTopicsAllowed: boolean;
  readonly origin: AppendOrigin;
  readonly entries: readonly AppendEntry[];
}

/** What the appends of one request leave to do. Lists are made when something is to be put in. */
interface Aftermath {
  pending: PendingAppend[] | undefined;
  durable: Promise<void>[] | undefined;
  /** Whose log grew, the high watermark not with it. */
  grown: Partition[] | undefined;
  /** Whose high watermark moved. */
  advanced: Partition[] | undefined;
}

export class ReplicaAppend {
  readonly #hosted: HostedPartitions;
  readonly #delayed: DelayedOperations;
  readonly #stats: BrokerTopicStats;
  readonly #logger: Logger;

  constructor(parts: {
    hosted: HostedPartitions;
    delayed: DelayedOperations;
    stats: BrokerTopicStats;
    logger: Logger;
  }) {
    this.#hosted = parts.hosted;
    this.#delayed = parts.delayed;
    this.#stats = parts.stats;
    this.#logger = parts.logger;
  }

  /** One result for each entry, in order. The records are in the log on return; a promise only where replicas or the disk are waited for,
   *  and it never rejects. */
  appendRecords(request: AppendRequest): AppendResult[] | Promise<AppendResult[]> {
    const { entries, requiredAcks } = request;
    if (requiredAcks < -1 || requiredAcks > 1) {
      return entries.map(({ partition }) => failedAppend(partition, Errors.INVALID_REQUIRED_ACKS));
    }
    const aftermath: Aftermath = { pending: undefined, durable: undefined, grown: undefined, advanced: undefined };
    const results = new Array<AppendResult>(entries.length);
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i];
      if (entry !== undefined) results[i] = this.#append(entry, request, aftermath);
    }
    // Only now, so that a fetch that is woken sees the whole request.
    for (const partition of aftermath.advanced ?? NONE) this.#delayed.checkAndCompleteAll(partition);
    for (const partition of aftermath.grown ?? NONE) this.#delayed.checkAndCompleteFetch(partition);
    return this.#finish(results, aftermath, request);
  }

  #append(entry: AppendEntry, request: AppendRequest, aftermath: Aftermath): AppendResult {
    try {
      if (!request.internalTopicsAllowed && isInternalTopic(entry.topic)) {
        return failedAppend(entry.partition, Errors.INVALID_TOPIC_EXCEPTION);
      }
      this.#stats.all.totalProduceRequests.mark();
      const partition = this.#hosted.mustGet(entry.topic, entry.partition);
      this.#stats.of(entry.topic).totalProduceRequests.mark();
      const info = partition.appendRecordsToLeader(entry.records, {
        origin: request.origin,
        requiredAcks: request.requiredAcks,
        verificationGuard: entry.verificationGuard,
      });
      if (partition.maybeIncrementHighWatermark()) aftermath.advanced = withOne(aftermath.advanced, partition);
      else aftermath.grown = withOne(aftermath.grown, partition);
      if (info.sizeInBytes > 0) this.#stats.appended(entry.topic, sizeOf(info));
      const result = succeeded(entry.partition, info);
      if (request.requiredAcks === -1) addPending(aftermath, partition, info, result);
      if (info.durable !== undefined) {
        aftermath.durable = withOne(aftermath.durable, this.#awaitDisk(info.durable, entry, result));
      }
      return result;
    } catch (error) {
      return this.#failed(entry, error);
    }
  }

  #finish(results: AppendResult[], { pending, durable }: Aftermath, request: AppendRequest) {
    let waits = durable;
    if (pending !== undefined) {
      const delayedProduce = new DelayedProduce(request.timeoutMs, pending);
      const partitions = pending.map(({ partition }) => partition);
      this.#delayed.produce.tryCompleteElseWatch(delayedProduce, partitions);
      waits = withOne(waits, delayedProduce.result);
    }
    return waits === undefined ? results : Promise.all(waits).then(() => results);
  }

  async #awaitDisk(durable: Promise<void>, entry: AppendEntry, result: AppendResult): Promise<void> {
    try {
      await durable;
    } catch (error) {
      result.errorCode = this.#failed(entry, error).errorCode;
    }
  }

  #failed(entry: AppendEntry, error: unknown): AppendResult {
    const { code, message, isExpected } = mapError(error);
    const { topic, partition } = entry;
    if (!isExpected) this.#logger.error('error processing append operation', { topic, partition, error });
    const hosted = this.#hosted.online(topic, partition);
    if (hosted !== undefined) this.#countFailure(topic, code, entry.records.length);
    const logStartOffset = logStartOffsetAfter(code, hosted);
    if (!(error instanceof InvalidRecordError) || error.recordErrors.length === 0)
      return { ...failedAppend(partition, code), logStartOffset };
    return {
      ...failedAppend(partition, code),
      logStartOffset,
      recordErrors: error.recordErrors.map(({ batchIndex, message: batchIndexErrorMessage }) => ({
        batchIndex,
        batchIndexErrorMessage,
      })),
      errorMessage: message,
    };
  }

  /** Failures that Kafka knows to be the client's or the cluster's are not counted as the broker's. */
  #countFailure(topic: string, code: ErrorCode, sizeInBytes: number): void {
    for (const meters of [this.#stats.all, this.#stats.of(topic)]) {
      if (code === Errors.MESSAGE_TOO_LARGE || code === Errors.RECORD_LIST_TOO_LARGE) {
        meters.bytesRejected.mark(sizeInBytes);
      } else if (!REFUSALS_WITHOUT_LOG_START.has(code)) {
        meters.failedProduceRequests.mark();
      }
    }
  }
}

/** Kafka tells the log start offset along with refusals that are about the records, not with those about the partition. */
const REFUSALS_WITHOUT_LOG_START: ReadonlySet<ErrorCode> = new Set([
  Errors.UNKNOWN_TOPIC_OR_PARTITION,
  Errors.NOT_LEADER_OR_FOLLOWER,
  Errors.MESSAGE_TOO_LARGE,
  Errors.RECORD_LIST_TOO_LARGE,
  Errors.CORRUPT_MESSAGE,
  Errors.KAFKA_STORAGE_ERROR,
]);

function logStartOffsetAfter(code: ErrorCode, partition: Partition | undefined): number {
  return REFUSALS_WITHOUT_LOG_START.has(code) ? UNKNOWN : (partition?.log?.logStartOffset ?? UNKNOWN);
}

function addPending(aftermath: Aftermath, partition: Partition, info: LogAppendInfo, result: AppendResult): void {
  const append = { partition, requiredOffset: info.lastOffset + 1, result };
  if (!isSettled(append)) aftermath.pending = withOne(aftermath.pending, append);
}

/** For metrics: a duplicate added nothing. */
function sizeOf({ firstOffset, lastOffset, sizeInBytes }: LogAppendInfo) {
  return { messageCount: lastOffset - firstOffset + 1, sizeInBytes };
}

function succeeded(index: number, info: LogAppendInfo): AppendResult {
  return {
    index,
    errorCode: Errors.NONE,
    baseOffset: info.firstOffset,
    logAppendTimeMs: info.logAppendTime,
    logStartOffset: info.logStartOffset,
    recordErrors: [],
    errorMessage: null,
  };
}

/** The result of an append that did not happen. */
export function failedAppend(index: number, errorCode: ErrorCode): AppendResult {
  return {
    index,
    errorCode,
    baseOffset: UNKNOWN,
    logAppendTimeMs: UNKNOWN,
    logStartOffset: UNKNOWN,
    recordErrors: [],
    errorMessage: null,
  };
}
