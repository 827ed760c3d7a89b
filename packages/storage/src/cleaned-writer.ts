// Collects cleaned batches and appends them to their segment some at a time: one index entry each.

import { mustBePresent } from '@ottla/base';
import { batchAt, type RecordBatch } from '@ottla/records';
import type { LogSegment } from './log-segment.ts';

const WRITE_BYTES = 32 * 1024;

export class CleanedWriter {
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
