// Keeps compacted logs compacted: log.cleaner.threads cleaners (cleaner-loop.ts), each in a thread of its own, that agree through
// log-cleaner-manager.ts who cleans what, and share memory and the speed limit. Where there are no threads there is one cleaner, on the event
// loop: more would take turns at the same processor.
// Source: Kafka's LogCleaner (3.9). There each cleaner looks for work by itself, and a change of settings stops all and starts others; here the
// look is one for all, since the event loop does it, those who stay go on, and those who go finish the log they are at.

import type { BackgroundThreads, Clock, FileSystem, Logger, Timer, TopicPartition } from '@ottla/base';
import type { CleanerLogs } from './cleaner-logs.ts';
import { CleanerLoop } from './cleaner-loop.ts';
import { CleanerThread } from './cleaner-thread.ts';
import type { CleaningPlace, CleanResult } from './cleaning-host.ts';
import { InlineCleaning } from './inline-cleaning.ts';
import type { Log } from './log.ts';
import { LogCleanerManager } from './log-cleaner-manager.ts';
import {
  DEDUPE_BUFFER_BYTES_MAX,
  DEFAULT_LOG_CLEANER_SETTINGS,
  dedupeBufferShare,
  type LogCleanerSettings,
} from './log-cleaner-settings.ts';
import { Throttler } from './throttler.ts';

/** What operators watch of the cleaners, as of the last look for work and the last log of each. */
export interface LogCleanerStats {
  /** The largest share of bytes that a log would have cleaned, in [0, 1]. */
  readonly maxDirtyRatio: number;
  readonly lastRunMs: number;
  /** The longest that a log waits beyond its max.compaction.lag.ms. */
  readonly maxCompactionDelayMs: number;
  readonly maxCleanTookMs: number;
  /** Of all cleaners together. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** The largest share of its memory that a cleaner's map of keys took, in [0, 1]. */
  readonly maxBufferUtilization: number;
  /** Cleaners whose thread died, until they have cleaned a log, or there is none to be cleaned. */
  readonly deadThreadCount: number;
}

export interface LogCleanerOptions {
  readonly clock: Clock;
  readonly fileSystem: FileSystem;
  /** Absent: logs are cleaned on the event loop, in slices. */
  readonly threads?: BackgroundThreads | undefined;
  readonly logger: Logger;
  readonly logs: CleanerLogs;
  readonly settings?: Partial<LogCleanerSettings>;
}

export class LogCleaner {
  readonly #options: LogCleanerOptions;
  readonly #logger: Logger;
  readonly #manager: LogCleanerManager;
  readonly #throttler: Throttler;
  /** As many as there ever were: the first `#cleanerCount` are on. */
  readonly #cleaners: CleanerLoop[] = [];
  #settings: LogCleanerSettings;
  /** Of the next look for work; unset while every cleaner has some. */
  #timer: Timer | undefined;
  #state: 'new' | 'started' | 'closed' = 'new';

  constructor(options: LogCleanerOptions) {
    this.#options = options;
    this.#settings = { ...DEFAULT_LOG_CLEANER_SETTINGS, ...options.settings };
    this.#logger = options.logger.child('kafka.log.LogCleaner');
    const backoffMs = () => this.#settings.backoffMs;
    this.#manager = new LogCleanerManager({ ...options, logger: this.#logger, backoffMs });
    this.#throttler = new Throttler(options.clock, () => this.#settings.ioMaxBytesPerSecond);
  }

  get settings(): LogCleanerSettings {
    return this.#settings;
  }

  get stats(): LogCleanerStats {
    const { atMs: lastRunMs, maxDirtyRatio, maxCompactionDelayMs } = this.#manager.preCleanStats;
    const cleaners = this.#cleaners.slice(0, this.#cleanerCount);
    const last = cleaners.map(({ lastStats }) => lastStats);
    return {
      maxDirtyRatio,
      lastRunMs,
      maxCompactionDelayMs,
      maxCleanTookMs: Math.max(0, ...last.map(({ tookMs }) => tookMs)),
      bytesRead: last.reduce((sum, { bytesRead }) => sum + bytesRead, 0),
      bytesWritten: last.reduce((sum, { bytesWritten }) => sum + bytesWritten, 0),
      maxBufferUtilization: Math.max(0, ...last.map(({ bufferUtilization }) => bufferUtilization)),
      deadThreadCount: cleaners.filter(({ isThreadDead }) => isThreadDead).length,
    };
  }

