// One cleaner: cleans the dirtiest log that no other has, then the next, until there is none. Source: Kafka's LogCleaner.CleanerThread (3.9).
// Where the work itself is done: cleaner-thread.ts, inline-cleaning.ts.

import { type Clock, KafkaError, type Logger, StorageError } from '@ottla/base';
import { type CleanerLogs, reportStorageError } from './cleaner-logs.ts';
import { CleanerThreadDiedError } from './cleaner-thread.ts';
import { CleaningAbortedError, type CleaningPlace, type CleanResult } from './cleaning-host.ts';
import type { Log } from './log.ts';
import type { LogCleanerManager } from './log-cleaner-manager.ts';
import { type CleanerSettings, LogCompaction } from './log-compaction.ts';
import type { LogToClean } from './log-to-clean.ts';
import { OffsetMap } from './offset-map.ts';
import type { Throttler } from './throttler.ts';

export interface CleanerLoopParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly logs: CleanerLogs;
  readonly manager: LogCleanerManager;
  /** Its own. */
  readonly place: CleaningPlace;
  readonly throttler: Throttler;
  readonly settings: () => CleanerSettings;
  /** It has nothing more to do. */
  readonly onIdle: () => void;
}

/** Of the last log it cleaned. */
export interface CleanerStats {
  readonly tookMs: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Share of the memory that its map of keys may take, in [0, 1]. */
  readonly bufferUtilization: number;
}

const NO_STATS: CleanerStats = { tookMs: 0, bytesRead: 0, bytesWritten: 0, bufferUtilization: 0 };

export class CleanerLoop {
  readonly #parts: CleanerLoopParts;
  #lastStats = NO_STATS;
  #isThreadDead = false;
  #state: 'on' | 'retired' | 'closed' = 'on';
  /** Set while it works. */
  #running: Promise<void> | undefined;

  constructor(parts: CleanerLoopParts) {
    this.#parts = parts;
  }

  get lastStats(): CleanerStats {
    return this.#lastStats;
  }

  /** Its thread died; until it has cleaned a log, or there is none to be cleaned. */
  get isThreadDead(): boolean {
    return this.#isThreadDead;
  }

  /** Begins to work. @returns false when no log needs it. Nothing happens when it is at work */
  start(): boolean {
    if (this.#state === 'closed') return false;
    this.#state = 'on';
    if (this.#isBusy) return true;
    const candidate = this.#parts.manager.grabFilthiestCompactedLog();
    if (candidate === undefined) return false;
    this.#running = this.#cleanAll(candidate).finally(() => {
      this.#running = undefined;
      if (this.#state === 'retired') void this.#parts.place.close();
      this.#parts.onIdle();
    });
    return true;
  }

  /** No log needs cleaning that is not being cleaned. */
  onNothingToDo(): void {
    if (!this.#isBusy) this.#isThreadDead = false;
  }

  /** Ends after the log it is at, until `start`. */
  retire(): void {
    if (this.#state === 'on') this.#state = 'retired';
    if (!this.#isBusy) void this.#parts.place.close();
  }

  /** Stops it, and waits for the slice that runs. Safe to call twice. */
  async close(): Promise<void> {
    this.#state = 'closed';
    await this.#running;
    await this.#parts.place.close();
  }

  /** Cleans the dirtiest log, if one needs it. @returns what was cleaned */
  async cleanFilthiestLog(): Promise<(CleanResult & { log: Log }) | undefined> {
    const candidate = this.#parts.manager.grabFilthiestCompactedLog();
    return candidate && this.#maybeClean(candidate);
  }

  get #isBusy(): boolean {
    return this.#running !== undefined;
  }

  /** Never rejects. When its thread has died it leaves the rest to others, or to the next round. */
  async #cleanAll(first: LogToClean): Promise<void> {
    try {
      let next: LogToClean | undefined = first;
      while (next !== undefined) {
        await this.#maybeClean(next);
        const mayGoOn = this.#state === 'on' && !this.#isThreadDead;
        next = mayGoOn ? this.#parts.manager.grabFilthiestCompactedLog() : undefined;
      }
    } catch (error) {
      this.#parts.logger.error('the cleaner failed', {
        problem: error instanceof Error ? error.message : String(error),
      });
    }
  }

  async #maybeClean(candidate: LogToClean): Promise<(CleanResult & { log: Log }) | undefined> {
    const { log } = candidate;
    try {
      return { ...(await this.#clean(candidate)), log };
    } catch (error) {
      this.#onCleanFailed(log, error);
      return undefined;
    } finally {
      this.#parts.manager.doneCleaning(log);
    }
  }

  async #clean(candidate: LogToClean): Promise<CleanResult> {
    const { clock, logger, manager } = this.#parts;
    const { log, firstDirtyOffset } = candidate;
    const startedMs = clock.monotonicMs();
    const result = await this.#compaction(candidate).run();
    await manager.updateCheckpoint(log, result.endOffset);
    const tookMs = clock.monotonicMs() - startedMs;
    this.#noteCleaned(result, tookMs);
    logger.info('compacted a log', { partition: log.name, firstDirtyOffset, ...result, tookMs });
    return result;
  }

  #compaction(candidate: LogToClean): LogCompaction {
    const { clock, place, settings, throttler, manager } = this.#parts;
    const mustStop = (): boolean => this.#state === 'closed' || manager.isAborted(candidate.log);
    return new LogCompaction(candidate, { clock, place, settings, throttler, mustStop });
  }

  #noteCleaned({ bytesRead, bytesWritten, keyCount }: CleanResult, tookMs: number): void {
    const bufferUtilization = OffsetMap.utilization(keyCount, this.#parts.settings().dedupeBufferSize);
    this.#lastStats = { tookMs, bytesRead, bytesWritten, bufferUtilization };
    this.#isThreadDead = false;
  }

  #onCleanFailed(log: Log, error: unknown): void {
    const { logger, logs, manager } = this.#parts;
    manager.letRest(log, error);
    if (error instanceof CleanerThreadDiedError) this.#onThreadDied(log, error);
    else if (error instanceof CleaningAbortedError || (error instanceof StorageError && log.isClosed)) {
      logger.debug('compaction was stopped', { partition: log.name, reason: error.message });
    } else if (error instanceof StorageError) reportStorageError(logs, log.parentDirectory, error);
    else {
      // Damaged records, a codec that is missing; or a bug.
      manager.markPartitionUncleanable(log, error);
      if (!(error instanceof KafkaError)) throw error;
    }
  }

  /** The next round starts another. */
  #onThreadDied(log: Log, error: CleanerThreadDiedError): void {
    const isLeftAlone = error.wasReady && this.#parts.manager.onThreadDied(log);
    this.#isThreadDead = true;
    const problem = error.cause instanceof Error ? error.cause.message : error.message;
    this.#parts.logger.error(error.message, { partition: log.name, problem, isLeftAlone });
  }
}
