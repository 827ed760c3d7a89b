// Which log is cleaned next, which are being cleaned, and which are not to be: what several cleaners have to agree upon.
// Source: Kafka's LogCleanerManager (3.9). It waits where a cleaning is aborted; here whoever aborts one goes on, and it leaves no trace.

import {
  type Clock,
  type Logger,
  NoSpaceError,
  StorageError,
  type TopicPartition,
  topicPartitionKey,
} from '@ottla/base';
import { CleanerCheckpoints } from './cleaner-checkpoints.ts';
import { type CleanerLogs, reportStorageError } from './cleaner-logs.ts';
import { CleaningAbortedError } from './cleaning-host.ts';
import type { Log } from './log.ts';
import { cleanableRange, isCleanable, type LogToClean, logToClean } from './log-to-clean.ts';

/** What the last look for work saw. */
export interface PreCleanStats {
  readonly atMs: number;
  /** The largest share of bytes that a log would have cleaned, in [0, 1]; logs that are being cleaned, or rest, aside. */
  readonly maxDirtyRatio: number;
  /** The longest that a log waits beyond its max.compaction.lag.ms. */
  readonly maxCompactionDelayMs: number;
}

/** Partitions are known by name: a deleted one may be made anew, in the same directory, while a cleaner is still at it. */
export class LogCleanerManager {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #logs: CleanerLogs;
  readonly #checkpoints: CleanerCheckpoints;
  readonly #inProgress = new Map<string, 'cleaning' | 'aborted'>();
  /** They move to another log dir. */
  readonly #paused = new Set<string>();
  /** Their records cannot be read: they are left alone until the next start. */
  readonly #uncleanable = new Set<string>();
  /** A thread died at them, and they have not been cleaned since. */
  readonly #deadly = new Set<string>();
  readonly #backoffMs: () => number;
  /** Partitions that could not be cleaned, and log dirs without space; since when: they rest for `#backoffMs`. */
  readonly #failedAtMs = new Map<string, number>();
  #preCleanStats: PreCleanStats;

  constructor(ports: { clock: Clock; logger: Logger; logs: CleanerLogs; backoffMs: () => number }) {
    this.#clock = ports.clock;
    this.#logger = ports.logger;
    this.#logs = ports.logs;
    this.#backoffMs = ports.backoffMs;
    this.#checkpoints = new CleanerCheckpoints(ports.logs);
    this.#preCleanStats = { atMs: ports.clock.nowMs(), maxDirtyRatio: 0, maxCompactionDelayMs: 0 };
  }

  get preCleanStats(): PreCleanStats {
    return this.#preCleanStats;
  }

  /** Reads the checkpoints. */
  start(): void {
    this.#checkpoints.readAll();
  }

  /** After the last cleaner. */
  async close(): Promise<void> {
    await this.#checkpoints.close();
  }

  // For cleaners.

  /** What could not be cleaned may be tried again at once. */
  endRests(): void {
    this.#failedAtMs.clear();
  }

