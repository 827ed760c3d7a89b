// What can be asked of a replica without changing it: records, offsets by timestamp, the end of an epoch, its producers.
// Source: kafka.cluster.Partition (fetchRecords, fetchOffsetForTimestamp, legacyFetchOffsetsForTimestamp, lastOffsetForLeaderEpoch).

import { Errors, KafkaError } from '@ottla/base';
import {
  EARLIEST_LOCAL_TIMESTAMP,
  EARLIEST_TIMESTAMP,
  type EpochEndOffset,
  type FetchDataInfo,
  type FetchIsolation,
  LATEST_TIERED_TIMESTAMP,
  LATEST_TIMESTAMP,
  type Log,
  type LogOffsetMetadata,
  type TimestampAndOffset,
} from '@ottla/storage';
import type { IsolationLevel } from './fetch-params.ts';
import type { FetchPartitionRequest } from './fetch-session.ts';
import type { LogRequirement, Partition } from './partition.ts';
import type { RemoteReplica } from './remote-replica.ts';

const UNDEFINED = -1;

/** What was read, and where the log stood just before. */
export interface LogReadInfo {
  /** undefined: the fetcher's log diverges. */
  readonly data: FetchDataInfo | undefined;
  /** Where the fetcher's log must be cut (KIP-595). */
  readonly divergingEpoch: EpochEndOffset | undefined;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  readonly lastStableOffset: number;
}

/** What to read, and which replica may answer. */
export interface ReadOptions extends LogRequirement {
  readonly startOffset: number;
  readonly isolation: FetchIsolation;
  readonly maxBytes: number;
  readonly minOneMessage: boolean;
}

/** Reads as `request` asks. The caller releases the records.
 *  @throws KafkaError for a wrong epoch, a wrong leader, OFFSET_OUT_OF_RANGE; StorageError */
export function readRecords(partition: Partition, request: FetchPartitionRequest, options: ReadOptions): LogReadInfo {
  const log = partition.logFor(options);
  // As they stood before the read: an append in between must not make a follower look further than it is.
  const { highWatermark, logStartOffset, logEndOffset, lastStableOffset } = log;
  const divergingEpoch = request.lastFetchedEpoch >= 0 ? findDivergence(partition, log, request) : undefined;
  const data = divergingEpoch === undefined ? log.read(options) : undefined;
  return { data, divergingEpoch, highWatermark, logStartOffset, logEndOffset, lastStableOffset };
}

/** Must the fetcher cut its log before it can go on? @throws KafkaError */
export function hasDiverged(partition: Partition, log: Log, request: FetchPartitionRequest): boolean {
  return findDivergence(partition, log, request) !== undefined;
}

function findDivergence(partition: Partition, log: Log, request: FetchPartitionRequest): EpochEndOffset | undefined {
  const end = lastOffsetForLeaderEpoch(partition, {
    currentLeaderEpoch: request.currentLeaderEpoch,
    leaderEpoch: request.lastFetchedEpoch,
    requireLeader: false,
  });
  if (end.epoch === UNDEFINED || end.endOffset === UNDEFINED) {
    throw outOfRange(`no end is known for epoch ${request.lastFetchedEpoch}`, partition);
  }
  if (request.fetchOffset < log.logStartOffset) {
    throw outOfRange(`offset ${request.fetchOffset} is below the log start offset ${log.logStartOffset}`, partition);
  }
  return end.epoch < request.lastFetchedEpoch || end.endOffset < request.fetchOffset ? end : undefined;
}

function outOfRange(problem: string, { topic, partition }: Partition): KafkaError {
  return new KafkaError(Errors.OFFSET_OUT_OF_RANGE, `fetch of ${topic}-${partition}: ${problem}`);
}

/** The replica of the follower that fetches.
 *  @throws KafkaError when it is none of this partition's */
export function mustFindFollower(partition: Partition, brokerId: number, currentLeaderEpoch: number): RemoteReplica {
  const follower = partition.remoteReplica(brokerId);
  if (follower !== undefined) return follower;
  // With an epoch that matches ours the follower knows more than we do: it may have been added a moment ago.
  const code = currentLeaderEpoch >= 0 ? Errors.UNKNOWN_LEADER_EPOCH : Errors.NOT_LEADER_OR_FOLLOWER;
  throw new KafkaError(code, `broker ${brokerId} is no replica of ${partition.topic}-${partition.partition}`);
}

/** Where the latest epoch at or before `leaderEpoch` ends; both -1 when nothing is known of it.
 *  @throws KafkaError */
export function lastOffsetForLeaderEpoch(
  partition: Partition,
  query: { currentLeaderEpoch: number; leaderEpoch: number; requireLeader: boolean },
): EpochEndOffset {
  const log = partition.logFor(query);
  return log.endOffsetForEpoch(query.leaderEpoch) ?? { epoch: UNDEFINED, endOffset: UNDEFINED };
}

export interface TimestampQuery {
  readonly timestamp: number;
  /** undefined: a broker asks, and may see everything. */
  readonly isolation: IsolationLevel | undefined;
  readonly currentLeaderEpoch: number;
  readonly requireLeader: boolean;
}

/** The first offset at or after a time, or one of the special ones.
 *  @returns undefined when there is none that the asker may see
 *  @throws KafkaError OFFSET_NOT_AVAILABLE while a new leader does not know yet how much is committed */
