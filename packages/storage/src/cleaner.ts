// Compacts one log: learns the last offset of every key in its dirty part, then copies segments without the records that a later one
// replaces, and swaps the copies in. Works in slices of a few milliseconds, reads and writes go on in between.
// Source: Kafka's Cleaner (3.9), KIP-58, KIP-354, KIP-534.

import { type Clock, mustBePresent, NoSpaceError, StorageError, sleep, yieldToEventLoop } from '@ottla/base';
import { batchAt, CorruptRecordError, type KafkaRecord, type RecordBatch } from '@ottla/records';
import { filterBatch } from './batch-filter.ts';
import { CleanedTransactionMetadata } from './cleaned-transaction-metadata.ts';
import { CLEANED_SUFFIX, SWAP_SUFFIX } from './log-file-names.ts';
import type { LogSegment } from './log-segment.ts';
import type { LogToClean } from './log-to-clean.ts';
import { OffsetMap } from './offset-map.ts';
import type { ProducerStateEntry } from './producer-state-entry.ts';

/** How long the event loop may be kept. */
const SLICE_MS = 1;
const SLICE_BYTES = 512 * 1024;
/** The longest sleep for the speed limit. */
const PAUSE_MAX_MS = 200;
/** Cleaned batches are appended this much at a time: one index entry each. */
const WRITE_BYTES = 32 * 1024;
const RELATIVE_OFFSET_MAX = 0x7fffffff;

/** They may change while a log is cleaned. */
export interface CleanerSettings {
  /** log.cleaner.dedupe.buffer.size: the most memory a map of keys may take */
  readonly dedupeBufferSize: number;
  /** log.cleaner.io.buffer.load.factor: how full the map may be */
  readonly dedupeBufferLoadFactor: number;
  /** log.cleaner.io.max.bytes.per.second: of reading and writing together */
  readonly ioMaxBytesPerSecond: number;
}

export interface CleanResult {
  /** Everything below is cleaned now. */
  readonly endOffset: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/** The log changed under the cleaner (truncated, deleted, closed), or the broker stops: nothing was replaced that should not be. */
export class CleaningAbortedError extends Error {
  override readonly name = 'CleaningAbortedError';
}

interface SegmentPass {
  readonly candidate: LogToClean;
  readonly map: OffsetMap;
  readonly transactions: CleanedTransactionMetadata;
  readonly producers: ReadonlyMap<number, ProducerStateEntry>;
  readonly nowMs: number;
  /** Tombstones and markers of formats that carry no delete horizon stay in segments changed after this. */
  readonly legacyDeleteHorizonMs: number;
  /** The batch that ends here stays at least empty, so that the log's end does not move. */
  readonly endOffset: number;
}

export class Cleaner {
  readonly #clock: Clock;
  readonly #settings: () => CleanerSettings;
  readonly #shouldStop: () => boolean;
  #sliceStartMs = 0;
  #sliceBytes = 0;
  #bytesRead = 0;
  #bytesWritten = 0;

  /** @param shouldStop asked between slices */
  constructor(clock: Clock, settings: () => CleanerSettings, shouldStop: () => boolean) {
    this.#clock = clock;
    this.#settings = settings;
    this.#shouldStop = shouldStop;
  }

