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
  StorageError,
  type TopicPartition,
  topicPartitionKey,
  type Uuid,
} from '@ottla/base';
import {
  type AppendOrigin,
  batchAt,
  type RecordConversionStats,
  validateMessagesAndAssignOffsets,
} from '@ottla/records';
import { syncFile } from './checkpoint-file.ts';
import { GroupCommit } from './group-commit.ts';
import type { EpochEndOffset, LeaderEpochFileCache } from './leader-epoch-file-cache.ts';
import type { FetchDataInfo, LocalLog, LogContext } from './local-log.ts';
import {
  type AppendAnalysis,
  analyzeRecords,
  duplicateAppend,
  emptyAppend,
  ensureBatchSizes,
  type LogAppendInfo,
} from './log-append-info.ts';
import type { LogConfig } from './log-config.ts';
import { isOffsetOnly, type LogOffsetMetadata, offsetOnly } from './log-offset-metadata.ts';
import { breachesLogStart, breachesRetentionMs, deletablePrefix, retentionBytesPredicate } from './log-retention.ts';
import type { LogSegment } from './log-segment.ts';
import { offsetByTimestamp, type TimestampAndOffset } from './offset-by-timestamp.ts';
import { PARTITION_METADATA_FILE, PartitionMetadataFile } from './partition-metadata-file.ts';
import { analyzeProducers, NO_PRODUCERS, type ProducerAnalysis } from './producer-analysis.ts';
import type { ProducerStateManager, VerificationGuard } from './producer-state-manager.ts';
import { rebuildProducerState } from './producer-state-rebuild.ts';

/** Up to where a reader may see: everything, what is replicated, or only decided transactions. */
export type FetchIsolation = 'logEnd' | 'highWatermark' | 'txnCommitted';

const RELATIVE_OFFSET_MAX = 0x7fffffff;

export interface AppendAsLeaderOptions {
  readonly leaderEpoch: number;
  readonly origin: AppendOrigin;
  /** Needed for the first batch of a transaction when it has to be verified (KIP-890); see `maybeStartTransactionVerification`. */
  readonly verificationGuard?: VerificationGuard | undefined;
}

export interface LogParts {
  readonly context: LogContext;
  readonly localLog: LocalLog;
  readonly leaderEpochCache: LeaderEpochFileCache;
  readonly producerStateManager: ProducerStateManager;
  readonly logStartOffset: number;
  readonly topicId: Uuid | undefined;
  /** transaction.partition.verification.enable */
  readonly transactionVerificationEnabled: boolean;
}

