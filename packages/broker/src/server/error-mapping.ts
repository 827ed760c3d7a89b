// From what was thrown to what the client is told: the one place where exceptions become Kafka's error codes.
// Source: org.apache.kafka.common.requests.ApiError.fromThrowable, Errors.forException.

import { type ErrorCode, Errors, errorName, KafkaError, MalformedMessageError, StorageError } from '@ottla/base';
import { UnsupportedVersionError } from '@ottla/protocol';
import { CorruptRecordError, InvalidRecordError } from '@ottla/records';

export interface MappedError {
  readonly code: ErrorCode;
  /** For the client. Our own bugs are not described to it. */
  readonly message: string;
  /** False: nobody foresaw it, so it is a bug of ours and belongs into the log. */
  readonly isExpected: boolean;
}

/** The error code and message that stand for `error`. */
export function mapError(error: unknown): MappedError {
  if (error instanceof KafkaError) return { code: error.code, message: error.message, isExpected: true };
  if (error instanceof UnsupportedVersionError) return expected(Errors.UNSUPPORTED_VERSION, error);
  if (error instanceof MalformedMessageError) return expected(Errors.INVALID_REQUEST, error);
  if (error instanceof CorruptRecordError) return expected(Errors.CORRUPT_MESSAGE, error);
  if (error instanceof InvalidRecordError) return expected(Errors.INVALID_RECORD, error);
  if (error instanceof StorageError) {
    // Paths of this machine are not the client's business.
    return { code: Errors.KAFKA_STORAGE_ERROR, message: `disk error ${error.code}`, isExpected: false };
  }
  return {
    code: Errors.UNKNOWN_SERVER_ERROR,
    message: 'The server experienced an unexpected error when processing the request.',
    isExpected: false,
  };
}

function expected(code: ErrorCode, error: Error): MappedError {
  return { code, message: error.message || errorName(code), isExpected: true };
}