  /** The dirtiest log that needs cleaning and that no cleaner is at; it is the caller's until `doneCleaning`. Never throws. */
  grabFilthiestCompactedLog(): LogToClean | undefined {
    let filthiest: LogToClean | undefined;
    let [maxDirtyRatio, maxCompactionDelayMs] = [0, 0];
    const atMs = this.#clock.nowMs();
    for (const log of this.#logs.allLogs()) {
      if (!log.config.compact || log.isClosed || this.#isLeftAlone(log)) continue;
      const candidate = this.#lookAt(log, atMs);
      if (candidate === undefined) continue;
      maxCompactionDelayMs = Math.max(maxCompactionDelayMs, candidate.compactionDelayMs);
      if (this.#inProgress.has(log.name) || this.#isResting(log)) continue;
      maxDirtyRatio = Math.max(maxDirtyRatio, candidate.cleanableRatio);
      if (!isCleanable(candidate)) continue;
      if (filthiest === undefined || candidate.cleanableRatio > filthiest.cleanableRatio) filthiest = candidate;
    }
    this.#preCleanStats = { atMs, maxDirtyRatio, maxCompactionDelayMs };
    if (filthiest !== undefined) this.#inProgress.set(filthiest.log.name, 'cleaning');
    return filthiest;
  }

  /** The partition was paused or deleted since it was grabbed. */
  isAborted(log: Log): boolean {
    return this.#inProgress.get(log.name) === 'aborted';
  }

  /** The log was cleaned up to `endOffset`; resolves when that is on disk. @throws CleaningAbortedError, StorageError */
  async updateCheckpoint(log: Log, endOffset: number): Promise<void> {
    this.#deadly.delete(log.name);
    this.#failedAtMs.delete(log.name);
    if (this.isAborted(log)) throw new CleaningAbortedError(`${log.name} was cleaned too late`);
    await this.#checkpoints.update(log, endOffset);
  }

  /** Whatever came of it. */
  doneCleaning(log: Log): void {
    this.#inProgress.delete(log.name);
  }

  /** It could not be cleaned: not again for a while. For want of space no log of its dir is tried again. */
  letRest(log: Log, error: unknown): void {
    const nowMs = this.#clock.monotonicMs();
    this.#failedAtMs.set(log.name, nowMs);
    if (error instanceof NoSpaceError) this.#failedAtMs.set(log.parentDirectory, nowMs);
  }

  /** It would be the same next time. */
  markPartitionUncleanable(log: Log, error: unknown): void {
    if (this.isAborted(log)) return;
    this.#uncleanable.add(log.name);
    const problem = error instanceof Error ? error.message : String(error);
    this.#logger.error('a log cannot be compacted and is left alone', { partition: log.name, problem });
  }

  /** A log at which threads die, one after the other, would keep cleaners from all others.
   *  @returns whether it is left alone from now on, since it was the second time */
  onThreadDied(log: Log): boolean {
    if (this.isAborted(log)) return false;
    const isLeftAlone = this.#deadly.has(log.name);
    if (isLeftAlone) this.#uncleanable.add(log.name);
    else this.#deadly.add(log.name);
    return isLeftAlone;
  }

  // For the owner of the logs.

  /** What is cleaned of the log so far; undefined: nothing. */
  lastCleanOffset(log: Log): number | undefined {
    return this.#checkpoints.lastCleanOffset(log);
  }

  /** Stops cleaning the partition, until `resume`. Safe to call twice. */
  abortAndPause(tp: TopicPartition): void {
    this.#paused.add(topicPartitionKey(tp));
    this.#abort(tp);
  }

  resume(tp: TopicPartition): void {
    this.#paused.delete(topicPartitionKey(tp));
  }

  /** The partition was deleted. */
  forget(tp: TopicPartition): void {
    this.#abort(tp);
    this.#trustAgain(tp);
    this.#checkpoints.forget(tp);
  }

  /** What is cleaned of the partition is so in its new log dir, too; what was wrong with it in the old one need not be. */
  alterCheckpointDir(tp: TopicPartition, from: string, to: string): void {
    this.#trustAgain(tp);
    this.#checkpoints.move(tp, from, to);
  }

  get uncleanablePartitions(): readonly string[] {
    return [...this.#uncleanable];
  }

  /** Those of one log dir, and the bytes that would have been cleaned. */
  uncleanableIn(logDirectory: string): { count: number; sizeInBytes: number } {
    let [count, sizeInBytes] = [0, 0];
    if (this.#uncleanable.size === 0) return { count, sizeInBytes };
    for (const log of this.#logs.allLogs()) {
      if (log.parentDirectory !== logDirectory || !this.#uncleanable.has(log.name)) continue;
      count++;
      sizeInBytes += cleanableRange(log, this.lastCleanOffset(log), this.#clock.nowMs()).cleanableBytes;
    }
    return { count, sizeInBytes };
  }

  /** One log that cannot be read keeps nobody from the others. */
  #lookAt(log: Log, nowMs: number): LogToClean | undefined {
    try {
      return logToClean(log, this.lastCleanOffset(log), nowMs);
    } catch (error) {
      if (error instanceof StorageError) reportStorageError(this.#logs, log.parentDirectory, error);
      else this.markPartitionUncleanable(log, error);
      return undefined;
    }
  }

  #isLeftAlone({ name }: Log): boolean {
    return this.#uncleanable.has(name) || this.#paused.has(name);
  }

  #isResting({ name, parentDirectory }: Log): boolean {
    const isRecent = (atMs = Number.NEGATIVE_INFINITY) => this.#clock.monotonicMs() - atMs < this.#backoffMs();
    return isRecent(this.#failedAtMs.get(name)) || isRecent(this.#failedAtMs.get(parentDirectory));
  }

  #abort(tp: TopicPartition): void {
    const key = topicPartitionKey(tp);
    if (this.#inProgress.has(key)) this.#inProgress.set(key, 'aborted');
  }

  #trustAgain(tp: TopicPartition): void {
    this.#uncleanable.delete(topicPartitionKey(tp));
    this.#deadly.delete(topicPartitionKey(tp));
    this.#failedAtMs.delete(topicPartitionKey(tp));
  }
}
