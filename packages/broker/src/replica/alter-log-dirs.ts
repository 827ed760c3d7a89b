// Moves replicas between the log dirs of this broker while they are written to: a copy is made in the other dir and follows the replica
// until it has caught up, then takes its place. A copy found at a start goes on. Source: Kafka's ReplicaManager.alterReplicaLogDirs,
// ReplicaAlterLogDirsThread, Partition.maybeReplaceCurrentWithFutureReplica (KIP-113).

import {
  type Clock,
  type ErrorCode,
  Errors,
  KafkaError,
  type Logger,
  StorageError,
  type Timer,
  type TopicPartition,
  TopicPartitionMap,
  yieldToEventLoop,
} from '@ottla/base';
import { copyToFutureLog, isRefusedForSpace, type Log, type LogManager, uniqueDirectoryNameSize } from '@ottla/storage';
import { mapError } from '../server/error-mapping.ts';
import type { DelayedOperations } from './delayed-operations.ts';
import type { HostedPartitions } from './hosted-partitions.ts';
import type { Partition } from './partition.ts';

/** What is copied in one turn of the event loop. */
const SLICE_BYTES = 1_048_576;
/** So soon a limit that was raised is felt. */
const PAUSE_MAX_MS = 1_000;
/** Longer names are no directory's. */
const DIRECTORY_NAME_MAX = 255;

export interface AlterLogDirsParts {
  readonly hosted: HostedPartitions;
  readonly delayed: DelayedOperations;
  readonly logManager: LogManager;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Absolute, as configured; those that failed included. */
  readonly logDirs: readonly string[];
  /** replica.alter.log.dirs.io.max.bytes.per.second, asked after each slice; undefined: no limit */
  readonly alterLogDirsBytesPerSecond?: (() => number) | undefined;
}

/** Between two tries to copy what there was no space for. */
const SPACE_RETRY_MS = 1000;

interface Move {
  readonly partition: Partition;
  readonly future: Log;
  /** Everything that was there when it first caught up is durable in the other dir. */
  isFlushed: boolean;
  /** Its records cannot be copied: it waits to be asked for again. */
  hasFailed: boolean;
}

export class AlterLogDirs {
  readonly #parts: AlterLogDirsParts;
  readonly #moves = new TopicPartitionMap<Move>();
  #running: Promise<void> | undefined;
  /** Until the limit allows more, or there may be space. */
  #pause: Timer | undefined;
  /** Copied ahead of what the limit allows. */
  #owedBytes = 0;
  #isClosed = false;

  constructor(parts: AlterLogDirsParts) {
    this.#parts = parts;
  }

  /** Begins to move a replica to `logDir`; ends a move where it is there already. One that does not exist yet will be made there.
   *  @returns NONE, LOG_DIR_NOT_FOUND, KAFKA_STORAGE_ERROR, REPLICA_NOT_AVAILABLE, INVALID_TOPIC_EXCEPTION, UNKNOWN_TOPIC_OR_PARTITION */
  alter(tp: TopicPartition, logDir: string): ErrorCode {
    try {
      this.#mustAlter(tp, logDir);
      return Errors.NONE;
    } catch (error) {
      const { code, isExpected } = mapError(error);
      if (!isExpected) this.#parts.logger.error('cannot move a replica', { ...tp, logDir, error });
      // The code Kafka had here before there was a better one, kept for old clients.
      return code === Errors.NOT_LEADER_OR_FOLLOWER ? Errors.REPLICA_NOT_AVAILABLE : code;
    }
  }

