// Looks through a partition's directory without opening its log: what is in it, what is damaged, and whether it was compacted. Nothing is
// written, so that a directory can be looked at before it is taken over. Every byte of every segment is read for it.

import { type File, type FileSystem, mustBePresent, StorageError } from '@ottla/base';
import { CorruptRecordError, type RecordBatch } from '@ottla/records';
import { CorruptIndexError } from './abstract-index.ts';
import {
  CLEANED_SUFFIX,
  filenamePrefixFromOffset,
  INDEX_SUFFIX,
  isLogFile,
  LOG_SUFFIX,
  offsetFromFileName,
  SWAP_SUFFIX,
  TIME_INDEX_SUFFIX,
} from './log-file-names.ts';
import { OffsetIndex } from './offset-index.ts';
import { SegmentBatchReader } from './segment-batch-reader.ts';
import { TimeIndex } from './time-index.ts';

const INDEX_BYTES_MAX = 0x7fffffff;
/** An index holds offsets relative to its segment's. */
const RELATIVE_OFFSET_MAX = 0x7fffffff;
/** Batches of the oldest segment among which a compacted log has a gap, if it is one. */
const GAP_SEARCH_BATCHES_MAX = 10_000;

export interface PartitionInspection {
  readonly segmentCount: number;
  /** Of the segments, without indexes. */
  readonly sizeInBytes: number;
  /** Of the first segment; DeleteRecords may have moved the log's start beyond it. */
  readonly startOffset: number;
  /** Behind the last valid batch before the first damage. */
  readonly endOffset: number;
  /** Message formats of the batches, ascending. */
  readonly formats: readonly number[];
  /** What is damaged, in words, by segment. */
  readonly problems: readonly string[];
  /** Indexes that are missing or contradict themselves: they are built anew. */
  readonly brokenIndexes: number;
  /** A compaction or its swap was interrupted; it is finished or undone. */
  readonly isCompactionUnfinished: boolean;
}

/** @throws StorageError when the disk fails */
export function inspectPartition(fileSystem: FileSystem, directory: string): PartitionInspection {
  const names = fileSystem.readDirectorySync(directory);
  const baseOffsets = baseOffsetsIn(names);
  const formats = new Set<number>();
  const problems: string[] = [];
  let [sizeInBytes, brokenIndexes] = [0, 0];
  const startOffset = baseOffsets[0] ?? 0;
  let endOffset = startOffset;
  for (const [index, baseOffset] of baseOffsets.entries()) {
    const scan = scanSegment(fileSystem, directory, { baseOffset, endOffset: baseOffsets[index + 1] });
    sizeInBytes += scan.sizeInBytes;
    for (const format of scan.formats) formats.add(format);
    if (problems.length === 0) endOffset = scan.nextOffset;
    if (scan.problem !== undefined) problems.push(scan.problem);
    brokenIndexes += countBrokenIndexes(fileSystem, directory, baseOffset, new Set(names));
  }
  return {
    segmentCount: baseOffsets.length,
    sizeInBytes,
    startOffset,
    endOffset,
    formats: [...formats].sort((a, b) => a - b),
    problems,
    brokenIndexes,
    isCompactionUnfinished: names.some((name) => name.endsWith(CLEANED_SUFFIX) || name.endsWith(SWAP_SUFFIX)),
  };
}

/** Was the partition compacted? Its settings are not in its directory, but compaction leaves traces: a checkpoint of how far it came, and
 *  offsets that no batch holds any more. A log that was never cleaned has neither. @param cleanerOffset from cleaner-offset-checkpoint */
export function hasBeenCompacted(
  fileSystem: FileSystem,
  directory: string,
  cleanerOffset: number | undefined,
): boolean {
  const [first, second] = baseOffsetsIn(fileSystem.readDirectorySync(directory));
  if (first === undefined) return false;
  // What is left of the checkpoint when the policy changed to delete, and retention took what had been compacted.
  const isStale = cleanerOffset === undefined || cleanerOffset <= first;
  return !isStale || hasOffsetGap(fileSystem, directory, second === undefined ? [first] : [first, second]);
}

function baseOffsetsIn(names: readonly string[]): number[] {
  return names
    .filter(isLogFile)
    .map((name) => mustBePresent(offsetFromFileName(name), name))
    .sort((a, b) => a - b);
}

/** One segment, open for reading only. */
class SegmentView {
  readonly path: string;
  readonly sizeInBytes: number;
  readonly #file: File;

  constructor(fileSystem: FileSystem, path: string) {
    this.path = path;
    this.sizeInBytes = fileSystem.statSync(path)?.sizeInBytes ?? 0;
    this.#file = fileSystem.openSync(path, 'read');
  }

  readSync(target: Buffer, targetOffset: number, length: number, position: number): number {
    return this.#file.readSync(target, targetOffset, length, position);
  }

  close(): void {
    this.#file.closeSync();
  }
}

