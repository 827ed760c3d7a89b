// Opens a partition's directory: finishes what a crash interrupted, loads segments, scans those that may be damaged, and brings the
// state of producers and epochs up to the log's end. Source: Kafka's LogLoader (3.9).
//
// After a clean stop nothing is scanned. After any other, segments from the recovery point on are read batch by batch; the first byte
// that is no valid batch ends the log.

import { basename } from 'node:path';
import { type TopicPartition, topicPartitionKey, type Uuid } from '@ottla/base';
import type { RecordBatch } from '@ottla/records';
import { CorruptIndexError } from './abstract-index.ts';
import { LeaderEpochFileCache } from './leader-epoch-file-cache.ts';
import { clearLeftovers } from './leftover-files.ts';
import { LocalLog, type LogContext, segmentOptions } from './local-log.ts';
import { Log } from './log.ts';
import type { LogConfig } from './log-config.ts';
import {
  filenamePrefixFromOffset,
  INDEX_SUFFIX,
  isIndexFile,
  isLogFile,
  LOG_SUFFIX,
  offsetFromFileName,
  SWAP_SUFFIX,
  TIME_INDEX_SUFFIX,
  TXN_INDEX_SUFFIX,
} from './log-file-names.ts';
import { LogSegment } from './log-segment.ts';
import { LogSegments } from './log-segments.ts';
import { PARTITION_METADATA_FILE, PartitionMetadataFile } from './partition-metadata-file.ts';
import { ProducerStateManager, replayBatch } from './producer-state-manager.ts';
import { rebuildProducerState } from './producer-state-rebuild.ts';

export interface LoadLogOptions {
  readonly context: LogContext;
  readonly topicPartition: TopicPartition;
  readonly directory: string;
  /** What this process found in the directory when it started; undefined: it may not be there. */
  readonly found?: { readonly topicId: Uuid | undefined } | undefined;
  readonly config: LogConfig;
  /** From the log start offset checkpoint; 0 when it has none. */
  readonly logStartOffsetCheckpoint: number;
  /** From the recovery point checkpoint; 0 when it has none. */
  readonly recoveryPointCheckpoint: number;
  readonly hadCleanShutdown: boolean;
  readonly maxTransactionTimeoutMs: number;
  readonly producerIdExpirationMs: () => number;
  readonly producerIdsMax?: number;
  readonly transactionVerificationEnabled: () => boolean;
}

/** Opens the log, creating directory and first segment where there are none. @throws StorageError, CheckpointFormatError */
export function loadLog(options: LoadLogOptions): Log {
  if (options.found === undefined) options.context.fileSystem.makeDirectorySync(options.directory);
  const loader = new LogLoader(options);
  try {
    return loader.load();
  } catch (error) {
    // It may be tried again, when there is space.
    loader.closeHandlers();
    throw error;
  }
}

class LogLoader {
  readonly #options: LoadLogOptions;
  readonly #context: LogContext;
  readonly #segments = new LogSegments();
  /** Every segment looked at, the log's or not. */
  readonly #opened: LogSegment[] = [];
  /** Something was repaired or begun. */
  #isChanged = false;
  readonly #leaderEpochCache: LeaderEpochFileCache;
  /** Names in the directory; undefined: they changed since. */
  #listed: string[] | undefined;

