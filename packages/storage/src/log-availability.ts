// Whether a log can be used: open and online, closed, or in a log dir that failed; and what a failure of the disk makes of it.

import { type ErrorCode, Errors, KafkaError, NoSpaceError, StorageError } from '@ottla/base';
import type { LocalLog, LogContext } from './local-log.ts';

export class LogAvailability {
  readonly #context: LogContext;
  readonly #local: LocalLog;
  /** For messages. */
  readonly #name: string;
  #isClosed = false;
  /** Its directory is to be removed, or is already. */
  #isAbandoned = false;
  /** The disk failed: nothing works any more. */
  #isOffline = false;

  constructor(parts: { context: LogContext; localLog: LocalLog; name: string }) {
    this.#context = parts.context;
    this.#local = parts.localLog;
    this.#name = parts.name;
  }

  get isOffline(): boolean {
    return this.#isOffline;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get isAbandoned(): boolean {
    return this.#isAbandoned;
  }

  markClosed(): void {
    this.#isClosed = true;
  }

  /** Its directory is given up. */
  markAbandoned(): void {
    this.#isClosed = true;
    this.#isAbandoned = true;
  }

  /** The log dir failed. Everything from now on answers KAFKA_STORAGE_ERROR. */
  markOffline(): void {
    if (this.#isOffline) return;
    this.#isOffline = true;
    this.#local.closeHandlers();
  }

  /** @throws KafkaError KAFKA_STORAGE_ERROR */
  ensureOnline(): void {
    if (!this.#isOffline) return;
    throw new KafkaError(
      Errors.KAFKA_STORAGE_ERROR,
      `${this.#name} is in an offline log dir, ${this.#local.parentDirectory}`,
    );
  }

  /** @throws KafkaError KAFKA_STORAGE_ERROR, NOT_LEADER_OR_FOLLOWER */
  ensureUsable(): void {
    this.ensureOnline();
    if (this.#isClosed) throw new KafkaError(Errors.NOT_LEADER_OR_FOLLOWER, `${this.#name} is closed`);
  }

  /** Does `work`, if the log can be used, and throws what `failed` makes of what it throws. */
  whenUsable<Result>(operation: string, work: () => Result): Result {
    this.ensureUsable();
    return this.guarded(operation, work);
  }

  /** The same also when it cannot be used. */
  guarded<Result>(operation: string, work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      throw this.failed(error, operation);
    }
  }

  /** What to throw instead of `error`. A disk's failure becomes KAFKA_STORAGE_ERROR; everything else stays what it is. It takes the log dir
   *  offline, unless there was merely no space: then nothing has changed, and the same works again when there is.
   *  @param operation for the message: `append to` */
  failed(error: unknown, operation: string): unknown {
    if (!(error instanceof StorageError)) return error;
    if (error instanceof NoSpaceError) this.#context.fullLogDirs.onRefused(this.#local.parentDirectory, error);
    else {
      this.markOffline();
      this.#context.onStorageError(error, this.#local.parentDirectory);
    }
    const code: ErrorCode = Errors.KAFKA_STORAGE_ERROR;
    return new KafkaError(code, `cannot ${operation} ${this.#name}: ${error.message}`, { cause: error });
  }
}
