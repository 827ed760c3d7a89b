// One partition's log: appends by a leader or from one, reads up to what a reader may see, retention, truncation.
// Offsets, all in [0, 2^53):
//
//   logStartOffset ≤ lastStableOffset ≤ highWatermark ≤ logEndOffset,   recoveryPoint ≤ logEndOffset
//
// Appends are synchronous up to the page cache: when one returns, its records survive the death of this process.
// Source: Kafka's UnifiedLog (3.9). What it does not do: tiered storage.

import {
  assert,
  type ErrorCode,
  Errors,
  KafkaError,
  NoSpaceError,
  StorageError,
  type TopicPartition,
  topicPartitionKey,
  type Uuid,
} from '@ottla/base';
import { syncFile } from './checkpoint-file.ts';
import { GroupCommit } from './group-commit.ts';
import type { EpochEndOffset, LeaderEpochFileCache } from './leader-epoch-file-cache.ts';
import type { LocalLog, LogContext } from './local-log.ts';
import type { FetchDataInfo } from './local-log-reads.ts';
import type { LogAppendInfo } from './log-append-info.ts';
import { type AppendAsLeaderOptions, LogAppender } from './log-appender.ts';
import type { LogConfig } from './log-config.ts';
import type { LogOffsetMetadata } from './log-offset-metadata.ts';
import { breachesLogStart, breachesRetentionMs, deletablePrefix, retentionBytesPredicate } from './log-retention.ts';
import type { LogSegment } from './log-segment.ts';
import { LogWatermarks } from './log-watermarks.ts';
import { offsetByTimestamp, type TimestampAndOffset } from './offset-by-timestamp.ts';
import { PARTITION_METADATA_FILE, PartitionMetadataFile } from './partition-metadata-file.ts';
import type { ProducerStateManager, VerificationGuard } from './producer-state-manager.ts';
import { rebuildProducerState } from './producer-state-rebuild.ts';

/** Up to where a reader may see: everything, what is replicated, or only decided transactions. */
export type FetchIsolation = 'logEnd' | 'highWatermark' | 'txnCommitted';

export interface LogParts {
  readonly context: LogContext;
  readonly localLog: LocalLog;
  readonly leaderEpochCache: LeaderEpochFileCache;
  readonly producerStateManager: ProducerStateManager;
  readonly logStartOffset: number;
  readonly topicId: Uuid | undefined;
  /** transaction.partition.verification.enable */
  readonly transactionVerificationEnabled: () => boolean;
}

export class Log {
  readonly topicPartition: TopicPartition;
  readonly leaderEpochCache: LeaderEpochFileCache;
  readonly producerStateManager: ProducerStateManager;
  /** For messages: `orders-3`. */
  readonly name: string;
  readonly #context: LogContext;
  readonly #local: LocalLog;
  readonly #appender: LogAppender;
  readonly #transactionVerificationEnabled: () => boolean;
  #topicId: Uuid | undefined;
  /** partition.metadata was written without a sync. */
  #topicIdIsVolatile = false;
  readonly #watermarks: LogWatermarks;
  readonly #groupCommit = new GroupCommit(() => this.#flushGroup());
  #isClosed = false;
  /** Its directory is to be removed, or is already. */
  #isAbandoned = false;
  /** Moved to another log dir: what was appended here and is waited for to be durable must be durable there. */
  #successor: Log | undefined;
  /** The disk failed: nothing works any more. */
  #isOffline = false;
  /** The lowest offset truncated to since the cleaner last noted how far the log is clean. */
  #lowestTruncation = Number.POSITIVE_INFINITY;

