// Takes records off the end of a log, and what is known of them out of epochs, producers and watermarks.
// Source: Kafka's UnifiedLog.{truncateTo, truncateFullyAndStartAt} (3.9).

import { assert } from '@ottla/base';
import type { LeaderEpochFileCache } from './leader-epoch-file-cache.ts';
import type { LocalLog, LogContext } from './local-log.ts';
import type { LogWatermarks } from './log-watermarks.ts';
import type { ProducerStateManager } from './producer-state-manager.ts';
import { rebuildProducerState } from './producer-state-rebuild.ts';

export interface LogTruncationParts {
  readonly context: LogContext;
  readonly localLog: LocalLog;
  readonly leaderEpochCache: LeaderEpochFileCache;
  readonly producerStateManager: ProducerStateManager;
  readonly watermarks: LogWatermarks;
  /** For messages. */
  readonly name: string;
}

export class LogTruncation {
  readonly #parts: LogTruncationParts;
  /** The lowest offset truncated to since the cleaner last noted how far the log is clean. */
  #lowestTruncation = Number.POSITIVE_INFINITY;

  constructor(parts: LogTruncationParts) {
    this.#parts = parts;
  }

  get lowestTruncation(): number {
    return this.#lowestTruncation;
  }

  forgetTruncation(): void {
    this.#lowestTruncation = Number.POSITIVE_INFINITY;
  }

  /** Drops records from `offset` on. @returns false when there are none */
  truncateTo(offset: number): boolean {
    const { context, localLog, leaderEpochCache, name } = this.#parts;
    assert(offset >= 0, `cannot truncate ${name} to ${offset}`);
    const { logEndOffset } = localLog;
    if (offset >= logEndOffset) {
      // An epoch of a leader that wrote nothing may begin at the end.
      leaderEpochCache.truncateFromEnd(offset);
      return false;
    }
    context.logger.info('truncating', { partition: name, offset, logEndOffset });
    const firstOffset = localLog.segments.first?.baseOffset ?? 0;
    if (firstOffset > offset) this.truncateFullyAndStartAt(offset, offset);
    else this.#truncateTail(offset);
    return true;
  }

  /** Drops everything; the log is empty and begins at `offset`, what may be read at `logStartOffset`. @throws NoSpaceError when nothing changed */
  truncateFullyAndStartAt(offset: number, logStartOffset: number): void {
    const { context, localLog, leaderEpochCache, producerStateManager, watermarks, name } = this.#parts;
    context.logger.info('truncating fully', { partition: name, offset });
    localLog.truncateFullyAndStartAt(offset);
    this.#lowestTruncation = Math.min(this.#lowestTruncation, offset);
    leaderEpochCache.clearAndFlush();
    producerStateManager.truncateFullyAndStartAt(offset);
    watermarks.onTruncated(logStartOffset);
    // The high watermark is where the log begins anew, even if it was below.
    watermarks.updateHighWatermark(offset);
    context.onTruncated?.();
  }

  #truncateTail(offset: number): void {
    const { context, localLog, leaderEpochCache, producerStateManager, watermarks } = this.#parts;
    this.#lowestTruncation = Math.min(this.#lowestTruncation, offset);
    const deleted = localLog.truncateTo(offset);
    for (const segment of deleted) producerStateManager.deleteSnapshotAt(segment.baseOffset);
    leaderEpochCache.truncateFromEnd(offset);
    const logStartOffset = Math.min(offset, watermarks.logStartOffset);
    rebuildProducerState({
      segments: localLog.segments,
      producerStateManager,
      logStartOffset,
      lastOffset: offset,
      nowMs: context.clock.nowMs(),
      reloadFromCleanShutdown: false,
    });
    watermarks.onTruncated(logStartOffset);
    context.onTruncated?.();
  }
}
