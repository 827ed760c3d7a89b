// Keeps compacted logs compacted: picks the dirtiest one, cleans it, remembers how far, again and again.
// Source: Kafka's LogCleaner and LogCleanerManager (3.9). One log at a time, whatever log.cleaner.threads says; in a thread where there is one.

import {
  type BackgroundThreads,
  type Clock,
  type FileSystem,
  KafkaError,
  type Logger,
  NoSpaceError,
  StorageError,
  type Timer,
  type TopicPartition,
  topicPartitionKey,
} from '@ottla/base';
import { CleanerThread, CleanerThreadDiedError } from './cleaner-thread.ts';
import { CleaningAbortedError, type CleaningPlace, type CleanResult } from './cleaning-host.ts';
import { InlineCleaning } from './inline-cleaning.ts';
import type { Log } from './log.ts';
import { type CleanerSettings, LogCompaction } from './log-compaction.ts';
import { isCleanable, type LogToClean, logToClean } from './log-to-clean.ts';
import type { OffsetCheckpointFile, PartitionOffset } from './offset-checkpoint-file.ts';
import { OffsetMap } from './offset-map.ts';

export interface LogCleanerSettings extends CleanerSettings {
  /** log.cleaner.enable */
  readonly enable: boolean;
  /** log.cleaner.backoff.ms: the pause when nothing needs cleaning */
  readonly backoffMs: number;
}

export const DEFAULT_LOG_CLEANER_SETTINGS: LogCleanerSettings = {
  enable: true,
  dedupeBufferSize: 134_217_728,
  dedupeBufferLoadFactor: 0.9,
  ioMaxBytesPerSecond: Number.MAX_VALUE,
  backoffMs: 15_000,
};

/** The logs and checkpoints the cleaner works on; the log manager. */
export interface CleanerLogs {
  allLogs(): Iterable<Log>;
  /** cleaner-offset-checkpoint of each working dir. */
  cleanerCheckpoints(): Iterable<{ logDirectory: string; file: OffsetCheckpointFile }>;
  handleLogDirFailure(logDirectory: string, error: StorageError): void;
  /** There was no space in it, and nothing changed. */
  onRefused(logDirectory: string, error: NoSpaceError): void;
}

/** What operators watch of the cleaner, as of its last look for work and its last log. */
export interface CleanerStats {
  /** The largest share of bytes that a log would have cleaned, in [0, 1]. */
  readonly maxDirtyRatio: number;
  readonly lastRunMs: number;
  readonly lastCleanTookMs: number;
  readonly lastBytesRead: number;
  readonly lastBytesWritten: number;
  /** Share of log.cleaner.dedupe.buffer.size that the map of keys took, in [0, 1]. */
  readonly lastBufferUtilization: number;
  /** The longest that a log waits beyond its max.compaction.lag.ms. */
  readonly maxCompactionDelayMs: number;
  /** The thread died, and no other has cleaned anything since. */
  readonly isThreadDead: boolean;
}

const NO_STATS: Omit<CleanerStats, 'lastRunMs'> = {
  maxDirtyRatio: 0,
  lastCleanTookMs: 0,
  lastBytesRead: 0,
  lastBytesWritten: 0,
  lastBufferUtilization: 0,
  maxCompactionDelayMs: 0,
  isThreadDead: false,
};

export class LogCleaner {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #logs: CleanerLogs;
  readonly #place: CleaningPlace;
  /** Log dir → partition → everything below is cleaned. */
  readonly #checkpoints = new Map<string, Map<string, PartitionOffset>>();
  /** Partitions whose records cannot be read: they are left alone until the next start. */
  readonly #uncleanable = new Set<string>();
  /** The log at which the thread died last. */
  #deadly: Log | undefined;
  /** Partitions that move to another log dir. */
  readonly #paused = new Set<string>();
  #settings: LogCleanerSettings;
  #stats: CleanerStats;
  /** The log being cleaned. */
  #current: Log | undefined;
  #timer: Timer | undefined;
  #running: Promise<void> | undefined;
  /** Checkpoints of partitions that moved. */
  #moving: Promise<void> = Promise.resolve();
  #isClosed = false;

  /** @param options.threads absent: logs are cleaned on the event loop, in slices */
  constructor(options: {
    clock: Clock;
    fileSystem: FileSystem;
    threads?: BackgroundThreads | undefined;
    logger: Logger;
    logs: CleanerLogs;
    settings?: Partial<LogCleanerSettings>;
  }) {
    this.#settings = { ...DEFAULT_LOG_CLEANER_SETTINGS, ...options.settings };
    this.#clock = options.clock;
    this.#logger = options.logger.child('kafka.log.LogCleaner');
    this.#logs = options.logs;
    const { threads, clock } = options;
    this.#place = threads === undefined ? new InlineCleaning(options) : new CleanerThread({ threads, clock });
    this.#stats = { ...NO_STATS, lastRunMs: options.clock.nowMs() };
  }

