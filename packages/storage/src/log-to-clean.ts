// Which part of a compacted log may be cleaned, and how much it would gain. Source: Kafka's LogToClean and
// LogCleanerManager.{cleanableOffsets,maxCompactionDelay} (3.9).
//
//   | … cleaned before … |      dirty, cleanable      |   too young, undecided, or active   |
//   0               firstDirtyOffset       firstUncleanableOffset                   logEndOffset

import type { Log } from './log.ts';
import type { LogSegment } from './log-segment.ts';

export interface LogToClean {
  readonly log: Log;
  readonly firstDirtyOffset: number;
  readonly firstUncleanableOffset: number;
  /** Bytes of segments cleaned before. */
  readonly cleanBytes: number;
  /** Bytes of dirty segments that may be cleaned. */
  readonly cleanableBytes: number;
  /** cleanableBytes as a share of both. */
  readonly cleanableRatio: number;
  /** How long ago max.compaction.lag.ms had passed for some record; 0: for none. */
  readonly compactionDelayMs: number;
}

/** @param lastCleanOffset from the checkpoint: everything below was cleaned
 *  @throws StorageError, CorruptRecordError: it may have to look into dirty segments for how old they are */
export function logToClean(log: Log, lastCleanOffset: number | undefined, nowMs: number): LogToClean {
  const { dirty, ...range } = cleanableRange(log, lastCleanOffset, nowMs);
  return { ...range, compactionDelayMs: compactionDelayMs(dirty, log.config.maxCompactionLagMs, nowMs) };
}

/** Without a look into the segments. */
export function cleanableRange(
  log: Log,
  lastCleanOffset: number | undefined,
  nowMs: number,
): Omit<LogToClean, 'compactionDelayMs'> & { readonly dirty: readonly LogSegment[] } {
  const checkpoint = lastCleanOffset ?? log.logStartOffset;
  // The log was truncated, or its start moved, since the checkpoint.
  const isStale = checkpoint < log.logStartOffset || checkpoint > log.logEndOffset;
  const firstDirtyOffset = isStale ? log.logStartOffset : checkpoint;
  const { segments, activeSegment } = log;
  const nonActive = segments.filter((segment) => segment !== activeSegment);
  const dirty = nonActive.filter((_, index) => endOf(segments, index) > firstDirtyOffset);
  const uncleanableOffset = Math.max(firstDirtyOffset, firstUncleanable(log, dirty, nowMs));
  // Whole segments only.
  const firstUncleanableSegment =
    dirty.find((segment) => endOf(segments, segments.indexOf(segment)) > uncleanableOffset) ?? activeSegment;
  const firstUncleanableOffset = firstUncleanableSegment.baseOffset;
  const cleanBytes = bytesOf(segments.filter((segment) => segment.baseOffset < firstDirtyOffset));
  const cleanableBytes = bytesOf(dirty.filter((segment) => segment.baseOffset < firstUncleanableOffset));
  const totalBytes = cleanBytes + cleanableBytes;
  return {
    log,
    firstDirtyOffset,
    firstUncleanableOffset,
    cleanBytes,
    cleanableBytes,
    cleanableRatio: totalBytes === 0 ? 0 : cleanableBytes / totalBytes,
    dirty,
  };
}

export function isCleanable(candidate: LogToClean): boolean {
  if (candidate.cleanableBytes === 0) return false;
  return candidate.compactionDelayMs > 0 || candidate.cleanableRatio > candidate.log.config.minCleanableDirtyRatio;
}

/** Not past the active segment, an undecided or unreplicated record, or one younger than min.compaction.lag.ms. */
function firstUncleanable(log: Log, dirty: readonly LogSegment[], nowMs: number): number {
  const { minCompactionLagMs } = log.config;
  const tooYoung =
    minCompactionLagMs > 0 ? dirty.find((segment) => segment.largestTimestamp > nowMs - minCompactionLagMs) : undefined;
  return Math.min(log.lastStableOffset, log.activeSegment.baseOffset, tooYoung?.baseOffset ?? log.logEndOffset);
}

/** How long ago the oldest dirty record became older than max.compaction.lag.ms. */
function compactionDelayMs(dirty: readonly LogSegment[], maxCompactionLagMs: number, nowMs: number): number {
  let earliest = Number.POSITIVE_INFINITY;
  for (const segment of dirty) {
    const first = segment.firstBatchTimestamp;
    if (first !== undefined && first > 0) earliest = Math.min(earliest, first);
  }
  return Math.max(0, nowMs - maxCompactionLagMs - earliest);
}

function endOf(segments: readonly LogSegment[], index: number): number {
  return segments[index + 1]?.baseOffset ?? Number.POSITIVE_INFINITY;
}

function bytesOf(segments: readonly LogSegment[]): number {
  return segments.reduce((total, segment) => total + segment.sizeInBytes, 0);
}
