// Owns the log dirs and the logs in them: locks, opening, placement, checkpoints, retention, deletion, a dir that fails, and the stop
// that leaves nothing to recover. Source: Kafka's LogManager (3.9).
//
// Logs open when they are first asked for; what lies in the dirs and nobody asks for stays untouched, its checkpoints included.

import { basename, join, resolve } from 'node:path';
import {
  Errors,
  KafkaError,
  type Logger,
  mustBePresent,
  NoSpaceError,
  StorageError,
  type Timer,
  type TopicPartition,
  topicPartitionKey,
  type Uuid,
  yieldToEventLoop,
} from '@ottla/base';
import { FullLogDirs, isRefusedForSpace } from './full-log-dirs.ts';
import { FutureLogs } from './future-logs.ts';
import type { LogContext } from './local-log.ts';
import type { Log } from './log.ts';
import { LogCleaner } from './log-cleaner.ts';
import type { LogConfig } from './log-config.ts';
import { LogDirectory, type PartitionDirectory } from './log-directory.ts';
import { uniqueDirectoryName } from './log-file-names.ts';
import { loadLog } from './log-loader.ts';
import {
  DEFAULT_LOG_MANAGER_SETTINGS,
  type LogManagerOptions,
  type LogManagerSettings,
} from './log-manager-settings.ts';
import { agreeOnMetaProperties, type MetaProperties } from './meta-properties.ts';
import type { OffsetCheckpointFile, PartitionOffset } from './offset-checkpoint-file.ts';

/** Logs of one dir that sync at once when the broker stops. */
const CLOSING_MAX = 8;

export type LogDirFailureListener = (logDirectory: string, error: StorageError) => void;

export class LogManager {
  readonly settings: LogManagerSettings;
  readonly #options: LogManagerOptions;
  readonly #context: LogContext;
  readonly #logger: Logger;
  /** Dirs that work, by path. */
  readonly #live = new Map<string, LogDirectory>();
  readonly #offline = new Map<string, LogDirectory>();
  /** What took each of them offline. */
  readonly #problems = new Map<string, string>();
  /** By `topicPartitionKey`. */
  readonly #logs = new Map<string, Log>();
  /** Logs of dirs that failed: they answer KAFKA_STORAGE_ERROR. */
  readonly #offlineLogs = new Map<string, Log>();
  /** On disk, not loaded. */
  readonly #unloaded = new Map<string, PartitionDirectory>();
  /** Found in two dirs at the start. */
  readonly #twins: PartitionDirectory[] = [];
  /** Replicas on their way to another dir. */
  readonly #future = new FutureLogs();
  readonly #failureListeners = new Set<LogDirFailureListener>();
  /** Periodic tasks, and deletions that wait. */
  readonly #timers = new Set<Timer>();
  /** Periodic tasks that run. */
  readonly #running = new Set<Promise<void>>();
  readonly cleaner: LogCleaner;
  #isCheckpointDue = false;
  #state: 'new' | 'started' | 'closed' = 'new';

