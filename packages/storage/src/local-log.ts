// The segments of one partition on disk: append, read, roll, cut, delete, sync. Knows nothing of producers, high watermarks or epochs.
// Source: Kafka's LocalLog (3.9).

import { basename, dirname, join } from 'node:path';
import {
  assert,
  type Clock,
  type FileSystem,
  failAssertion,
  LazySet,
  type Logger,
  NoSpaceError,
  type Random,
  type StorageError,
  type TopicPartition,
} from '@ottla/base';
import { DeletedSegments } from './deleted-segments.ts';
import type { FullLogDirs } from './full-log-dirs.ts';
import {
  abortedTransactionsIn,
  type FetchDataInfo,
  offsetMetadataOf,
  type ReadOptions,
  readBatches,
} from './local-log-reads.ts';
import type { LogConfig } from './log-config.ts';
import { CLEANED_SUFFIX, DELETED_SUFFIX, SWAP_SUFFIX } from './log-file-names.ts';
import type { LogOffsetMetadata } from './log-offset-metadata.ts';
import { LogSegment, type SegmentAppend } from './log-segment.ts';
import type { LogSegments } from './log-segments.ts';
import type { AbortedTransaction } from './transaction-index.ts';

const JITTER_MS_MAX = 2 ** 47;

/** What a log needs from outside. */
export interface LogContext {
  readonly fileSystem: FileSystem;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** The disk failed: everything in this log dir is lost to the broker. Told once per failure. */
  readonly onStorageError: (error: StorageError, logDirectory: string) => void;
  /** Hears of writes that found no space, which are no failure of the disk. */
  readonly fullLogDirs: FullLogDirs;
  /** Records were taken away: recovery points on disk may lie above the end of the log and must be lowered soon. */
  readonly onTruncated?: () => void;
}

export interface LocalLogState {
  readonly topicPartition: TopicPartition;
  readonly directory: string;
  readonly config: LogConfig;
  readonly segments: LogSegments;
  readonly recoveryPoint: number;
  readonly nextOffset: LogOffsetMetadata;
  /** Opened after a clean stop, nothing repaired: all of it is on disk. */
  readonly isDurable: boolean;
}

export class LocalLog {
  readonly topicPartition: TopicPartition;
  config: LogConfig;
  readonly segments: LogSegments;
  readonly #context: LogContext;
  #directory: string;
  /** Below, everything is on disk. At most the log end offset. */
  recoveryPoint: number;
  lastFlushedMs: number;
  #nextOffset: LogOffsetMetadata;
  /** Names in the directory changed since it was synced. */
  #directoryIsDirty: boolean;
  /** Segments that became inactive and whose indexes were not synced since: no recovery builds them anew once it begins above. */
  readonly #rolled = new LazySet<LogSegment>();
  /** So did the directory's own name in its parent. */
  #parentIsDirty: boolean;
  /** Something was written since it was opened: a stop must sync indexes too. */
  #isChanged: boolean;
  /** Counts what takes records away, so that a sync under way does not vouch for what came after. */
  #truncationCount = 0;
  readonly #deleted: DeletedSegments;
  /** What a start after a crash would put in the place of what it was made of. */
  #swap: LogSegment | undefined;

  constructor(context: LogContext, state: LocalLogState) {
    this.#context = context;
    this.topicPartition = state.topicPartition;
    this.#directory = state.directory;
    this.config = state.config;
    this.segments = state.segments;
    this.recoveryPoint = state.recoveryPoint;
    this.#nextOffset = state.nextOffset;
    this.lastFlushedMs = context.clock.nowMs();
    this.#directoryIsDirty = !state.isDurable;
    this.#parentIsDirty = !state.isDurable;
    this.#isChanged = !state.isDurable;
    const onFailure = (error: StorageError): void => context.onStorageError(error, this.parentDirectory);
    this.#deleted = new DeletedSegments({ clock: context.clock, onFailure });
  }

  /** Nothing was written since it was opened, and all there was is on disk. */
  get isDurable(): boolean {
    return !this.#isChanged && !this.#directoryIsDirty && !this.#parentIsDirty;
  }

  get directory(): string {
    return this.#directory;
  }

