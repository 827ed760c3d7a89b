// One segment of a log: a file of batches, and its indexes. Source: Kafka's LogSegment (3.9).

import { assert, type ByteSource, type Clock, type FileSystem, failAssertion, NoSpaceError } from '@ottla/base';
import type { RecordBatch } from '@ottla/records';
import { CorruptIndexError } from './abstract-index.ts';
import {
  filenamePrefixFromOffset,
  INDEX_SUFFIX,
  LOG_SUFFIX,
  TIME_INDEX_SUFFIX,
  TXN_INDEX_SUFFIX,
} from './log-file-names.ts';
import { OffsetIndex, type OffsetPosition } from './offset-index.ts';
import { SegmentBatchReader } from './segment-batch-reader.ts';
import { SegmentFile } from './segment-file.ts';
import { SegmentLookup, type SegmentPosition } from './segment-lookup.ts';
import { recoverBatches } from './segment-recovery.ts';
import { SegmentTimestamps, type TimestampedRecord } from './segment-timestamps.ts';
import { TimeIndex } from './time-index.ts';
import { type AbortedTransaction, TransactionIndex } from './transaction-index.ts';

/** The largest offset of a segment is at most this far from its base: the indexes hold 4 bytes. */
const RELATIVE_OFFSET_MAX = 0x7fffffff;

export interface SegmentOptions {
  readonly directory: string;
  readonly baseOffset: number;
  /** `.cleaned`, `.swap` or nothing. */
  readonly fileSuffix?: string;
  readonly indexIntervalBytes: number;
  readonly indexBytesMax: number;
  /** Taken off segment.ms, so that partitions made together do not roll together. */
  readonly rollJitterMs: number;
}

export interface SegmentAppend {
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly maxTimestamp: number;
  /** Last offset of the batch with that timestamp. */
  readonly offsetOfMaxTimestamp: number;
  /** Size of the first batch. */
  readonly firstBatchSize: number;
}

export interface SegmentRead {
  readonly startPosition: number;
  readonly records: ByteSource;
  /** The first batch is larger than what was allowed. */
  readonly firstEntryIncomplete: boolean;
}

export interface RollParameters {
  readonly segmentMs: number;
  readonly segmentBytes: number;
  readonly maxTimestampInMessages: number;
  readonly maxOffsetInMessages: number;
  readonly messagesSize: number;
  readonly nowMs: number;
}

const NO_TRANSACTIONS: readonly AbortedTransaction[] = [];

export class LogSegment {
  readonly baseOffset: number;
  readonly log: SegmentFile;
  readonly offsetIndex: OffsetIndex;
  readonly timeIndex: TimeIndex;
  readonly #fileSystem: FileSystem;
  readonly #lookup: SegmentLookup;
  readonly #timestamps: SegmentTimestamps;
  readonly #clock: Clock;
  readonly #indexIntervalBytes: number;
  readonly #rollJitterMs: number;
  #createdMs: number;
  #bytesSinceLastIndexEntry = 0;
  /** Timestamp of the first batch; undefined: not looked up yet. */
  #rollingBasedTimestamp: number | undefined;
  /** Undefined: not asked for yet, as of most segments. */
  #txnIndex: TransactionIndex | undefined;

  constructor(fileSystem: FileSystem, clock: Clock, options: SegmentOptions) {
    const prefix = `${options.directory}/${filenamePrefixFromOffset(options.baseOffset)}`;
    const suffix = options.fileSuffix ?? '';
    const { baseOffset, indexBytesMax } = options;
    this.baseOffset = baseOffset;
    this.log = new SegmentFile(fileSystem, clock, `${prefix}${LOG_SUFFIX}${suffix}`);
    const indexOptions = { baseOffset, indexBytesMax };
    this.offsetIndex = new OffsetIndex(fileSystem, { path: `${prefix}${INDEX_SUFFIX}${suffix}`, ...indexOptions });
    this.timeIndex = new TimeIndex(fileSystem, { path: `${prefix}${TIME_INDEX_SUFFIX}${suffix}`, ...indexOptions });
    this.#lookup = new SegmentLookup(this);
    this.#timestamps = new SegmentTimestamps(this, this.#lookup);
    this.#fileSystem = fileSystem;
    this.#clock = clock;
    this.#indexIntervalBytes = options.indexIntervalBytes;
    this.#rollJitterMs = options.rollJitterMs;
    this.#createdMs = clock.nowMs();
  }

  /** Its files exist afterwards. */
  create(): void {
    this.log.create();
    this.offsetIndex.writePending();
    this.timeIndex.writePending();
  }

  get sizeInBytes(): number {
    return this.log.sizeInBytes;
  }

