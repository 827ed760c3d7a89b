// The append of one log, step by step: analyze, validate and stamp, roll, check producers, note epochs, write, note producers.
// Everything that can refuse the records comes before the write, and the write is the last that the disk may refuse: an append that finds
// no space leaves the log as it was. Source: Kafka's UnifiedLog.append (3.9).

import { type Clock, Errors, KafkaError, NoSpaceError } from '@ottla/base';
import {
  type AppendOrigin,
  batchAt,
  type RecordConversionStats,
  validateMessagesAndAssignOffsets,
} from '@ottla/records';
import type { LeaderEpochFileCache } from './leader-epoch-file-cache.ts';
import type { LocalLog } from './local-log.ts';
import {
  type AppendAnalysis,
  analyzeRecords,
  duplicateAppend,
  emptyAppend,
  ensureBatchSizes,
  type LogAppendInfo,
} from './log-append-info.ts';
import type { LogConfig } from './log-config.ts';
import type { LogSegment } from './log-segment.ts';
import type { LogWatermarks } from './log-watermarks.ts';
import { abortedTransactions, analyzeProducers, NO_PRODUCERS, type ProducerAnalysis } from './producer-analysis.ts';
import type { BatchMetadata } from './producer-state-entry.ts';
import type { ProducerStateManager, VerificationGuard } from './producer-state-manager.ts';

const RELATIVE_OFFSET_MAX = 0x7fffffff;

export interface AppendAsLeaderOptions {
  readonly leaderEpoch: number;
  readonly origin: AppendOrigin;
  /** Needed for the first batch of a transaction when it has to be verified (KIP-890); see `maybeStartTransactionVerification`. */
  readonly verificationGuard?: VerificationGuard | undefined;
}

export interface LogAppenderParts {
  readonly clock: Clock;
  readonly localLog: LocalLog;
  readonly leaderEpochCache: LeaderEpochFileCache;
  readonly producerStateManager: ProducerStateManager;
  readonly watermarks: LogWatermarks;
  readonly transactionVerificationEnabled: () => boolean;
  /** For messages. */
  readonly name: string;
  readonly roll: (expectedNextOffset: number) => LogSegment;
  readonly flush: () => Promise<void>;
}

export class LogAppender {
  readonly #parts: LogAppenderParts;

  constructor(parts: LogAppenderParts) {
    this.#parts = parts;
  }