  /** The log dir the partition's directory is in. */
  get parentDirectory(): string {
    return dirname(this.#directory);
  }

  get activeSegment(): LogSegment {
    return this.segments.last ?? failAssertion(`${this.#directory} has no active segment`);
  }

  get logEndOffset(): number {
    return this.#nextOffset.messageOffset;
  }

  get logEndOffsetMetadata(): LogOffsetMetadata {
    return this.#nextOffset;
  }

  /** Grows whenever records are taken away from the end. */
  get truncationCount(): number {
    return this.#truncationCount;
  }

  get unflushedMessages(): number {
    return this.logEndOffset - this.recoveryPoint;
  }

  /** @throws NoSpaceError when nothing changed */
  append(records: Buffer, append: SegmentAppend, aborted: readonly AbortedTransaction[]): void {
    this.activeSegment.append(records, append, aborted);
    if (aborted.length > 0) this.#directoryIsDirty = true;
    this.updateLogEndOffset(append.lastOffset + 1);
  }

  updateLogEndOffset(offset: number): void {
    this.#isChanged = true;
    const segment = this.activeSegment;
    this.#nextOffset = {
      messageOffset: offset,
      segmentBaseOffset: segment.baseOffset,
      relativePositionInSegment: segment.sizeInBytes,
    };
    if (this.recoveryPoint > offset) this.recoveryPoint = offset;
  }

  /** @param maxOffset what may be read ends before this @throws KafkaError OFFSET_OUT_OF_RANGE */
  read(options: ReadOptions, maxOffset: LogOffsetMetadata): FetchDataInfo {
    return readBatches(this, options, maxOffset);
  }

  /** Where the batch that holds `offset`, or the next one, stands. @throws KafkaError OFFSET_OUT_OF_RANGE */
  toOffsetMetadata(offset: number): LogOffsetMetadata {
    return offsetMetadataOf(this, offset);
  }

  /** Aborted transactions that overlap [startOffset, upperBoundOffset). */
  collectAborted(startOffset: number, upperBoundOffset: number): AbortedTransaction[] {
    return abortedTransactionsIn(this, startOffset, upperBoundOffset);
  }

  /** Begins a new segment at the log end offset, or `expectedNextOffset` if that is higher.
   *
   *    before   00.log [0, 290)               active, next 290
   *    after    00.log [0, 290)  290.log []   active
   *
   *  @param beforeUse may refuse the segment by throwing NoSpaceError: then it is gone again
   *  @throws NoSpaceError when nothing changed. Source: LocalLog.roll */
  roll(expectedNextOffset: number, beforeUse: (baseOffset: number) => void): LogSegment {
    const baseOffset = Math.max(expectedNextOffset, this.logEndOffset);
    const active = this.activeSegment;
    let segment: LogSegment;
    if (active.baseOffset === baseOffset) {
      assert(active.sizeInBytes === 0, `a segment of ${this.#directory} at ${baseOffset} exists and is not empty`);
      // An empty segment whose index is full, or whose time is up: a fresh one takes its place.
      beforeUse(baseOffset);
      active.emptyAndHandOver();
      segment = this.#createSegment(baseOffset, nothing);
    } else {
      assert(
        baseOffset > active.baseOffset,
        `a segment at ${baseOffset} would begin before the active one of ${this.#directory}`,
      );
      active.onBecomeInactive();
      segment = this.#createSegment(baseOffset, beforeUse);
      this.#rolled.add(active);
    }
    this.updateLogEndOffset(this.logEndOffset);
    return segment;
  }

  /** The active segment begins above the log end, behind a gap, and what it was made for was refused: records that fill the gap may come
   *  instead. The one before is active again. */
  takeBackRoll(): void {
    const active = this.activeSegment;
    this.segments.remove(active.baseOffset);
    active.deleteIfExists();
    this.updateLogEndOffset(this.logEndOffset);
  }

  /** Drops records from `offset` on. @returns the segments that went entirely. Source: LocalLog.truncateTo */
  truncateTo(offset: number): LogSegment[] {
    this.#truncationCount++;
    this.cancelSwap();
    const deletable = this.segments.values().filter((segment) => segment.baseOffset > offset);
    // Highest first: a crash in between leaves no gap.
    this.removeAndDelete(deletable.reverse());
    this.activeSegment.truncateTo(offset);
    this.updateLogEndOffset(offset);
    this.recoveryPoint = Math.min(this.recoveryPoint, offset);
    return deletable;
  }

