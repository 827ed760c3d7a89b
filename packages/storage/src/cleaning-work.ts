// What is to be done to compact one log, as plain data: it can be sent to a thread, which knows nothing of the log but its files. They are of
// segments that nothing is appended to any more; what else may happen to them, whoever described them finds out (log-compaction.ts).

import { yieldToEventLoop } from '@ottla/base';
import type { Log } from './log.ts';
import type { LogConfig } from './log-config.ts';
import type { LogSegment } from './log-segment.ts';
import type { LogToClean } from './log-to-clean.ts';
import type { AbortedTransaction } from './transaction-index.ts';

export interface SegmentToClean {
  readonly baseOffset: number;
  /** Of the next segment. Every offset here is below. */
  readonly endOffset: number;
  readonly sizeInBytes: number;
  readonly offsetIndexBytes: number;
  readonly timeIndexBytes: number;
  readonly lastModifiedMs: number;
}

/** What a producer did last when the work was described. Newer batches lie beyond it. */
export interface ProducerToKeep {
  readonly producerId: number;
  readonly producerEpoch: number;
  /** −1: nothing in this epoch. */
  readonly lastDataOffset: number;
}

export interface CleaningWork {
  /** Of the partition. */
  readonly directory: string;
  /** All that begin below `firstUncleanableOffset`, ascending. None is active. */
  readonly segments: readonly SegmentToClean[];
  readonly firstDirtyOffset: number;
  /** Byte at which the first segment that reaches beyond `firstDirtyOffset` has it. */
  readonly firstDirtyPosition: number;
  readonly firstUncleanableOffset: number;
  /** All that have records in the segments. */
  readonly abortedTransactions: readonly AbortedTransaction[];
  readonly producers: readonly ProducerToKeep[];
  readonly config: Pick<LogConfig, 'segmentBytes' | 'segmentIndexBytes' | 'indexIntervalBytes' | 'deleteRetentionMs'>;
  readonly nowMs: number;
  /** Tombstones and markers of formats that carry no delete horizon stay in segments changed after this. */
  readonly legacyDeleteHorizonMs: number;
  /** The cleaner's share of log.cleaner.dedupe.buffer.size: the most memory the map of keys may take */
  readonly dedupeBufferSize: number;
  /** log.cleaner.io.buffer.load.factor: how full the map may be */
  readonly dedupeBufferLoadFactor: number;
}

/** Other work goes on in between: the log may have changed when this resolves.
 *  @throws KafkaError, StorageError */
export async function describeWork(
  candidate: LogToClean,
  settings: Pick<CleaningWork, 'dedupeBufferSize' | 'dedupeBufferLoadFactor' | 'nowMs'>,
): Promise<CleaningWork> {
  const { log, firstDirtyOffset, firstUncleanableOffset } = candidate;
  const segments = segmentsToClean(candidate);
  const { segmentBytes, segmentIndexBytes, indexIntervalBytes, deleteRetentionMs } = log.config;
  const { dedupeBufferSize, dedupeBufferLoadFactor, nowMs } = settings;
  return {
    directory: log.localLog.directory,
    segments: segments.map((segment, index) => ({
      baseOffset: segment.baseOffset,
      endOffset: segments[index + 1]?.baseOffset ?? firstUncleanableOffset,
      sizeInBytes: segment.sizeInBytes,
      offsetIndexBytes: segment.offsetIndex.sizeInBytes,
      timeIndexBytes: segment.timeIndex.sizeInBytes,
      lastModifiedMs: segment.lastModifiedMs,
    })),
    firstDirtyOffset,
    firstDirtyPosition: positionOf(firstDirtyOffset, segments),
    firstUncleanableOffset,
    producers: producersOf(candidate),
    config: { segmentBytes, segmentIndexBytes, indexIntervalBytes, deleteRetentionMs },
    nowMs,
    legacyDeleteHorizonMs: legacyDeleteHorizon(candidate),
    dedupeBufferSize,
    dedupeBufferLoadFactor,
    abortedTransactions: await abortedTransactionsOf(log, segments),
  };
}

/** Whole ones: a segment begins at firstUncleanableOffset. */
export function segmentsToClean({ log, firstUncleanableOffset }: LogToClean): LogSegment[] {
  return log.segments.filter((segment) => segment.baseOffset < firstUncleanableOffset);
}

function positionOf(firstDirtyOffset: number, segments: readonly LogSegment[]): number {
  const segment = segments.findLast(({ baseOffset }) => baseOffset <= firstDirtyOffset);
  if (segment === undefined) return 0;
  return segment.translateOffset(firstDirtyOffset)?.position ?? segment.sizeInBytes;
}

/** Without its last batch the producer's last sequence, or epoch, would be forgotten by the next recovery. */
function producersOf({ log, firstUncleanableOffset }: LogToClean): ProducerToKeep[] {
  const producers: ProducerToKeep[] = [];
  for (const { producerId, producerEpoch, lastDataOffset } of log.producerStateManager.activeProducers.values()) {
    if (lastDataOffset < firstUncleanableOffset) producers.push({ producerId, producerEpoch, lastDataOffset });
  }
  return producers;
}

function legacyDeleteHorizon({ log, firstDirtyOffset }: LogToClean): number {
  const lastClean = log.segments.findLast((segment) => segment.baseOffset < firstDirtyOffset);
  return lastClean === undefined ? 0 : lastClean.lastModifiedMs - log.config.deleteRetentionMs;
}

/** Also those that began in a segment and ended in one that is not cleaned. */
async function abortedTransactionsOf(log: Log, segments: readonly LogSegment[]): Promise<AbortedTransaction[]> {
  // One that spans segments is found in each of them.
  const byLastOffset = new Map<number, AbortedTransaction>();
  for (const [index, { baseOffset }] of segments.entries()) {
    const endOffset = segments[index + 1]?.baseOffset ?? log.logEndOffset;
    for (const transaction of log.collectAbortedTransactions(baseOffset, endOffset)) {
      byLastOffset.set(transaction.lastOffset, transaction);
    }
    await yieldToEventLoop();
  }
  return [...byLastOffset.values()].sort((a, b) => a.firstOffset - b.firstOffset);
}