  /** Checks what a producer or a coordinator sent, gives it offsets, timestamps and the leader epoch, and writes it. */
  appendAsLeader(records: Buffer, options: AppendAsLeaderOptions): LogAppendInfo {
    const analysis = this.#analyze(records, options.origin, this.#config.maxMessageBytes);
    if (analysis.validBytes === 0) return emptyAppend(this.#parts.watermarks.logStartOffset);
    const nowMs = this.#parts.clock.nowMs();
    const config = this.#config;
    const trimmed = trimTo(records, analysis.validBytes);
    const validated = validateMessagesAndAssignOffsets(trimmed, this.#validationOptions(nowMs, options));
    if (validated.messageSizeMaybeChanged) {
      ensureBatchSizes(validated.records, this.#analysisOptions(options.origin, config.maxMessageBytes));
    }
    if (analysis.batchCount > 1 || validated.records !== trimmed) {
      analysis.firstBatchSize = batchAt(validated.records, 0)?.sizeInBytes ?? 0;
    }
    analysis.firstOffset = this.#parts.localLog.logEndOffset;
    analysis.isFirstOffsetExact = true;
    analysis.lastOffset = validated.nextOffset - 1;
    analysis.maxTimestamp = validated.maxTimestamp;
    analysis.offsetOfMaxTimestamp = validated.shallowOffsetOfMaxTimestamp;
    analysis.lastLeaderEpoch = options.leaderEpoch;
    const logAppendTime = config.messageTimestampType === 'LogAppendTime' ? nowMs : -1;
    return this.#append(validated.records, analysis, options, logAppendTime, validated.recordConversionStats);
  }

  /** Appends what a leader sent, as it is. A batch cut at the end is left out. */
  appendAsFollower(records: Buffer): LogAppendInfo {
    const analysis = this.#analyze(records, 'replication', Number.POSITIVE_INFINITY);
    if (analysis.validBytes === 0) return emptyAppend(this.#parts.watermarks.logStartOffset);
    if (!analysis.isMonotonic || analysis.firstOffset < this.#parts.localLog.logEndOffset) {
      throw new KafkaError(
        Errors.OFFSET_OUT_OF_RANGE,
        `records at offsets ${analysis.firstOffset} to ${analysis.lastOffset} do not follow the end of ${this.#parts.name}, ${this.#parts.localLog.logEndOffset}`,
      );
    }
    const trimmed = trimTo(records, analysis.validBytes);
    return this.#append(trimmed, analysis, { leaderEpoch: -1, origin: 'replication' }, -1, undefined);
  }

  /** Checksums were checked when the records were analyzed. */
  #validationOptions(
    nowMs: number,
    { leaderEpoch, origin }: AppendAsLeaderOptions,
  ): Parameters<typeof validateMessagesAndAssignOffsets>[1] {
    const config = this.#config;
    return {
      firstOffset: this.#parts.localLog.logEndOffset,
      now: nowMs,
      toMagic: 2,
      origin,
      compactedTopic: config.compact,
      partition: this.#parts.name,
      timestampType: config.messageTimestampType,
      timestampBeforeMaxMs: config.messageTimestampBeforeMaxMs,
      timestampAfterMaxMs: config.messageTimestampAfterMaxMs,
      compressionType: config.compressionType,
      compressionLevel: config.compressionLevel,
      partitionLeaderEpoch: leaderEpoch,
      verifyChecksums: false,
    };
  }

  #analysisOptions(origin: AppendOrigin, batchBytesMax: number): Parameters<typeof analyzeRecords>[1] {
    return { origin, batchBytesMax, partition: this.#parts.name };
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
    this.#ensureFitsSegment(records);
    this.#maybeRoll(records.length, analysis);
    const { watermarks } = this.#parts;
    const producers = analysis.hasProducerId ? this.#analyzeProducers(records, options) : NO_PRODUCERS;
    if (producers.duplicate !== undefined) return this.#duplicate(producers.duplicate);
    this.#write(records, analysis, producers);
    watermarks.onLogEndChanged();
    this.#applyProducers(producers, analysis.lastOffset + 1);
    return {
      firstOffset: analysis.firstOffset,
      lastOffset: analysis.lastOffset,
      maxTimestamp: analysis.maxTimestamp,
      logAppendTime,
      logStartOffset: watermarks.logStartOffset,
      sizeInBytes: records.length,
      isDuplicate: false,
      lastLeaderEpoch: analysis.lastLeaderEpoch,
      recordConversionStats,
      durable: this.#durableIfDue(),
    };
  }

  #ensureFitsSegment(records: Buffer): void {
    const { segmentBytes } = this.#config;
    if (records.length <= segmentBytes) return;
    throw new KafkaError(
      Errors.RECORD_LIST_TOO_LARGE,
      `an append to ${this.#parts.name} has ${records.length} bytes, more than a segment may have (${segmentBytes})`,
    );
  }

  #analyzeProducers(records: Buffer, options: AppendAsLeaderOptions): ProducerAnalysis {
    return analyzeProducers(records, {
      producerStateManager: this.#parts.producerStateManager,
      segment: this.#parts.localLog.activeSegment,
      origin: options.origin,
      verificationGuard: options.verificationGuard,
      isVerificationRequired: this.#parts.transactionVerificationEnabled(),
      partition: this.#parts.name,
    });
  }

  #duplicate(batch: BatchMetadata): LogAppendInfo {
    return duplicateAppend(batch, {
      logStartOffset: this.#parts.watermarks.logStartOffset,
      // The first one may not be on disk yet.
      durable: this.#durableIfDue(),
    });
  }

