// The log dirs as administrators see them, and what becomes of replicas whose log dir fails. Moves are alter-log-dirs.ts.
// Source: kafka.server.ReplicaManager (describeLogDirs, handleLogDirFailure).

import { Errors, type Logger, StorageError, type TopicPartition } from '@ottla/base';
import type { DescribeLogDirsResult, DescribeLogDirsTopic } from '@ottla/protocol';
import type { Log, LogManager } from '@ottla/storage';
import type { AlterLogDirs } from './alter-log-dirs.ts';
import type { DelayedOperations } from './delayed-operations.ts';
import type { HostedPartitions } from './hosted-partitions.ts';
import type { Partition } from './partition.ts';

const INVALID_OFFSET_LAG = -1;
const UNKNOWN_SIZE = -1;

export interface LogDirsParts {
  readonly hosted: HostedPartitions;
  readonly delayed: DelayedOperations;
  readonly logManager: LogManager;
  readonly alterLogDirs: AlterLogDirs;
  readonly logger: Logger;
  /** Absolute, as configured; those that failed included. */
  readonly logDirs: readonly string[];
  /** Tells the controller, which then elects other leaders. */
  readonly onLogDirFailed?: ((logDir: string) => void) | undefined;
}

export class LogDirs {
  readonly #parts: LogDirsParts;

  constructor(parts: LogDirsParts) {
    this.#parts = parts;
  }

  /** @param isWanted which partitions to list */
  describe(isWanted: (tp: TopicPartition) => boolean): DescribeLogDirsResult[] {
    const byDirectory = new Map<string, Log[]>();
    const { logManager } = this.#parts;
    for (const log of [...logManager.allLogs(), ...logManager.futureLogs()]) {
      const logs = byDirectory.get(log.parentDirectory);
      if (logs === undefined) byDirectory.set(log.parentDirectory, [log]);
      else logs.push(log);
    }
    return this.#parts.logDirs.map((logDir) => this.#describe(logDir, byDirectory.get(logDir) ?? [], isWanted));
  }

  /** The disk under `logDir` failed: nothing on it is led or followed any more. */
  handleFailure(logDir: string): void {
    const { hosted, delayed, logger, alterLogDirs, onLogDirFailed } = this.#parts;
    const lost: Partition[] = [];
    for (const partition of hosted) if (partition.log?.parentDirectory === logDir) lost.push(partition);
    logger.error('log dir failed: its partitions are offline', { logDir, partitionCount: lost.length });
    for (const partition of lost) {
      hosted.set(partition, 'offline');
      partition.markOffline();
    }
    alterLogDirs.onLogDirFailed();
    for (const partition of lost) delayed.checkAndCompleteAll(partition);
    onLogDirFailed?.(logDir);
  }

  #describe(logDir: string, logs: readonly Log[], isWanted: (tp: TopicPartition) => boolean): DescribeLogDirsResult {
    const { logManager, logger } = this.#parts;
    if (!logManager.isLogDirOnline(logDir)) return failedLogDir(logDir);
    try {
      const { totalBytes, usableBytes } = logManager.volumeOf(logDir);
      const topics = this.#describeTopics(logs.filter(({ topicPartition }) => isWanted(topicPartition)));
      return { errorCode: Errors.NONE, logDir, topics, totalBytes, usableBytes };
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      logger.error('cannot describe a log dir', { logDir, error });
      return failedLogDir(logDir);
    }
  }

  #describeTopics(logs: readonly Log[]): DescribeLogDirsTopic[] {
    const topics = new Map<string, DescribeLogDirsTopic>();
    for (const log of logs) {
      const { topic: name, partition: partitionIndex } = log.topicPartition;
      const topic = topics.get(name) ?? { name, partitions: [] };
      topics.set(name, topic);
      const isFutureKey = this.#parts.logManager.getFutureLog(log.topicPartition) === log;
      const offsetLag = isFutureKey ? this.#futureLag(log) : this.#offsetLag(log);
      topic.partitions.push({ partitionIndex, partitionSize: log.sizeInBytes, offsetLag, isFutureKey });
    }
    return [...topics.values()];
  }

  /** How far the copy is behind the replica. */
  #futureLag({ topicPartition, logEndOffset }: Log): number {
    const current = this.#parts.logManager.getLog(topicPartition);
    return current === undefined ? INVALID_OFFSET_LAG : current.logEndOffset - logEndOffset;
  }

  /** How far the replica is behind what is committed. */
  #offsetLag({ topicPartition, logEndOffset, highWatermark }: Log): number {
    const hosted = this.#parts.hosted.online(topicPartition.topic, topicPartition.partition);
    return hosted?.log === undefined ? INVALID_OFFSET_LAG : Math.max(highWatermark - logEndOffset, 0);
  }
}

function failedLogDir(logDir: string): DescribeLogDirsResult {
  return {
    errorCode: Errors.KAFKA_STORAGE_ERROR,
    logDir,
    topics: [],
    totalBytes: UNKNOWN_SIZE,
    usableBytes: UNKNOWN_SIZE,
  };
}
