// What a cleaner in a thread and its host say to each other. Messages are copied, which leaves of an error nothing but its text: what is told
// apart by its class or code is put down as data, and made again on the other side.

import { type ErrorCode, KafkaError, NoSpaceError, StorageError } from '@ottla/base';
import { CorruptRecordError } from '@ottla/records';
import { CleaningAbortedError, type CleaningSlice, type CleanResult } from './cleaning-host.ts';
import type { CleaningWork } from './cleaning-work.ts';

/** From the host. */
export type CleanerRequest =
  | { readonly type: 'clean'; readonly work: CleaningWork }
  /** What it was asked last is done. */
  | { readonly type: 'goOn' }
  | { readonly type: 'stop'; readonly error: SentError };

/** From the thread. After 'slice' and 'groupCleaned' it waits for an answer. */
export type CleanerReport =
  /** Once, before anything else. */
  | { readonly type: 'ready' }
  | { readonly type: 'slice'; readonly slice: CleaningSlice }
  | { readonly type: 'groupCleaned'; readonly baseOffsets: readonly number[] }
  | { readonly type: 'done'; readonly result: CleanResult }
  | { readonly type: 'failed'; readonly error: SentError };

export type SentError = { readonly message: string; readonly stack: string | undefined } & (
  | { readonly kind: 'aborted' | 'bug' }
  | { readonly kind: 'storage' | 'noSpace'; readonly code: string; readonly path: string }
  | { readonly kind: 'corruptRecord'; readonly position: number }
  | { readonly kind: 'kafka'; readonly code: ErrorCode }
);

export function toSentError(error: unknown): SentError {
  if (!(error instanceof Error)) return { kind: 'bug', message: String(error), stack: undefined };
  const { message, stack } = error;
  if (error instanceof CleaningAbortedError) return { kind: 'aborted', message, stack };
  if (error instanceof StorageError) {
    const kind = error instanceof NoSpaceError ? 'noSpace' : 'storage';
    return { kind, message, stack, code: error.code, path: error.path };
  }
  if (error instanceof CorruptRecordError) return { kind: 'corruptRecord', message, stack, position: error.position };
  if (error instanceof KafkaError) return { kind: 'kafka', message, stack, code: error.code };
  return { kind: 'bug', message, stack };
}

/** With the stack it had. */
export function fromSentError(sent: SentError): Error {
  const error = errorOf(sent);
  error.message = sent.message;
  if (sent.stack !== undefined) error.stack = sent.stack;
  return error;
}

function errorOf(sent: SentError): Error {
  const { message } = sent;
  switch (sent.kind) {
    case 'aborted':
      return new CleaningAbortedError(message);
    case 'storage':
      return new StorageError(message, { code: sent.code, path: sent.path });
    case 'noSpace':
      return new NoSpaceError(message, { code: sent.code, path: sent.path });
    case 'corruptRecord':
      return new CorruptRecordError(message, sent.position);
    case 'kafka':
      return new KafkaError(sent.code, message);
    case 'bug':
      return new Error(message);
    default:
      return sent satisfies never;
  }
}