  constructor(options: LogManagerOptions) {
    this.#options = options;
    this.settings = { ...DEFAULT_LOG_MANAGER_SETTINGS, ...options.settings };
    this.#logger = options.logger.child('kafka.log.LogManager');
    this.#context = {
      fileSystem: options.fileSystem,
      clock: options.clock,
      random: options.random,
      logger: options.logger.child('kafka.log.UnifiedLog'),
      onStorageError: (error, logDirectory) => this.handleLogDirFailure(logDirectory, error),
      fullLogDirs: new FullLogDirs({ clock: options.clock, logger: this.#logger }),
      onTruncated: () => this.#checkpointSoon(),
    };
    this.cleaner = new LogCleaner({
      clock: options.clock,
      logger: options.logger,
      logs: this,
      ...(options.cleanerSettings === undefined ? {} : { settings: options.cleanerSettings }),
    });
    for (const path of options.logDirs) {
      this.#live.set(resolve(path), new LogDirectory(options.fileSystem, this.#logger, resolve(path)));
    }
  }

  /** Locks the dirs, reads their checkpoints and lists what is in them. A dir that cannot be used goes offline.
   *  @throws StorageError when no dir can be used, or one is used by another process */
  async start(): Promise<void> {
    if (this.#state !== 'new') return;
    this.#state = 'started';
    for (const directory of [...this.#live.values()]) this.#openDirectory(directory);
    for (const twin of this.#twins.splice(0)) this.#resolveTwin(twin);
    if (this.#live.size === 0) {
      const problems = [...this.#offline.keys()].map((path) => `${path}: ${this.#problems.get(path)}`);
      throw new StorageError(`none of the log dirs can be used (${problems.join('; ')})`, {
        code: 'EIO',
        path: this.#options.logDirs.join(','),
      });
    }
    this.#scheduleTasks();
    this.cleaner.start();
  }

  /** Closes every log and leaves the marker that spares the next start a recovery, where all went well. Safe to call twice.
   *  @param brokerEpoch goes into the marker */
  async close(options: { brokerEpoch?: number } = {}): Promise<void> {
    if (this.#state !== 'started') return;
    this.#state = 'closed';
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    await this.cleaner.close();
    await Promise.all(this.#running);
    await Promise.all(
      [...this.#live.values()].map((directory) => this.#closeDirectory(directory, options.brokerEpoch)),
    );
    for (const directory of [...this.#live.values(), ...this.#offline.values()]) directory.release();
  }

  // Directories.

  /** Dirs that work, in the order of log.dirs. */
  get liveLogDirs(): readonly string[] {
    return [...this.#live.keys()];
  }

  get offlineLogDirs(): readonly string[] {
    return [...this.#offline.keys()];
  }

  isLogDirOnline(path: string): boolean {
    return this.#live.has(path);
  }

  /** The volume's size. @throws StorageError */
  volumeOf(logDirectory: string): { totalBytes: number; usableBytes: number } {
    return this.#options.fileSystem.volumeSync(logDirectory);
  }

  /** Calls `listener` when a dir has gone offline. @returns takes it back */
  onLogDirFailure(listener: LogDirFailureListener): () => void {
    this.#failureListeners.add(listener);
    return () => this.#failureListeners.delete(listener);
  }

  /** Takes a dir offline: its logs answer KAFKA_STORAGE_ERROR. Does nothing when it is already. */
  handleLogDirFailure(path: string, error: StorageError): void {
    const directory = this.#live.get(path);
    if (directory === undefined) return;
    this.#live.delete(path);
    this.#offline.set(path, directory);
    this.#problems.set(path, error.message);
    this.#logger.error('a log dir failed and goes offline', { logDirectory: path, problem: error.message });
    for (const [key, log] of this.#logs) {
      if (log.parentDirectory !== path) continue;
      log.markOffline();
      this.#logs.delete(key);
      this.#offlineLogs.set(key, log);
    }
    this.#future.dropIn(path);
    this.#context.fullLogDirs.forget(path);
    for (const listener of this.#failureListeners) listener(path, error);
  }

  /** Whose dirs these are, if they say. @throws InconsistentMetaPropertiesError, CheckpointFormatError */
  readMetaProperties(): MetaProperties | undefined {
    const found = new Map<string, MetaProperties>();
    for (const directory of this.#live.values()) {
      const properties = directory.metaProperties.read();
      if (properties !== undefined) found.set(directory.path, properties);
    }
    return agreeOnMetaProperties(found);
  }

  /** Writes `meta.properties` into every dir where it does not say so already, keeping its other keys. */
  writeMetaProperties(identity: { brokerId: number; clusterId: string }): void {
    const now = new Date(this.#options.clock.nowMs());
    for (const directory of [...this.#live.values()]) {
      try {
        this.#options.fileSystem.makeDirectorySync(directory.path);
        const known = directory.metaProperties.read();
        if (known?.brokerId === identity.brokerId && known.clusterId === identity.clusterId) continue;
        directory.metaProperties.write({ ...identity, others: known?.others ?? new Map() }, now);
      } catch (error) {
        this.#takeOffline(directory.path, error);
      }
    }
  }

  // Logs.

  /** The log, if it was created or opened; one in a failed dir answers KAFKA_STORAGE_ERROR to everything. */
  getLog(tp: TopicPartition): Log | undefined {
    const key = topicPartitionKey(tp);
    return this.#logs.get(key) ?? this.#offlineLogs.get(key);
  }

  /** Logs of working dirs that are open. */
  allLogs(): Iterable<Log> {
    return this.#logs.values();
  }

  /** Partitions on disk that nobody has asked for yet: to be adopted by `getOrCreateLog`, or left alone. */
  partitionDirectories(): readonly PartitionDirectory[] {
    return [...this.#unloaded.values()];
  }

  /** Opens the partition's log, recovering it if need be, or creates it.
   *  @param options.topicId what the partition's topic is known by; written into its directory
   *  @param options.isNew false: the partition existed before. If it is nowhere and a dir is offline, it may be there
   *  @param options.logDirectory where to create it; default the working dir with the fewest partitions
   *  @throws KafkaError KAFKA_STORAGE_ERROR, INCONSISTENT_TOPIC_ID */
  getOrCreateLog(
    tp: TopicPartition,
    options: { topicId: Uuid | undefined; isNew: boolean; config: LogConfig; logDirectory?: string },
  ): Log {
    const key = topicPartitionKey(tp);
    const log = this.#logs.get(key) ?? this.#open(tp, options);
    try {
      if (options.topicId !== undefined) log.assignTopicId(options.topicId);
    } catch (error) {
      // The next call finds it open.
      if (isRefusedForSpace(error)) this.#logs.set(key, log);
      throw error;
    }
    this.#logs.set(key, log);
    return log;
  }

  // Replicas that move to another dir: AlterReplicaLogDirs.

  /** The copy that will take the log's place; opened by `getOrCreateFutureLog`. */
  getFutureLog(tp: TopicPartition): Log | undefined {
    return this.#future.get(topicPartitionKey(tp));
  }

  futureLogs(): Iterable<Log> {
    return this.#future.logs();
  }

  /** A copy is open, or was found on disk: the move is to go on. */
  hasFutureLog(tp: TopicPartition): boolean {
    return this.#future.has(topicPartitionKey(tp));
  }

  /** Where the partition's log is to be made when it is made. The last 10,000 are remembered, until the next start. */
  setPreferredLogDir(tp: TopicPartition, logDirectory: string): void {
    this.#future.prefer(topicPartitionKey(tp), resolve(logDirectory));
  }

  forgetPreferredLogDir(tp: TopicPartition): void {
    this.#future.forgetPreferred(topicPartitionKey(tp));
  }

  /** Opens the copy in another dir, or begins one in `options.logDirectory`; the cleaner leaves the partition alone meanwhile.
   *  @throws KafkaError KAFKA_STORAGE_ERROR, INCONSISTENT_TOPIC_ID */
  getOrCreateFutureLog(
    tp: TopicPartition,
    options: { topicId: Uuid | undefined; config: LogConfig; logDirectory?: string },
  ): Log {
    const key = topicPartitionKey(tp);
    const log = this.#future.get(key) ?? this.#openFuture(tp, options);
    this.#future.add(key, log);
    if (options.topicId !== undefined) log.assignTopicId(options.topicId);
    this.cleaner.pause(tp);
    return log;
  }

  /** Puts the copy in the place of the log, whose directory is then deleted. Both must end at the same offset.
   *
   *    before   /a/orders-3                    /b/orders-3.5d…1-future
   *    then     /a/orders-3                    /b/orders-3                a crash here leaves two, and the next start keeps one
   *    after    /a/orders-3.77…c-delete        /b/orders-3
   *
   *  @param onReplaced is told before the old directory is touched: should that dir fail, the partition is not in it any more
   *  @throws KafkaError KAFKA_STORAGE_ERROR when the copy's dir failed: the log stays where it is
   *  Source: Kafka's LogManager.replaceCurrentWithFutureLog */
  replaceCurrentWithFutureLog(tp: TopicPartition, onReplaced: (log: Log) => void): void {
    const key = topicPartitionKey(tp);
    const current = this.#logs.get(key);
    const future = this.#future.get(key);
    if (current === undefined || future === undefined) throw this.#unavailable(`${key} has no copy in another dir`);
    future.takeOver(current);
    future.renameDirectory(key);
    this.#future.delete(key);
    this.#logs.set(key, future);
    this.cleaner.alterCheckpointDir(tp, current.parentDirectory, future.parentDirectory);
    this.cleaner.resume(tp);
    onReplaced(future);
    this.#logger.info('a replica moved', { partition: key, from: current.parentDirectory, to: future.parentDirectory });
    this.#checkpointSoon();
    this.#discard(current, () => current.retireFor(future));
  }

  /** Gives the copy up: its directory is deleted. Nothing happens when there is none. @throws KafkaError KAFKA_STORAGE_ERROR */
  asyncDeleteFuture(tp: TopicPartition): void {
    const key = topicPartitionKey(tp);
    this.cleaner.resume(tp);
    const unloaded = this.#future.takeUnloaded(key);
    if (unloaded !== undefined) this.#deleteUnloaded(unloaded);
    const log = this.#future.get(key);
    if (log === undefined) return;
    this.#future.delete(key);
    this.#discard(log, () => log.closeHandlers());
  }

  /** Opens every partition found on disk, with other work in between. One that cannot be opened takes its dir offline. */
  async loadAll(): Promise<void> {
    for (const { tp } of [...this.#unloaded.values()]) {
      if (this.#state !== 'started') return;
      const key = topicPartitionKey(tp);
      if (!this.#unloaded.has(key)) continue;
      try {
        this.getOrCreateLog(tp, { topicId: undefined, isNew: false, config: this.#options.topicConfig(tp.topic) });
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        this.#logger.error('cannot open a log', { partition: key, problem: error.message });
      }
      await yieldToEventLoop();
    }
  }

  /** Takes the log away at once, under another name on disk, and removes it after file.delete.delay.ms. Nothing happens when there is none.
   *  @throws KafkaError KAFKA_STORAGE_ERROR */
  asyncDelete(tp: TopicPartition): void {
    const key = topicPartitionKey(tp);
    // The copy first: one without its original could be taken for a later topic's of that name.
    this.asyncDeleteFuture(tp);
    const unloaded = this.#unloaded.get(key);
    this.#unloaded.delete(key);
    if (unloaded !== undefined) this.#deleteUnloaded(unloaded);
    this.#offlineLogs.delete(key);
    this.cleaner.forget(tp);
    const log = this.#logs.get(key);
    if (log === undefined) return;
    this.#logs.delete(key);
    this.#discard(log, () => log.closeHandlers());
  }

  /** Holds for every open log of the topic from its next append or check on. */
  updateTopicConfig(topic: string, config: LogConfig): void {
    for (const log of this.#everyLog()) if (log.topicPartition.topic === topic) log.config = config;
  }

  /** For the cleaner. */
  *cleanerCheckpoints(): Iterable<{ logDirectory: string; file: OffsetCheckpointFile }> {
    for (const { path, cleanerOffsetCheckpoint } of this.#live.values()) {
      yield { logDirectory: path, file: cleanerOffsetCheckpoint };
    }
  }

  // Checkpoints; also called by their timers.

  /** Writes how far each log is on disk for sure. */
  async checkpointLogRecoveryOffsets(): Promise<void> {
    await this.#checkpoint(
      (directory) => directory.recoveryPointCheckpoint,
      (directory) => directory.recoveryPoints,
      (log) => log.recoveryPoint,
    );
  }

  /** Writes where each log starts that does not start with its first segment. */
  async checkpointLogStartOffsets(): Promise<void> {
    await this.#checkpoint(
      (directory) => directory.logStartOffsetCheckpoint,
      (directory) => directory.logStartOffsets,
      (log) => (log.logStartOffset > (log.segments[0]?.baseOffset ?? 0) ? log.logStartOffset : undefined),
    );
  }

  /** Writes the high watermarks, which `getOrCreateLog` sets when it opens a log again. */
  async checkpointHighWatermarks(): Promise<void> {
    await this.#checkpoint(
      (directory) => directory.replicationOffsetCheckpoint,
      (directory) => directory.highWatermarks,
      (log) => log.highWatermark,
    );
  }

  // Periodic work; also called by its timers.

  /** Drops what retention no longer keeps. @returns how many segments */
  async cleanupLogs(): Promise<number> {
    let count = 0;
    for (const log of [...this.#everyLog()]) {
      if (log.isClosed || log.isOffline) continue;
      try {
        count += log.deleteOldSegments();
      } catch (error) {
        this.#afterFailure(error, log);
      }
      await yieldToEventLoop();
    }
    return count;
  }

  /** Syncs logs whose flush.ms has passed since the last sync. */
  async flushDirtyLogs(): Promise<void> {
    for (const log of [...this.#everyLog()]) {
      const sinceMs = this.#options.clock.nowMs() - log.lastFlushedMs;
      if (sinceMs < log.config.flushMs || log.recoveryPoint === log.logEndOffset) continue;
      try {
        await log.flush();
      } catch (error) {
        this.#afterFailure(error, log);
      }
    }
  }

  removeExpiredProducers(): void {
    const nowMs = this.#options.clock.nowMs();
    for (const log of this.#everyLog()) log.removeExpiredProducers(nowMs);
  }

  // Opening.

  #openDirectory(directory: LogDirectory): void {
    try {
      directory.lock();
      directory.open();
      for (const found of directory.partitionDirectories()) if (!this.#isReserved(found.tp)) this.#register(found);
    } catch (error) {
      // Another process uses it: that is a mistake in the configuration, not a dead disk.
      if (error instanceof StorageError && error.code === 'ELOCKED') {
        for (const each of this.#live.values()) each.release();
        throw error;
      }
      this.#takeOffline(directory.path, error);
    }
  }

  #register(found: PartitionDirectory): void {
    const key = topicPartitionKey(found.tp);
    const twin = this.#unloaded.get(key);
    if (found.state === 'delete') {
      this.#deleteLater(
        found.logDirectory,
        found.directory,
        this.#options.topicConfig(found.tp.topic).fileDeleteDelayMs,
      );
    } else if (found.state === 'future') this.#registerFuture(found);
    else if (found.state === 'current') {
      if (twin === undefined) this.#unloaded.set(key, found);
      else if (found.topicId !== undefined && found.topicId === twin.topicId) this.#twins.push(found);
      else {
        throw new StorageError(`Duplicate log directories found: ${found.directory}, ${twin.directory}`, {
          code: 'EEXIST',
          path: found.directory,
        });
      }
    }
  }

  #registerFuture(found: PartitionDirectory): void {
    if (this.#future.register(topicPartitionKey(found.tp), found)) return;
    this.#logger.warn('removing a second copy of a replica that moves', { directory: found.directory });
    this.#deleteLater(found.logDirectory, found.directory, this.#options.topicConfig(found.tp.topic).fileDeleteDelayMs);
  }

  /** A crash, or the failure of a dir, came while a copy took the place of a log. What is further on stays: by leader epoch, then by
   *  end, as an election would have it. Kafka leaves this to its operator. */
  #resolveTwin(second: PartitionDirectory): void {
    const key = topicPartitionKey(second.tp);
    const first = this.#unloaded.get(key);
    if (first === undefined) return;
    this.#unloaded.delete(key);
    const logs = [first, second].flatMap((found) => this.#tryLoad(found) ?? []);
    const [best, other] = logs.sort(byProgress);
    if (best === undefined) return;
    this.#logs.set(key, best);
    if (other === undefined) return;
    const isCopy = other.latestEpoch === best.latestEpoch && other.logEndOffset === best.logEndOffset;
    this.#logger.warn(
      isCopy
        ? 'a partition was in two log dirs: a move was interrupted; one copy goes'
        : 'a partition was in two log dirs: the copy that is behind is set aside as -stray, to be deleted by hand',
      { kept: best.directory, other: other.directory, keptEnd: best.logEndOffset, otherEnd: other.logEndOffset },
    );
    if (isCopy) this.#discard(other, () => other.closeHandlers());
    else {
      other.renameDirectory(uniqueDirectoryName(other.topicPartition, 'stray', this.#options.random));
      other.closeHandlers();
    }
  }

  /** undefined: its dir is offline now. */
  #tryLoad(found: PartitionDirectory): Log | undefined {
    try {
      return this.#load(found, this.#options.topicConfig(found.tp.topic));
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      this.#logger.error('cannot open a log', { directory: found.directory, problem: error.message });
      return undefined;
    }
  }

  #open(tp: TopicPartition, options: Parameters<LogManager['getOrCreateLog']>[1]): Log {
    const key = topicPartitionKey(tp);
    if (this.#state !== 'started') throw this.#unavailable(`${key}: the log manager is not running`);
    if (this.#isReserved(tp)) throw this.#unavailable(`${key} is the name of something else in the log dirs`);
    const found = this.#unloaded.get(key);
    if (found !== undefined) return this.#load(found, options.config);
    if (this.#offlineLogs.has(key)) throw this.#unavailable(`${key} is in an offline log dir`);
    if (!options.isNew && this.#offline.size > 0) {
      throw this.#unavailable(`${key} is in no working log dir and may be in one of ${this.offlineLogDirs.join(', ')}`);
    }
    return this.#create(tp, options);
  }

  #isReserved(tp: TopicPartition): boolean {
    return this.#options.reservedDirectoryNames?.has(topicPartitionKey(tp)) === true;
  }

  #load(found: PartitionDirectory, config: LogConfig): Log {
    const directory = this.#live.get(found.logDirectory);
    if (directory === undefined) throw this.#unavailable(`${found.directory} is in an offline log dir`);
    const startedMs = this.#options.clock.monotonicMs();
    const log = this.#loadIn(directory, found.directory, found.tp, config);
    this.#unloaded.delete(topicPartitionKey(found.tp));
    this.#logger.debug('opened a log', {
      partition: log.name,
      logStartOffset: log.logStartOffset,
      logEndOffset: log.logEndOffset,
      tookMs: this.#options.clock.monotonicMs() - startedMs,
    });
    return log;
  }

  #openFuture(tp: TopicPartition, options: Parameters<LogManager['getOrCreateFutureLog']>[1]): Log {
    const key = topicPartitionKey(tp);
    const found = this.#future.takeUnloaded(key);
    if (found !== undefined) return this.#loadFuture(key, found, options.config);
    const directory = this.#placeFor(mustBePresent(options.logDirectory, `a dir for the copy of ${key}`));
    const path = join(directory.path, uniqueDirectoryName(tp, 'future', this.#options.random));
    const log = this.#createIn(directory, path, tp, options.config);
    this.#syncNames(directory.path);
    this.#logger.info('a replica begins to move', { partition: key, directory: path });
    return log;
  }

  #loadFuture(key: string, found: PartitionDirectory, config: LogConfig): Log {
    try {
      return this.#load(found, config);
    } catch (error) {
      if (isRefusedForSpace(error)) this.#future.register(key, found);
      throw error;
    }
  }

  /** So that a power loss does not forget the move. */
  #syncNames(logDirectory: string): void {
    try {
      this.#options.fileSystem.syncDirectorySync(logDirectory);
    } catch (error) {
      this.#takeOffline(logDirectory, error);
      throw this.#unavailable(`cannot sync ${logDirectory}`, error);
    }
  }

  #create(tp: TopicPartition, options: Parameters<LogManager['getOrCreateLog']>[1]): Log {
    for (;;) {
      const key = topicPartitionKey(tp);
      const directory = this.#placeFor(options.logDirectory ?? this.#future.preferred(key));
      const path = join(directory.path, key);
      try {
        const log = this.#createIn(directory, path, tp, options.config);
        this.#future.forgetPreferred(key);
        this.#logger.info('created a log', { partition: log.name, directory: path });
        return log;
      } catch (error) {
        // That dir is offline now; another one may do.
        if (!(error instanceof KafkaError) || this.#live.has(directory.path)) throw error;
      }
    }
  }

  /** Where there is no space nothing is left of it. */
  #createIn(directory: LogDirectory, path: string, tp: TopicPartition, config: LogConfig): Log {
    try {
      return this.#loadIn(directory, path, tp, config);
    } catch (error) {
      if (isRefusedForSpace(error)) this.#options.fileSystem.removeDirectorySync(path);
      throw error;
    }
  }

  #loadIn(directory: LogDirectory, path: string, tp: TopicPartition, config: LogConfig): Log {
    const checkpoints = directory.checkpointsOf(tp);
    try {
      const log = loadLog({
        context: this.#context,
        topicPartition: tp,
        directory: path,
        config,
        logStartOffsetCheckpoint: checkpoints.logStartOffset,
        recoveryPointCheckpoint: checkpoints.recoveryPoint,
        hadCleanShutdown: directory.hadCleanShutdown,
        maxTransactionTimeoutMs: this.settings.transactionMaxTimeoutMs,
        producerIdExpirationMs: () => this.settings.producerIdExpirationMs,
        transactionVerificationEnabled: this.settings.transactionPartitionVerificationEnable,
      });
      directory.forget(tp);
      log.updateHighWatermark(checkpoints.highWatermark);
      return log;
    } catch (error) {
      this.#refusedOrOffline(directory.path, error);
      throw this.#unavailable(`cannot open ${path}`, error);
    }
  }

  /** The dir asked for, or the one with the fewest partitions. */
  #placeFor(wanted: string | undefined): LogDirectory {
    if (wanted !== undefined) {
      const directory = this.#live.get(resolve(wanted));
      if (directory === undefined) throw this.#unavailable(`${wanted} is no working log dir`);
      return directory;
    }
    const counts = new Map<string, number>();
    const count = (path: string): void => void counts.set(path, (counts.get(path) ?? 0) + 1);
    for (const log of this.#everyLog()) count(log.parentDirectory);
    for (const found of [...this.#unloaded.values(), ...this.#future.unloaded()]) count(found.logDirectory);
    let best: LogDirectory | undefined;
    for (const directory of this.#live.values()) {
      if (best === undefined || (counts.get(directory.path) ?? 0) < (counts.get(best.path) ?? 0)) best = directory;
    }
    if (best === undefined) throw this.#unavailable('no log dir works');
    return best;
  }

  // Deletion.

  /** Takes the name at once, the files later. @throws KafkaError KAFKA_STORAGE_ERROR */
  #discard(log: Log, letGo: () => void): void {
    log.renameDirectory(uniqueDirectoryName(log.topicPartition, 'delete', this.#options.random));
    letGo();
    this.#deleteLater(log.parentDirectory, log.directory, log.config.fileDeleteDelayMs);
  }

  #deleteUnloaded(found: PartitionDirectory): void {
    const directory = this.#live.get(found.logDirectory);
    if (directory === undefined) return;
    directory.forget(found.tp);
    const target = join(found.logDirectory, uniqueDirectoryName(found.tp, 'delete', this.#options.random));
    try {
      this.#options.fileSystem.renameSync(found.directory, target);
      this.#options.fileSystem.syncDirectorySync(found.logDirectory);
    } catch (error) {
      this.#takeOffline(found.logDirectory, error);
      throw this.#unavailable(`cannot delete ${found.directory}`, error);
    }
    this.#deleteLater(found.logDirectory, target, this.#options.topicConfig(found.tp.topic).fileDeleteDelayMs);
  }

  #deleteLater(logDirectory: string, path: string, delayMs: number): void {
    this.#after(delayMs, () => {
      if (!this.#live.has(logDirectory)) return;
      try {
        this.#options.fileSystem.removeDirectorySync(path);
        this.#logger.info('deleted a partition', { directory: basename(path) });
      } catch (error) {
        this.#takeOffline(logDirectory, error);
      }
    });
  }

  // Periodic tasks.

  #scheduleTasks(): void {
    const { settings } = this;
    this.#every(settings.retentionCheckIntervalMs, async () => void (await this.cleanupLogs()));
    this.#every(settings.flushSchedulerIntervalMs, () => this.flushDirtyLogs());
    this.#every(settings.flushOffsetCheckpointIntervalMs, () => this.checkpointLogRecoveryOffsets());
    this.#every(settings.flushStartOffsetCheckpointIntervalMs, () => this.checkpointLogStartOffsets());
    this.#every(settings.producerIdExpirationCheckIntervalMs, async () => this.removeExpiredProducers());
  }

  #every(intervalMs: number, task: () => Promise<void>): void {
    const run = (): void => {
      const running = task()
        .catch((error: unknown) => {
          this.#logger.error('a periodic task failed', {
            problem: error instanceof Error ? error.message : String(error),
          });
        })
        .finally(() => {
          this.#running.delete(running);
          if (this.#state === 'started') this.#after(intervalMs, run);
        });
      this.#running.add(running);
    };
    this.#after(Math.min(this.settings.initialTaskDelayMs, intervalMs), run);
  }

  /** A recovery point above the end of a log would spare what is appended there from being scanned after a power loss. */
  #checkpointSoon(): void {
    if (this.#isCheckpointDue || this.#state !== 'started') return;
    this.#isCheckpointDue = true;
    const running = this.#checkpointNow().finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Once for all logs that are truncated in this turn. */
  async #checkpointNow(): Promise<void> {
    await yieldToEventLoop();
    this.#isCheckpointDue = false;
    await this.checkpointLogRecoveryOffsets();
  }

  /** Copies on their way included. */
  *#everyLog(): Iterable<Log> {
    yield* this.#logs.values();
    yield* this.#future.logs();
  }

  #after(delayMs: number, task: () => void): void {
    const timer = this.#options.clock.schedule(delayMs, () => {
      this.#timers.delete(timer);
      task();
    });
    this.#timers.add(timer);
  }

  async #checkpoint(
    fileOf: (directory: LogDirectory) => OffsetCheckpointFile,
    unloadedOf: (directory: LogDirectory) => ReadonlyMap<string, PartitionOffset>,
    offsetOf: (log: Log) => number | undefined,
  ): Promise<void> {
    for (const directory of [...this.#live.values()]) {
      // Partitions that are not loaded keep what they had.
      const offsets = [...unloadedOf(directory).values()];
      for (const log of this.#everyLog()) {
        const offset = log.parentDirectory === directory.path ? offsetOf(log) : undefined;
        if (offset !== undefined) offsets.push({ tp: log.topicPartition, offset });
      }
      try {
        await fileOf(directory).write(offsets);
      } catch (error) {
        // The one before still holds less than is true, which costs a start time, and the next one comes.
        this.#refusedOrOffline(directory.path, error);
      }
    }
  }

  // Closing.

  async #closeDirectory(directory: LogDirectory, brokerEpoch: number | undefined): Promise<void> {
    // What was not loaded after an unclean stop still has to be scanned.
    const unloaded = [...this.#unloaded.values(), ...this.#future.unloaded()];
    const isLeft = unloaded.some((found) => found.logDirectory === directory.path);
    let isClean = directory.hadCleanShutdown || !isLeft;
    const logs = [...this.#everyLog()].filter((log) => log.parentDirectory === directory.path);
    for (let first = 0; first < logs.length; first += CLOSING_MAX) {
      const closed = await Promise.all(logs.slice(first, first + CLOSING_MAX).map((log) => this.#closeLog(log)));
      if (closed.includes(false)) isClean = false;
    }
    if (!(await this.#closeCheckpoints(directory)) || !isClean || !this.#live.has(directory.path)) return;
    try {
      directory.cleanShutdownFile.write(brokerEpoch);
    } catch (error) {
      this.#refusedOrOffline(directory.path, error);
    }
  }

  /** @returns whether it went well */
  async #closeLog(log: Log): Promise<boolean> {
    try {
      await log.close();
      return true;
    } catch (error) {
      this.#afterFailure(error, log);
      return false;
    }
  }

  /** @returns whether it went well */
  async #closeCheckpoints(directory: LogDirectory): Promise<boolean> {
    const logs = [...this.#everyLog()].filter((log) => log.parentDirectory === directory.path);
    const offsets = (unloaded: ReadonlyMap<string, PartitionOffset>, of: (log: Log) => number): PartitionOffset[] => [
      ...unloaded.values(),
      ...logs.map((log) => ({ tp: log.topicPartition, offset: of(log) })),
    ];
    const moved = logs.filter((log) => log.logStartOffset > (log.segments[0]?.baseOffset ?? 0));
    const starts = moved.map((log) => ({ tp: log.topicPartition, offset: log.logStartOffset }));
    try {
      await directory.recoveryPointCheckpoint.write(offsets(directory.recoveryPoints, (log) => log.recoveryPoint));
      await directory.logStartOffsetCheckpoint.write([...directory.logStartOffsets.values(), ...starts]);
      await directory.replicationOffsetCheckpoint.write(offsets(directory.highWatermarks, (log) => log.highWatermark));
      return true;
    } catch (error) {
      this.#refusedOrOffline(directory.path, error);
      return false;
    }
  }

  // Failures.

  /** A disk's failure takes the dir offline; any other error is a bug of ours. */
  #takeOffline(path: string, error: unknown): void {
    if (error instanceof KafkaError && error.code === Errors.KAFKA_STORAGE_ERROR) return;
    if (!(error instanceof StorageError)) throw error;
    this.handleLogDirFailure(path, error);
  }

  /** Lack of space leaves what was there as it was: it may be tried again. */
  #refusedOrOffline(path: string, error: unknown): void {
    if (error instanceof NoSpaceError) this.#context.fullLogDirs.onRefused(path, error);
    else this.#takeOffline(path, error);
  }

  /** For the cleaner. */
  onRefused(path: string, error: NoSpaceError): void {
    this.#context.fullLogDirs.onRefused(path, error);
  }

  /** The log has told of the failure and taken its dir offline; anything else is a bug of ours. */
  #afterFailure(error: unknown, log: Log): void {
    if (!(error instanceof KafkaError) && !(error instanceof StorageError)) throw error;
    this.#logger.error('work on a log failed', { partition: log.name, problem: error.message });
  }

  #unavailable(message: string, cause?: unknown): KafkaError {
    return new KafkaError(Errors.KAFKA_STORAGE_ERROR, message, { cause });
  }
}

/** The one that is further on first. */
function byProgress(a: Log, b: Log): number {
  return (b.latestEpoch ?? -1) - (a.latestEpoch ?? -1) || b.logEndOffset - a.logEndOffset;
}
