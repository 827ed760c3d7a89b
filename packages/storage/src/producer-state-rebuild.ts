// Brings what is known of producers up to an offset of the log: from the newest snapshot, and the batches behind it.
// Source: Kafka's UnifiedLog.rebuildProducerState (3.9).

import { NoSpaceError } from '@ottla/base';
import type { LogSegment } from './log-segment.ts';
import type { LogSegments } from './log-segments.ts';
import { type ProducerStateManager, replayBatch } from './producer-state-manager.ts';

export interface RebuildOptions {
  readonly segments: LogSegments;
  readonly producerStateManager: ProducerStateManager;
  readonly logStartOffset: number;
  /** Where the state shall end. */
  readonly lastOffset: number;
  readonly nowMs: number;
  /** After a clean stop a log without any snapshot (of before 0.11) is taken to have no producers. */
  readonly reloadFromCleanShutdown: boolean;
}

export function rebuildProducerState(options: RebuildOptions): void {
  const { segments, producerStateManager, lastOffset } = options;
  const offsetsToSnapshot = snapshotOffsets(segments, lastOffset);
  if (producerStateManager.latestSnapshotOffset === undefined && options.reloadFromCleanShutdown) {
    for (const offset of offsetsToSnapshot) {
      producerStateManager.updateMapEndOffset(offset);
      takeSnapshotWhereThereIsRoom(producerStateManager);
    }
    return;
  }
  const wasEmpty = producerStateManager.isEmpty && producerStateManager.mapEndOffset >= lastOffset;
  producerStateManager.truncateAndReload(options.logStartOffset, lastOffset, options.nowMs);
  if (lastOffset > producerStateManager.mapEndOffset && !wasEmpty) replaySegments(options, offsetsToSnapshot);
  producerStateManager.updateMapEndOffset(lastOffset);
  takeSnapshotWhereThereIsRoom(producerStateManager);
}

function replaySegments(options: RebuildOptions, offsetsToSnapshot: readonly number[]): void {
  const { segments, producerStateManager, lastOffset } = options;
  const lastSegment = segments.floor(lastOffset);
  for (const segment of segments.between(producerStateManager.mapEndOffset, lastOffset)) {
    const startOffset = Math.max(segment.baseOffset, producerStateManager.mapEndOffset, options.logStartOffset);
    producerStateManager.updateMapEndOffset(startOffset);
    if (offsetsToSnapshot.includes(segment.baseOffset)) takeSnapshotWhereThereIsRoom(producerStateManager);
    const maxPosition =
      segment === lastSegment
        ? (segment.translateOffset(lastOffset)?.position ?? segment.sizeInBytes)
        : segment.sizeInBytes;
    replaySegment(segment, startOffset, maxPosition, producerStateManager);
  }
}

function replaySegment(
  segment: LogSegment,
  startOffset: number,
  maxPosition: number,
  producerStateManager: ProducerStateManager,
): void {
  const reader = segment.batches('batches', { startOffset, maxPosition });
  for (let batch = reader.next(); batch !== undefined; batch = reader.next()) {
    const completed = replayBatch(producerStateManager, batch);
    if (completed !== undefined) producerStateManager.completeTransaction(completed);
  }
}

/** The last two segments' beginnings, and the end: an older snapshot is never needed by a truncation soon after. */
function snapshotOffsets(segments: LogSegments, lastOffset: number): number[] {
  const last = segments.last;
  const beforeLast = last === undefined ? undefined : segments.lower(last.baseOffset);
  return [beforeLast?.baseOffset, last?.baseOffset, lastOffset].filter((offset) => offset !== undefined);
}

/** Without it the next rebuilding reads more of the log. */
function takeSnapshotWhereThereIsRoom(producerStateManager: ProducerStateManager): void {
  try {
    producerStateManager.takeSnapshot();
  } catch (error) {
    if (!(error instanceof NoSpaceError)) throw error;
  }
}
