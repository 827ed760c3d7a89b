// What the log manager does to all its logs again and again: retention, flush.ms, forgetting producers.
// Source: Kafka's LogManager (cleanupLogs, flushDirtyLogs).

import { type Clock, Errors, KafkaError, type Logger, StorageError, yieldToEventLoop } from '@ottla/base';
import type { Log } from './log.ts';
import type { ManagedLogs } from './managed-logs.ts';

export interface LogTasksParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly logs: ManagedLogs;
}

export class LogTasks {
  readonly #parts: LogTasksParts;

  constructor(parts: LogTasksParts) {
    this.#parts = parts;
  }

  /** Drops what retention no longer keeps. @returns how many segments */
  async cleanupLogs(): Promise<number> {
    let count = 0;
    for (const log of [...this.#parts.logs]) {
      if (log.isClosed || log.isOffline) continue;
      try {
        count += log.deleteOldSegments();
      } catch (error) {
        noteFailure(this.#parts.logger, log, error);
      }
      await yieldToEventLoop();
    }
    return count;
  }

  /** Syncs logs whose flush.ms has passed since the last sync. */
  async flushDirtyLogs(): Promise<void> {
    const { clock, logger, logs } = this.#parts;
    for (const log of [...logs]) {
      const sinceMs = clock.nowMs() - log.lastFlushedMs;
      if (log.isClosed || sinceMs < log.config.flushMs || log.recoveryPoint === log.logEndOffset) continue;
      try {
        await log.flush();
      } catch (error) {
        noteFailure(logger, log, error);
      }
    }
  }

  removeExpiredProducers(): void {
    const nowMs = this.#parts.clock.nowMs();
    for (const log of this.#parts.logs) log.removeExpiredProducers(nowMs);
  }
}

/** The log has told of its disk's failure and taken the dir offline; anything else is a bug of ours. */
export function noteFailure(logger: Logger, log: Log, error: unknown): void {
  if (!(error instanceof KafkaError) && !(error instanceof StorageError)) throw error;
  // It was deleted meanwhile.
  if (log.isClosed && error.code === Errors.NOT_LEADER_OR_FOLLOWER) return;
  logger.error('work on a log failed', { partition: log.name, problem: error.message });
}