  /** Reads the checkpoints and begins to look for work every log.cleaner.backoff.ms. */
  start(): void {
    if (this.#state !== 'new') return;
    this.#state = 'started';
    this.#manager.start();
    this.#warnOfUnusedMemory();
    this.#lookLater();
  }

  /** Holds at once, for the logs that are being cleaned as well; only the memory of their maps was given out when they were begun.
   *  Source: LogCleaner.reconfigure */
  reconfigure(settings: Omit<LogCleanerSettings, 'enable'>): void {
    const countBefore = this.#cleanerCount;
    this.#settings = { ...settings, enable: this.#settings.enable };
    if (this.#state !== 'started') return;
    this.#warnOfUnusedMemory();
    for (const cleaner of this.#cleaners.slice(this.#cleanerCount)) cleaner.retire();
    if (this.#cleanerCount > countBefore) this.#look();
    // It would go on waiting for what log.cleaner.backoff.ms was.
    else if (this.#timer !== undefined) this.#lookLater();
  }

  /** Waits for the slices that run. Safe to call twice. */
  async close(): Promise<void> {
    this.#state = 'closed';
    this.#timer?.cancel();
    await Promise.all(this.#cleaners.map((cleaner) => cleaner.close()));
    await this.#manager.close();
  }

  /** Has the first cleaner clean the dirtiest log, if one needs it, also one that rests. @returns what was cleaned */
  async cleanFilthiestLog(): Promise<(CleanResult & { log: Log }) | undefined> {
    this.#manager.endRests();
    return this.#cleaner(0).cleanFilthiestLog();
  }

  /** Partitions whose records cannot be read. */
  get uncleanablePartitions(): readonly string[] {
    return this.#manager.uncleanablePartitions;
  }

  /** Those of one log dir, and the bytes that would have been cleaned. Source: LogCleanerManager's uncleanable-* gauges */
  uncleanableIn(logDirectory: string): { count: number; sizeInBytes: number } {
    return this.#manager.uncleanableIn(logDirectory);
  }

  /** What is cleaned of the log so far; undefined: nothing. */
  lastCleanOffset(log: Log): number | undefined {
    return this.#manager.lastCleanOffset(log);
  }

  /** The partition was deleted. */
  forget(tp: TopicPartition): void {
    this.#manager.forget(tp);
  }

  /** Stops cleaning the partition, until `resume`. Source: LogCleaner.abortAndPauseCleaning */
  abortAndPause(tp: TopicPartition): void {
    this.#manager.abortAndPause(tp);
  }

  resume(tp: TopicPartition): void {
    this.#manager.resume(tp);
  }

  /** What is cleaned of the partition is so in its new log dir, too. Source: LogCleanerManager.alterCheckpointDir */
  alterCheckpointDir(tp: TopicPartition, from: string, to: string): void {
    this.#manager.alterCheckpointDir(tp, from, to);
  }

  get #cleanerCount(): number {
    const { enable, threads } = this.#settings;
    if (!enable) return 0;
    return this.#options.threads === undefined ? Math.min(1, threads) : threads;
  }

  /** Gives work to cleaners that have none, as long as there is some. */
  #look(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (let id = 0; id < this.#cleanerCount; id++) {
      if (this.#cleaner(id).start()) continue;
      this.#onNothingToDo();
      return;
    }
  }

  #onNothingToDo(): void {
    for (const cleaner of this.#cleaners) cleaner.onNothingToDo();
    this.#lookLater();
  }

  /** When a cleaner has nothing to do. */
  #lookLater(): void {
    this.#timer?.cancel();
    if (this.#state === 'started' && this.#cleanerCount > 0) {
      this.#timer = this.#options.clock.schedule(this.#settings.backoffMs, () => this.#look());
    }
  }

  #warnOfUnusedMemory(): void {
    if (this.#settings.dedupeBufferSize / Math.max(1, this.#cleanerCount) > DEDUPE_BUFFER_BYTES_MAX) {
      this.#logger.warn('a cleaner uses no more than 2 GB of log.cleaner.dedupe.buffer.size');
    }
  }

  #cleaner(id: number): CleanerLoop {
    const existing = this.#cleaners[id];
    if (existing !== undefined) return existing;
    const cleaner = new CleanerLoop({
      clock: this.#options.clock,
      logger: this.#logger,
      logs: this.#options.logs,
      manager: this.#manager,
      place: this.#placeOf(id),
      throttler: this.#throttler,
      settings: () => ({
        ...this.#settings,
        dedupeBufferSize: dedupeBufferShare(this.#settings, this.#cleanerCount),
      }),
      onIdle: () => {
        if (this.#timer === undefined) this.#lookLater();
      },
    });
    this.#cleaners[id] = cleaner;
    return cleaner;
  }

  #placeOf(id: number): CleaningPlace {
    const { threads, clock } = this.#options;
    return threads === undefined ? new InlineCleaning(this.#options) : new CleanerThread({ threads, clock, id });
  }
}
