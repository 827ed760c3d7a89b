// Opens logs that are on disk and creates those that are not: in which dir, from which checkpoints, and what becomes of the dir when that
// fails. Source: Kafka's LogManager (getOrCreateLog, nextLogDirs, loadLog).

import { join, resolve } from 'node:path';
import {
  type Clock,
  type FileSystem,
  KafkaError,
  type Logger,
  mustBePresent,
  type Random,
  type TopicPartition,
  topicPartitionKey,
} from '@ottla/base';
import { isRefusedForSpace } from './full-log-dirs.ts';
import type { LogContext } from './local-log.ts';
import type { Log } from './log.ts';
import type { LogConfig } from './log-config.ts';
import { type LogDirectories, unavailable } from './log-directories.ts';
import type { LogDirectory, PartitionDirectory } from './log-directory.ts';
import { uniqueDirectoryName } from './log-file-names.ts';
import { loadLog } from './log-loader.ts';
import type { LogManagerSettings } from './log-manager-settings.ts';
import type { ManagedLogs } from './managed-logs.ts';

export interface LogOpenerParts {
  readonly fileSystem: FileSystem;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly settings: () => LogManagerSettings;
  readonly directories: LogDirectories;
  readonly logs: ManagedLogs;
  /** What logs are given. */
  readonly context: LogContext;
}

export interface OpenLogOptions {
  readonly config: LogConfig;
  /** Where to create it; default the working dir with the fewest partitions. */
  readonly logDirectory?: string;
}

export class LogOpener {
  readonly #parts: LogOpenerParts;
  readonly #producerIdExpirationMs = (): number => this.#parts.settings().producerIdExpirationMs;
  readonly #transactionVerificationEnabled = (): boolean =>
    this.#parts.settings().transactionPartitionVerificationEnable;

  constructor(parts: LogOpenerParts) {
    this.#parts = parts;
  }

  /** @param options.isNew false: the partition existed before. If it is nowhere and a dir is offline, it may be there
   *  @throws KafkaError KAFKA_STORAGE_ERROR */
  openOrCreate(tp: TopicPartition, options: OpenLogOptions & { isNew: boolean }): Log {
    const { logs, directories } = this.#parts;
    const key = topicPartitionKey(tp);
    const found = this.#found(key);
    if (found !== undefined) return this.load(found, options.config);
    if (logs.current.getOffline(key) !== undefined) throw unavailable(`${key} is in an offline log dir`);
    if (!options.isNew && directories.failedPaths.length > 0) {
      throw unavailable(`${key} is in no working log dir and may be in one of ${directories.failedPaths.join(', ')}`);
    }
    return this.#create(tp, options);
  }

  /** A copy that was found, or a new one in `options.logDirectory`. @throws KafkaError KAFKA_STORAGE_ERROR */
  openOrCreateFuture(tp: TopicPartition, options: OpenLogOptions): Log {
    const { logs, random, logger } = this.#parts;
    const key = topicPartitionKey(tp);
    const found = logs.future.takeUnloaded(key);
    if (found !== undefined) return this.#loadFuture(key, found, options.config);
    const directory = this.#placeFor(mustBePresent(options.logDirectory, `a dir for the copy of ${key}`));
    const path = join(directory.path, uniqueDirectoryName(tp, 'future', random));
    const log = this.#createIn(directory, path, tp, options.config);
    this.#syncNames(directory.path);
    logger.info('a replica begins to move', { partition: key, directory: path });
    return log;
  }

  /** @throws KafkaError KAFKA_STORAGE_ERROR */
  load(found: PartitionDirectory, config: LogConfig): Log {
    const { directories, logs, clock, logger } = this.#parts;
    const directory = directories.get(found.logDirectory);
    if (directory === undefined) throw unavailable(`${found.directory} is in an offline log dir`);
    const startedMs = clock.monotonicMs();
    const log = this.#loadIn(directory, found.directory, found.tp, config, found);
    logs.current.takeUnloaded(topicPartitionKey(found.tp));
    logger.debug('opened a log', {
      partition: log.name,
      logStartOffset: log.logStartOffset,
      logEndOffset: log.logEndOffset,
      tookMs: clock.monotonicMs() - startedMs,
    });
    return log;
  }

  /** What the start found of the partition, unless somebody removed it by hand since: as long as no topic is known for a directory it is left
   *  alone, and may go. */
  #found(key: string): PartitionDirectory | undefined {
    const { logs, directories, logger } = this.#parts;
    const found = logs.current.getUnloaded(key);
    const directory = found === undefined ? undefined : directories.get(found.logDirectory);
    if (found === undefined || directory === undefined || this.#isThere(found)) return found;
    logger.warn('a partition directory that was found at the start is gone', { directory: found.directory });
    logs.current.takeUnloaded(key);
    directory.forget(found.tp);
    return undefined;
  }