  /** Goes on with a move that a stop interrupted, when the partition has its log. */
  resume(partition: Partition): void {
    if (!this.#moves.has(partition) && this.#parts.logManager.hasFutureLog(partition)) this.#resume(partition);
  }

  /** The replica is gone, its copy with it. */
  abandon(tp: TopicPartition): void {
    this.#moves.delete(tp);
  }

  /** Moves from and to the dir end. */
  onLogDirFailed(): void {
    for (const [tp, { partition, future }] of [...this.#moves]) {
      if (future.isOffline || partition.log === undefined) this.#moves.delete(tp);
    }
  }

  /** Resolves when nothing is being copied: all is done, or the limit makes it wait. */
  async idle(): Promise<void> {
    await this.#running;
  }

  /** Moves go on at the next start. Safe to call twice. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#pause?.cancel();
    await this.#running;
  }

  /** Source: ReplicaManager.alterReplicaLogDirs */
  #mustAlter(tp: TopicPartition, logDir: string): void {
    const { hosted, logManager } = this.#parts;
    this.#requireUsable(tp, logDir);
    const found = hosted.get(tp.topic, tp.partition);
    if (found === 'offline') throw storageError(`${tp.topic}-${tp.partition} is offline`);
    if (found !== undefined) this.#endOtherMove(tp, logDir);
    const isThere = (log: Log | undefined) => log?.parentDirectory === logDir;
    if (!isThere(logManager.getLog(tp)) && !isThere(logManager.getFutureLog(tp))) {
      logManager.setPreferredLogDir(tp, logDir);
    }
    const partition = hosted.mustGet(tp.topic, tp.partition);
    const log = partition.logFor({ currentLeaderEpoch: -1, requireLeader: false });
    if (!isThere(log)) this.#begin(partition, log, logDir);
  }

  #requireUsable({ topic, partition }: TopicPartition, logDir: string): void {
    const { logManager, logDirs } = this.#parts;
    if (uniqueDirectoryNameSize({ topic, partition }, 'future') > DIRECTORY_NAME_MAX) {
      throw new KafkaError(Errors.INVALID_TOPIC_EXCEPTION, 'The topic name is too long.');
    }
    if (!logDirs.includes(logDir)) {
      throw new KafkaError(Errors.LOG_DIR_NOT_FOUND, `Log dir ${logDir} is not found in the config.`);
    }
    if (!logManager.isLogDirOnline(logDir)) throw storageError(`Log directory ${logDir} is offline`);
  }

