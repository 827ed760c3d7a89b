// The batches of a segment that is compacted. What is made of them replaces what was there: so the segment must be whole, its batches valid
// and in order. The checksum covers no base offset.

import type { File, FileSystem } from '@ottla/base';
import { CorruptRecordError, type RecordBatch } from '@ottla/records';
import type { SegmentToClean } from './cleaning-work.ts';
import { filenamePrefixFromOffset, LOG_SUFFIX } from './log-file-names.ts';
import { SegmentBatchReader } from './segment-batch-reader.ts';

export class SourceBatches {
  readonly #file: File;
  readonly #sizeInBytes: number;
  readonly #endOffset: number;
  readonly #reader: SegmentBatchReader;
  #nextOffset: number;

  /** @param options.position byte where a batch begins. @throws StorageError when the file is gone: it must not be made anew */
  constructor(fileSystem: FileSystem, segment: SegmentToClean, options: { directory: string; position?: number }) {
    const { sizeInBytes, baseOffset, endOffset } = segment;
    const path = `${options.directory}/${filenamePrefixFromOffset(baseOffset)}${LOG_SUFFIX}`;
    const file = fileSystem.openSync(path, 'read');
    this.#file = file;
    this.#sizeInBytes = sizeInBytes;
    this.#nextOffset = baseOffset;
    this.#endOffset = endOffset;
    const source = { path, sizeInBytes, readSync: file.readSync.bind(file) };
    this.#reader = new SegmentBatchReader(source, { start: options.position ?? 0, what: 'batches' });
  }

  /** A view, until the next call. undefined: that was all of them. @throws CorruptRecordError, StorageError */
  next(): RecordBatch | undefined {
    const batch = this.#reader.next();
    if (batch === undefined) this.#checkEnd();
    else this.#check(batch);
    return batch;
  }

  /** Safe to call twice. */
  close(): void {
    this.#file.closeSync();
  }

  #check(batch: RecordBatch): void {
    batch.ensureValid();
    const firstOffset = batch.magic === 2 ? batch.baseOffset : batch.lastOffset;
    if (firstOffset < this.#nextOffset || batch.lastOffset < firstOffset || batch.lastOffset >= this.#endOffset) {
      const range = `[${this.#nextOffset}, ${this.#endOffset})`;
      throw new CorruptRecordError(
        `${this.#file.path}: offsets ${firstOffset} to ${batch.lastOffset} are not within ${range}`,
        this.#reader.batchPosition,
      );
    }
    this.#nextOffset = batch.nextOffset;
  }

  #checkEnd(): void {
    const position = this.#reader.nextPosition;
    if (position === this.#sizeInBytes) return;
    throw new CorruptRecordError(`${this.#file.path}: a batch reaches beyond the end of the file`, position);
  }
}