  /** Drops everything; the log is empty and begins at `offset`. @throws NoSpaceError when nothing changed */
  truncateFullyAndStartAt(offset: number): void {
    const kept = this.segments.get(offset);
    // Made before the old ones go, since there may be no room for it, and under a name that a start after a crash removes.
    const fresh = kept === undefined ? this.#createFiles(this.newSegment(offset, CLEANED_SUFFIX), nothing) : undefined;
    this.#truncationCount++;
    this.cancelSwap();
    const deletable = this.segments.values().filter((segment) => segment !== kept);
    this.removeAndDelete(deletable.reverse());
    kept?.truncateTo(offset);
    fresh?.changeFileSuffixes(CLEANED_SUFFIX, '');
    if (fresh !== undefined) this.segments.add(fresh);
    this.#directoryIsDirty = true;
    this.updateLogEndOffset(offset);
    this.recoveryPoint = Math.min(this.recoveryPoint, offset);
  }

  /** Takes segments out of the log and, after file.delete.delay.ms, off the disk. Source: LocalLog.removeAndDeleteSegments */
  removeAndDelete(segments: readonly LogSegment[]): void {
    if (segments.length === 0) return;
    for (const segment of segments) this.segments.remove(segment.baseOffset);
    this.deleteLater(segments);
  }

  /** The same for segments that are no longer, or never were, in the log. */
  deleteLater(segments: readonly LogSegment[]): void {
    this.#deleted.add(segments, this.config.fileDeleteDelayMs);
    this.#directoryIsDirty = true;
  }

  // Replacing segments. A crash at any moment leaves the old ones or the new one: from `prepareSwap` on a start finishes what was begun.
  // Names are synced off the event loop, so that other changes may come between the steps. Source: LocalLog.replaceSegments

  /** `target`, complete, carries the suffix `.cleaned` and gets `.swap`. Resolves when that is on disk. */
  async prepareSwap(target: LogSegment): Promise<void> {
    target.changeFileSuffixes(CLEANED_SUFFIX, SWAP_SUFFIX);
    this.#swap = target;
    await this.#context.fileSystem.syncDirectory(this.#directory);
  }

  /** Unless there is none any more. */
  cancelSwap(): void {
    this.#swap?.deleteIfExists();
    this.#swap = undefined;
  }

  /** Puts what was prepared in the place of `removed`. Resolves when their new names are on disk. */
  async swapIn(removed: readonly LogSegment[]): Promise<LogSegment> {
    const target = this.#swap ?? failAssertion(`${this.#directory} has no segment to swap in`);
    this.#swap = undefined;
    for (const { baseOffset } of removed) if (baseOffset !== target.baseOffset) this.segments.remove(baseOffset);
    for (const segment of removed) this.deleteLater([segment]);
    this.segments.add(target);
    this.updateLogEndOffset(this.logEndOffset);
    await this.#context.fileSystem.syncDirectory(this.#directory);
    return target;
  }

  /** `target` gets its name, unless it is to be deleted already. The log is open. */
  finishSwap(target: LogSegment): void {
    if (target.hasSuffix(SWAP_SUFFIX)) target.changeFileSuffixes(SWAP_SUFFIX, '');
    this.#directoryIsDirty = true;
  }