export function fetchOffsetForTimestamp(partition: Partition, query: TimestampQuery): TimestampAndOffset | undefined {
  const log = partition.logFor(query);
  const lastFetchableOffset = lastFetchable(log, query.isolation);
  switch (query.timestamp) {
    case LATEST_TIMESTAMP:
      requireKnownHighWatermark(partition, log, query);
      return { timestamp: UNDEFINED, offset: lastFetchableOffset, leaderEpoch: partition.leaderEpoch };
    case EARLIEST_TIMESTAMP:
    case EARLIEST_LOCAL_TIMESTAMP:
    case LATEST_TIERED_TIMESTAMP:
      return log.fetchOffsetByTimestamp(query.timestamp);
    default: {
      const found = log.fetchOffsetByTimestamp(query.timestamp);
      if (found !== undefined && found.offset < lastFetchableOffset) return found;
      requireKnownHighWatermark(partition, log, query);
      return undefined;
    }
  }
}

function lastFetchable(log: Log, isolation: TimestampQuery['isolation']): number {
  if (isolation === 'readCommitted') return log.lastStableOffset;
  return isolation === 'readUncommitted' ? log.highWatermark : log.logEndOffset;
}

/** A new leader's high watermark may be behind what consumers saw from the old one; going back would look like lost records. */
function requireKnownHighWatermark(partition: Partition, log: Log, query: TimestampQuery): void {
  const epochStart = partition.leaderEpochStartOffset;
  if (query.isolation === undefined || epochStart === undefined || epochStart <= log.highWatermark) return;
  throw new KafkaError(
    Errors.OFFSET_NOT_AVAILABLE,
    `the high watermark ${log.highWatermark} of ${partition.topic}-${partition.partition} is behind the start ${epochStart} of its leader's epoch`,
  );
}

/** Segment base offsets whose segments were last changed at or before a time, newest first: what ListOffsets 0 asks for.
 *  Source: UnifiedLog.legacyFetchOffsetsBefore */
export function legacyFetchOffsetsBefore(
  partition: Partition,
  query: { timestamp: number; maxNumOffsets: number; isFromConsumer: boolean; requireLeader: boolean },
  nowMs: number,
): number[] {
  const log = partition.logFor({ currentLeaderEpoch: -1, requireLeader: query.requireLeader });
  // Kafka has no better code for it.
  if (query.maxNumOffsets < 0)
    throw new KafkaError(Errors.UNKNOWN_SERVER_ERROR, `${query.maxNumOffsets} offsets asked for`);
  const candidates = legacyCandidates(log, nowMs);
  const last = lastCandidate(candidates, query.timestamp);
  const count = Math.max(0, Math.min(query.maxNumOffsets, last + 1));
  const offsets = candidates
    .slice(last + 1 - count, last + 1)
    .map(({ offset }) => offset)
    .sort((a, b) => b - a);
  const { highWatermark } = log;
  if (!query.isFromConsumer || !offsets.some((offset) => offset > highWatermark)) return offsets;
  return [highWatermark, ...offsets.filter((offset) => offset <= highWatermark)];
}

interface LegacyCandidate {
  readonly offset: number;
  readonly modifiedMs: number;
}

function legacyCandidates(log: Log, nowMs: number): LegacyCandidate[] {
  const segments = [...log.segments];
  const candidates = segments.map((segment) => ({
    offset: Math.max(segment.baseOffset, log.logStartOffset),
    modifiedMs: segment.lastModifiedMs,
  }));
  if ((segments.at(-1)?.sizeInBytes ?? 0) > 0) candidates.push({ offset: log.logEndOffset, modifiedMs: nowMs });
  return candidates;
}

function lastCandidate(candidates: readonly LegacyCandidate[], timestamp: number): number {
  if (timestamp === LATEST_TIMESTAMP) return candidates.length - 1;
  if (timestamp === EARLIEST_TIMESTAMP) return 0;
  return candidates.findLastIndex(({ modifiedMs }) => modifiedMs <= timestamp);
}

/** How many bytes a fetch could return now; Infinity where an answer is due whatever it holds: the log was cut below the offset, or the
 *  offset stands in a segment that was rolled since. Source: DelayedFetch.tryComplete
 *  @throws KafkaError when the offset is out of range by now */
export function bytesAvailable(log: Log, request: FetchPartitionRequest, isolation: FetchIsolation): number {
  const { fetchOffset, maxBytes } = request;
  const end = boundOf(log, isolation);
  if (end.messageOffset <= fetchOffset) return log.logEndOffset < fetchOffset ? Number.POSITIVE_INFINITY : 0;
  const start = log.toOffsetMetadata(fetchOffset);
  if (start.segmentBaseOffset !== end.segmentBaseOffset) return Number.POSITIVE_INFINITY;
  return Math.min(end.relativePositionInSegment - start.relativePositionInSegment, maxBytes);
}

function boundOf(log: Log, isolation: FetchIsolation): LogOffsetMetadata {
  switch (isolation) {
    case 'logEnd':
      return log.logEndOffsetMetadata;
    case 'highWatermark':
      return log.fetchHighWatermarkMetadata();
    case 'txnCommitted':
      return log.fetchLastStableOffsetMetadata();
    default:
      return isolation satisfies never;
  }
}
