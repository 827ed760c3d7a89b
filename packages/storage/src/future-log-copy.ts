// One slice of the copying of a log into another log dir: cuts the copy where the two parted, then appends what follows, batch by batch
// as a follower does. Source: Kafka's ReplicaAlterLogDirsThread (truncate, processPartitionData), AbstractFetcherThread
// (getOffsetTruncationState).

import { readFully } from '@ottla/base';
import { batchesIn } from '@ottla/records';
import type { Log } from './log.ts';

/** Brings `future` nearer to `current`.
 *  @param maxBytes of records; one batch at least
 *  @returns bytes copied; 0: both end at the same offset
 *  @throws KafkaError KAFKA_STORAGE_ERROR, CORRUPT_MESSAGE; an error of the log that `current` was, when it was closed */
export function copyToFutureLog(current: Log, future: Log, maxBytes: number): number {
  truncateWhereTheyPart(current, future);
  // What retention or DeleteRecords took meanwhile need not be copied.
  if (future.logEndOffset < current.logStartOffset) future.truncateFullyAndStartAt(current.logStartOffset);
  const startOffset = future.logEndOffset;
  const bytes = startOffset < current.logEndOffset ? copyFrom(current, future, { startOffset, maxBytes }) : 0;
  future.updateHighWatermark(current.highWatermark);
  if (current.logStartOffset <= future.highWatermark) future.maybeIncrementLogStartOffset(current.logStartOffset);
  return bytes;
}

function copyFrom(current: Log, future: Log, options: { startOffset: number; maxBytes: number }): number {
  const { records } = current.read({ ...options, isolation: 'logEnd', minOneMessage: true });
  const bytes = readFully(records);
  // DeleteRecords may have moved the log's start into a batch: a copy that is empty begins with all of it.
  const firstOffset = firstOffsetOf(bytes);
  if (firstOffset < options.startOffset && future.logStartOffset === options.startOffset) {
    future.truncateFullyAndStartAt(firstOffset, options.startOffset);
  }
  const { durable, sizeInBytes } = future.appendAsFollower(bytes);
  // Nobody is promised anything yet. A sync that fails takes the copy's dir offline, and the move ends.
  durable?.catch(() => undefined);
  // A batch that did not fit is read again, and counts then.
  return sizeInBytes;
}

function firstOffsetOf(bytes: Buffer): number {
  for (const batch of batchesIn(bytes)) return batch.baseOffset;
  return Number.POSITIVE_INFINITY;
}

/** Each turn steps back one epoch at least, so it ends. */
function truncateWhereTheyPart(current: Log, future: Log): void {
  for (;;) {
    const offset = partingOffset(current, future);
    if (offset >= future.logEndOffset) return;
    if (offset < future.logStartOffset) future.truncateFullyAndStartAt(Math.max(offset, current.logStartOffset));
    else future.truncateTo(offset);
  }
}

/** From where on the copy may hold what the log does not; its end when it holds nothing else. */
function partingOffset(current: Log, future: Log): number {
  const epoch = future.latestEpoch;
  // Without epochs (message formats before 2) only what is committed is sure to be the same.
  if (epoch === undefined) {
    return future.logEndOffset > current.logEndOffset ? current.highWatermark : future.logEndOffset;
  }
  const end = current.endOffsetForEpoch(epoch);
  if (end === undefined) return Math.min(current.logEndOffset, current.logStartOffset);
  if (end.epoch === epoch) return Math.min(end.endOffset, future.logEndOffset);
  const own = future.endOffsetForEpoch(end.epoch)?.endOffset ?? end.endOffset;
  return Math.min(end.endOffset, own);
}