  /** Also when the disk does not say: then it is offline now. */
  #isThere({ directory, logDirectory }: PartitionDirectory): boolean {
    try {
      return this.#parts.fileSystem.statSync(directory) !== undefined;
    } catch (error) {
      this.#parts.directories.takeOffline(logDirectory, error);
      return true;
    }
  }

  #create(tp: TopicPartition, options: OpenLogOptions): Log {
    const { directories, logs, logger } = this.#parts;
    const key = topicPartitionKey(tp);
    for (;;) {
      const directory = this.#placeFor(options.logDirectory ?? logs.future.preferred(key));
      const path = join(directory.path, key);
      try {
        const log = this.#createIn(directory, path, tp, options.config);
        logs.future.forgetPreferred(key);
        logger.info('created a log', { partition: log.name, directory: path });
        return log;
      } catch (error) {
        // That dir is offline now; another one may do.
        if (!(error instanceof KafkaError) || directories.isLive(directory.path)) throw error;
      }
    }
  }

  /** A power loss may have left a later segment of the copy and not all of an earlier one. Such a hole looks as if compaction had made it,
   *  and would replace records that the log still has: only what was synced for sure need not be copied again. */
  #loadFuture(key: string, found: PartitionDirectory, config: LogConfig): Log {
    try {
      const log = this.load(found, config);
      if (this.#parts.directories.get(found.logDirectory)?.hadCleanShutdown !== true) log.truncateTo(log.recoveryPoint);
      return log;
    } catch (error) {
      if (isRefusedForSpace(error)) this.#parts.logs.future.register(key, found);
      throw error;
    }
  }

  /** Where there is no space nothing is left of it. */
  #createIn(directory: LogDirectory, path: string, tp: TopicPartition, config: LogConfig): Log {
    try {
      return this.#loadIn(directory, path, tp, config);
    } catch (error) {
      if (isRefusedForSpace(error)) this.#parts.fileSystem.removeDirectorySync(path);
      throw error;
    }
  }

  #loadIn(
    directory: LogDirectory,
    path: string,
    tp: TopicPartition,
    config: LogConfig,
    found?: PartitionDirectory,
  ): Log {
    const { context, settings, directories } = this.#parts;
    const checkpoints = directory.checkpointsOf(tp);
    try {
      const log = loadLog({
        context,
        topicPartition: tp,
        directory: path,
        found,
        config,
        logStartOffsetCheckpoint: checkpoints.logStartOffset,
        recoveryPointCheckpoint: checkpoints.recoveryPoint,
        hadCleanShutdown: directory.hadCleanShutdown,
        maxTransactionTimeoutMs: settings().transactionMaxTimeoutMs,
        producerIdExpirationMs: this.#producerIdExpirationMs,
        transactionVerificationEnabled: this.#transactionVerificationEnabled,
      });
      directory.forget(tp);
      log.updateHighWatermark(checkpoints.highWatermark);
      return log;
    } catch (error) {
      directories.refusedOrOffline(directory.path, error);
      throw unavailable(`cannot open ${path}`, error);
    }
  }

  /** So that a power loss does not forget the move. */
  #syncNames(logDirectory: string): void {
    try {
      this.#parts.fileSystem.syncDirectorySync(logDirectory);
    } catch (error) {
      this.#parts.directories.takeOffline(logDirectory, error);
      throw unavailable(`cannot sync ${logDirectory}`, error);
    }
  }

  /** The dir asked for, or the one with the fewest partitions. */
  #placeFor(wanted: string | undefined): LogDirectory {
    const { directories } = this.#parts;
    if (wanted !== undefined) {
      const directory = directories.get(resolve(wanted));
      if (directory === undefined) throw unavailable(`${wanted} is no working log dir`);
      return directory;
    }
    const [first, ...others] = directories.live;
    if (first === undefined) throw unavailable('no log dir works');
    return others.length === 0 ? first : this.#emptiestOf(first, others);
  }

  #emptiestOf(first: LogDirectory, others: readonly LogDirectory[]): LogDirectory {
    const { logs } = this.#parts;
    const counts = new Map<string, number>();
    const countOf = (path: string): number => counts.get(path) ?? 0;
    for (const log of logs) counts.set(log.parentDirectory, countOf(log.parentDirectory) + 1);
    for (const { logDirectory } of logs.unloaded()) counts.set(logDirectory, countOf(logDirectory) + 1);
    let best = first;
    for (const directory of others) if (countOf(directory.path) < countOf(best.path)) best = directory;
    return best;
  }
}
