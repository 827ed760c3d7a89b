// What is found in records about to be appended, before anything is written, and what an append answers.
// Source: Kafka's UnifiedLog.analyzeAndValidateRecords and LogAppendInfo (3.9).

import { Errors, KafkaError } from '@ottla/base';
import {
  type AppendOrigin,
  batchAt,
  InvalidRecordError,
  NO_TIMESTAMP,
  type RecordConversionStats,
} from '@ottla/records';
import type { BatchMetadata } from './producer-state-entry.ts';

/** What an append answers. */
export interface LogAppendInfo {
  /** Of the first record; of a duplicate, the one it got the first time. −1: nothing was in the records. */
  readonly firstOffset: number;
  /** Of the last record. */
  readonly lastOffset: number;
  readonly maxTimestamp: number;
  /** The broker's time stamped on the records, with LogAppendTime; of a duplicate, its timestamp; −1 otherwise. */
  readonly logAppendTime: number;
  readonly logStartOffset: number;
  /** Of the batches appended, as they are on disk. */
  readonly sizeInBytes: number;
  /** The producer sent this batch before; nothing was written. */
  readonly isDuplicate: boolean;
  /** What the last batch says (−1 in formats 0 and 1). */
  readonly lastLeaderEpoch: number;
  readonly recordConversionStats: RecordConversionStats | undefined;
  /** Set where flush.messages asks for a sync before the acknowledgement: resolves when the records survive a power loss,
   *  rejects with KAFKA_STORAGE_ERROR. */
  readonly durable: Promise<void> | undefined;
}

/** The answer to a batch that was appended before. */
export function duplicateAppend(
  batch: BatchMetadata,
  log: { logStartOffset: number; durable: Promise<void> | undefined },
): LogAppendInfo {
  return {
    ...emptyAppend(log.logStartOffset),
    firstOffset: batch.lastOffset - batch.offsetDelta,
    lastOffset: batch.lastOffset,
    maxTimestamp: batch.timestamp,
    // Kafka says so with CreateTime too.
    logAppendTime: batch.timestamp,
    isDuplicate: true,
    durable: log.durable,
  };
}

/** The answer to records that hold no whole batch. */
export function emptyAppend(logStartOffset: number): LogAppendInfo {
  return {
    firstOffset: -1,
    lastOffset: -1,
    maxTimestamp: -1,
    logAppendTime: -1,
    logStartOffset,
    sizeInBytes: 0,
    isDuplicate: false,
    lastLeaderEpoch: -1,
    recordConversionStats: undefined,
    durable: undefined,
  };
}

export interface AppendAnalysis {
  /** Of the first batch: its base offset, in formats 0 and 1 its last. −1 without batches. */
  firstOffset: number;
  isFirstOffsetExact: boolean;
  firstBatchSize: number;
  lastOffset: number;
  lastLeaderEpoch: number;
  maxTimestamp: number;
  /** Last offset of the batch that has it. */
  offsetOfMaxTimestamp: number;
  /** Bytes of whole batches; what follows is the beginning of one that was cut. */
  validBytes: number;
  batchCount: number;
  /** Of any batch. */
  hasProducerId: boolean;
  /** Each batch ends above the one before. */
  isMonotonic: boolean;
}

export interface AnalysisOptions {
  readonly origin: AppendOrigin;
  /** max.message.bytes; Infinity for followers, who take what the leader took. */
  readonly batchBytesMax: number;
  /** For messages. */
  readonly partition: string;
}

/** Checks sizes and checksums.
 *  @throws CorruptRecordError, InvalidRecordError, KafkaError MESSAGE_TOO_LARGE */
export function analyzeRecords(records: Buffer, options: AnalysisOptions): AppendAnalysis {
  const analysis = emptyAnalysis();
  for (let batch = batchAt(records, 0); batch !== undefined; batch = batchAt(records, analysis.validBytes)) {
    if (batch.magic === 2 && options.origin === 'client' && batch.baseOffset !== 0) {
      throw new InvalidRecordError(
        `The baseOffset of the record batch in the append to ${options.partition} should be 0, but it is ${batch.baseOffset}`,
      );
    }
    const { lastOffset, sizeInBytes } = batch;
    if (analysis.batchCount === 0) {
      analysis.firstOffset = batch.magic === 2 ? batch.baseOffset : lastOffset;
      analysis.isFirstOffsetExact = batch.magic === 2;
      analysis.firstBatchSize = sizeInBytes;
    }
    ensureBatchSize(sizeInBytes, options);
    batch.ensureValid();
    if (lastOffset <= analysis.lastOffset) analysis.isMonotonic = false;
    analysis.lastOffset = lastOffset;
    analysis.lastLeaderEpoch = batch.partitionLeaderEpoch;
    if (batch.maxTimestamp > analysis.maxTimestamp) {
      analysis.maxTimestamp = batch.maxTimestamp;
      analysis.offsetOfMaxTimestamp = lastOffset;
    }
    if (batch.hasProducerId) analysis.hasProducerId = true;
    analysis.batchCount++;
    analysis.validBytes += sizeInBytes;
  }
  return analysis;
}

/** @throws KafkaError MESSAGE_TOO_LARGE */
export function ensureBatchSize(sizeInBytes: number, options: AnalysisOptions): void {
  if (sizeInBytes <= options.batchBytesMax) return;
  throw new KafkaError(
    Errors.MESSAGE_TOO_LARGE,
    `The record batch size in the append to ${options.partition} is ${sizeInBytes} bytes which exceeds the maximum configured value of ${options.batchBytesMax}.`,
  );
}

/** The same for every batch of `records`, which were rebuilt. */
export function ensureBatchSizes(records: Buffer, options: AnalysisOptions): void {
  let position = 0;
  for (let batch = batchAt(records, 0); batch !== undefined; batch = batchAt(records, position)) {
    ensureBatchSize(batch.sizeInBytes, options);
    position += batch.sizeInBytes;
  }
}

function emptyAnalysis(): AppendAnalysis {
  return {
    firstOffset: -1,
    isFirstOffsetExact: true,
    firstBatchSize: 0,
    lastOffset: -1,
    lastLeaderEpoch: -1,
    maxTimestamp: NO_TIMESTAMP,
    offsetOfMaxTimestamp: -1,
    validBytes: 0,
    batchCount: 0,
    hasProducerId: false,
    isMonotonic: true,
  };
}
