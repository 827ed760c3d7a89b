// Which segments retention may drop: always a run from the log's beginning, whole segments, and only what is replicated.
// Source: Kafka's UnifiedLog.{deletableSegments,deleteRetentionMsBreachedSegments,…} (3.9).

import type { LogSegment } from './log-segment.ts';

export type SegmentPredicate = (segment: LogSegment, next: LogSegment | undefined) => boolean;

/** The longest run of segments from the first on that `predicate` accepts and that end at or below the high watermark. An
 *  active segment is in it only if it holds something. */
export function deletablePrefix(
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

export function breachesLogStart(_segment: LogSegment, next: LogSegment | undefined, logStartOffset: number): boolean {
  return next !== undefined && next.baseOffset <= logStartOffset;
}

export function breachesRetentionMs(segment: LogSegment, nowMs: number, retentionMs: number): boolean {
  return retentionMs >= 0 && nowMs - segment.largestTimestamp > retentionMs;
}

/** Accepts segments as long as what is left still has `retentionBytes`. Keeps count: for one walk only. */
export function retentionBytesPredicate(sizeInBytes: number, retentionBytes: number): SegmentPredicate {
  let excess = retentionBytes < 0 ? -1 : sizeInBytes - retentionBytes;
  return (segment) => {
    if (excess < segment.sizeInBytes || excess < 0) return false;
    excess -= segment.sizeInBytes;
    return true;
  };
}