  get settings(): LogCleanerSettings {
    return this.#settings;
  }

  get stats(): CleanerStats {
    return this.#stats;
  }

  /** Holds at once, for the log that is being cleaned as well. Source: LogCleaner.reconfigure */
  reconfigure(settings: Omit<LogCleanerSettings, 'enable'>): void {
    this.#settings = { ...settings, enable: this.#settings.enable };
    // One that waits would go on waiting for what log.cleaner.backoff.ms was.
    if (this.#timer === undefined || this.#running !== undefined) return;
    this.#timer.cancel();
    this.#schedule();
  }

  /** Reads the checkpoints and begins to look for work every log.cleaner.backoff.ms. */
  start(): void {
    for (const { logDirectory, file } of this.#logs.cleanerCheckpoints()) {
      try {
        this.#checkpoints.set(logDirectory, file.read());
      } catch (error) {
        this.#onStorageError(logDirectory, error);
      }
    }
    if (this.#settings.enable) this.#schedule();
  }

  /** Waits for the slice that runs. Safe to call twice. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#running;
    await this.#place.close();
    await this.#moving;
  }

  /** Partitions whose records cannot be read. */
  get uncleanablePartitions(): readonly string[] {
    return [...this.#uncleanable];
  }

  /** Those of one log dir, and the bytes that would have been cleaned. Source: LogCleanerManager's uncleanable-* gauges */
  uncleanableIn(logDirectory: string): { count: number; sizeInBytes: number } {
    let [count, sizeInBytes] = [0, 0];
    if (this.#uncleanable.size === 0) return { count, sizeInBytes };
    for (const log of this.#logs.allLogs()) {
      if (log.parentDirectory !== logDirectory || !this.#uncleanable.has(log.name)) continue;
      count++;
      sizeInBytes += logToClean(log, this.lastCleanOffset(log), this.#clock.nowMs()).cleanableBytes;
    }
    return { count, sizeInBytes };
  }

  /** Cleans the dirtiest log, if one needs it. @returns what was cleaned */
  async cleanFilthiestLog(): Promise<(CleanResult & { log: Log }) | undefined> {
    const candidate = this.#filthiest();
    if (candidate === undefined) return undefined;
    const { log } = candidate;
    const startedMs = this.#clock.monotonicMs();
    this.#current = log;
    try {
      const result = await this.#compaction(candidate).run();
      await this.#updateCheckpoint(log, result.endOffset);
      const tookMs = this.#clock.monotonicMs() - startedMs;
      this.#noteCleaned(result, tookMs);
      this.#logger.info('compacted a log', {
        partition: log.name,
        firstDirtyOffset: candidate.firstDirtyOffset,
        ...result,
        tookMs,
      });
      return { ...result, log };
    } catch (error) {
      this.#onCleanFailed(log, error);
      return undefined;
    } finally {
      this.#current = undefined;
    }
  }

  /** The partition was deleted. */
  forget(tp: TopicPartition): void {
    for (const offsets of this.#checkpoints.values()) offsets.delete(topicPartitionKey(tp));
    this.#uncleanable.delete(topicPartitionKey(tp));
  }

  /** Stops cleaning the partition, until `resume`. Source: LogCleaner.abortAndPauseCleaning */
  pause(tp: TopicPartition): void {
    this.#paused.add(topicPartitionKey(tp));
  }

  resume(tp: TopicPartition): void {
    this.#paused.delete(topicPartitionKey(tp));
  }

  /** What is cleaned of the partition is so in its new log dir, too. Source: LogCleanerManager.alterCheckpointDir */
  alterCheckpointDir(tp: TopicPartition, from: string, to: string): void {
    const key = topicPartitionKey(tp);
    const offset = this.#checkpoints.get(from)?.get(key);
    if (offset === undefined) return;
    const target = this.#checkpoints.get(to) ?? new Map<string, PartitionOffset>();
    this.#checkpoints.set(to, target.set(key, offset));
    this.#checkpoints.get(from)?.delete(key);
    this.#moving = this.#moving.then(() => this.#writeCheckpoints([to, from]));
  }

  /** What is cleaned of the log so far; undefined: nothing. */
  lastCleanOffset(log: Log): number | undefined {
    const known = this.#checkpoints.get(log.parentDirectory)?.get(log.name)?.offset;
    if (known === undefined) return undefined;
    // Records that came after a truncation are dirty, though the offsets were clean before.
    return Math.min(known, log.lowestTruncation);
  }

  #schedule(): void {
    if (this.#isClosed) return;
    this.#timer = this.#clock.schedule(this.#settings.backoffMs, () => {
      this.#running = this.#cleanAll().finally(() => {
        this.#running = undefined;
        this.#schedule();
      });
    });
  }

  async #cleanAll(): Promise<void> {
    try {
      while (!this.#isClosed && (await this.cleanFilthiestLog()) !== undefined);
    } catch (error) {
      this.#logger.error('the cleaner failed', { problem: error instanceof Error ? error.message : String(error) });
    }
  }

  #compaction(candidate: LogToClean): LogCompaction {
    return new LogCompaction(candidate, {
      clock: this.#clock,
      place: this.#place,
      settings: () => this.#settings,
      mustStop: () => this.#mustStop(),
    });
  }