  /** flush.messages records have come since the last sync: the append waits for the next one. */
  #durableIfDue(): Promise<void> | undefined {
    return this.#parts.localLog.unflushedMessages >= this.#config.flushMessages ? this.#parts.flush() : undefined;
  }

  /** @throws NoSpaceError when nothing changed */
  #write(records: Buffer, analysis: AppendAnalysis, producers: ProducerAnalysis): void {
    const { localLog, leaderEpochCache, producerStateManager } = this.#parts;
    const { entries } = leaderEpochCache;
    try {
      this.#assignEpochs(records, analysis);
      localLog.append(records, analysis, abortedTransactions(producers, producerStateManager));
    } catch (error) {
      if (error instanceof NoSpaceError) {
        leaderEpochCache.restore(entries);
        this.#maybeTakeBackRoll();
      }
      throw error;
    }
  }

  #maybeTakeBackRoll(): void {
    const { localLog, producerStateManager, watermarks } = this.#parts;
    const { baseOffset } = localLog.activeSegment;
    if (baseOffset <= localLog.logEndOffset) return;
    localLog.takeBackRoll();
    producerStateManager.takeBackSnapshotAt(baseOffset, localLog.logEndOffset);
    watermarks.onLogEndChanged();
  }

  #assignEpochs(records: Buffer, { batchCount, lastLeaderEpoch }: AppendAnalysis): void {
    if (batchCount === 1 && this.#parts.leaderEpochCache.isLatest(lastLeaderEpoch)) return;
    let position = 0;
    for (let batch = batchAt(records, 0); batch !== undefined; batch = batchAt(records, position)) {
      position += batch.sizeInBytes;
      if (batch.magic === 2) {
        const epoch = batch.partitionLeaderEpoch;
        if (epoch >= 0 && !this.#parts.leaderEpochCache.isLatest(epoch)) {
          this.#parts.leaderEpochCache.assign(epoch, batch.baseOffset);
          this.#parts.localLog.markDirectoryDirty();
        }
      } else {
        // Formats without epochs came back, by a downgrade: what is known of epochs no longer holds.
        this.#parts.leaderEpochCache.clearAndFlush();
      }
    }
  }

  #maybeRoll(messagesSize: number, analysis: AppendAnalysis): void {
    const config = this.#config;
    const shouldRoll = this.#parts.localLog.activeSegment.shouldRoll({
      // A record in the active segment cannot be compacted: it must leave it in time.
      segmentMs: config.compact ? Math.min(config.segmentMs, config.maxCompactionLagMs) : config.segmentMs,
      segmentBytes: config.segmentBytes,
      maxTimestampInMessages: analysis.maxTimestamp,
      maxOffsetInMessages: analysis.lastOffset,
      messagesSize,
      nowMs: this.#parts.clock.nowMs(),
    });
    if (!shouldRoll) return;
    // A wrapper of formats 0 and 1 would have to be unpacked to know where it begins.
    this.#parts.roll(analysis.isFirstOffsetExact ? analysis.firstOffset : analysis.lastOffset - RELATIVE_OFFSET_MAX);
  }

  #applyProducers(producers: ProducerAnalysis, nextOffset: number): void {
    const { producerStateManager } = this.#parts;
    for (const update of producers.updates.values()) producerStateManager.update(update);
    for (const transaction of producers.completed) producerStateManager.completeTransaction(transaction);
    producerStateManager.updateMapEndOffset(nextOffset);
    if (producers !== NO_PRODUCERS) this.#parts.watermarks.updateFirstUnstableOffset();
  }

  get #config(): LogConfig {
    return this.#parts.localLog.config;
  }
}

function trimTo(records: Buffer, validBytes: number): Buffer {
  return validBytes === records.length ? records : records.subarray(0, validBytes);
}
