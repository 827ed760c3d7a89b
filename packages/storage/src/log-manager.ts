// Owns the log dirs and the logs in them: what the rest of the broker asks for logs. The work is done by its parts: log-directories.ts
// (which dirs work), managed-logs.ts (which logs there are), log-opener.ts, found-partitions.ts (what a start finds), replica-moves.ts,
// log-deletion.ts, log-checkpoints.ts, log-tasks.ts (retention and the like), log-shutdown.ts. Source: Kafka's LogManager (3.9).
//
// Logs open when they are first asked for; what lies in the dirs and nobody asks for stays untouched, its checkpoints included.

import { resolve } from 'node:path';
import {
  KafkaError,
  type Logger,
  type NoSpaceError,
  type StorageError,
  type TopicPartition,
  topicPartitionKey,
  type Uuid,
  yieldToEventLoop,
} from '@ottla/base';
import { FoundPartitions } from './found-partitions.ts';
import { KafkaScheduler } from './kafka-scheduler.ts';
import type { Log } from './log.ts';
import { LogCheckpoints } from './log-checkpoints.ts';
import { LogCleaner } from './log-cleaner.ts';
import type { LogConfig } from './log-config.ts';
import { LogDeletion } from './log-deletion.ts';
import { LogDirectories, type LogDirFailureListener, unavailable } from './log-directories.ts';
import type { PartitionDirectory } from './log-directory.ts';
import {
  DEFAULT_LOG_MANAGER_SETTINGS,
  type LogManagerOptions,
  type LogManagerSettings,
} from './log-manager-settings.ts';
import { LogOpener } from './log-opener.ts';
import { shutDownLogs } from './log-shutdown.ts';
import { LogTasks } from './log-tasks.ts';
import { ManagedLogs } from './managed-logs.ts';
import type { MetaProperties } from './meta-properties.ts';
import type { OffsetCheckpointFile } from './offset-checkpoint-file.ts';
import { ReplicaMoves } from './replica-moves.ts';

export class LogManager {
  readonly cleaner: LogCleaner;
  readonly #options: LogManagerOptions;
  readonly #logger: Logger;
  readonly #directories: LogDirectories;
  readonly #logs = new ManagedLogs();
  readonly #scheduler: KafkaScheduler;
  readonly #checkpoints: LogCheckpoints;
  readonly #opener: LogOpener;
  readonly #deletion: LogDeletion;
  readonly #moves: ReplicaMoves;
  readonly #tasks: LogTasks;
  #settings: LogManagerSettings;
  #state: 'new' | 'started' | 'closed' = 'new';