function withSegment<T>(
  fileSystem: FileSystem,
  directory: string,
  baseOffset: number,
  look: (view: SegmentView) => T,
): T {
  const view = new SegmentView(fileSystem, segmentPath(directory, baseOffset, LOG_SUFFIX));
  try {
    return look(view);
  } finally {
    view.close();
  }
}

function segmentPath(directory: string, baseOffset: number, suffix: string): string {
  return `${directory}/${filenamePrefixFromOffset(baseOffset)}${suffix}`;
}

interface SegmentScan {
  readonly sizeInBytes: number;
  readonly nextOffset: number;
  readonly formats: ReadonlySet<number>;
  readonly problem: string | undefined;
}

function scanSegment(
  fileSystem: FileSystem,
  directory: string,
  bounds: { baseOffset: number; endOffset: number | undefined },
): SegmentScan {
  return withSegment(fileSystem, directory, bounds.baseOffset, (view) => {
    const reader = new SegmentBatchReader(view, { start: 0, what: 'batches' });
    const formats = new Set<number>();
    const lastOffsetMax = Math.min(bounds.baseOffset + RELATIVE_OFFSET_MAX, (bounds.endOffset ?? Infinity) - 1);
    let nextOffset = bounds.baseOffset;
    let position = 0;
    let reason: string | undefined;
    try {
      for (let batch = reader.next(); batch !== undefined; batch = reader.next()) {
        ensureInOrder(batch, nextOffset, lastOffsetMax, position);
        formats.add(batch.magic);
        nextOffset = batch.nextOffset;
        position = reader.nextPosition;
      }
    } catch (error) {
      if (!(error instanceof CorruptRecordError)) throw error;
      reason = error.message;
    }
    if (position < view.sizeInBytes) reason ??= 'the last batch is not whole';
    const damaged = view.sizeInBytes - position;
    const name = `${filenamePrefixFromOffset(bounds.baseOffset)}${LOG_SUFFIX}`;
    return {
      sizeInBytes: view.sizeInBytes,
      nextOffset,
      formats,
      problem: reason && `${name}: ${damaged} bytes from byte ${position} on, offset ${nextOffset}: ${reason}`,
    };
  });
}

/** @throws CorruptRecordError */
function ensureInOrder(batch: RecordBatch, nextOffset: number, lastOffsetMax: number, position: number): void {
  batch.ensureValid();
  const firstOffset = batch.magic === 2 ? batch.baseOffset : batch.lastOffset;
  if (firstOffset >= nextOffset && batch.lastOffset <= lastOffsetMax) return;
  throw new CorruptRecordError(`offsets ${firstOffset} to ${batch.lastOffset} are out of order`, position);
}

function hasOffsetGap(fileSystem: FileSystem, directory: string, baseOffsets: readonly number[]): boolean {
  const [first, second] = baseOffsets;
  if (first === undefined) return false;
  return withSegment(fileSystem, directory, first, (view) => {
    const reader = new SegmentBatchReader(view, { start: 0, what: 'headers' });
    let nextOffset = first;
    try {
      for (let count = 0; count < GAP_SEARCH_BATCHES_MAX; count++) {
        const batch = reader.next();
        if (batch === undefined) break;
        if (leavesGap(batch, nextOffset)) return true;
        nextOffset = batch.nextOffset;
      }
      const isWhole = reader.nextPosition === view.sizeInBytes;
      return isWhole && second !== undefined && nextOffset < second;
    } catch (error) {
      // Damage is no evidence.
      if (error instanceof CorruptRecordError) return false;
      throw error;
    }
  });
}

/** Between it and the batch before, or within. What formats 0 and 1 wrap cannot be told from outside. */
function leavesGap(batch: RecordBatch, nextOffset: number): boolean {
  if (batch.magic === 2) {
    return batch.baseOffset > nextOffset || (batch.recordCount ?? 0) < batch.lastOffsetDelta + 1;
  }
  return batch.compressionType === 'none' && batch.lastOffset > nextOffset;
}

function countBrokenIndexes(
  fileSystem: FileSystem,
  directory: string,
  baseOffset: number,
  names: ReadonlySet<string>,
): number {
  const prefix = filenamePrefixFromOffset(baseOffset);
  const options = { baseOffset, indexBytesMax: INDEX_BYTES_MAX };
  let count = 0;
  for (const [suffix, IndexType] of [
    [INDEX_SUFFIX, OffsetIndex],
    [TIME_INDEX_SUFFIX, TimeIndex],
  ] as const) {
    if (!names.has(`${prefix}${suffix}`)) {
      count++;
      continue;
    }
    const index = new IndexType(fileSystem, { path: segmentPath(directory, baseOffset, suffix), ...options });
    try {
      index.sanityCheck();
    } catch (error) {
      if (!(error instanceof CorruptIndexError || error instanceof StorageError)) throw error;
      count++;
    } finally {
      index.closeHandlers();
    }
  }
  return count;
}
