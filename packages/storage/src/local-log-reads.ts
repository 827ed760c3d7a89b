// Reading one partition's segments as one row of batches. Source: Kafka's LocalLog.{read, convertToOffsetMetadataOrThrow,
// collectAbortedTransactions} (3.9).

import { type ByteSource, Errors, KafkaError, topicPartitionKey } from '@ottla/base';
import type { LocalLog } from './local-log.ts';
import type { LogOffsetMetadata } from './log-offset-metadata.ts';
import type { LogSegment } from './log-segment.ts';
import { EMPTY_SOURCE } from './segment-file.ts';
import type { AbortedTransaction } from './transaction-index.ts';

/** Up to where a reader may see: everything, what is replicated, or only decided transactions. */
export type FetchIsolation = 'logEnd' | 'highWatermark' | 'txnCommitted';

export interface FetchDataInfo {
  /** May end within a batch. The reader releases it. */
  readonly records: ByteSource;
  /** The first batch is larger than what was allowed: `records` holds only its beginning. */
  readonly firstEntryIncomplete: boolean;
  /** Of the range read, for readers of committed records; undefined for the others. */
  readonly abortedTransactions: readonly AbortedTransaction[] | undefined;
}

export interface ReadOptions {
  readonly startOffset: number;
  readonly maxBytes: number;
  readonly minOneMessage: boolean;
  readonly isolation: FetchIsolation;
}

const NOTHING: FetchDataInfo = {
  records: EMPTY_SOURCE,
  firstEntryIncomplete: false,
  abortedTransactions: undefined,
};
const NOTHING_COMMITTED: FetchDataInfo = { ...NOTHING, abortedTransactions: [] };

/** @param maxOffset what may be read ends before this @throws KafkaError OFFSET_OUT_OF_RANGE */
export function readBatches(log: LocalLog, options: ReadOptions, maxOffset: LogOffsetMetadata): FetchDataInfo {
  const { startOffset } = options;
  let segment = log.segments.floor(startOffset);
  if (startOffset > log.logEndOffset || segment === undefined) throw outOfRange(log, startOffset);
  if (startOffset >= maxOffset.messageOffset) return nothing(options);
  while (segment !== undefined) {
    const found = readSegment(log, segment, options, maxOffset);
    if (found !== undefined) return found;
    // The offset fell out of this segment by compaction: the next one may begin above it.
    segment = log.segments.higher(segment.baseOffset);
  }
  return nothing(options);
}

/** Where the batch that holds `offset`, or the next one, stands. @throws KafkaError OFFSET_OUT_OF_RANGE */
export function offsetMetadataOf(log: LocalLog, offset: number): LogOffsetMetadata {
  let segment = log.segments.floor(offset);
  if (offset > log.logEndOffset || segment === undefined) throw outOfRange(log, offset);
  for (; segment !== undefined; segment = log.segments.higher(segment.baseOffset)) {
    const found = segment.translateOffset(offset);
    if (found === undefined) continue;
    return {
      messageOffset: offset,
      segmentBaseOffset: segment.baseOffset,
      relativePositionInSegment: found.position,
    };
  }
  return log.logEndOffsetMetadata;
}

/** Aborted transactions that overlap [startOffset, upperBoundOffset). */
export function abortedTransactionsIn(
  log: LocalLog,
  startOffset: number,
  upperBoundOffset: number,
): AbortedTransaction[] {
  const transactions: AbortedTransaction[] = [];
  let segment = log.segments.floor(startOffset);
  for (; segment !== undefined; segment = log.segments.higher(segment.baseOffset)) {
    const found = segment.txnIndex.collectAborted(startOffset, upperBoundOffset);
    transactions.push(...found.transactions);
    if (found.isComplete) break;
  }
  return transactions;
}

function readSegment(
  log: LocalLog,
  segment: LogSegment,
  { startOffset, maxBytes, minOneMessage, isolation }: ReadOptions,
  maxOffset: LogOffsetMetadata,
): FetchDataInfo | undefined {
  const maxPosition =
    maxOffset.segmentBaseOffset === segment.baseOffset ? maxOffset.relativePositionInSegment : segment.sizeInBytes;
  const found = segment.read(startOffset, { maxBytes, maxPosition, minOneMessage });
  if (found === undefined) return undefined;
  const { startPosition: position, records, firstEntryIncomplete } = found;
  const isCommitted = isolation === 'txnCommitted';
  const read = { startOffset, position, sizeInBytes: records.sizeInBytes };
  const abortedTransactions = isCommitted ? abortedInRead(log, segment, read) : undefined;
  return { records, firstEntryIncomplete, abortedTransactions };
}

function abortedInRead(
  log: LocalLog,
  segment: LogSegment,
  read: { startOffset: number; position: number; sizeInBytes: number },
): AbortedTransaction[] {
  const { startOffset, position, sizeInBytes } = read;
  const upperBound =
    segment.fetchUpperBoundOffset({ offset: startOffset, position }, sizeInBytes) ??
    log.segments.higher(segment.baseOffset)?.baseOffset ??
    log.logEndOffset;
  return abortedTransactionsIn(log, startOffset, upperBound);
}

function nothing({ isolation }: ReadOptions): FetchDataInfo {
  return isolation === 'txnCommitted' ? NOTHING_COMMITTED : NOTHING;
}

function outOfRange(log: LocalLog, offset: number): KafkaError {
  const name = topicPartitionKey(log.topicPartition);
  const firstOffset = log.segments.first?.baseOffset ?? 0;
  return new KafkaError(
    Errors.OFFSET_OUT_OF_RANGE,
    `offset ${offset} is out of range [${firstOffset}, ${log.logEndOffset}] of ${name}`,
  );
}
