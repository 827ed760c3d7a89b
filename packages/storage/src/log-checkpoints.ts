// Writes the checkpoints of each dir that works: recovery points, log starts, high watermarks. Partitions that are not open keep what the
// last start read of them. Source: Kafka's LogManager (checkpointLogRecoveryOffsets, checkpointLogStartOffsets).

import type { KafkaScheduler } from './kafka-scheduler.ts';
import type { Log } from './log.ts';
import type { LogDirectories } from './log-directories.ts';
import type { LogDirectory } from './log-directory.ts';
import type { ManagedLogs } from './managed-logs.ts';
import type { OffsetCheckpointFile, PartitionOffset } from './offset-checkpoint-file.ts';

/** One of a dir's checkpoints. */
interface CheckpointKind {
  fileOf(directory: LogDirectory): OffsetCheckpointFile;
  /** Of partitions that are not open. */
  unloadedOf(directory: LogDirectory): ReadonlyMap<string, PartitionOffset>;
  /** undefined: the file does not speak of that log. */
  offsetOf(log: Log): number | undefined;
}

const RECOVERY_POINTS: CheckpointKind = {
  fileOf: (directory) => directory.recoveryPointCheckpoint,
  unloadedOf: (directory) => directory.recoveryPoints,
  offsetOf: (log) => log.recoveryPoint,
};

/** Of logs that do not start with their first segment. */
const LOG_START_OFFSETS: CheckpointKind = {
  fileOf: (directory) => directory.logStartOffsetCheckpoint,
  unloadedOf: (directory) => directory.logStartOffsets,
  offsetOf: (log) => (log.logStartOffset > (log.segments[0]?.baseOffset ?? 0) ? log.logStartOffset : undefined),
};

const HIGH_WATERMARKS: CheckpointKind = {
  fileOf: (directory) => directory.replicationOffsetCheckpoint,
  unloadedOf: (directory) => directory.highWatermarks,
  offsetOf: (log) => log.highWatermark,
};

export interface LogCheckpointsParts {
  readonly directories: LogDirectories;
  readonly logs: ManagedLogs;
  readonly scheduler: KafkaScheduler;
}

export class LogCheckpoints {
  readonly #parts: LogCheckpointsParts;
  /** `writeRecoveryPointsSoon` has its turn in the event loop before it. */
  #isDue = false;

  constructor(parts: LogCheckpointsParts) {
    this.#parts = parts;
  }

  async writeRecoveryPoints(): Promise<void> {
    await this.#writeAll(RECOVERY_POINTS);
  }

  async writeLogStartOffsets(): Promise<void> {
    await this.#writeAll(LOG_START_OFFSETS);
  }

  async writeHighWatermarks(): Promise<void> {
    await this.#writeAll(HIGH_WATERMARKS);
  }

  /** A log was truncated: a recovery point above its end would spare what is appended there from being scanned after a power loss.
   *  Once for all logs that are truncated in this turn. */
  writeRecoveryPointsSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#parts.scheduler.soon(async () => {
      this.#isDue = false;
      await this.writeRecoveryPoints();
    });
  }

  /** All of one dir; none any more once one failed, since its logs may no longer be among those that are open.
   *  @returns whether all went well */
  async writeOf(directory: LogDirectory): Promise<boolean> {
    if (!this.#parts.directories.isLive(directory.path)) return false;
    for (const kind of [RECOVERY_POINTS, LOG_START_OFFSETS, HIGH_WATERMARKS]) {
      if (!(await this.#write(kind, directory))) return false;
    }
    return true;
  }

  async #writeAll(kind: CheckpointKind): Promise<void> {
    for (const directory of this.#parts.directories.live) await this.#write(kind, directory);
  }

  /** @returns whether it went well */
  async #write(kind: CheckpointKind, directory: LogDirectory): Promise<boolean> {
    const { logs, directories } = this.#parts;
    const offsets = [...kind.unloadedOf(directory).values()];
    for (const log of logs) {
      const offset = log.parentDirectory === directory.path ? kind.offsetOf(log) : undefined;
      if (offset !== undefined) offsets.push({ tp: log.topicPartition, offset });
    }
    try {
      await kind.fileOf(directory).write(offsets);
      return true;
    } catch (error) {
      // For want of space the one before stays until the next interval.
      directories.refusedOrOffline(directory.path, error);
      return false;
    }
  }
}
