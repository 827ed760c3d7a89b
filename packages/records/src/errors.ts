// The ways in which records can be bad, each with the error code the wire has for it.
// Source: org.apache.kafka.common.errors.{CorruptRecord,InvalidRecord,InvalidTimestamp,UnsupportedCompressionType,
// UnsupportedForMessageFormat}Exception, org.apache.kafka.server.record RecordValidationException.

import { type ErrorCode, Errors, KafkaError } from '@ottla/base';

/** Bytes that are not a batch: nonsense lengths, a checksum that does not hold. */
export class CorruptRecordError extends KafkaError {
  override readonly name: string = 'CorruptRecordError';
  /** Where in the buffer the offending batch starts. */
  readonly position: number;

  constructor(message: string, position: number, options?: { cause?: unknown }) {
    super(Errors.CORRUPT_MESSAGE, `${message} at position ${position}`, options);
    this.position = position;
  }
}

/** What is wrong with one record of a batch. */
export interface RecordError {
  /** The record's index in its batch. */
  readonly batchIndex: number;
  readonly message: string;
}

/** Records that arrived as they were sent (the checksum holds) and that a broker does not accept. */
export class InvalidRecordError extends KafkaError {
  override readonly name: string = 'InvalidRecordError';
  /** The records at fault, when they can be told; produce responses carry them since version 8 (KIP-467). */
  readonly recordErrors: readonly RecordError[];

  constructor(
    message: string,
    recordErrors: readonly RecordError[] = [],
    options?: { cause?: unknown; code?: ErrorCode },
  ) {
    super(options?.code ?? Errors.INVALID_RECORD, message, options);
    this.recordErrors = recordErrors;
  }
}

/** Records refused for their timestamps. */
export class InvalidTimestampError extends InvalidRecordError {
  override readonly name: string = 'InvalidTimestampError';

  constructor(message: string, recordErrors: readonly RecordError[] = []) {
    super(message, recordErrors, { code: Errors.INVALID_TIMESTAMP });
  }
}

/** A compression the format does not allow, nobody knows, or whose codec is not there. */
export class UnsupportedCompressionError extends KafkaError {
  override readonly name: string = 'UnsupportedCompressionError';

  constructor(message: string, options?: { cause?: unknown }) {
    super(Errors.UNSUPPORTED_COMPRESSION_TYPE, message, options);
  }
}

/** Something message formats 0 and 1 cannot express: producer ids, transactions. */
export class UnsupportedForMessageFormatError extends KafkaError {
  override readonly name: string = 'UnsupportedForMessageFormatError';

  constructor(message: string) {
    super(Errors.UNSUPPORTED_FOR_MESSAGE_FORMAT, message);
  }
}