  constructor(options: LoadLogOptions) {
    this.#options = options;
    this.#context = options.context;
    this.#leaderEpochCache = new LeaderEpochFileCache(this.#context.fileSystem, options.directory, {
      logger: this.#context.logger,
      mayRebuild: !options.hadCleanShutdown,
    });
  }

  load(): Log {
    this.#clearLeftovers();
    this.#loadSegments();
    const { recoveryPoint, nextOffset } = this.#recoverLog();
    this.#leaderEpochCache.truncateFromEnd(nextOffset);
    const logStartOffset = Math.max(this.#options.logStartOffsetCheckpoint, this.#segments.first?.baseOffset ?? 0);
    this.#leaderEpochCache.truncateFromStart(logStartOffset);
    const producerStateManager = this.#newProducerStateManager(this.#isChanged ? undefined : this.#names());
    producerStateManager.removeStraySnapshots(this.#segments.values().map((segment) => segment.baseOffset));
    rebuildProducerState({
      segments: this.#segments,
      producerStateManager,
      logStartOffset,
      lastOffset: nextOffset,
      nowMs: this.#context.clock.nowMs(),
      reloadFromCleanShutdown: this.#options.hadCleanShutdown,
    });
    this.#releaseFiles();
    return this.#newLog({ producerStateManager, logStartOffset, recoveryPoint, nextOffset });
  }

  closeHandlers(): void {
    for (const segment of this.#opened) segment.closeHandlers();
  }

  #newLog(state: {
    producerStateManager: ProducerStateManager;
    logStartOffset: number;
    recoveryPoint: number;
    nextOffset: number;
  }): Log {
    const active = this.#segments.last;
    const localLog = new LocalLog(this.#context, {
      topicPartition: this.#options.topicPartition,
      directory: this.#options.directory,
      config: this.#options.config,
      segments: this.#segments,
      recoveryPoint: state.recoveryPoint,
      isDurable: this.#options.hadCleanShutdown && !this.#isChanged,
      nextOffset: {
        messageOffset: state.nextOffset,
        segmentBaseOffset: active?.baseOffset ?? 0,
        relativePositionInSegment: active?.sizeInBytes ?? 0,
      },
    });
    return new Log({
      context: this.#context,
      localLog,
      leaderEpochCache: this.#leaderEpochCache,
      producerStateManager: state.producerStateManager,
      logStartOffset: state.logStartOffset,
      topicId: this.#topicId(),
      transactionVerificationEnabled: this.#options.transactionVerificationEnabled,
    });
  }

  #topicId(): Uuid | undefined {
    const { found, directory } = this.#options;
    if (found !== undefined) return found.topicId;
    return new PartitionMetadataFile(this.#context.fileSystem, `${directory}/${PARTITION_METADATA_FILE}`).read();
  }

  /** A partition that nobody uses after a start holds no open file. */
  #releaseFiles(): void {
    for (const segment of this.#segments.values()) {
      segment.releaseIndexes();
      if (!this.#isChanged) segment.log.close();
    }
  }

  #clearLeftovers(): void {
    const { directory } = this.#options;
    const { fileSystem, logger } = this.#context;
    const nextOffsetOfSwap = (baseOffset: number): number => {
      const segment = this.#newSegment(baseOffset, SWAP_SUFFIX);
      const nextOffset = segment.readNextOffset();
      segment.closeHandlers();
      return nextOffset;
    };
    const cleared = clearLeftovers({ fileSystem, logger, directory, nextOffsetOfSwap }, this.#names());
    if (cleared !== 'nothing') this.#listed = undefined;
    if (cleared === 'swapped') this.#isChanged = true;
  }

  // Segments.

  #loadSegments(): void {
    const names = this.#names();
    const present = new Set(names);
    for (const name of names) {
      const baseOffset = offsetFromFileName(name);
      if (baseOffset === undefined) continue;
      const prefix = filenamePrefixFromOffset(baseOffset);
      if (isIndexFile(name) && !present.has(`${prefix}${LOG_SUFFIX}`)) {
        this.#context.logger.warn('removing an index without its segment', { path: this.#path(name) });
        this.#context.fileSystem.removeFileSync(this.#path(name));
      } else if (isLogFile(name)) this.#loadSegment(baseOffset, present);
    }
  }

  #loadSegment(baseOffset: number, present: ReadonlySet<string>): void {
    const segment = this.#newSegment(baseOffset, '');
    const prefix = filenamePrefixFromOffset(baseOffset);
    try {
      segment.sanityCheck({
        offsetIndex: present.has(`${prefix}${INDEX_SUFFIX}`),
        timeIndex: present.has(`${prefix}${TIME_INDEX_SUFFIX}`),
        txnIndex: present.has(`${prefix}${TXN_INDEX_SUFFIX}`),
      });
    } catch (error) {
      if (!(error instanceof CorruptIndexError)) throw error;
      this.#context.logger.warn('building the indexes of a segment anew', {
        path: segment.log.path,
        problem: error.message,
      });
      this.#recoverSegment(segment);
    }
    this.#segments.add(segment);
  }

  // Recovery.

  #recoverLog(): { recoveryPoint: number; nextOffset: number } {
    const { hadCleanShutdown, recoveryPointCheckpoint, logStartOffsetCheckpoint } = this.#options;
    if (!hadCleanShutdown) this.#recoverUnflushedSegments();
    let nextOffset = hadCleanShutdown ? this.#endAfterCleanStop() : this.#segments.last?.readNextOffset();
    if (nextOffset === undefined || nextOffset < logStartOffsetCheckpoint) {
      this.#beginAnewAt(logStartOffsetCheckpoint);
      nextOffset = logStartOffsetCheckpoint;
    }
    const recoveryPoint = hadCleanShutdown ? nextOffset : Math.min(recoveryPointCheckpoint, nextOffset);
    return { recoveryPoint, nextOffset };
  }

  /** A clean stop leaves nothing to repair; a disk may have lost something since. What is appended must not follow rubbish.
   *  @returns where the log ends; undefined when there are no segments */
  #endAfterCleanStop(): number | undefined {
    const { last } = this.#segments;
    const nextOffset = last?.nextOffsetIfFit();
    if (last === undefined || nextOffset !== undefined) return nextOffset;
    this.#context.logger.warn('the last segment or its indexes are damaged in spite of a clean stop: scanning it', {
      path: last.log.path,
    });
    this.#recoverSegment(last);
    return last.readNextOffset();
  }

  #recoverUnflushedSegments(): void {
    const unflushed = this.#segments.between(this.#options.recoveryPointCheckpoint, Number.MAX_SAFE_INTEGER);
    for (const [index, segment] of unflushed.entries()) {
      const truncatedBytes = this.#recoverSegment(segment);
      if (truncatedBytes === 0) continue;
      const rest = unflushed.slice(index + 1);
      if (rest.length > 0) {
        this.#context.logger.warn('removing segments behind a damaged one', {
          partition: topicPartitionKey(this.#options.topicPartition),
          baseOffsets: rest.map((each) => each.baseOffset),
        });
      }
      // Highest first: a crash in between leaves no gap.
      for (const each of rest.reverse()) {
        each.deleteIfExists();
        this.#segments.remove(each.baseOffset);
      }
      break;
    }
  }

  /** Scans a segment, cuts what is damaged, builds its indexes anew and takes a producer snapshot at its end.
   *  @returns bytes cut off */
  #recoverSegment(segment: LogSegment): number {
    this.#isChanged = true;
    const producerStateManager = this.#newProducerStateManager();
    rebuildProducerState({
      segments: this.#segments,
      producerStateManager,
      logStartOffset: this.#options.logStartOffsetCheckpoint,
      lastOffset: segment.baseOffset,
      nowMs: this.#context.clock.nowMs(),
      reloadFromCleanShutdown: false,
    });
    const { truncatedBytes, reason } = segment.recover((batch) =>
      this.#onRecoveredBatch(batch, segment, producerStateManager),
    );
    producerStateManager.takeSnapshot();
    if (truncatedBytes > 0) {
      this.#context.logger.warn('cut off the damaged end of a segment', {
        path: segment.log.path,
        truncatedBytes,
        reason: reason ?? 'the last batch is not whole',
      });
    }
    return truncatedBytes;
  }

  #onRecoveredBatch(batch: RecordBatch, segment: LogSegment, producerStateManager: ProducerStateManager): void {
    if (batch.magic === 2 && batch.partitionLeaderEpoch >= 0) {
      const latest = this.#leaderEpochCache.latestEpoch;
      if (latest === undefined || batch.partitionLeaderEpoch > latest) {
        this.#leaderEpochCache.assign(batch.partitionLeaderEpoch, batch.baseOffset);
      }
    }
    const completed = replayBatch(producerStateManager, batch);
    if (completed !== undefined) {
      const { producerId, firstOffset, lastOffset } = completed;
      if (completed.isAborted) {
        const lastStableOffset = producerStateManager.lastStableOffset(completed);
        segment.updateTxnIndex({ producerId, firstOffset, lastOffset, lastStableOffset });
      }
      producerStateManager.completeTransaction(completed);
    }
    producerStateManager.updateMapEndOffset(batch.lastOffset + 1);
  }

  /** There are no segments, or the checkpoint is ahead of a log that lost its end: then nothing of it can be read any more. */
  #beginAnewAt(logStartOffset: number): void {
    this.#isChanged = true;
    if (!this.#segments.isEmpty) this.#dropSegments(logStartOffset);
    const segment = this.#newSegment(logStartOffset, '');
    segment.create();
    this.#segments.add(segment);
  }

  #dropSegments(logStartOffset: number): void {
    this.#context.logger.warn('removing all segments: the log ends before its start offset', {
      partition: topicPartitionKey(this.#options.topicPartition),
      logStartOffset,
    });
    this.#leaderEpochCache.clearAndFlush();
    for (const segment of this.#segments.values().reverse()) {
      segment.deleteIfExists();
      this.#segments.remove(segment.baseOffset);
    }
    this.#newProducerStateManager().truncateFullyAndStartAt(logStartOffset);
  }

  #newProducerStateManager(listed?: readonly string[]): ProducerStateManager {
    const { producerIdsMax } = this.#options;
    return new ProducerStateManager({
      fileSystem: this.#context.fileSystem,
      clock: this.#context.clock,
      logger: this.#context.logger,
      directory: this.#options.directory,
      listed,
      partition: basename(this.#options.directory),
      maxTransactionTimeoutMs: this.#options.maxTransactionTimeoutMs,
      producerIdExpirationMs: this.#options.producerIdExpirationMs,
      ...(producerIdsMax === undefined ? {} : { producerIdsMax }),
    });
  }

  #newSegment(baseOffset: number, fileSuffix: string): LogSegment {
    const { directory, config } = this.#options;
    const segment = new LogSegment(this.#context.fileSystem, this.#context.clock, {
      ...segmentOptions(this.#context, { directory, baseOffset, config }),
      fileSuffix,
    });
    this.#opened.push(segment);
    return segment;
  }

  /** Listed once where nothing is repaired. */
  #names(): string[] {
    this.#listed ??= this.#context.fileSystem.readDirectorySync(this.#options.directory);
    return this.#listed;
  }

  #path(name: string): string {
    return `${this.#options.directory}/${name}`;
  }
}
