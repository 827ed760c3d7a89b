// One partition's log: appends by a leader or from one, reads up to what a reader may see, retention, truncation.
// Offsets, all in [0, 2^53):
//
//   logStartOffset ≤ lastStableOffset ≤ highWatermark ≤ logEndOffset,   recoveryPoint ≤ logEndOffset
//
// Appends are synchronous up to the page cache: when one returns, its records survive the death of this process.
// Source: Kafka's UnifiedLog (3.9). What it does not do: tiered storage.

import { assert, Errors, KafkaError, type TopicPartition, topicPartitionKey, type Uuid } from '@ottla/base';
import type { EpochEndOffset, LeaderEpochFileCache } from './leader-epoch-file-cache.ts';
import type { LocalLog, LogContext } from './local-log.ts';
import type { FetchDataInfo, FetchIsolation, ReadOptions } from './local-log-reads.ts';
import type { LogAppendInfo } from './log-append-info.ts';
import { type AppendAsLeaderOptions, LogAppender } from './log-appender.ts';
import { LogAvailability } from './log-availability.ts';
import type { LogConfig } from './log-config.ts';
import { LogFlush } from './log-flush.ts';
import type { LogOffsetMetadata } from './log-offset-metadata.ts';
import { LogRetention } from './log-retention.ts';
import type { LogSegment } from './log-segment.ts';
import { LogTruncation } from './log-truncation.ts';
import { LogWatermarks } from './log-watermarks.ts';
import { offsetByTimestamp, type TimestampAndOffset } from './offset-by-timestamp.ts';
import { PARTITION_METADATA_FILE, PartitionMetadataFile } from './partition-metadata-file.ts';
import type { ProducerStateManager, VerificationGuard } from './producer-state-manager.ts';

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
  readonly #partitionMetadataFile: PartitionMetadataFile;
  #topicId: Uuid | undefined;
  readonly #watermarks: LogWatermarks;
  readonly #availability: LogAvailability;
  readonly #flush: LogFlush;
  readonly #retention: LogRetention;
  readonly #truncation: LogTruncation;

  constructor(parts: LogParts) {
    this.topicPartition = parts.localLog.topicPartition;
    this.name = topicPartitionKey(this.topicPartition);
    this.#context = parts.context;
    this.#local = parts.localLog;
    this.leaderEpochCache = parts.leaderEpochCache;
    this.producerStateManager = parts.producerStateManager;
    this.#transactionVerificationEnabled = parts.transactionVerificationEnabled;
    this.#topicId = parts.topicId;
    const { context, localLog, leaderEpochCache, producerStateManager, logStartOffset } = parts;
    const { name } = this;
    const metadataPath = `${localLog.directory}/${PARTITION_METADATA_FILE}`;
    this.#partitionMetadataFile = new PartitionMetadataFile(context.fileSystem, metadataPath);
    this.#watermarks = new LogWatermarks({ localLog, producerStateManager, logStartOffset, name });
    const shared = { context, localLog, leaderEpochCache, producerStateManager, watermarks: this.#watermarks, name };
    this.#availability = new LogAvailability(shared);
    this.#truncation = new LogTruncation(shared);
    this.#retention = new LogRetention({ ...shared, roll: () => this.roll() });
    this.#flush = new LogFlush({
      ...shared,
      partitionMetadataFile: this.#partitionMetadataFile,
      availability: this.#availability,
    });
    // Without a spread, which makes objects of several shapes: every append reads this one.
    this.#appender = new LogAppender({
      localLog,
      leaderEpochCache,
      producerStateManager,
      watermarks: this.#watermarks,
      name,
      clock: context.clock,
      transactionVerificationEnabled: parts.transactionVerificationEnabled,
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
    return this.#availability.isOffline;
  }

  get isClosed(): boolean {
    return this.#availability.isClosed;
  }

  /** For the cleaner: what it cleaned at and above this offset is no longer there. Infinity: nothing was truncated. */
  get lowestTruncation(): number {
    return this.#truncation.lowestTruncation;
  }

  /** The cleaner has noted it. */
  forgetTruncation(): void {
    this.#truncation.forgetTruncation();
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
    this.#availability.ensureUsable();
    try {
      return this.#appended(this.#appender.appendAsLeader(records, options));
    } catch (error) {
      throw this.#availability.failed(error, 'append to');
    }
  }

  /** Appends what a leader sent, as it is. A batch cut at the end is left out.
   *  @throws KafkaError OFFSET_OUT_OF_RANGE when the first offset is below the log end offset, CORRUPT_MESSAGE, KAFKA_STORAGE_ERROR */
  appendAsFollower(records: Buffer): LogAppendInfo {
    this.#availability.ensureUsable();
    try {
      return this.#appended(this.#appender.appendAsFollower(records));
    } catch (error) {
      throw this.#availability.failed(error, 'append to');
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
  read(options: ReadOptions): FetchDataInfo {
    this.#availability.ensureUsable();
    this.#watermarks.ensureNotBelowStart(options.startOffset);
    try {
      return this.#local.read(options, this.#endOf(options.isolation));
    } catch (error) {
      throw this.#availability.failed(error, 'read');
    }
  }

  /** −1 latest, −2 earliest, −3 of the maximum timestamp, −4 earliest local, −5 latest tiered; otherwise the first record at
   *  or after that time. @returns undefined when there is none */
  fetchOffsetByTimestamp(timestamp: number): TimestampAndOffset | undefined {
    const { leaderEpochCache, logStartOffset, logEndOffset } = this;
    const log = { segments: this.#local.segments, leaderEpochCache, logStartOffset, logEndOffset };
    return this.#availability.whenUsable('look up a timestamp in', () => offsetByTimestamp(log, timestamp));
  }

  /** Where the largest leader epoch at or below `leaderEpoch` ends. @returns undefined when no epoch is known */
  endOffsetForEpoch(leaderEpoch: number): EpochEndOffset | undefined {
    const found = this.leaderEpochCache.endOffsetFor(leaderEpoch, this.logEndOffset);
    return found.endOffset < 0 ? undefined : found;
  }

  /** Aborted transactions that overlap [startOffset, upperBoundOffset). */
  collectAbortedTransactions(startOffset: number, upperBoundOffset: number): ReturnType<LocalLog['collectAborted']> {
    return this.#availability.guarded('read', () => this.#local.collectAborted(startOffset, upperBoundOffset));
  }

  /** Where `offset` stands. @throws KafkaError OFFSET_OUT_OF_RANGE */
  toOffsetMetadata(offset: number): LogOffsetMetadata {
    return this.#availability.guarded('read', () => this.#watermarks.toOffsetMetadata(offset));
  }

  fetchHighWatermarkMetadata(): LogOffsetMetadata {
    return this.#watermarks.highWatermarkMetadata();
  }

  fetchLastStableOffsetMetadata(): LogOffsetMetadata {
    return this.#watermarks.lastStableOffsetMetadata();
  }

  /** `leaderEpoch` begins at `offset`, where its leader has written nothing yet. @throws KafkaError KAFKA_STORAGE_ERROR */
  assignEpochStartOffset(leaderEpoch: number, offset: number): void {
    const assign = (): void => this.leaderEpochCache.assign(leaderEpoch, offset);
    this.#availability.whenUsable('begin a leader epoch of', assign);
  }

  // High watermark and log start.

  /** Sets the high watermark, kept within [logStartOffset, logEndOffset]. @returns what it is now */
  updateHighWatermark(offset: number): number {
    return this.#watermarks.updateHighWatermark(offset);
  }

  /** Records below `offset` may no longer be read; whole segments below it go with the next retention check.
   *  @returns false when the log starts there or later already
   *  @throws KafkaError OFFSET_OUT_OF_RANGE above the high watermark */
  maybeIncrementLogStartOffset(offset: number): boolean {
    this.#availability.ensureUsable();
    if (offset > this.highWatermark) {
      throw new KafkaError(
        Errors.OFFSET_OUT_OF_RANGE,
        `cannot start ${this.name} at ${offset}, above its high watermark ${this.highWatermark}`,
      );
    }
    return this.#availability.guarded('move the start of', () => this.#retention.maybeIncrementLogStartOffset(offset));
  }

  // Retention and truncation.

  /** Drops segments by log start offset and, where cleanup.policy has "delete", by size and age. @returns how many */
  deleteOldSegments(): number {
    return this.#availability.whenUsable('delete segments of', () => this.#retention.deleteOldSegments());
  }

  /** Drops records from `offset` on. @returns false when there are none */
  truncateTo(offset: number): boolean {
    return this.#availability.whenUsable('truncate', () => this.#truncation.truncateTo(offset));
  }

  /** Drops everything; the log is empty and begins at `offset`.
   *  @param logStartOffset what may be read begins there, where that is not `offset` */
  truncateFullyAndStartAt(offset: number, logStartOffset = offset): void {
    this.#availability.whenUsable('truncate', () => this.#truncation.truncateFullyAndStartAt(offset, logStartOffset));
  }

  /** Begins a new segment at the log end offset. */
  roll(expectedNextOffset = 0): LogSegment {
    return this.#availability.whenUsable('roll', () => {
      // A snapshot at each segment's beginning bounds what an unclean start must read again, and outlives the segments before it.
      const segment = this.#local.roll(expectedNextOffset, (baseOffset) =>
        this.producerStateManager.takeSnapshotAt(baseOffset),
      );
      this.#watermarks.onLogEndChanged();
      // Nobody waits for this sync; a failure takes the log dir offline, which is told there.
      this.flush().catch(() => undefined);
      return segment;
    });
  }

  // Durability.

  /** Resolves when everything appended before the call survives a power loss. Calls that come while a sync is under way share the
   *  next one. @throws KafkaError KAFKA_STORAGE_ERROR */
  flush(): Promise<void> {
    return this.#flush.flush();
  }

  /** Writes and syncs all there is, and lets go of the files. Safe to call twice. After this a start needs no recovery. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    this.#availability.markClosed();
    if (this.isOffline) {
      this.#local.closeHandlers();
      return;
    }
    try {
      await this.#flush.flushForStop();
      await this.#local.close();
    } catch (error) {
      this.#local.closeHandlers();
      throw this.#availability.failed(error, 'close');
    }
  }

  /** Lets go of the files without writing: the directory is given up. */
  closeHandlers(): void {
    this.#availability.markAbandoned();
    this.#local.closeHandlers();
    // A sync that is under way opens what it needs.
    void this.#flush.idle().then(() => this.#local.closeHandlers());
  }

  /** As the copy of `current` in another log dir: gets ready to become it. @throws KafkaError KAFKA_STORAGE_ERROR. Source: LogManager.replaceCurrentWithFutureLog */
  takeOver(current: Log): void {
    assert(
      this.logEndOffset === current.logEndOffset,
      `the copy of ${this.name} ends at ${this.logEndOffset}, the log at ${current.logEndOffset}`,
    );
    this.updateHighWatermark(current.highWatermark);
    this.maybeIncrementLogStartOffset(current.logStartOffset);
    // A leader that appended nothing yet has an epoch all the same.
    const { latestEntry } = current.leaderEpochCache;
    if (latestEntry !== undefined) this.assignEpochStartOffset(latestEntry.epoch, latestEntry.startOffset);
  }

  /** `successor` has taken its place. Lets go of the files when no sync uses them any more. */
  retireFor(successor: Log): void {
    this.#availability.markClosed();
    this.#flush.handOverTo(successor);
    void this.#flush.idle().then(() => this.#local.closeHandlers());
  }

  /** The log dir failed. Everything from now on answers KAFKA_STORAGE_ERROR. */
  markOffline(): void {
    this.#availability.markOffline();
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
    this.#availability.guarded('name the topic of', () => this.#partitionMetadataFile.write(topicId));
    this.#topicId = topicId;
    this.#local.markDirectoryDirty();
  }

  /** Gives the directory another name in its log dir. */
  renameDirectory(name: string): void {
    this.#availability.guarded('rename', () => this.#local.renameDirectory(name));
    this.leaderEpochCache.movedTo(this.directory);
    this.producerStateManager.movedTo(this.directory);
    this.#partitionMetadataFile.movedTo(this.directory);
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
}
