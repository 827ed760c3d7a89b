// What a LogManager is given: Kafka's settings that concern logs as a whole, and the ports. Source: Kafka's LogManager (3.9).

import type { BackgroundThreads, Clock, FileSystem, Logger, Random } from '@ottla/base';
import type { LogCleanerSettings } from './log-cleaner-settings.ts';
import type { LogConfig } from './log-config.ts';

/** Milliseconds. The names are those of Kafka's settings. */
export interface LogManagerSettings {
  /** log.flush.offset.checkpoint.interval.ms */
  readonly flushOffsetCheckpointIntervalMs: number;
  /** log.flush.start.offset.checkpoint.interval.ms */
  readonly flushStartOffsetCheckpointIntervalMs: number;
  /** log.retention.check.interval.ms */
  readonly retentionCheckIntervalMs: number;
  /** log.flush.scheduler.interval.ms */
  readonly flushSchedulerIntervalMs: number;
  /** log.initial.task.delay.ms */
  readonly initialTaskDelayMs: number;
  /** producer.id.expiration.ms */
  readonly producerIdExpirationMs: number;
  /** producer.id.expiration.check.interval.ms */
  readonly producerIdExpirationCheckIntervalMs: number;
  /** transaction.max.timeout.ms */
  readonly transactionMaxTimeoutMs: number;
  /** transaction.partition.verification.enable */
  readonly transactionPartitionVerificationEnable: boolean;
}

export const DEFAULT_LOG_MANAGER_SETTINGS: LogManagerSettings = {
  flushOffsetCheckpointIntervalMs: 60_000,
  flushStartOffsetCheckpointIntervalMs: 60_000,
  retentionCheckIntervalMs: 300_000,
  flushSchedulerIntervalMs: Number.MAX_SAFE_INTEGER,
  initialTaskDelayMs: 30_000,
  producerIdExpirationMs: 86_400_000,
  producerIdExpirationCheckIntervalMs: 600_000,
  transactionMaxTimeoutMs: 900_000,
  transactionPartitionVerificationEnable: true,
};

export interface LogManagerOptions {
  readonly fileSystem: FileSystem;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** For compaction; only where `fileSystem` is the real disk, which a thread reaches by itself. Absent: it is done on the event loop. */
  readonly backgroundThreads?: BackgroundThreads | undefined;
  /** log.dirs; at least one. */
  readonly logDirs: readonly string[];
  /** Directories in the log dirs that look like a partition's and are not: left alone, and no log is made there. */
  readonly reservedDirectoryNames?: ReadonlySet<string>;
  /** For logs found on disk by `loadAll`. */
  readonly topicConfig: (topic: string) => LogConfig;
  readonly settings?: Partial<LogManagerSettings>;
  readonly cleanerSettings?: Partial<LogCleanerSettings>;
}