  constructor(parts: LogParts) {
    this.topicPartition = parts.localLog.topicPartition;
    this.name = topicPartitionKey(this.topicPartition);
    this.#context = parts.context;
    this.#local = parts.localLog;
    this.leaderEpochCache = parts.leaderEpochCache;
    this.producerStateManager = parts.producerStateManager;
    this.#transactionVerificationEnabled = parts.transactionVerificationEnabled;
    this.#topicId = parts.topicId;
    const { localLog, producerStateManager, logStartOffset } = parts;
    this.#watermarks = new LogWatermarks({ localLog, producerStateManager, logStartOffset, name: this.name });
    this.#appender = new LogAppender({
      clock: parts.context.clock,
      localLog,
      leaderEpochCache: parts.leaderEpochCache,
      producerStateManager,
      watermarks: this.#watermarks,
      transactionVerificationEnabled: parts.transactionVerificationEnabled,
      name: this.name,
      roll: (expectedNextOffset) => this.roll(expectedNextOffset),
      flush: () => this.flush(),
    });
  }

  get topicId(): Uuid | undefined {
    return this.#topicId;
  }

  /** Of the partition; changes when it is about to be deleted. */
  get directory(): string {
    return this.#local.directory;
  }

  /** The log dir it is in. */
  get parentDirectory(): string {
    return this.#local.parentDirectory;
  }

  get config(): LogConfig {
    return this.#local.config;
  }

  /** Holds from the next append or check on. */
  set config(config: LogConfig) {
    this.#local.config = config;
  }

  /** The first offset that may be read. */
  get logStartOffset(): number {
    return this.#watermarks.logStartOffset;
  }

  /** The offset the next record gets. */
  get logEndOffset(): number {
    return this.#local.logEndOffset;
  }

  get logEndOffsetMetadata(): LogOffsetMetadata {
    return this.#local.logEndOffsetMetadata;
  }

  /** The first offset that is not replicated to every in-sync replica. */
  get highWatermark(): number {
    return this.#watermarks.highWatermark;
  }

  /** The first offset whose transaction is not decided; the high watermark when all below that are. */
  get lastStableOffset(): number {
    return this.#watermarks.lastStableOffset;
  }

  get firstUnstableOffset(): number | undefined {
    return this.#watermarks.firstUnstableOffset;
  }

  /** Below, everything survives a power loss. */
  get recoveryPoint(): number {
    return this.#local.recoveryPoint;
  }

  get sizeInBytes(): number {
    return this.#local.segments.sizeInBytes;
  }

  get numberOfSegments(): number {
    return this.#local.segments.size;
  }

  get latestEpoch(): number | undefined {
    return this.leaderEpochCache.latestEpoch;
  }

  get lastFlushedMs(): number {
    return this.#local.lastFlushedMs;
  }

  get isOffline(): boolean {
    return this.#isOffline;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** For the cleaner: what it cleaned at and above this offset is no longer there. Infinity: nothing was truncated. */
  get lowestTruncation(): number {
    return this.#lowestTruncation;
  }

  /** The cleaner has noted it. */
  forgetTruncation(): void {
    this.#lowestTruncation = Number.POSITIVE_INFINITY;
  }

  /** For the cleaner and the tools. Ascending; a copy. */
  get segments(): readonly LogSegment[] {
    return this.#local.segments.values();
  }

  get activeSegment(): LogSegment {
    return this.#local.activeSegment;
  }

  /** For the cleaner. */
  get localLog(): LocalLog {
    return this.#local;
  }

  // Appends.

  /** Appends what a producer or a coordinator sent: checks it, gives it offsets, timestamps and the leader epoch (in `records`
   *  itself where it can), and writes it.
   *
   *    before   next 15
   *    append   [0..4] of producer 7, sequences 10..14, leader epoch 3
   *    after    | … | 15..19 |   next 20; producer 7 continues at 15; epoch 3 begins at 15 if it is new
   *
   *  @throws KafkaError CORRUPT_MESSAGE, INVALID_RECORD, INVALID_TIMESTAMP, MESSAGE_TOO_LARGE, RECORD_LIST_TOO_LARGE,
   *  OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH, INVALID_TXN_STATE, TRANSACTION_COORDINATOR_FENCED,
   *  UNSUPPORTED_COMPRESSION_TYPE, KAFKA_STORAGE_ERROR */
  appendAsLeader(records: Buffer, options: AppendAsLeaderOptions): LogAppendInfo {
    this.#ensureUsable();
    try {
      return this.#appended(this.#appender.appendAsLeader(records, options));
    } catch (error) {
      throw this.#failed(error, 'append to');
    }
  }

  /** Appends what a leader sent, as it is. A batch cut at the end is left out.
   *  @throws KafkaError OFFSET_OUT_OF_RANGE when the first offset is below the log end offset, CORRUPT_MESSAGE, KAFKA_STORAGE_ERROR */
  appendAsFollower(records: Buffer): LogAppendInfo {
    this.#ensureUsable();
    try {
      return this.#appended(this.#appender.appendAsFollower(records));
    } catch (error) {
      throw this.#failed(error, 'append to');
    }
  }

  #appended(info: LogAppendInfo): LogAppendInfo {
    const { fullLogDirs } = this.#context;
    if (fullLogDirs.isAnyFull && info.sizeInBytes > 0) fullLogDirs.onWritten(this.parentDirectory);
    return info;
  }

  // Reads.

  /** Batches from the one that holds `startOffset`, up to what `isolation` allows. The caller releases `records`; they stay readable
   *  even when retention deletes the segment meanwhile.
   *  @throws KafkaError OFFSET_OUT_OF_RANGE, KAFKA_STORAGE_ERROR */
  read(options: {
    startOffset: number;
    maxBytes: number;
    isolation: FetchIsolation;
    minOneMessage: boolean;
  }): FetchDataInfo {
    this.#ensureUsable();
    this.#watermarks.ensureNotBelowStart(options.startOffset);
    try {
      return this.#local.read({
        startOffset: options.startOffset,
        maxBytes: options.maxBytes,
        minOneMessage: options.minOneMessage,
        maxOffset: this.#endOf(options.isolation),
        includeAborted: options.isolation === 'txnCommitted',
      });
    } catch (error) {
      throw this.#failed(error, 'read');
    }
  }

  /** −1 latest, −2 earliest, −3 of the maximum timestamp, −4 earliest local, −5 latest tiered; otherwise the first record at
   *  or after that time. @returns undefined when there is none */
  fetchOffsetByTimestamp(timestamp: number): TimestampAndOffset | undefined {
    this.#ensureUsable();
    try {
      return offsetByTimestamp(
        {
          segments: this.#local.segments,
          leaderEpochCache: this.leaderEpochCache,
          logStartOffset: this.logStartOffset,
          logEndOffset: this.logEndOffset,
        },
        timestamp,
      );
    } catch (error) {
      throw this.#failed(error, 'look up a timestamp in');
    }
  }

  /** Where the largest leader epoch at or below `leaderEpoch` ends. @returns undefined when no epoch is known */
  endOffsetForEpoch(leaderEpoch: number): EpochEndOffset | undefined {
    const found = this.leaderEpochCache.endOffsetFor(leaderEpoch, this.logEndOffset);
    return found.endOffset < 0 ? undefined : found;
  }

  /** Aborted transactions that overlap [startOffset, upperBoundOffset). */
  collectAbortedTransactions(startOffset: number, upperBoundOffset: number): ReturnType<LocalLog['collectAborted']> {
    try {
      return this.#local.collectAborted(startOffset, upperBoundOffset);
    } catch (error) {
      throw this.#failed(error, 'read');
    }
  }

  /** Where `offset` stands. @throws KafkaError OFFSET_OUT_OF_RANGE */
  toOffsetMetadata(offset: number): LogOffsetMetadata {
    try {
      return this.#watermarks.toOffsetMetadata(offset);
    } catch (error) {
      throw this.#failed(error, 'read');
    }
  }

  fetchHighWatermarkMetadata(): LogOffsetMetadata {
    return this.#watermarks.highWatermarkMetadata();
  }

  fetchLastStableOffsetMetadata(): LogOffsetMetadata {
    return this.#watermarks.lastStableOffsetMetadata();
  }

  // High watermark and log start.

  /** Sets the high watermark, kept within [logStartOffset, logEndOffset]. @returns what it is now */
  updateHighWatermark(offset: number): number {
    return this.#watermarks.updateHighWatermark(offset);
  }

  /** Raises the high watermark. @returns the old one, or undefined when `newHighWatermark` is not above it */
  maybeIncrementHighWatermark(newHighWatermark: number): number | undefined {
    assert(
      newHighWatermark <= this.logEndOffset,
      `high watermark ${newHighWatermark} above the end of ${this.name}, ${this.logEndOffset}`,
    );
    const old = this.highWatermark;
    if (newHighWatermark <= old) return undefined;
    this.updateHighWatermark(newHighWatermark);
    return old;
  }

  /** Records below `offset` may no longer be read; whole segments below it go with the next retention check.
   *  @returns false when the log starts there or later already
   *  @throws KafkaError OFFSET_OUT_OF_RANGE above the high watermark */
  maybeIncrementLogStartOffset(offset: number): boolean {
    this.#ensureUsable();
    if (offset > this.highWatermark) {
      throw new KafkaError(
        Errors.OFFSET_OUT_OF_RANGE,
        `cannot start ${this.name} at ${offset}, above its high watermark ${this.highWatermark}`,
      );
    }
    if (offset <= this.logStartOffset) return false;
    try {
      this.#watermarks.raiseLogStartOffset(offset);
      this.leaderEpochCache.truncateFromStart(offset);
      this.producerStateManager.onLogStartOffsetIncremented(offset);
      this.#watermarks.updateFirstUnstableOffset();
      return true;
    } catch (error) {
      throw this.#failed(error, 'move the start of');
    }
  }

  // Retention and truncation.

  /** Drops segments by log start offset and, where cleanup.policy has "delete", by size and age. @returns how many */
  deleteOldSegments(): number {
    this.#ensureUsable();
    try {
      let count = this.#deleteWhile((segment, next) => breachesLogStart(segment, next, this.logStartOffset));
      if (!this.config.delete) return count;
      count += this.#deleteWhile(retentionBytesPredicate(this.sizeInBytes, this.config.retentionBytes));
      const nowMs = this.#context.clock.nowMs();
      count += this.#deleteWhile((segment) => breachesRetentionMs(segment, nowMs, this.config.retentionMs));
      return count;
    } catch (error) {
      throw this.#failed(error, 'delete segments of');
    }
  }

  /** Drops records from `offset` on. @returns false when there are none */
  truncateTo(offset: number): boolean {
    this.#ensureUsable();
    assert(offset >= 0, `cannot truncate ${this.name} to ${offset}`);
    try {
      if (offset >= this.logEndOffset) {
        // An epoch of a leader that wrote nothing may begin at the end.
        this.leaderEpochCache.truncateFromEnd(offset);
        return false;
      }
      this.#context.logger.info('truncating', { partition: this.name, offset, logEndOffset: this.logEndOffset });
      const firstOffset = this.#local.segments.first?.baseOffset ?? 0;
      if (firstOffset > offset) this.truncateFullyAndStartAt(offset);
      else this.#truncateTail(offset);
      this.#context.onTruncated?.();
      return true;
    } catch (error) {
      throw this.#failed(error, 'truncate');
    }
  }

  /** Drops everything; the log is empty and begins at `offset`.
   *  @param logStartOffset what may be read begins there, where that is not `offset` */
  truncateFullyAndStartAt(offset: number, logStartOffset = offset): void {
    this.#ensureUsable();
    try {
      this.#context.logger.info('truncating fully', { partition: this.name, offset });
      this.#lowestTruncation = Math.min(this.#lowestTruncation, offset);
      this.#local.truncateFullyAndStartAt(offset);
      this.leaderEpochCache.clearAndFlush();
      this.producerStateManager.truncateFullyAndStartAt(offset);
      this.#watermarks.onTruncated(logStartOffset);
      // The high watermark is where the log begins anew, even if it was below.
      this.#watermarks.updateHighWatermark(offset);
      this.#context.onTruncated?.();
    } catch (error) {
      throw this.#failed(error, 'truncate');
    }
  }

  /** Begins a new segment at the log end offset. */
  roll(expectedNextOffset = 0): LogSegment {
    this.#ensureUsable();
    try {
      // A snapshot at each segment's beginning bounds what an unclean start must read again, and outlives the segments before it.
      const segment = this.#local.roll(expectedNextOffset, (baseOffset) =>
        this.producerStateManager.takeSnapshotAt(baseOffset),
      );
      this.#watermarks.onLogEndChanged();
      // Nobody waits for this sync; a failure takes the log dir offline, which is told there.
      this.flush().catch(() => undefined);
      return segment;
    } catch (error) {
      throw this.#failed(error, 'roll');
    }
  }

  // Durability.

  /** Resolves when everything appended before the call survives a power loss. Calls that come while a sync is under way share the
   *  next one. @throws KafkaError KAFKA_STORAGE_ERROR */
  flush(): Promise<void> {
    return this.#successor?.flush() ?? this.#groupCommit.flush();
  }

  /** Writes and syncs all there is, and lets go of the files. Safe to call twice. After this a start needs no recovery. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#isOffline) {
      this.#local.closeHandlers();
      return;
    }
    try {
      await this.#groupCommit.idle();
      if (this.producerStateManager.takeSnapshot()) this.#local.markDirectoryDirty();
      if (await this.leaderEpochCache.flush()) this.#local.markDirectoryDirty();
      if (!this.#local.isDurable) {
        this.activeSegment.onBecomeInactive();
        await this.#flushAll({ allIndexes: true });
      }
      this.#local.close();
    } catch (error) {
      this.#local.closeHandlers();
      throw this.#failed(error, 'close');
    }
  }

  /** Lets go of the files without writing: the directory is given up. */
  closeHandlers(): void {
    this.#isClosed = true;
    this.#isAbandoned = true;
    this.#local.closeHandlers();
    // A sync that is under way opens what it needs.
    void this.#groupCommit.idle().then(() => this.#local.closeHandlers());
  }

  /** As the copy of `current` in another log dir: gets ready to become it. @throws KafkaError KAFKA_STORAGE_ERROR. Source: LogManager.replaceCurrentWithFutureLog */
  takeOver(current: Log): void {
    assert(
      this.logEndOffset === current.logEndOffset,
      `the copy of ${this.name} ends at ${this.logEndOffset}, the log at ${current.logEndOffset}`,
    );
    try {
      this.updateHighWatermark(current.highWatermark);
      this.maybeIncrementLogStartOffset(current.logStartOffset);
      // A leader that appended nothing yet has an epoch all the same.
      const { latestEntry } = current.leaderEpochCache;
      if (latestEntry !== undefined) this.leaderEpochCache.assign(latestEntry.epoch, latestEntry.startOffset);
    } catch (error) {
      throw this.#failed(error, 'replace');
    }
  }

  /** `successor` has taken its place. Lets go of the files when no sync uses them any more. */
  retireFor(successor: Log): void {
    this.#isClosed = true;
    this.#successor = successor;
    void this.#groupCommit.idle().then(() => this.#local.closeHandlers());
  }

  /** The log dir failed. Everything from now on answers KAFKA_STORAGE_ERROR. */
  markOffline(): void {
    if (this.#isOffline) return;
    this.#isOffline = true;
    this.#local.closeHandlers();
  }

  /** `leaderEpoch` begins at `offset`, where its leader has written nothing yet. @throws KafkaError KAFKA_STORAGE_ERROR */
  assignEpochStartOffset(leaderEpoch: number, offset: number): void {
    this.#ensureUsable();
    try {
      this.leaderEpochCache.assign(leaderEpoch, offset);
    } catch (error) {
      throw this.#failed(error, 'begin a leader epoch of');
    }
  }

  // Topic id, directory, end.

  /** @throws KafkaError INCONSISTENT_TOPIC_ID when the directory belongs to another topic of the same name */
  assignTopicId(topicId: Uuid): void {
    if (this.#topicId === topicId) return;
    if (this.#topicId !== undefined) {
      throw new KafkaError(
        Errors.INCONSISTENT_TOPIC_ID,
        `${this.directory} belongs to topic id ${this.#topicId}, not ${topicId}`,
      );
    }
    try {
      const path = `${this.directory}/${PARTITION_METADATA_FILE}`;
      new PartitionMetadataFile(this.#context.fileSystem, path).write(topicId);
      this.#topicId = topicId;
      this.#topicIdIsVolatile = true;
      this.#local.markDirectoryDirty();
    } catch (error) {
      throw this.#failed(error, 'name the topic of');
    }
  }

  /** Gives the directory another name in its log dir. */
  renameDirectory(name: string): void {
    try {
      this.#local.renameDirectory(name);
      this.leaderEpochCache.movedTo(this.directory);
      this.producerStateManager.movedTo(this.directory);
    } catch (error) {
      throw this.#failed(error, 'rename');
    }
  }

  /** Removes everything from the disk. */
  delete(): void {
    this.#isClosed = true;
    try {
      this.#local.deleteAll();
    } catch (error) {
      throw this.#failed(error, 'delete');
    }
  }

  // Producers.

  /** Begins to verify that `producerId` has a transaction that includes this partition, before its first batch is appended.
   *  @returns what `appendAsLeader` must be given; undefined when its transaction is open here already */
  maybeStartTransactionVerification(
    producerId: number,
    sequence: number,
    producerEpoch: number,
  ): VerificationGuard | undefined {
    if (!this.#transactionVerificationEnabled()) return undefined;
    return this.producerStateManager.maybeStartVerification(producerId, sequence, producerEpoch);
  }

  removeExpiredProducers(nowMs: number): void {
    this.producerStateManager.removeExpiredProducers(nowMs);
  }

  // Offsets.

  #endOf(isolation: FetchIsolation): LogOffsetMetadata {
    switch (isolation) {
      case 'logEnd':
        return this.logEndOffsetMetadata;
      case 'highWatermark':
        return this.fetchHighWatermarkMetadata();
      case 'txnCommitted':
        return this.fetchLastStableOffsetMetadata();
      default:
        return isolation satisfies never;
    }
  }

  // Retention, truncation, flush.

  #deleteWhile(predicate: (segment: LogSegment, next: LogSegment | undefined) => boolean): number {
    const deletable = deletablePrefix(this.#local.segments.values(), predicate, {
      highWatermark: this.highWatermark,
      logEndOffset: this.logEndOffset,
    });
    if (deletable.length === 0) return 0;
    // There is always an active segment.
    if (deletable.length === this.numberOfSegments) this.roll();
    this.#context.logger.info('deleting segments', {
      partition: this.name,
      baseOffsets: deletable.map((segment) => segment.baseOffset),
    });
    this.#local.removeAndDelete(deletable);
    for (const segment of deletable) this.producerStateManager.deleteSnapshotAt(segment.baseOffset);
    const firstOffset = this.#local.segments.first?.baseOffset ?? this.logEndOffset;
    this.maybeIncrementLogStartOffset(firstOffset);
    return deletable.length;
  }

  #truncateTail(offset: number): void {
    this.#lowestTruncation = Math.min(this.#lowestTruncation, offset);
    const deleted = this.#local.truncateTo(offset);
    for (const segment of deleted) this.producerStateManager.deleteSnapshotAt(segment.baseOffset);
    this.leaderEpochCache.truncateFromEnd(offset);
    const logStartOffset = Math.min(offset, this.logStartOffset);
    rebuildProducerState({
      segments: this.#local.segments,
      producerStateManager: this.producerStateManager,
      logStartOffset,
      lastOffset: offset,
      nowMs: this.#context.clock.nowMs(),
      reloadFromCleanShutdown: false,
    });
    this.#watermarks.onTruncated(logStartOffset);
  }

  async #flushGroup(): Promise<void> {
    try {
      if (this.#isAbandoned) this.#ensureUsable();
      if (this.#successor === undefined) await this.#flushAll({});
    } catch (error) {
      // The directory went while the disk was waited for.
      if (this.#isAbandoned && error instanceof StorageError && error.code === 'ENOENT') this.#ensureUsable();
      throw this.#failed(error, 'sync');
    }
    // Also when it came while the disk was waited for.
    await this.#successor?.flush();
  }

  async #flushAll(options: { allIndexes?: boolean }): Promise<void> {
    this.#ensureOnline();
    if (await this.leaderEpochCache.flush()) this.#local.markDirectoryDirty();
    if (this.#topicIdIsVolatile) {
      this.#topicIdIsVolatile = false;
      await syncFile(this.#context.fileSystem, `${this.directory}/${PARTITION_METADATA_FILE}`);
    }
    if (await this.producerStateManager.flushSnapshots()) this.#local.markDirectoryDirty();
    await this.#local.flush(options);
  }

  // Failures.

  #ensureOnline(): void {
    if (this.#isOffline) {
      throw new KafkaError(
        Errors.KAFKA_STORAGE_ERROR,
        `${this.name} is in an offline log dir, ${this.parentDirectory}`,
      );
    }
  }

  #ensureUsable(): void {
    this.#ensureOnline();
    if (this.#isClosed) throw new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER, `${this.name} is closed`);
  }

  /** A disk's failure becomes KAFKA_STORAGE_ERROR; everything else stays what it is. It takes the log dir offline, unless there was merely no
   *  space: then nothing has changed, and the same works again when there is. */
  #failed(error: unknown, operation: string): unknown {
    if (!(error instanceof StorageError)) return error;
    if (error instanceof NoSpaceError) this.#context.fullLogDirs.onRefused(this.parentDirectory, error);
    else {
      this.markOffline();
      this.#context.onStorageError(error, this.parentDirectory);
    }
    const code: ErrorCode = Errors.KAFKA_STORAGE_ERROR;
    return new KafkaError(code, `cannot ${operation} ${this.name}: ${error.message}`, { cause: error });
  }
}