  /** Syncs records [recoveryPoint, end) and the names they need. @returns false when records were taken away meanwhile */
  async flush(options: { allIndexes?: boolean } = {}): Promise<boolean> {
    const offset = this.logEndOffset;
    const truncationCount = this.#truncationCount;
    if (offset > this.recoveryPoint || options.allIndexes === true) {
      const active = this.activeSegment;
      for (const segment of this.segments.between(Math.min(this.recoveryPoint, offset), offset + 1)) {
        // Retention or compaction took it while the disk was waited for.
        if (segment.hasSuffix(DELETED_SUFFIX)) {
          this.#rolled.delete(segment);
          continue;
        }
        // Indexes of the active segment are built anew after a crash.
        await segment.flush({ indexes: segment !== active || options.allIndexes === true });
        this.#rolled.delete(segment);
      }
    }
    for (const segment of [...this.#rolled.members]) {
      if (!segment.hasSuffix(DELETED_SUFFIX)) await segment.flush({ indexes: true });
      this.#rolled.delete(segment);
    }
    await this.#flushNames();
    if (truncationCount !== this.#truncationCount) return false;
    if (offset > this.recoveryPoint) this.recoveryPoint = offset;
    this.lastFlushedMs = this.#context.clock.nowMs();
    return true;
  }

  /** New names must be synced by the next flush. */
  markDirectoryDirty(): void {
    this.#directoryIsDirty = true;
  }

  segmentOptions(baseOffset: number): ConstructorParameters<typeof LogSegment>[2] {
    return segmentOptions(this.#context, { directory: this.#directory, baseOffset, config: this.config });
  }

  newSegment(baseOffset: number, fileSuffix: string): LogSegment {
    return new LogSegment(this.#context.fileSystem, this.#context.clock, {
      ...this.segmentOptions(baseOffset),
      fileSuffix,
    });
  }

  /** Gives the directory another name in its parent. Its files are closed first: Windows does not rename what holds open ones. */
  renameDirectory(name: string): void {
    const directory = join(dirname(this.#directory), name);
    if (basename(this.#directory) === name) return;
    for (const segment of this.segments.values()) segment.closeHandlers();
    this.#context.fileSystem.renameSync(this.#directory, directory);
    this.#directory = directory;
    this.#parentIsDirty = true;
    for (const segment of this.segments.values()) segment.movedTo(directory);
    this.#deleted.movedTo(directory);
    this.#context.fileSystem.syncDirectorySync(dirname(directory));
  }

  /** Lets go of all files. Deletions that wait are left to the next start, those that run are waited for. */
  async close(): Promise<void> {
    this.#deleted.close();
    this.segments.close();
    await this.#deleted.idle();
  }

  closeHandlers(): void {
    this.#deleted.close();
    for (const segment of this.segments.values()) segment.closeHandlers();
  }

  async #flushNames(): Promise<void> {
    if (this.#directoryIsDirty) {
      this.#directoryIsDirty = false;
      await this.#context.fileSystem.syncDirectory(this.#directory);
    }
    if (this.#parentIsDirty) {
      this.#parentIsDirty = false;
      await this.#context.fileSystem.syncDirectory(dirname(this.#directory));
    }
  }

  /** @throws NoSpaceError when nothing is left of it */
  #createSegment(baseOffset: number, beforeUse: (baseOffset: number) => void): LogSegment {
    const segment = new LogSegment(this.#context.fileSystem, this.#context.clock, this.segmentOptions(baseOffset));
    // A crash after a roll and before its first record may have left files.
    if (segment.sizeInBytes > 0 || segment.offsetIndex.entryCount > 0 || segment.timeIndex.entryCount > 0) {
      this.#context.logger.warn('removing left over files of a segment that is about to begin', {
        path: segment.log.path,
      });
      segment.deleteIfExists();
      return this.#createSegment(baseOffset, beforeUse);
    }
    this.#createFiles(segment, beforeUse);
    this.segments.add(segment);
    this.#directoryIsDirty = true;
    return segment;
  }

  /** @throws NoSpaceError when nothing is left of it */
  #createFiles(segment: LogSegment, beforeUse: (baseOffset: number) => void): LogSegment {
    try {
      segment.create();
      beforeUse(segment.baseOffset);
      return segment;
    } catch (error) {
      if (error instanceof NoSpaceError) segment.deleteIfExists();
      throw error;
    }
  }
}

export function segmentOptions(
  context: LogContext,
  options: { directory: string; baseOffset: number; config: LogConfig },
): ConstructorParameters<typeof LogSegment>[2] {
  const { config } = options;
  const jitterMax = Math.min(config.segmentJitterMs, config.segmentMs, JITTER_MS_MAX);
  return {
    directory: options.directory,
    baseOffset: options.baseOffset,
    indexIntervalBytes: config.indexIntervalBytes,
    indexBytesMax: config.segmentIndexBytes,
    rollJitterMs: jitterMax === 0 ? 0 : context.random.nextInt(jitterMax),
  };
}

function nothing(): void {}