  get txnIndex(): TransactionIndex {
    this.#txnIndex ??= new TransactionIndex(this.#fileSystem, {
      path: besideLog(this.log.path, TXN_INDEX_SUFFIX),
      baseOffset: this.baseOffset,
    });
    return this.#txnIndex;
  }

  get lastModifiedMs(): number {
    return this.log.lastModifiedMs;
  }

  /** NO_TIMESTAMP when no record has one. */
  get maxTimestampSoFar(): number {
    return this.#timestamps.max.timestamp;
  }

  /** Last offset of the batch that has it. */
  get offsetOfMaxTimestampSoFar(): number {
    return this.#timestamps.max.offset;
  }

  /** The largest timestamp of a record; without any, when the file was changed last. */
  get largestTimestamp(): number {
    const { timestamp } = this.#timestamps.max;
    return timestamp >= 0 ? timestamp : this.lastModifiedMs;
  }

  /** Of the first batch; undefined when there is none. */
  get firstBatchTimestamp(): number | undefined {
    if (this.#rollingBasedTimestamp === undefined && this.sizeInBytes > 0) {
      this.#rollingBasedTimestamp = this.batches('headers').next()?.maxTimestamp;
    }
    return this.#rollingBasedTimestamp;
  }

  canHoldOffset(offset: number): boolean {
    const relative = offset - this.baseOffset;
    return relative >= 0 && relative <= RELATIVE_OFFSET_MAX;
  }

  /** Appends batches whose offsets are above all here, all of them or nothing.
   *  @param aborted transactions that markers among them abort: their index entries
   *  @throws NoSpaceError when the segment is as it was. Source: LogSegment.append
   *
   *    before  | 0..9 | 10..14 |              next 15
   *    append  | 15..19 | 20..20 |
   *    after   | 0..9 | 10..14 | 15..19 | 20..20 |   an index entry (20 → position of 15) if index.interval.bytes passed */
  append(bytes: Buffer, append: SegmentAppend, aborted: readonly AbortedTransaction[] = NO_TRANSACTIONS): void {
    if (bytes.length === 0) return;
    if (!this.canHoldOffset(append.lastOffset)) {
      failAssertion(`offset ${append.lastOffset} is too far from ${this.baseOffset}: the segment should have rolled`);
    }
    const position = this.log.sizeInBytes;
    const isIndexEntryDue = this.#bytesSinceLastIndexEntry > this.#indexIntervalBytes;
    if (isIndexEntryDue) {
      this.offsetIndex.makeRoom();
      this.timeIndex.makeRoom();
    }
    this.#write(bytes, aborted);
    if (position === 0) this.#rollingBasedTimestamp = append.maxTimestamp;
    this.#lookup.onAppended(append.firstOffset, position, append.firstBatchSize);
    this.#timestamps.onAppended(append.maxTimestamp, append.offsetOfMaxTimestamp);
    if (isIndexEntryDue) {
      this.offsetIndex.append(append.lastOffset, position);
      this.#timestamps.maybeAppendToIndex();
      this.#bytesSinceLastIndexEntry = 0;
    }
    this.#bytesSinceLastIndexEntry += bytes.length;
  }

  /** The first batch whose last offset is at or above `offset`. @returns undefined when all are below
   *  @param from a batch's position known to be at or before it
   *  @throws CorruptRecordError when what lies before it is no row of whole batches: it must not be skipped in silence */
  translateOffset(offset: number, from = 0): SegmentPosition | undefined {
    return this.#lookup.translateOffset(offset, from);
  }

  /** Batches from the one that holds `startOffset`.
   *  @param options.maxPosition byte to stop before
   *  @returns undefined when every offset here is below. Records may end within a batch. Source: LogSegment.read */
  read(
    startOffset: number,
    options: { maxBytes: number; maxPosition?: number; minOneMessage?: boolean },
  ): SegmentRead | undefined {
    const found = this.translateOffset(startOffset);
    if (found === undefined) return undefined;
    const allowed = options.minOneMessage === true ? Math.max(options.maxBytes, found.sizeInBytes) : options.maxBytes;
    const maxPosition = options.maxPosition ?? this.log.sizeInBytes;
    const size = Math.max(0, Math.min(allowed, maxPosition - found.position));
    return {
      startPosition: found.position,
      records: this.log.slice(found.position, size),
      firstEntryIncomplete: allowed < found.sizeInBytes,
    };
  }

  /** An offset that `sizeInBytes` read from `from` do not reach; undefined when the index does not say. */
  fetchUpperBoundOffset(from: OffsetPosition, sizeInBytes: number): number | undefined {
    return this.#lookup.fetchUpperBoundOffset(from, sizeInBytes);
  }

  /** One above the last offset here; the base offset when nothing is. */
  readNextOffset(): number {
    return this.#lookup.readNextOffset();
  }

  /** `readNextOffset` when more can be appended: the file ends with a whole batch, and no index with an entry from beyond it. Looks at the
   *  end only. @returns undefined when it must be repaired first */
  nextOffsetIfFit(): number | undefined {
    const nextOffset = this.#lookup.nextOffsetIfWhole();
    if (nextOffset === undefined) return undefined;
    const isIndexBelow = this.offsetIndex.entryCount === 0 || this.offsetIndex.lastOffset < nextOffset;
    const isFit =
      isIndexBelow && (this.timeIndex.entryCount === 0 || this.#timestamps.isTrue(this.timeIndex.lastEntry));
    return isFit ? nextOffset : undefined;
  }

  /** The first record at or after `startingOffset` whose timestamp is at least `timestamp`. */
  findOffsetByTimestamp(timestamp: number, startingOffset: number): TimestampedRecord | undefined {
    return this.#timestamps.findOffsetByTimestamp(timestamp, startingOffset);
  }

  /** A reader over all batches, or from the one that holds `startOffset`. */
  batches(
    what: 'headers' | 'batches',
    options: { startOffset?: number; maxPosition?: number } = {},
  ): SegmentBatchReader {
    const { startOffset, maxPosition } = options;
    const start = startOffset === undefined ? 0 : (this.translateOffset(startOffset)?.position ?? this.log.sizeInBytes);
    return new SegmentBatchReader(this.log, {
      start,
      what,
      ...(maxPosition === undefined ? {} : { end: maxPosition }),
    });
  }

  /** Scans the file, cuts it before the first byte that is no valid batch, and builds the indexes anew.
   *  @param onBatch sees every valid batch in order
   *  @returns bytes cut off, and why. Source: LogSegment.recover */
  recover(onBatch: (batch: RecordBatch) => void): { truncatedBytes: number; reason: string | undefined } {
    this.offsetIndex.reset();
    this.timeIndex.reset();
    this.txnIndex.reset();
    this.#timestamps.reset();
    this.#lookup.forgetRecentAppends();
    this.#rollingBasedTimestamp = undefined;
    const indexIntervalBytes = this.#indexIntervalBytes;
    const recovered = recoverBatches(this, { timestamps: this.#timestamps, indexIntervalBytes, onBatch });
    const { validBytes, lastIndexedPosition, reason } = recovered;
    this.#bytesSinceLastIndexEntry = validBytes - lastIndexedPosition;
    const truncatedBytes = this.log.truncateTo(validBytes);
    this.#timestamps.closeIndex();
    return { truncatedBytes, reason };
  }

  updateTxnIndex(transaction: AbortedTransaction): void {
    this.txnIndex.append(transaction);
  }

  /** @throws CorruptIndexError when an index must be built anew */
  sanityCheck(indexesExist: { offsetIndex: boolean; timeIndex: boolean; txnIndex: boolean }): void {
    if (!indexesExist.offsetIndex) throw new CorruptIndexError(`${this.offsetIndex.path} does not exist`);
    // Kafka takes a missing time index for one of a broker before 0.10.1 and leaves it empty; then the age of records is unknown.
    if (!indexesExist.timeIndex) throw new CorruptIndexError(`${this.timeIndex.path} does not exist`);
    this.offsetIndex.sanityCheck();
    this.timeIndex.sanityCheck();
    if (indexesExist.txnIndex) {
      this.txnIndex.sanityCheck();
      for (const transaction of this.txnIndex.all()) this.#checkAborted(transaction);
    }
    this.releaseIndexes();
  }

  /** Forgets everything from `offset` on. @returns bytes cut off. Source: LogSegment.truncateTo */
  truncateTo(offset: number): number {
    const found = this.translateOffset(offset);
    this.offsetIndex.truncateTo(offset);
    this.timeIndex.truncateTo(offset);
    this.txnIndex.truncateTo(offset);
    this.#lookup.forgetRecentAppends();
    const cut = found === undefined ? 0 : this.log.truncateTo(found.position);
    if (this.log.sizeInBytes === 0) {
      this.#createdMs = this.#clock.nowMs();
      this.#rollingBasedTimestamp = undefined;
    }
    this.#bytesSinceLastIndexEntry = 0;
    this.#timestamps.rescan();
    return cut;
  }

  shouldRoll(parameters: RollParameters): boolean {
    const isOldEnough =
      this.#timeWaitedForRoll(parameters.nowMs, parameters.maxTimestampInMessages) >
      parameters.segmentMs - this.#rollJitterMs;
    return (
      this.sizeInBytes > parameters.segmentBytes - parameters.messagesSize ||
      (this.sizeInBytes > 0 && isOldEnough) ||
      this.offsetIndex.isFull ||
      this.timeIndex.isFull ||
      !this.canHoldOffset(parameters.maxOffsetInMessages)
    );
  }

  /** No more will be appended. @throws NoSpaceError when more may be */
  onBecomeInactive(): void {
    this.log.onBecomeInactive();
    this.#timestamps.closeIndex();
    this.offsetIndex.writePending();
    this.releaseIndexes();
    this.#lookup.forgetRecentAppends();
  }

  /** The batches survive a power loss afterwards; with `indexes` so do those, and need not be built anew. */
  async flush(options: { indexes: boolean }): Promise<void> {
    await this.log.flush();
    if (!options.indexes) return;
    for (const index of [this.offsetIndex, this.timeIndex, this.#txnIndex]) {
      // Retention may delete the segment while the disk is waited for.
      if (!this.log.isDeleted) await index?.flush();
    }
    if (!this.log.isDeleted) this.releaseIndexes();
  }

  /** Until they are asked: indexes nobody reads cost neither memory nor open files. */
  releaseIndexes(): void {
    this.offsetIndex.release();
    this.timeIndex.release();
  }

  flushSync(): void {
    this.log.flushSync();
    this.offsetIndex.flushSync();
    this.timeIndex.flushSync();
    this.#txnIndex?.flushSync();
  }

  /** `….log` → `….log.deleted` and the like, for all files. Source: LogSegment.changeFileSuffixes */
  changeFileSuffixes(oldSuffix: string, newSuffix: string): void {
    for (const part of [this.log, this.offsetIndex, this.timeIndex, this.txnIndex]) {
      assert(part.path.endsWith(oldSuffix), `${part.path} does not end with ${oldSuffix}`);
      part.renameTo(`${part.path.slice(0, part.path.length - oldSuffix.length)}${newSuffix}`);
    }
  }

  hasSuffix(suffix: string): boolean {
    return this.log.path.endsWith(suffix);
  }

  /** The directory was renamed. */
  movedTo(directory: string): void {
    const nameOf = (path: string): string => path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
    // Index files opened later must be found; an open one follows its inode.
    this.log.movedTo(`${directory}/${nameOf(this.log.path)}`);
    for (const index of [this.offsetIndex, this.timeIndex, this.#txnIndex]) {
      if (index !== undefined) index.path = `${directory}/${nameOf(index.path)}`;
    }
  }

  /** Safe to call twice. */
  close(): void {
    if (this.#timestamps.isMaxKnown) this.#timestamps.closeIndex();
    this.offsetIndex.close();
    this.timeIndex.close();
    this.#txnIndex?.close();
    this.log.close();
  }

  /** Lets go of all files without writing: the disk may be dead. */
  closeHandlers(): void {
    this.offsetIndex.closeHandlers();
    this.timeIndex.closeHandlers();
    this.#txnIndex?.close();
    this.log.close();
  }

  /** Empties its files; a segment made after this takes them over. Asks for no room, as a deletion and a creation would. */
  emptyAndHandOver(): void {
    this.truncateTo(this.baseOffset);
    this.closeHandlers();
    this.log.handOver();
  }

  deleteIfExists(): void {
    this.log.deleteIfExists();
    this.#deleteIndexes();
  }

  /** The same, what is large off the event loop. */
  async delete(): Promise<void> {
    await this.log.delete();
    this.#deleteIndexes();
  }

  #deleteIndexes(): void {
    this.offsetIndex.deleteIfExists();
    this.timeIndex.deleteIfExists();
    this.txnIndex.deleteIfExists();
  }

  /** The entries come first: a start that finds them without their markers builds the index anew. */
  #write(bytes: Buffer, aborted: readonly AbortedTransaction[]): void {
    const { sizeInBytes } = this.txnIndex;
    try {
      for (const transaction of aborted) this.txnIndex.append(transaction);
      this.log.append(bytes);
    } catch (error) {
      if (error instanceof NoSpaceError) this.txnIndex.truncateToSize(sizeInBytes);
      throw error;
    }
  }

  /** @throws CorruptIndexError unless its marker is where the index says */
  #checkAborted({ producerId, firstOffset, lastOffset, lastStableOffset }: AbortedTransaction): void {
    const batch = this.#lookup.headerOf(lastOffset);
    const isMarker = batch?.isControlBatch === true && batch.producerId === producerId;
    if (isMarker && firstOffset <= lastOffset && lastStableOffset <= lastOffset + 1) return;
    throw new CorruptIndexError(`${this.txnIndex.path}: producer ${producerId} aborted nothing at ${lastOffset}`);
  }

  #timeWaitedForRoll(nowMs: number, messageTimestamp: number): number {
    const first = this.firstBatchTimestamp;
    if (first !== undefined && first >= 0) return messageTimestamp - first;
    return nowMs - this.#createdMs;
  }
}

/** `a/05.log.cleaned` → `a/05.txnindex.cleaned` */
function besideLog(path: string, fileSuffix: string): string {
  const at = path.lastIndexOf(LOG_SUFFIX);
  return `${path.slice(0, at)}${fileSuffix}${path.slice(at + LOG_SUFFIX.length)}`;
}