  /** @throws CleaningAbortedError, StorageError, CorruptRecordError; NoSpaceError when the group it stopped at is as it was */
  async clean(candidate: LogToClean): Promise<CleanResult> {
    this.#bytesRead = 0;
    this.#bytesWritten = 0;
    this.#sliceStartMs = this.#clock.monotonicMs();
    const map = await this.#buildOffsetMap(candidate);
    const endOffset = map.latestOffset + 1;
    const { log } = candidate;
    const pass: SegmentPass = {
      candidate,
      map,
      transactions: new CleanedTransactionMetadata(),
      // Batches that were a producer's last when the pass began; newer ones lie beyond it.
      producers: new Map(log.producerStateManager.activeProducers),
      nowMs: this.#clock.nowMs(),
      legacyDeleteHorizonMs: legacyDeleteHorizon(candidate),
      endOffset,
    };
    const segments = log.segments.filter((segment) => segment.baseOffset < endOffset && segment !== log.activeSegment);
    for (const group of groupSegmentsBySize(segments, candidate)) await this.#cleanGroup(group, pass);
    return { endOffset, bytesRead: this.#bytesRead, bytesWritten: this.#bytesWritten };
  }

  // The last offset of every key.

  async #buildOffsetMap(candidate: LogToClean): Promise<OffsetMap> {
    const { log, firstDirtyOffset, firstUncleanableOffset } = candidate;
    const { dedupeBufferSize, dedupeBufferLoadFactor } = this.#settings();
    const needed = OffsetMap.bytesFor(firstUncleanableOffset - firstDirtyOffset, dedupeBufferLoadFactor);
    const map = new OffsetMap(Math.min(needed, dedupeBufferSize), dedupeBufferLoadFactor);
    map.updateLatestOffset(firstDirtyOffset - 1);
    const transactions = new CleanedTransactionMetadata();
    transactions.addAbortedTransactions(log.collectAbortedTransactions(firstDirtyOffset, firstUncleanableOffset));
    const segments = log.segments;
    for (const [index, segment] of segments.entries()) {
      const endOffset = segments[index + 1]?.baseOffset ?? log.logEndOffset;
      if (endOffset <= firstDirtyOffset) continue;
      if (segment.baseOffset >= firstUncleanableOffset) break;
      if (!(await this.#mapSegment(segment, candidate, map, transactions))) break;
      // Offsets that compaction left unused belong to the segment all the same.
      map.updateLatestOffset(Math.max(map.latestOffset, Math.min(endOffset, firstUncleanableOffset) - 1));
    }
    return map;
  }

  /** @returns false when the map is full: the rest stays dirty */
  async #mapSegment(
    segment: LogSegment,
    candidate: LogToClean,
    map: OffsetMap,
    transactions: CleanedTransactionMetadata,
  ): Promise<boolean> {
    const reader = segment.batches('batches', { startOffset: candidate.firstDirtyOffset });
    const order = new OffsetOrder(segment, candidate);
    for (let batch = reader.next(); batch !== undefined; batch = reader.next()) {
      order.check(batch, reader.batchPosition);
      if (batch.isControlBatch) transactions.onControlBatchRead(batch);
      else if (!transactions.onBatchRead(batch) && !mapBatch(batch, candidate.firstDirtyOffset, map)) return false;
      map.updateLatestOffset(batch.lastOffset);
      this.#bytesRead += batch.sizeInBytes;
      if (this.#isDue(batch.sizeInBytes)) await this.#pause(candidate, [segment]);
    }
    order.checkEnd(reader.nextPosition);
    return true;
  }

  // Copying what stays.

  async #cleanGroup(group: readonly LogSegment[], pass: SegmentPass): Promise<void> {
    const first = group[0];
    if (first === undefined) return;
    const { log } = pass.candidate;
    const cleaned = log.localLog.newSegment(first.baseOffset, CLEANED_SUFFIX);
    // A pass that was stopped may have left one.
    cleaned.deleteIfExists();
    const target = log.localLog.newSegment(first.baseOffset, CLEANED_SUFFIX);
    try {
      target.create();
      pass.transactions.cleanedIndex = target.txnIndex;
      for (const [index, segment] of group.entries()) {
        await this.#cleanSegment(segment, group[index + 1], group, target, pass);
      }
      target.onBecomeInactive();
      await target.flush({ indexes: true });
      target.log.setLastModifiedMs(group.at(-1)?.lastModifiedMs ?? 0);
      ensureUnchanged(pass.candidate, group);
    } catch (error) {
      if (!(error instanceof StorageError) || error instanceof NoSpaceError) target.deleteIfExists();
      throw error;
    }
    log.localLog.replaceSegments([target], group, CLEANED_SUFFIX, SWAP_SUFFIX);
  }

  async #cleanSegment(
    segment: LogSegment,
    next: LogSegment | undefined,
    group: readonly LogSegment[],
    target: LogSegment,
    pass: SegmentPass,
  ): Promise<void> {
    const { log } = pass.candidate;
    const upperBound = next?.baseOffset ?? pass.endOffset;
    pass.transactions.addAbortedTransactions(log.collectAbortedTransactions(segment.baseOffset, upperBound));
    const retainsLegacyDeletes = segment.lastModifiedMs > pass.legacyDeleteHorizonMs;
    const writer = new CleanedWriter(target);
    const reader = segment.batches('batches');
    const order = new OffsetOrder(segment, pass.candidate);
    for (let batch = reader.next(); batch !== undefined; batch = reader.next()) {
      order.check(batch, reader.batchPosition);
      const kept = cleanBatch(batch, pass, retainsLegacyDeletes);
      if (kept !== undefined) this.#bytesWritten += writer.add(kept);
      this.#bytesRead += batch.sizeInBytes;
      if (this.#isDue(batch.sizeInBytes + (kept?.length ?? 0))) {
        writer.write();
        await this.#pause(pass.candidate, group);
      }
    }
    order.checkEnd(reader.nextPosition);
    writer.write();
  }

  // Slices and throttle.

  #isDue(bytes: number): boolean {
    this.#sliceBytes += bytes;
    return this.#sliceBytes >= SLICE_BYTES || this.#clock.monotonicMs() - this.#sliceStartMs >= SLICE_MS;
  }

