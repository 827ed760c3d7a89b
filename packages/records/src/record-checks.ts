// What a broker demands of batches and records before it stores them.
// Source: org.apache.kafka.storage.internals.log.LogValidator.{validateBatch,validateRecord} (3.9).

import {
  InvalidRecordError,
  InvalidTimestampError,
  type RecordError,
  UnsupportedForMessageFormatError,
} from './errors.ts';
import { type Magic, NO_TIMESTAMP, type TimestampType } from './format.ts';
import type { RecordBatch } from './record-batch.ts';

/** A batch of a million bad records must not make a million messages. */
const RECORD_ERRORS_MAX = 1_000;
const SHOWN_ERRORS = 3;

/** Who wrote the records: what clients may not write, the broker's coordinators may. */
export type AppendOrigin = 'client' | 'coordinator' | 'replication';

export interface RecordChecksOptions {
  readonly now: number;
  readonly toMagic: Magic;
  readonly origin: AppendOrigin;
  /** message.timestamp.type of the topic. */
  readonly timestampType: TimestampType;
  /** message.timestamp.before.max.ms */
  readonly timestampBeforeMaxMs: number;
  /** message.timestamp.after.max.ms */
  readonly timestampAfterMaxMs: number;
  /** Is the topic compacted? Then every record needs a key. */
  readonly compactedTopic: boolean;
  /** `orders-3`, where the records are to go: refusals name it. */
  readonly partition?: string;
}

/** Collects what is wrong with records, and refuses all of them at once. */
export class RecordChecks {
  readonly #options: RecordChecksOptions;
  /** Timestamps in [earliest, latest] need no second look; without bounds where the topic overwrites them. */
  readonly earliest: number;
  readonly latest: number;
  /** Records with at least this key size need no second look (−1: null). */
  readonly usualKeySize: number;
  readonly #errors: RecordError[] = [];
  #errorCount = 0;
  #hasInvalidTimestamp = false;

  constructor(options: RecordChecksOptions) {
    this.#options = options;
    const isCreateTime = options.timestampType === 'CreateTime';
    this.earliest = isCreateTime ? options.now - options.timestampBeforeMaxMs : Number.NEGATIVE_INFINITY;
    this.latest = isCreateTime ? options.now + options.timestampAfterMaxMs : Number.POSITIVE_INFINITY;
    this.usualKeySize = options.compactedTopic ? 0 : -1;
  }

  /** @throws InvalidRecordError | UnsupportedForMessageFormatError */
  checkBatch(first: RecordBatch, batch: RecordBatch): void {
    if (first.magic !== batch.magic) {
      throw new InvalidRecordError(
        `Batch magic ${batch.magic} is not the same as the first batch's magic byte ${first.magic}`,
      );
    }
    if (batch.magic !== 2) return;
    checkCounts(batch);
    if (this.#options.origin === 'client') checkClientBatch(batch);
    if (this.#options.toMagic < 2) this.#checkExpressible(batch);
  }

  /** One record, by numbers. `keySize` −1: no key. */
  checkRecord(batch: RecordBatch, batchIndex: number, offset: number, keySize: number, timestamp: number): void {
    if (keySize < this.usualKeySize) {
      const { partition } = this.#options;
      const where = partition === undefined ? '' : ` in topic partition ${partition}`;
      this.add({ batchIndex, message: `Compacted topic cannot accept message without key${where}` });
    } else if (this.#options.timestampType === 'CreateTime' && timestamp !== NO_TIMESTAMP) {
      if (timestamp < this.earliest || timestamp > this.latest) this.#addOutOfRange(batchIndex, offset, timestamp);
    } else if (batch.timestampType === 'LogAppendTime') {
      this.#addLogAppendTime(batchIndex, offset);
    }
  }

  /** A record of format 2 stands at another place than its offset says. */
  addOutOfSequence(batchIndex: number, offsetDelta: number): void {
    this.add({ batchIndex, message: `Record has offset delta ${offsetDelta}, expected ${batchIndex}.` });
  }

  add(error: RecordError): void {
    this.#errorCount++;
    if (this.#errors.length < RECORD_ERRORS_MAX) this.#errors.push(error);
  }

  /** @throws InvalidRecordError | InvalidTimestampError when any record so far was bad */
  raise(): void {
    if (this.#errorCount === 0) return;
    if (this.#hasInvalidTimestamp) {
      throw new InvalidTimestampError('One or more records have been rejected due to invalid timestamp', this.#errors);
    }
    const shown = this.#errors.slice(0, SHOWN_ERRORS).map(describeRecordError);
    throw new InvalidRecordError(
      `One or more records have been rejected due to ${this.#errorCount} record errors in total, and only showing the first three errors at most: [${shown.join(', ')}]`,
      this.#errors,
    );
  }

  #checkExpressible(batch: RecordBatch): void {
    const { toMagic } = this.#options;
    if (batch.isTransactional) {
      throw new UnsupportedForMessageFormatError(`Transactional records cannot be used with magic version ${toMagic}`);
    }
    if (batch.hasProducerId) {
      throw new UnsupportedForMessageFormatError(`Idempotent records cannot be used with magic version ${toMagic}`);
    }
  }

  #addOutOfRange(batchIndex: number, offset: number, timestamp: number): void {
    this.#hasInvalidTimestamp = true;
    this.add({
      batchIndex,
      message: `Timestamp ${timestamp} of message with offset ${offset} is out of range. The timestamp should be within [${this.earliest}, ${this.latest}]`,
    });
  }

  #addLogAppendTime(batchIndex: number, offset: number): void {
    this.#hasInvalidTimestamp = true;
    this.add({
      batchIndex,
      message: `Invalid timestamp type in message with offset ${offset}. Producer should not set timestamp type to LogAppendTime.`,
    });
  }
}

function checkCounts(batch: RecordBatch): void {
  const { baseOffset, lastOffset, recordCount = 0 } = batch;
  const countFromOffsets = lastOffset - baseOffset + 1;
  if (countFromOffsets <= 0) {
    throw new InvalidRecordError(`Batch has an invalid offset range: [${baseOffset}, ${lastOffset}]`);
  }
  if (recordCount <= 0) throw new InvalidRecordError(`Invalid reported count for record batch: ${recordCount}`);
  if (countFromOffsets !== recordCount) {
    throw new InvalidRecordError(
      `Inconsistent batch offset range [${baseOffset}, ${lastOffset}] and count of records ${recordCount}`,
    );
  }
}

function checkClientBatch(batch: RecordBatch): void {
  if (batch.isControlBatch) throw new InvalidRecordError('Clients are not allowed to write control records');
  if (batch.hasProducerId && batch.baseSequence < 0) {
    throw new InvalidRecordError(
      `Invalid sequence number ${batch.baseSequence} in record batch with producerId ${batch.producerId}`,
    );
  }
}

/** As Kafka prints a ProduceResponse.RecordError. */
function describeRecordError({ batchIndex, message }: RecordError): string {
  return `RecordError(batchIndex=${batchIndex}, message='${message}')`;
}