  constructor(options: LogManagerOptions) {
    this.#options = options;
    this.#settings = { ...DEFAULT_LOG_MANAGER_SETTINGS, ...options.settings };
    this.#logger = options.logger.child('kafka.log.LogManager');
    this.#scheduler = new KafkaScheduler(options.clock, this.#logger);
    this.#directories = new LogDirectories({ ...options, logger: this.#logger }, options.logDirs);
    this.#directories.onFailure((path) => this.#logs.takeOfflineIn(path));
    const parts = {
      ...options,
      settings: () => this.#settings,
      logger: this.#logger,
      directories: this.#directories,
      logs: this.#logs,
      scheduler: this.#scheduler,
    };
    this.#checkpoints = new LogCheckpoints(parts);
    this.#deletion = new LogDeletion(parts);
    this.#tasks = new LogTasks(parts);
    this.#opener = new LogOpener({
      ...parts,
      context: {
        fileSystem: options.fileSystem,
        clock: options.clock,
        random: options.random,
        logger: options.logger.child('kafka.log.UnifiedLog'),
        onStorageError: (error, logDirectory) => this.handleLogDirFailure(logDirectory, error),
        fullLogDirs: this.#directories.full,
        onTruncated: () => this.#checkpoints.writeRecoveryPointsSoon(),
      },
    });
    this.cleaner = new LogCleaner({
      clock: options.clock,
      fileSystem: options.fileSystem,
      threads: options.backgroundThreads,
      logger: options.logger,
      logs: this,
      ...(options.cleanerSettings === undefined ? {} : { settings: options.cleanerSettings }),
    });
    this.#moves = new ReplicaMoves({
      ...parts,
      opener: this.#opener,
      deletion: this.#deletion,
      checkpoints: this.#checkpoints,
      cleaner: this.cleaner,
    });
  }

  /** Locks the dirs, reads their checkpoints and lists what is in them. A dir that cannot be used goes offline.
   *  @throws StorageError when no dir can be used, or one is used by another process */
  async start(): Promise<void> {
    if (this.#state !== 'new') return;
    this.#state = 'started';
    const found = new FoundPartitions({
      ...this.#options,
      logger: this.#logger,
      logs: this.#logs,
      opener: this.#opener,
      deletion: this.#deletion,
    });
    this.#directories.open((each) => {
      if (!this.#isReserved(each.tp)) found.register(each);
    });
    found.resolveTwins();
    this.#directories.ensureOneWorks();
    this.#scheduleTasks();
    this.cleaner.start();
  }

  /** Closes every log and leaves the marker that spares the next start a recovery, where all went well. Safe to call twice.
   *  @param brokerEpoch goes into the marker */
  async close(options: { brokerEpoch?: number } = {}): Promise<void> {
    if (this.#state !== 'started') return;
    this.#state = 'closed';
    await Promise.all([this.#scheduler.close(), this.cleaner.close()]);
    const parts = {
      logger: this.#logger,
      directories: this.#directories,
      logs: this.#logs,
      checkpoints: this.#checkpoints,
    };
    await shutDownLogs(parts, options.brokerEpoch);
    this.#directories.release();
  }

  // Directories.

  /** Dirs that work, in the order of log.dirs. */
  get liveLogDirs(): readonly string[] {
    return this.#directories.livePaths;
  }

  get offlineLogDirs(): readonly string[] {
    return this.#directories.failedPaths;
  }

  isLogDirOnline(path: string): boolean {
    return this.#directories.isLive(path);
  }

  /** The volume's size. @throws StorageError */
  volumeOf(logDirectory: string): { totalBytes: number; usableBytes: number } {
    return this.#options.fileSystem.volumeSync(logDirectory);
  }

  /** Calls `listener` when a dir has gone offline. @returns takes it back */
  onLogDirFailure(listener: LogDirFailureListener): () => void {
    return this.#directories.onFailure(listener);
  }

  /** Takes a dir offline: its logs answer KAFKA_STORAGE_ERROR. Does nothing when it is already. */
  handleLogDirFailure(path: string, error: StorageError): void {
    this.#directories.fail(path, error);
  }

  /** For the cleaner: a write found no space in the dir, and nothing changed. */
  onRefused(path: string, error: NoSpaceError): void {
    this.#directories.full.onRefused(path, error);
  }

  /** Whose dirs these are, if they say. @throws InconsistentMetaPropertiesError, CheckpointFormatError */
  readMetaProperties(): MetaProperties | undefined {
    return this.#directories.readMetaProperties();
  }

  /** Writes `meta.properties` into every dir where it does not say so already, keeping its other keys. */
  writeMetaProperties(identity: { brokerId: number; clusterId: string }): void {
    this.#directories.writeMetaProperties(identity, new Date(this.#options.clock.nowMs()));
  }

  // Logs.

  /** The log, if it was created or opened; one in a failed dir answers KAFKA_STORAGE_ERROR to everything. */
  getLog(tp: TopicPartition): Log | undefined {
    const key = topicPartitionKey(tp);
    return this.#logs.current.get(key) ?? this.#logs.current.getOffline(key);
  }

  /** Logs of working dirs that are open. */
  allLogs(): Iterable<Log> {
    return this.#logs.current.logs();
  }

  /** Partitions on disk that nobody has asked for yet: to be adopted by `getOrCreateLog`, or left alone. */
  partitionDirectories(): readonly PartitionDirectory[] {
    return [...this.#logs.current.unloaded()];
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
    let log = this.#logs.current.get(key);
    if (log === undefined) {
      this.#ensureMayOpen(tp);
      log = this.#opener.openOrCreate(tp, options);
    }
    // First, since the next call is to find it open, also when there is no space for its topic id.
    this.#logs.current.set(key, log);
    if (options.topicId !== undefined) log.assignTopicId(options.topicId);
    return log;
  }

  /** Opens every partition found on disk, with other work in between. One that cannot be opened takes its dir offline. */
  async loadAll(): Promise<void> {
    for (const { tp } of this.partitionDirectories()) {
      if (this.#state !== 'started') return;
      const key = topicPartitionKey(tp);
      if (this.#logs.current.getUnloaded(key) === undefined) continue;
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
    const unloaded = this.#logs.current.takeUnloaded(key);
    if (unloaded !== undefined) this.#deletion.discardUnloaded(unloaded);
    this.cleaner.forget(tp);
    const log = this.#logs.current.delete(key);
    if (log !== undefined) this.#deletion.discard(log, () => log.closeHandlers());
  }

  /** Holds for every log at once. Source: DynamicProducerStateManagerConfig */
  updateProducerSettings(
    settings: Pick<LogManagerSettings, 'producerIdExpirationMs' | 'transactionPartitionVerificationEnable'>,
  ): void {
    this.#settings = { ...this.#settings, ...settings };
  }

  /** Holds for every open log of the topic from its next append or check on. */
  updateTopicConfig(topic: string, config: LogConfig): void {
    for (const log of this.#logs) if (log.topicPartition.topic === topic) log.config = config;
  }

  // Replicas that move to another dir: AlterReplicaLogDirs.

  /** The copy that will take the log's place; opened by `getOrCreateFutureLog`. */
  getFutureLog(tp: TopicPartition): Log | undefined {
    return this.#logs.future.get(topicPartitionKey(tp));
  }

  futureLogs(): Iterable<Log> {
    return this.#logs.future.logs();
  }

  /** A copy is open, or was found on disk: the move is to go on. */
  hasFutureLog(tp: TopicPartition): boolean {
    return this.#logs.future.has(topicPartitionKey(tp));
  }

  /** Where the partition's log is to be made when it is made. The last 10,000 are remembered, until the next start. */
  setPreferredLogDir(tp: TopicPartition, logDirectory: string): void {
    this.#logs.future.prefer(topicPartitionKey(tp), resolve(logDirectory));
  }

  forgetPreferredLogDir(tp: TopicPartition): void {
    this.#logs.future.forgetPreferred(topicPartitionKey(tp));
  }

  /** Opens the copy in another dir, or begins one in `options.logDirectory`.
   *  @throws KafkaError KAFKA_STORAGE_ERROR, INCONSISTENT_TOPIC_ID */
  getOrCreateFutureLog(
    tp: TopicPartition,
    options: { topicId: Uuid | undefined; config: LogConfig; logDirectory?: string },
  ): Log {
    const log = this.#moves.getOrCreate(tp, options);
    if (options.topicId !== undefined) log.assignTopicId(options.topicId);
    return log;
  }

  /** Puts the copy in the place of the log, whose directory is then deleted. Both must end at the same offset.
   *  @param onReplaced is told before the old directory is touched: should that dir fail, the partition is not in it any more
   *  @throws KafkaError KAFKA_STORAGE_ERROR when the copy's dir failed: the log stays where it is */
  replaceCurrentWithFutureLog(tp: TopicPartition, onReplaced: (log: Log) => void): void {
    this.#moves.finish(tp, onReplaced);
  }

  /** Gives the copy up: its directory is deleted. Nothing happens when there is none. @throws KafkaError KAFKA_STORAGE_ERROR */
  asyncDeleteFuture(tp: TopicPartition): void {
    this.#moves.giveUp(tp);
  }

  // Checkpoints; also called by their timers.

  /** For the cleaner. */
  *cleanerCheckpoints(): Iterable<{ logDirectory: string; file: OffsetCheckpointFile }> {
    for (const { path, cleanerOffsetCheckpoint } of this.#directories.live) {
      yield { logDirectory: path, file: cleanerOffsetCheckpoint };
    }
  }

  /** Writes how far each log is on disk for sure. */
  checkpointLogRecoveryOffsets(): Promise<void> {
    return this.#checkpoints.writeRecoveryPoints();
  }

  /** Writes where each log starts that does not start with its first segment. */
  checkpointLogStartOffsets(): Promise<void> {
    return this.#checkpoints.writeLogStartOffsets();
  }

  /** Writes the high watermarks, which `getOrCreateLog` sets when it opens a log again. */
  checkpointHighWatermarks(): Promise<void> {
    return this.#checkpoints.writeHighWatermarks();
  }

  // Periodic work; also called by its timers.

  /** Drops what retention no longer keeps. @returns how many segments */
  cleanupLogs(): Promise<number> {
    return this.#tasks.cleanupLogs();
  }

  /** Syncs logs whose flush.ms has passed since the last sync. */
  flushDirtyLogs(): Promise<void> {
    return this.#tasks.flushDirtyLogs();
  }

  removeExpiredProducers(): void {
    this.#tasks.removeExpiredProducers();
  }

  #scheduleTasks(): void {
    const settings = this.#settings;
    const every = (intervalMs: number, task: () => Promise<void>): void =>
      this.#scheduler.every(intervalMs, Math.min(settings.initialTaskDelayMs, intervalMs), task);
    every(settings.retentionCheckIntervalMs, async () => void (await this.cleanupLogs()));
    every(settings.flushSchedulerIntervalMs, () => this.flushDirtyLogs());
    every(settings.flushOffsetCheckpointIntervalMs, () => this.checkpointLogRecoveryOffsets());
    every(settings.flushStartOffsetCheckpointIntervalMs, () => this.checkpointLogStartOffsets());
    every(settings.producerIdExpirationCheckIntervalMs, async () => this.removeExpiredProducers());
  }

  #ensureMayOpen(tp: TopicPartition): void {
    const key = topicPartitionKey(tp);
    if (this.#state !== 'started') throw unavailable(`${key}: the log manager is not running`);
    if (this.#isReserved(tp)) throw unavailable(`${key} is the name of something else in the log dirs`);
  }

  #isReserved(tp: TopicPartition): boolean {
    return this.#options.reservedDirectoryNames?.has(topicPartitionKey(tp)) === true;
  }
}
