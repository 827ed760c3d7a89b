// Which offset a timestamp, or one of the special ones, stands for. Source: Kafka's UnifiedLog.fetchOffsetByTimestamp (3.9).

import type { LeaderEpochFileCache } from './leader-epoch-file-cache.ts';
import type { LogSegment } from './log-segment.ts';
import type { LogSegments } from './log-segments.ts';
import { NO_TIMESTAMP } from './time-index.ts';

export const LATEST_TIMESTAMP = -1;
export const EARLIEST_TIMESTAMP = -2;
export const MAX_TIMESTAMP = -3;
/** The first offset kept locally; without tiered storage the first. */
export const EARLIEST_LOCAL_TIMESTAMP = -4;
/** The last offset that was tiered; without tiered storage there is none. */
export const LATEST_TIERED_TIMESTAMP = -5;

export interface TimestampAndOffset {
  /** −1 for special timestamps other than the maximum. */
  readonly timestamp: number;
  readonly offset: number;
  readonly leaderEpoch: number | undefined;
}

export interface TimestampLookup {
  readonly segments: LogSegments;
  readonly leaderEpochCache: LeaderEpochFileCache;
  readonly logStartOffset: number;
  readonly logEndOffset: number;
}

/** @returns undefined when no record is that young */
export function offsetByTimestamp(log: TimestampLookup, timestamp: number): TimestampAndOffset | undefined {
  switch (timestamp) {
    case EARLIEST_TIMESTAMP:
    case EARLIEST_LOCAL_TIMESTAMP: {
      const earliest = log.leaderEpochCache.earliestEntry;
      const leaderEpoch =
        earliest !== undefined && earliest.startOffset <= log.logStartOffset ? earliest.epoch : undefined;
      return { timestamp: NO_TIMESTAMP, offset: log.logStartOffset, leaderEpoch };
    }
    case LATEST_TIMESTAMP: {
      const leaderEpoch = log.leaderEpochCache.latestEpoch;
      return { timestamp: NO_TIMESTAMP, offset: log.logEndOffset, leaderEpoch };
    }
    case LATEST_TIERED_TIMESTAMP:
      return { timestamp: NO_TIMESTAMP, offset: -1, leaderEpoch: -1 };
    case MAX_TIMESTAMP:
      return offsetOfMaxTimestamp(log.segments.values());
    default:
      return log.segments
        .values()
        .find((segment) => segment.largestTimestamp >= timestamp)
        ?.findOffsetByTimestamp(timestamp, log.logStartOffset);
  }
}

function offsetOfMaxTimestamp(segments: readonly LogSegment[]): TimestampAndOffset | undefined {
  let latest: LogSegment | undefined;
  for (const segment of segments) {
    if (latest === undefined || segment.maxTimestampSoFar > latest.maxTimestampSoFar) latest = segment;
  }
  if (latest === undefined) return undefined;
  const timestamp = latest.maxTimestampSoFar;
  const reader = latest.batches('batches', { startOffset: latest.offsetOfMaxTimestampSoFar });
  for (let batch = reader.next(); batch !== undefined; batch = reader.next()) {
    if (batch.maxTimestamp !== timestamp) continue;
    const leaderEpoch = batch.partitionLeaderEpoch < 0 ? undefined : batch.partitionLeaderEpoch;
    for (const record of batch.records()) {
      if (record.timestamp === timestamp) return { timestamp, offset: record.offset, leaderEpoch };
    }
  }
  return undefined;
}