  /** @throws CleaningAbortedError when `group` is no longer what it was */
  async #pause(candidate: LogToClean, group: readonly LogSegment[]): Promise<void> {
    // As long as the slice took, so that half of the event loop's time is left to those who are served meanwhile.
    const tookMs = this.#clock.monotonicMs() - this.#sliceStartMs;
    let waitMs = Math.max(tookMs, this.#owedMs());
    do {
      // A little at a time: the limit may change, and whoever stops the cleaner waits for it.
      if (waitMs >= 1) await sleep(this.#clock, Math.min(waitMs, PAUSE_MAX_MS));
      else await yieldToEventLoop();
      if (this.#shouldStop()) throw new CleaningAbortedError('the cleaner is stopping');
      ensureUnchanged(candidate, group);
      waitMs = this.#owedMs();
    } while (waitMs >= 1);
    this.#sliceBytes = 0;
    this.#sliceStartMs = this.#clock.monotonicMs();
  }

  /** How much longer the slice should have taken. */
  #owedMs(): number {
    const allowedMs = (this.#sliceBytes / this.#settings().ioMaxBytesPerSecond) * 1000;
    return allowedMs - (this.#clock.monotonicMs() - this.#sliceStartMs);
  }
}

/** What is copied replaces what was there: a segment must be whole, its batches valid and in order. The checksum covers no base offset. */
class OffsetOrder {
  readonly #segment: LogSegment;
  readonly #endOffset: number;
  #nextOffset: number;

  constructor(segment: LogSegment, { log }: LogToClean) {
    this.#segment = segment;
    this.#nextOffset = segment.baseOffset;
    const next = log.segments.find((each) => each.baseOffset > segment.baseOffset);
    this.#endOffset = next?.baseOffset ?? log.logEndOffset;
  }

  /** @throws CorruptRecordError */
  check(batch: RecordBatch, position: number): void {
    batch.ensureValid();
    const firstOffset = batch.magic === 2 ? batch.baseOffset : batch.lastOffset;
    if (firstOffset < this.#nextOffset || batch.lastOffset < firstOffset || batch.lastOffset >= this.#endOffset) {
      const range = `[${this.#nextOffset}, ${this.#endOffset})`;
      throw new CorruptRecordError(
        `${this.#segment.log.path}: offsets ${firstOffset} to ${batch.lastOffset} are not within ${range}`,
        position,
      );
    }
    this.#nextOffset = batch.nextOffset;
  }

  /** @throws CorruptRecordError */
  checkEnd(position: number): void {
    if (position === this.#segment.sizeInBytes) return;
    throw new CorruptRecordError(`${this.#segment.log.path}: a batch reaches beyond the end of the file`, position);
  }
}

/** Collects cleaned batches and appends them some at a time. */
class CleanedWriter {
  readonly #target: LogSegment;
  /** Of the batches that wait. */
  readonly #bytes = Buffer.allocUnsafe(WRITE_BYTES);
  #sizeInBytes = 0;
  #firstOffset = 0;
  #firstBatchSize = 0;
  #lastOffset = 0;
  #maxTimestamp = -1;
  #offsetOfMaxTimestamp = -1;

  constructor(target: LogSegment) {
    this.#target = target;
  }

  /** @param kept one batch; copied. @returns its size */
  add(kept: Buffer): number {
    if (this.#sizeInBytes + kept.length > WRITE_BYTES) this.write();
    this.#note(mustBePresent(batchAt(kept, 0), 'a cleaned batch'));
    if (kept.length >= WRITE_BYTES) this.#append(kept);
    else this.#sizeInBytes += kept.copy(this.#bytes, this.#sizeInBytes);
    return kept.length;
  }

  write(): void {
    if (this.#sizeInBytes > 0) this.#append(this.#bytes.subarray(0, this.#sizeInBytes));
  }

  #note(batch: RecordBatch): void {
    const { lastOffset, maxTimestamp } = batch;
    if (this.#sizeInBytes === 0) {
      this.#firstOffset = batch.magic === 2 ? batch.baseOffset : lastOffset;
      this.#firstBatchSize = batch.sizeInBytes;
    }
    this.#lastOffset = lastOffset;
    if (maxTimestamp > this.#maxTimestamp) {
      this.#maxTimestamp = maxTimestamp;
      this.#offsetOfMaxTimestamp = lastOffset;
    }
  }

  #append(bytes: Buffer): void {
    this.#target.append(bytes, {
      firstOffset: this.#firstOffset,
      lastOffset: this.#lastOffset,
      maxTimestamp: this.#maxTimestamp,
      offsetOfMaxTimestamp: this.#offsetOfMaxTimestamp,
      firstBatchSize: this.#firstBatchSize,
    });
    this.#sizeInBytes = 0;
    this.#maxTimestamp = -1;
    this.#offsetOfMaxTimestamp = -1;
  }
}

/** @returns false when the map is full before the batch's end: the map then ends with the last record that fitted */
function mapBatch(batch: RecordBatch, firstDirtyOffset: number, map: OffsetMap): boolean {
  for (const record of batch.records()) {
    if (record.key === null || record.offset < firstDirtyOffset) continue;
    if (map.isFull && map.get(record.key) === -1) return false;
    map.put(record.key, record.offset);
  }
  return true;
}

/** What stays of one batch. Source: Cleaner.cleanInto */
function cleanBatch(batch: RecordBatch, pass: SegmentPass, retainsLegacyDeletes: boolean): Buffer | undefined {
  const { transactions, map, nowMs } = pass;
  const canDiscard = batch.isControlBatch ? transactions.onControlBatchRead(batch) : transactions.onBatchRead(batch);
  const horizonMs = batch.deleteHorizonMs;
  // A marker stays for delete.retention.ms after the last record of its transaction, as tombstones do.
  const discardsRecords = batch.isControlBatch
    ? canDiscard && horizonMs !== undefined && horizonMs <= nowMs
    : canDiscard;
  const retainsDeletes = batch.magic === 2 ? horizonMs === undefined || nowMs < horizonMs : retainsLegacyDeletes;
  const isLast = isLastOfProducer(batch, pass) || batch.nextOffset === pass.endOffset;
  return filterBatch(batch, {
    nowMs,
    deleteRetentionMs: pass.candidate.log.config.deleteRetentionMs,
    retention: isLast ? 'retainEmpty' : 'delete',
    isMarkerOfEmptyTransaction: canDiscard && batch.isControlBatch,
    shouldRetain: (record: KafkaRecord): boolean => {
      if (discardsRecords) return false;
      if (batch.isControlBatch || record.offset > map.latestOffset) return true;
      if (record.key === null) return false;
      return record.offset >= map.get(record.key) && (record.value !== null || retainsDeletes);
    },
  });
}

/** Without this batch the producer's last sequence, or epoch, would be forgotten by the next recovery. */
function isLastOfProducer(batch: RecordBatch, pass: SegmentPass): boolean {
  if (!batch.hasProducerId) return false;
  const entry = pass.producers.get(batch.producerId);
  if (entry === undefined) return false;
  if (entry.isEmpty) return batch.isControlBatch && batch.producerEpoch === entry.producerEpoch;
  return batch.lastOffset === entry.lastDataOffset;
}

function legacyDeleteHorizon(candidate: LogToClean): number {
  const { log, firstDirtyOffset } = candidate;
  const lastClean = log.segments.filter((segment) => segment.baseOffset < firstDirtyOffset).at(-1);
  return lastClean === undefined ? 0 : lastClean.lastModifiedMs - log.config.deleteRetentionMs;
}

/** Runs of segments that fit into one. Source: Cleaner.groupSegmentsBySize */
export function groupSegmentsBySize(segments: readonly LogSegment[], candidate: LogToClean): LogSegment[][] {
  const { config } = candidate.log;
  const groups: LogSegment[][] = [];
  let group: LogSegment[] = [];
  let [logSize, indexSize, timeIndexSize] = [0, 0, 0];
  for (const [index, segment] of segments.entries()) {
    const lastOffset = (segments[index + 1]?.baseOffset ?? candidate.firstUncleanableOffset) - 1;
    const fits =
      logSize + segment.sizeInBytes <= config.segmentBytes &&
      indexSize + segment.offsetIndex.sizeInBytes <= config.segmentIndexBytes &&
      timeIndexSize + segment.timeIndex.sizeInBytes <= config.segmentIndexBytes &&
      lastOffset - (group[0]?.baseOffset ?? segment.baseOffset) <= RELATIVE_OFFSET_MAX;
    if (group.length > 0 && !fits) {
      groups.push(group);
      group = [];
      [logSize, indexSize, timeIndexSize] = [0, 0, 0];
    }
    group.push(segment);
    logSize += segment.sizeInBytes;
    indexSize += segment.offsetIndex.sizeInBytes;
    timeIndexSize += segment.timeIndex.sizeInBytes;
  }
  if (group.length > 0) groups.push(group);
  return groups;
}

/** @throws CleaningAbortedError when one of `group` was truncated, deleted or replaced, or the log is gone */
function ensureUnchanged({ log, firstUncleanableOffset }: LogToClean, group: readonly LogSegment[]): void {
  const current = new Set(log.segments);
  const isWhole = group.every((segment) => current.has(segment) && segment !== log.activeSegment);
  if (isWhole && !log.isClosed && !log.isOffline && log.logEndOffset >= firstUncleanableOffset) return;
  throw new CleaningAbortedError(`${log.name} changed while it was cleaned`);
}