export class Log {
  readonly topicPartition: TopicPartition;
  readonly leaderEpochCache: LeaderEpochFileCache;
  readonly producerStateManager: ProducerStateManager;
  /** For messages: `orders-3`. */
  readonly name: string;
  readonly #context: LogContext;
  readonly #local: LocalLog;
  readonly #transactionVerificationEnabled: boolean;
  #topicId: Uuid | undefined;
  /** partition.metadata was written without a sync. */
  #topicIdIsVolatile = false;
  #logStartOffset: number;
  #highWatermark: LogOffsetMetadata;
  /** Where the first undecided transaction begins, at or above the log start offset. */
  #firstUnstableOffset: LogOffsetMetadata | undefined;
  readonly #groupCommit = new GroupCommit(() => this.#flushGroup());
  #isClosed = false;
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
    this.#logStartOffset = parts.logStartOffset;
    this.#topicId = parts.topicId;
    this.#highWatermark = offsetOnly(parts.logStartOffset);
    this.#maybeIncrementFirstUnstableOffset();
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
    return this.#logStartOffset;
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
    return this.#highWatermark.messageOffset;
  }

  /** The first offset whose transaction is not decided; the high watermark when all below that are. */
  get lastStableOffset(): number {
    const unstable = this.#firstUnstableOffset;
    return unstable !== undefined && unstable.messageOffset < this.highWatermark
      ? unstable.messageOffset
      : this.highWatermark;
  }

  get firstUnstableOffset(): number | undefined {
    return this.#firstUnstableOffset?.messageOffset;
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
    const analysis = this.#analyze(records, options.origin, this.config.maxMessageBytes);
    if (analysis.validBytes === 0) return emptyAppend(this.#logStartOffset);
    const nowMs = this.#context.clock.nowMs();
    const { config } = this;
    const trimmed = trimTo(records, analysis.validBytes);
    const { leaderEpoch, origin } = options;
    const validated = validateMessagesAndAssignOffsets(
      trimmed,
      validationOptions(config, { firstOffset: this.logEndOffset, nowMs, origin, leaderEpoch }),
    );
    if (validated.messageSizeMaybeChanged) {
      ensureBatchSizes(validated.records, this.#analysisOptions(options.origin, config.maxMessageBytes));
    }
    if (analysis.batchCount > 1 || validated.records !== trimmed) {
      analysis.firstBatchSize = batchAt(validated.records, 0)?.sizeInBytes ?? 0;
    }
    analysis.firstOffset = this.logEndOffset;
    analysis.isFirstOffsetExact = true;
    analysis.lastOffset = validated.nextOffset - 1;
    analysis.maxTimestamp = validated.maxTimestamp;
    analysis.offsetOfMaxTimestamp = validated.shallowOffsetOfMaxTimestamp;
    analysis.lastLeaderEpoch = options.leaderEpoch;
    const logAppendTime = config.messageTimestampType === 'LogAppendTime' ? nowMs : -1;
    return this.#append(validated.records, analysis, options, logAppendTime, validated.recordConversionStats);
  }

  /** Appends what a leader sent, as it is. A batch cut at the end is left out.
   *  @throws KafkaError OFFSET_OUT_OF_RANGE when the first offset is below the log end offset, CORRUPT_MESSAGE, KAFKA_STORAGE_ERROR */
  appendAsFollower(records: Buffer): LogAppendInfo {
    this.#ensureUsable();
    const analysis = this.#analyze(records, 'replication', Number.POSITIVE_INFINITY);
    if (analysis.validBytes === 0) return emptyAppend(this.#logStartOffset);
    if (!analysis.isMonotonic || analysis.firstOffset < this.logEndOffset) {
      throw new KafkaError(
        Errors.OFFSET_OUT_OF_RANGE,
        `records at offsets ${analysis.firstOffset} to ${analysis.lastOffset} do not follow the end of ${this.name}, ${this.logEndOffset}`,
      );
    }
    const trimmed = trimTo(records, analysis.validBytes);
    return this.#append(trimmed, analysis, { leaderEpoch: -1, origin: 'replication' }, -1, undefined);
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
    if (options.startOffset < this.#logStartOffset) throw this.#belowLogStart(options.startOffset);
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
          logStartOffset: this.#logStartOffset,
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
    if (offset < this.#logStartOffset) throw this.#belowLogStart(offset);
    if (offset === this.logEndOffset) return this.logEndOffsetMetadata;
    try {
      return this.#local.toOffsetMetadata(offset);
    } catch (error) {
      throw this.#failed(error, 'read');
    }
  }

  fetchHighWatermarkMetadata(): LogOffsetMetadata {
    if (isOffsetOnly(this.#highWatermark)) this.#highWatermark = this.toOffsetMetadata(this.highWatermark);
    return this.#highWatermark;
  }

  fetchLastStableOffsetMetadata(): LogOffsetMetadata {
    const unstable = this.#firstUnstableOffset;
    if (unstable === undefined || unstable.messageOffset >= this.highWatermark)
      return this.fetchHighWatermarkMetadata();
    if (!isOffsetOnly(unstable)) return unstable;
    this.#firstUnstableOffset = this.toOffsetMetadata(unstable.messageOffset);
    return this.#firstUnstableOffset;
  }

  // High watermark and log start.

  /** Sets the high watermark, kept within [logStartOffset, logEndOffset]. @returns what it is now */
  updateHighWatermark(offset: number): number {
    const bounded = Math.min(Math.max(offset, this.#logStartOffset), this.logEndOffset);
    if (bounded !== this.highWatermark) {
      this.#setHighWatermark(bounded === this.logEndOffset ? this.logEndOffsetMetadata : offsetOnly(bounded));
    }
    return bounded;
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
    if (offset <= this.#logStartOffset) return false;
    try {
      this.#setLogStartOffset(offset);
      this.leaderEpochCache.truncateFromStart(offset);
      this.producerStateManager.onLogStartOffsetIncremented(offset);
      this.#maybeIncrementFirstUnstableOffset();
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
      let count = this.#deleteWhile((segment, next) => breachesLogStart(segment, next, this.#logStartOffset));
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
      this.#logStartOffset = logStartOffset;
      this.#maybeIncrementFirstUnstableOffset();
      // Lower, if need be: nothing above the end can be replicated.
      this.#setHighWatermark(this.logEndOffsetMetadata);
    } catch (error) {
      throw this.#failed(error, 'truncate');
    }
  }

  /** Begins a new segment at the log end offset. */
  roll(expectedNextOffset?: number): LogSegment {
    this.#ensureUsable();
    try {
      const segment = this.#local.roll(expectedNextOffset);
      // A snapshot at each segment's beginning bounds what an unclean start must read again.
      this.producerStateManager.updateMapEndOffset(segment.baseOffset);
      this.producerStateManager.takeSnapshot();
      this.#lowerHighWatermarkToEnd();
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
    return this.#groupCommit.flush();
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
      this.producerStateManager.takeSnapshot();
      this.activeSegment.onBecomeInactive();
      await this.#flushAll({ allIndexes: true });
      this.#local.close();
    } catch (error) {
      throw this.#failed(error, 'close');
    }
  }

  /** Lets go of the files without writing: the disk may be dead. */
  closeHandlers(): void {
    this.#isClosed = true;
    this.#local.closeHandlers();
  }

  /** The log dir failed. Everything from now on answers KAFKA_STORAGE_ERROR. */
  markOffline(): void {
    if (this.#isOffline) return;
    this.#isOffline = true;
    this.#local.closeHandlers();
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
    if (!this.#transactionVerificationEnabled) return undefined;
    return this.producerStateManager.maybeStartVerification(producerId, sequence, producerEpoch);
  }

  removeExpiredProducers(nowMs: number): void {
    this.producerStateManager.removeExpiredProducers(nowMs);
  }

  // Appending, step by step.

  #analysisOptions(origin: AppendOrigin, batchBytesMax: number): Parameters<typeof analyzeRecords>[1] {
    return { origin, batchBytesMax, partition: this.name };
  }

  #analyze(records: Buffer, origin: AppendOrigin, batchBytesMax: number): AppendAnalysis {
    return analyzeRecords(records, this.#analysisOptions(origin, batchBytesMax));
  }

  #append(
    records: Buffer,
    analysis: AppendAnalysis,
    options: AppendAsLeaderOptions,
    logAppendTime: number,
    recordConversionStats: RecordConversionStats | undefined,
  ): LogAppendInfo {
    if (records.length > this.config.segmentBytes) {
      throw new KafkaError(
        Errors.RECORD_LIST_TOO_LARGE,
        `an append to ${this.name} has ${records.length} bytes, more than a segment may have (${this.config.segmentBytes})`,
      );
    }
    try {
      this.#assignEpochs(records);
      this.#maybeRoll(records.length, analysis);
      const producers = analyzeProducers(records, {
        producerStateManager: this.producerStateManager,
        segment: this.activeSegment,
        origin: options.origin,
        verificationGuard: options.verificationGuard,
        isVerificationRequired: this.#transactionVerificationEnabled,
        partition: this.name,
      });
      if (producers.duplicate !== undefined) {
        const usesLogAppendTime = this.config.messageTimestampType === 'LogAppendTime';
        // The first one may not be on disk yet.
        const durable = this.#durableIfDue();
        return duplicateAppend(producers.duplicate, {
          logStartOffset: this.#logStartOffset,
          usesLogAppendTime,
          durable,
        });
      }
      this.#local.append(records, {
        firstOffset: analysis.firstOffset,
        lastOffset: analysis.lastOffset,
        maxTimestamp: analysis.maxTimestamp,
        offsetOfMaxTimestamp: analysis.offsetOfMaxTimestamp,
        firstBatchSize: analysis.firstBatchSize,
      });
      this.#lowerHighWatermarkToEnd();
      this.#applyProducers(producers, analysis.lastOffset + 1);
    } catch (error) {
      throw this.#failed(error, 'append to');
    }
    return {
      firstOffset: analysis.firstOffset,
      lastOffset: analysis.lastOffset,
      maxTimestamp: analysis.maxTimestamp,
      logAppendTime,
      logStartOffset: this.#logStartOffset,
      sizeInBytes: records.length,
      isDuplicate: false,
      lastLeaderEpoch: analysis.lastLeaderEpoch,
      recordConversionStats,
      durable: this.#durableIfDue(),
    };
  }

  /** flush.messages records have come since the last sync: the append waits for the next one. */
  #durableIfDue(): Promise<void> | undefined {
    return this.#local.unflushedMessages >= this.config.flushMessages ? this.flush() : undefined;
  }

  #assignEpochs(records: Buffer): void {
    let position = 0;
    for (let batch = batchAt(records, 0); batch !== undefined; batch = batchAt(records, position)) {
      position += batch.sizeInBytes;
      if (batch.magic === 2) {
        const epoch = batch.partitionLeaderEpoch;
        if (epoch >= 0 && epoch !== this.leaderEpochCache.latestEpoch) {
          this.leaderEpochCache.assign(epoch, batch.baseOffset);
          this.#local.markDirectoryDirty();
        }
      } else {
        // Formats without epochs came back, by a downgrade: what is known of epochs no longer holds.
        this.leaderEpochCache.clearAndFlush();
      }
    }
  }

  #maybeRoll(messagesSize: number, analysis: AppendAnalysis): void {
    const { config } = this;
    const shouldRoll = this.activeSegment.shouldRoll({
      // A record in the active segment cannot be compacted: it must leave it in time.
      segmentMs: config.compact ? Math.min(config.segmentMs, config.maxCompactionLagMs) : config.segmentMs,
      segmentBytes: config.segmentBytes,
      maxTimestampInMessages: analysis.maxTimestamp,
      maxOffsetInMessages: analysis.lastOffset,
      messagesSize,
      nowMs: this.#context.clock.nowMs(),
    });
    if (!shouldRoll) return;
    // A wrapper of formats 0 and 1 would have to be unpacked to know where it begins.
    this.roll(analysis.isFirstOffsetExact ? analysis.firstOffset : analysis.lastOffset - RELATIVE_OFFSET_MAX);
  }

  #applyProducers(producers: ProducerAnalysis, nextOffset: number): void {
    for (const update of producers.updates.values()) this.producerStateManager.update(update);
    for (const transaction of producers.completed) {
      if (transaction.isAborted) {
        const lastStableOffset = this.producerStateManager.lastStableOffset(transaction);
        const { producerId, firstOffset, lastOffset } = transaction;
        this.activeSegment.updateTxnIndex({ producerId, firstOffset, lastOffset, lastStableOffset });
        this.#local.markDirectoryDirty();
      }
      this.producerStateManager.completeTransaction(transaction);
    }
    this.producerStateManager.updateMapEndOffset(nextOffset);
    if (producers !== NO_PRODUCERS) this.#maybeIncrementFirstUnstableOffset();
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

  #setHighWatermark(metadata: LogOffsetMetadata): void {
    this.#highWatermark = metadata;
    this.producerStateManager.onHighWatermarkUpdated(metadata.messageOffset);
    this.#maybeIncrementFirstUnstableOffset();
  }

  /** The end moved to another segment, or back. */
  #lowerHighWatermarkToEnd(): void {
    if (this.highWatermark >= this.logEndOffset) this.#setHighWatermark(this.logEndOffsetMetadata);
  }

  #setLogStartOffset(offset: number): void {
    this.#logStartOffset = offset;
    if (this.highWatermark < offset) this.updateHighWatermark(offset);
    if (this.#local.recoveryPoint < offset) this.#local.recoveryPoint = offset;
  }

  #maybeIncrementFirstUnstableOffset(): void {
    const first = this.producerStateManager.firstUnstableOffset;
    if (first === undefined) this.#firstUnstableOffset = undefined;
    else if (first.messageOffset < this.#logStartOffset) this.#firstUnstableOffset = offsetOnly(this.#logStartOffset);
    else if (first.messageOffset !== this.#firstUnstableOffset?.messageOffset) this.#firstUnstableOffset = first;
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
    this.#logStartOffset = Math.min(offset, this.#logStartOffset);
    rebuildProducerState({
      segments: this.#local.segments,
      producerStateManager: this.producerStateManager,
      logStartOffset: this.#logStartOffset,
      lastOffset: offset,
      nowMs: this.#context.clock.nowMs(),
      reloadFromCleanShutdown: false,
    });
    // Positions kept with it may lie in what was cut off.
    this.#highWatermark = offsetOnly(this.highWatermark);
    this.#firstUnstableOffset = undefined;
    this.#lowerHighWatermarkToEnd();
    this.#maybeIncrementFirstUnstableOffset();
  }

  async #flushGroup(): Promise<void> {
    try {
      await this.#flushAll({});
    } catch (error) {
      throw this.#failed(error, 'sync');
    }
  }

  async #flushAll(options: { allIndexes?: boolean }): Promise<void> {
    this.#ensureOnline();
    await this.leaderEpochCache.flush();
    if (this.#topicIdIsVolatile) {
      this.#topicIdIsVolatile = false;
      await syncFile(this.#context.fileSystem, `${this.directory}/${PARTITION_METADATA_FILE}`);
    }
    await this.producerStateManager.flushSnapshots();
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

  /** A disk's failure takes the log dir offline and becomes KAFKA_STORAGE_ERROR; everything else stays what it is. */
  #failed(error: unknown, operation: string): unknown {
    if (!(error instanceof StorageError)) return error;
    this.markOffline();
    this.#context.onStorageError(error, this.parentDirectory);
    const code: ErrorCode = Errors.KAFKA_STORAGE_ERROR;
    return new KafkaError(code, `cannot ${operation} ${this.name}: ${error.message}`, { cause: error });
  }

  #belowLogStart(offset: number): KafkaError {
    return new KafkaError(
      Errors.OFFSET_OUT_OF_RANGE,
      `offset ${offset} is out of range [${this.#logStartOffset}, ${this.logEndOffset}] of ${this.name}`,
    );
  }
}

/** Checksums were checked when the records were analyzed. */
function validationOptions(
  config: LogConfig,
  append: { firstOffset: number; nowMs: number; origin: AppendOrigin; leaderEpoch: number },
): Parameters<typeof validateMessagesAndAssignOffsets>[1] {
  return {
    firstOffset: append.firstOffset,
    now: append.nowMs,
    toMagic: 2,
    origin: append.origin,
    compactedTopic: config.compact,
    timestampType: config.messageTimestampType,
    timestampBeforeMaxMs: config.messageTimestampBeforeMaxMs,
    timestampAfterMaxMs: config.messageTimestampAfterMaxMs,
    compressionType: config.compressionType,
    ...(config.compressionLevel === undefined ? {} : { compressionLevel: config.compressionLevel }),
    partitionLeaderEpoch: append.leaderEpoch,
    verifyChecksums: false,
  };
}

function trimTo(records: Buffer, validBytes: number): Buffer {
  return validBytes === records.length ? records : records.subarray(0, validBytes);
}
