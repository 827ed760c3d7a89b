// What bounds the readers of a log: where it starts, up to where it is replicated, up to where its transactions are decided.
//
//   logStartOffset ≤ lastStableOffset ≤ highWatermark ≤ logEndOffset
//
// Source: the offsets of Kafka's UnifiedLog (3.9).

import { Errors, KafkaError } from '@ottla/base';
import type { LocalLog } from './local-log.ts';
import { isOffsetOnly, type LogOffsetMetadata, offsetOnly } from './log-offset-metadata.ts';
import type { ProducerStateManager } from './producer-state-manager.ts';

export class LogWatermarks {
  readonly #local: LocalLog;
  readonly #producerStateManager: ProducerStateManager;
  /** For messages. */
  readonly #name: string;
  #logStartOffset: number;
  /** Its place is looked up when it is first needed. */
  #highWatermark: LogOffsetMetadata;
  /** Where the first undecided transaction begins, at or above the log start offset. */
  #firstUnstableOffset: LogOffsetMetadata | undefined;

  constructor(parts: {
    localLog: LocalLog;
    producerStateManager: ProducerStateManager;
    logStartOffset: number;
    name: string;
  }) {
    this.#local = parts.localLog;
    this.#producerStateManager = parts.producerStateManager;
    this.#name = parts.name;
    this.#logStartOffset = parts.logStartOffset;
    this.#highWatermark = offsetOnly(parts.logStartOffset);
    this.updateFirstUnstableOffset();
  }

  get logStartOffset(): number {
    return this.#logStartOffset;
  }

  get highWatermark(): number {
    return this.#highWatermark.messageOffset;
  }

  get lastStableOffset(): number {
    return Math.min(this.firstUnstableOffset ?? this.highWatermark, this.highWatermark);
  }

  get firstUnstableOffset(): number | undefined {
    return this.#firstUnstableOffset?.messageOffset;
  }

  /** The high watermark and its place. */
  highWatermarkMetadata(): LogOffsetMetadata {
    if (isOffsetOnly(this.#highWatermark)) this.#highWatermark = this.toOffsetMetadata(this.highWatermark);
    return this.#highWatermark;
  }

  /** The last stable offset and its place. */
  lastStableOffsetMetadata(): LogOffsetMetadata {
    const unstable = this.#firstUnstableOffset;
    if (unstable === undefined || unstable.messageOffset >= this.highWatermark) return this.highWatermarkMetadata();
    if (!isOffsetOnly(unstable)) return unstable;
    this.#firstUnstableOffset = this.toOffsetMetadata(unstable.messageOffset);
    return this.#firstUnstableOffset;
  }

  /** Where `offset` stands. @throws KafkaError OFFSET_OUT_OF_RANGE */
  toOffsetMetadata(offset: number): LogOffsetMetadata {
    this.ensureNotBelowStart(offset);
    return offset === this.#local.logEndOffset
      ? this.#local.logEndOffsetMetadata
      : this.#local.toOffsetMetadata(offset);
  }

  /** @throws KafkaError OFFSET_OUT_OF_RANGE */
  ensureNotBelowStart(offset: number): void {
    if (offset >= this.#logStartOffset) return;
    throw new KafkaError(
      Errors.OFFSET_OUT_OF_RANGE,
      `offset ${offset} is out of range [${this.#logStartOffset}, ${this.#local.logEndOffset}] of ${this.#name}`,
    );
  }

  /** Sets the high watermark, kept within [logStartOffset, logEndOffset]. @returns what it is now */
  updateHighWatermark(offset: number): number {
    const { logEndOffset, logEndOffsetMetadata } = this.#local;
    const bounded = Math.min(Math.max(offset, this.#logStartOffset), logEndOffset);
    if (bounded !== this.highWatermark) {
      this.#setHighWatermark(bounded === logEndOffset ? logEndOffsetMetadata : offsetOnly(bounded));
    }
    return bounded;
  }

  /** The log's end moved, to another segment perhaps: nothing above it is replicated. */
  onLogEndChanged(): void {
    if (this.highWatermark >= this.#local.logEndOffset) this.#setHighWatermark(this.#local.logEndOffsetMetadata);
  }

  /** The log starts later than before. */
  raiseLogStartOffset(offset: number): void {
    this.#logStartOffset = offset;
    if (this.highWatermark < offset) this.updateHighWatermark(offset);
    if (this.#local.recoveryPoint < offset) this.#local.recoveryPoint = offset;
  }

  /** The log was cut: positions kept here may lie in what is gone. */
  onTruncated(logStartOffset: number): void {
    this.#logStartOffset = logStartOffset;
    this.#highWatermark = offsetOnly(this.highWatermark);
    this.#firstUnstableOffset = undefined;
    this.onLogEndChanged();
    this.updateFirstUnstableOffset();
  }

  /** The state of producers changed. */
  updateFirstUnstableOffset(): void {
    const first = this.#producerStateManager.firstUnstableOffset;
    if (first === undefined) this.#firstUnstableOffset = undefined;
    else if (first.messageOffset < this.#logStartOffset) this.#firstUnstableOffset = offsetOnly(this.#logStartOffset);
    else if (first.messageOffset !== this.firstUnstableOffset) this.#firstUnstableOffset = first;
  }

  #setHighWatermark(metadata: LogOffsetMetadata): void {
    this.#highWatermark = metadata;
    this.#producerStateManager.onHighWatermarkUpdated(metadata.messageOffset);
    this.updateFirstUnstableOffset();
  }
}
