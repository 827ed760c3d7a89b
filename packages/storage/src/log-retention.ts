// What goes from the beginning of a log: whole segments that retention no longer keeps, only what is replicated, and what is known of them.
// Source: Kafka's UnifiedLog.{deleteOldSegments, maybeIncrementLogStartOffset} (3.9).

import type { LeaderEpochFileCache } from './leader-epoch-file-cache.ts';
import type { LocalLog, LogContext } from './local-log.ts';
import type { LogSegment } from './log-segment.ts';
import type { LogWatermarks } from './log-watermarks.ts';
import type { ProducerStateManager } from './producer-state-manager.ts';

export interface LogRetentionParts {
  readonly context: LogContext;
  readonly localLog: LocalLog;
  readonly leaderEpochCache: LeaderEpochFileCache;
  readonly producerStateManager: ProducerStateManager;
  readonly watermarks: LogWatermarks;
  /** For messages. */
  readonly name: string;
  readonly roll: () => void;
}

export class LogRetention {
  readonly #parts: LogRetentionParts;

  constructor(parts: LogRetentionParts) {
    this.#parts = parts;
  }

  /** Drops segments by log start offset and, where cleanup.policy has "delete", by size and age. @returns how many */
  deleteOldSegments(): number {
    const { context, localLog, watermarks } = this.#parts;
    const { config } = localLog;
    let count = this.#deleteWhile((segment, next) => breachesLogStart(segment, next, watermarks.logStartOffset));
    if (!config.delete) return count;
    count += this.#deleteWhile(retentionBytesPredicate(localLog.segments.sizeInBytes, config.retentionBytes));
    const nowMs = context.clock.nowMs();
    count += this.#deleteWhile((segment) => breachesRetentionMs(segment, nowMs, config.retentionMs));
    return count;
  }

  /** Records below `offset` may no longer be read. @returns false when the log starts there or later already */
  maybeIncrementLogStartOffset(offset: number): boolean {
    const { leaderEpochCache, producerStateManager, watermarks } = this.#parts;
    if (offset <= watermarks.logStartOffset) return false;
    watermarks.raiseLogStartOffset(offset);
    leaderEpochCache.truncateFromStart(offset);
    producerStateManager.onLogStartOffsetIncremented(offset);
    watermarks.updateFirstUnstableOffset();
    return true;
  }

  #deleteWhile(predicate: SegmentPredicate): number {
    const { context, localLog, producerStateManager, watermarks, name, roll } = this.#parts;
    const { highWatermark } = watermarks;
    const deletable = deletablePrefix(localLog.segments.values(), predicate, {
      highWatermark,
      logEndOffset: localLog.logEndOffset,
    });
    if (deletable.length === 0) return 0;
    // There is always an active segment.
    if (deletable.length === localLog.segments.size) roll();
    const baseOffsets = deletable.map((segment) => segment.baseOffset);
    context.logger.info('deleting segments', { partition: name, baseOffsets });
    localLog.removeAndDelete(deletable);
    for (const baseOffset of baseOffsets) producerStateManager.deleteSnapshotAt(baseOffset);
    this.maybeIncrementLogStartOffset(localLog.segments.first?.baseOffset ?? localLog.logEndOffset);
    return deletable.length;
  }
}

type SegmentPredicate = (segment: LogSegment, next: LogSegment | undefined) => boolean;

/** The longest run of segments from the first on that `predicate` accepts and that end at or below the high watermark. An
 *  active segment is in it only if it holds something. */
function deletablePrefix(
  segments: readonly LogSegment[],
  predicate: SegmentPredicate,
  log: { highWatermark: number; logEndOffset: number },
): LogSegment[] {
  const deletable: LogSegment[] = [];
  for (const [index, segment] of segments.entries()) {
    const next = segments[index + 1];
    const endOffset = next?.baseOffset ?? log.logEndOffset;
    const isEmptyActive = next === undefined && segment.sizeInBytes === 0;
    if (isEmptyActive || endOffset > log.highWatermark || !predicate(segment, next)) break;
    deletable.push(segment);
  }
  return deletable;
}

function breachesLogStart(_segment: LogSegment, next: LogSegment | undefined, logStartOffset: number): boolean {
  return next !== undefined && next.baseOffset <= logStartOffset;
}

function breachesRetentionMs(segment: LogSegment, nowMs: number, retentionMs: number): boolean {
  return retentionMs >= 0 && nowMs - segment.largestTimestamp > retentionMs;
}

/** Accepts segments as long as what is left still has `retentionBytes`. Keeps count: for one walk only. */
function retentionBytesPredicate(sizeInBytes: number, retentionBytes: number): SegmentPredicate {
  let excess = retentionBytes < 0 ? -1 : sizeInBytes - retentionBytes;
  return (segment) => {
    if (excess < segment.sizeInBytes || excess < 0) return false;
    excess -= segment.sizeInBytes;
    return true;
  };
}