  #endOtherMove(tp: TopicPartition, logDir: string): void {
    const { logManager } = this.#parts;
    const future = logManager.getFutureLog(tp);
    if (future === undefined || future.parentDirectory === logDir) return;
    this.#moves.delete(tp);
    logManager.asyncDeleteFuture(tp);
  }

  #begin(partition: Partition, log: Log, logDir: string): void {
    const { logManager } = this.#parts;
    const move = this.#moves.get(partition);
    if (move !== undefined) {
      move.hasFailed = false;
      this.#start();
      return;
    }
    // It may have a copy in the dir that is away already.
    if (logManager.getFutureLog(partition) === undefined && logManager.offlineLogDirs.length > 0) {
      throw storageError(`no copy is begun while ${logManager.offlineLogDirs.join(', ')} are offline`);
    }
    const future = logManager.getOrCreateFutureLog(partition, {
      topicId: log.topicId,
      config: log.config,
      logDirectory: logDir,
    });
    logManager.forgetPreferredLogDir(partition);
    this.#add(partition, future);
  }

  #resume(partition: Partition): void {
    const { logManager, logger } = this.#parts;
    const { topic, partition: index, log } = partition;
    if (log === undefined) return;
    try {
      const future = logManager.getOrCreateFutureLog(partition, { topicId: log.topicId, config: log.config });
      if (future.parentDirectory !== log.parentDirectory) this.#add(partition, future);
      else logManager.asyncDeleteFuture(partition);
    } catch (error) {
      const { code } = mapError(error);
      logger.error('cannot go on with moving a replica', { topic, partition: index, error });
      // Of another topic that had this name.
      if (code === Errors.INCONSISTENT_TOPIC_ID) logManager.asyncDeleteFuture(partition);
    }
  }

  #add(partition: Partition, future: Log): void {
    this.#moves.set(partition, { partition, future, isFlushed: false, hasFailed: false });
    this.#start();
  }

  #start(): void {
    if (this.#isClosed || this.#running !== undefined || this.#pause !== undefined) return;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      if (this.#hasWork()) this.#start();
    });
  }

  /** A slice of each replica in turn, with other work in between. */
  async #run(): Promise<void> {
    while (this.#hasWork()) {
      for (const move of [...this.#moves.values()]) {
        await yieldToEventLoop();
        if (this.#isClosed || this.#pause !== undefined) return;
        if (this.#moves.get(move.partition) !== move || move.hasFailed) continue;
        await this.#try(move);
      }
    }
  }

  #hasWork(): boolean {
    if (this.#isClosed || this.#pause !== undefined) return false;
    for (const { hasFailed } of this.#moves.values()) if (!hasFailed) return true;
    return false;
  }

  async #try(move: Move): Promise<void> {
    const { partition, future } = move;
    try {
      await this.#advance(move);
    } catch (error) {
      if (this.#moves.get(partition) !== move) return;
      if (isRefusedForSpace(error)) {
        this.#pauseFor(SPACE_RETRY_MS);
        return;
      }
      const { topic, partition: index, log } = partition;
      this.#parts.logger.error('cannot move a replica', { topic, partition: index, error });
      // Both logs name their dir when they fail themselves; here it is the reading of what is copied.
      if (error instanceof StorageError && log !== undefined) {
        this.#parts.logManager.handleLogDirFailure(log.parentDirectory, error);
      }
      // It would fail the same way again: the disk is dead, or the records are damaged. An administrator may ask once more.
      if (future.isOffline || partition.log === undefined) this.#moves.delete(partition);
      else move.hasFailed = true;
    }
  }

  async #advance(move: Move): Promise<void> {
    const { partition, future } = move;
    const { log } = partition;
    if (log === undefined) {
      this.#moves.delete(partition);
      return;
    }
    const bytes = copyToFutureLog(log, future, SLICE_BYTES);
    if (bytes > 0) this.#pauseAfter(bytes);
    // What is promised to survive a power loss in the old dir must do so in the new one.
    else if (!move.isFlushed || future.recoveryPoint < log.recoveryPoint) await this.#flush(move);
    else this.#replace(move);
  }

  async #flush(move: Move): Promise<void> {
    const { future } = move;
    await future.flush();
    if (future.logStartOffset > (future.segments[0]?.baseOffset ?? 0)) {
      await this.#parts.logManager.checkpointLogStartOffsets();
    }
    move.isFlushed = true;
  }

  /** In the same turn of the event loop as the last look at both ends, so that no append comes in between. */
  #replace({ partition }: Move): void {
    const { logManager, delayed } = this.#parts;
    logManager.replaceCurrentWithFutureLog(partition, (log) => {
      this.#moves.delete(partition);
      partition.replaceLog(log);
    });
    delayed.checkAndCompleteAll(partition);
  }

  #pauseAfter(bytes: number): void {
    this.#owedBytes += bytes;
    this.#payOff();
  }

  /** Waits a little at a time, since the limit may change meanwhile. */
  #payOff(): void {
    const bytesPerMs = (this.#parts.alterLogDirsBytesPerSecond?.() ?? Number.POSITIVE_INFINITY) / 1000;
    const delayMs = Math.min(this.#owedBytes / bytesPerMs, PAUSE_MAX_MS);
    if (!(delayMs >= 1)) {
      this.#owedBytes = 0;
      return;
    }
    this.#pauseFor(delayMs, () => {
      this.#owedBytes -= bytesPerMs * delayMs;
      this.#payOff();
    });
  }

  #pauseFor(delayMs: number, afterwards?: () => void): void {
    if (this.#isClosed || this.#pause !== undefined) return;
    this.#pause = this.#parts.clock.schedule(delayMs, () => {
      this.#pause = undefined;
      afterwards?.();
      this.#start();
    });
  }
}

function storageError(message: string): KafkaError {
  return new KafkaError(Errors.KAFKA_STORAGE_ERROR, message);
}