  #noteCleaned({ bytesRead, bytesWritten, keyCount }: CleanResult, tookMs: number): void {
    this.#deadly = undefined;
    this.#stats = {
      ...this.#stats,
      lastCleanTookMs: tookMs,
      lastBytesRead: bytesRead,
      lastBytesWritten: bytesWritten,
      lastBufferUtilization: OffsetMap.utilization(keyCount, this.#settings.dedupeBufferSize),
      isThreadDead: false,
    };
  }

  #filthiest(): LogToClean | undefined {
    let filthiest: LogToClean | undefined;
    let [maxDirtyRatio, maxCompactionDelayMs] = [0, 0];
    const nowMs = this.#clock.nowMs();
    for (const log of this.#logs.allLogs()) {
      if (!log.config.compact || log.isClosed || this.#isLeftAlone(log.name)) continue;
      const candidate = logToClean(log, this.lastCleanOffset(log), nowMs);
      maxDirtyRatio = Math.max(maxDirtyRatio, candidate.cleanableRatio);
      maxCompactionDelayMs = Math.max(maxCompactionDelayMs, candidate.compactionDelayMs);
      if (!isCleanable(candidate)) continue;
      if (filthiest === undefined || candidate.cleanableRatio > filthiest.cleanableRatio) filthiest = candidate;
    }
    this.#stats = { ...this.#stats, maxDirtyRatio, maxCompactionDelayMs, lastRunMs: nowMs };
    return filthiest;
  }

  #isLeftAlone(name: string): boolean {
    return this.#uncleanable.has(name) || this.#paused.has(name);
  }

  async #updateCheckpoint(log: Log, offset: number): Promise<void> {
    const directory = log.parentDirectory;
    const offsets = this.#checkpoints.get(directory) ?? new Map<string, PartitionOffset>();
    offsets.set(log.name, { tp: log.topicPartition, offset: Math.min(offset, log.lowestTruncation) });
    log.forgetTruncation();
    this.#checkpoints.set(directory, offsets);
    await this.#writeCheckpoint(directory);
  }

  async #writeCheckpoint(directory: string): Promise<void> {
    for (const { logDirectory, file } of this.#logs.cleanerCheckpoints()) {
      if (logDirectory === directory) await file.write(this.#checkpoints.get(directory)?.values() ?? []);
    }
  }

  /** Never rejects: a disk that fails takes its dir offline; for want of space the old file stays until the next write. */
  async #writeCheckpoints(directories: readonly string[]): Promise<void> {
    for (const directory of directories) {
      try {
        await this.#writeCheckpoint(directory);
      } catch (error) {
        this.#onStorageError(directory, error);
      }
    }
  }

  #mustStop(): boolean {
    return this.#isClosed || (this.#current !== undefined && this.#paused.has(this.#current.name));
  }

  #onCleanFailed(log: Log, error: unknown): void {
    if (error instanceof CleanerThreadDiedError) this.#onThreadDied(log, error);
    else if (error instanceof CleaningAbortedError || (error instanceof StorageError && log.isClosed)) {
      this.#logger.debug('compaction was stopped', { partition: log.name, reason: error.message });
    } else if (error instanceof StorageError) {
      this.#onStorageError(log.parentDirectory, error);
    } else if (error instanceof KafkaError) {
      // Damaged records, a codec that is missing: it would be the same next time.
      this.#uncleanable.add(log.name);
      this.#logger.error('a log cannot be compacted and is left alone', {
        partition: log.name,
        problem: error.message,
      });
    } else {
      this.#uncleanable.add(log.name);
      throw error;
    }
  }

  /** The next round starts another. A log at which it dies twice in a row would keep it from all others. */
  #onThreadDied(log: Log, error: CleanerThreadDiedError): void {
    const isLeftAlone = error.wasReady && this.#deadly === log;
    if (isLeftAlone) this.#uncleanable.add(log.name);
    this.#deadly = error.wasReady ? log : undefined;
    this.#stats = { ...this.#stats, isThreadDead: true };
    const problem = error.cause instanceof Error ? error.cause.message : error.message;
    this.#logger.error(error.message, { partition: log.name, problem, isLeftAlone });
  }

  #onStorageError(logDirectory: string, error: unknown): void {
    if (!(error instanceof StorageError)) throw error;
    if (error instanceof NoSpaceError) this.#logs.onRefused(logDirectory, error);
    else this.#logs.handleLogDirFailure(logDirectory, error);
  }
}
