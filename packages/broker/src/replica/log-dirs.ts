// The log dirs as administrators see them, and what becomes of replicas whose log dir fails.
// Source: kafka.server.ReplicaManager (describeLogDirs, alterReplicaLogDirs, handleLogDirFailure).

import { type ErrorCode, Errors, KafkaError, type Logger, StorageError, type TopicPartition } from '@ottla/base';
import type { DescribeLogDirsResult, DescribeLogDirsTopic } from '@ottla/protocol';
import type { Log, LogManager } from '@ottla/storage';
import type { DelayedOperations } from './delayed-operations.ts';
import type { HostedPartitions } from './hosted-partitions.ts';
import type { Partition } from './partition.ts';

const INVALID_OFFSET_LAG = -1;
const UNKNOWN_SIZE = -1;

export interface LogDirsParts {
  readonly hosted: HostedPartitions;
  readonly delayed: DelayedOperations;
  readonly logManager: LogManager;
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
    for (const log of this.#parts.logManager.allLogs()) {
      const logs = byDirectory.get(log.parentDirectory);
      if (logs === undefined) byDirectory.set(log.parentDirectory, [log]);
      else logs.push(log);
    }
    return this.#parts.logDirs.map((logDir) => this.#describe(logDir, byDirectory.get(logDir) ?? [], isWanted));
  }

  /** Moves replicas to other log dirs. A replica that is where it should be stays; moving one is not possible.
   *  @returns an error code for each, in order */
  alterReplicaLogDirs(moves: readonly { tp: TopicPartition; logDir: string }[]): ErrorCode[] {
    return moves.map(({ tp, logDir }) => this.#alter(tp, logDir));
  }

  /** The disk under `logDir` failed: nothing on it is led or followed any more. */
  handleFailure(logDir: string): void {
    const { hosted, delayed, logger, onLogDirFailed } = this.#parts;
    const lost: Partition[] = [];
    for (const partition of hosted) if (partition.log?.parentDirectory === logDir) lost.push(partition);
    logger.error('log dir failed: its partitions are offline', { logDir, partitionCount: lost.length });
    for (const partition of lost) {
      hosted.set(partition, 'offline');
      partition.markOffline();
    }
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
      topic.partitions.push({
        partitionIndex,
        partitionSize: log.sizeInBytes,
        offsetLag: this.#offsetLag(log),
        isFutureKey: false,
      });
    }
    return [...topics.values()];
  }

  /** How far the replica is behind what is committed. */
  #offsetLag({ topicPartition, logEndOffset, highWatermark }: Log): number {
    const hosted = this.#parts.hosted.online(topicPartition.topic, topicPartition.partition);
    return hosted?.log === undefined ? INVALID_OFFSET_LAG : Math.max(highWatermark - logEndOffset, 0);
  }

  #alter({ topic, partition }: TopicPartition, logDir: string): ErrorCode {
    const { hosted, logManager, logDirs, logger } = this.#parts;
    if (!logDirs.includes(logDir)) return Errors.LOG_DIR_NOT_FOUND;
    if (!logManager.isLogDirOnline(logDir)) return Errors.KAFKA_STORAGE_ERROR;
    try {
      const { log } = hosted.mustGet(topic, partition);
      if (log === undefined) return Errors.REPLICA_NOT_AVAILABLE;
      if (log.parentDirectory === logDir) return Errors.NONE;
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      // The code Kafka had here before there was a better one, kept for old clients.
      return error.code === Errors.NOT_LEADER_OR_FOLLOWER ? Errors.REPLICA_NOT_AVAILABLE : error.code;
    }
    logger.warn('refused to move a replica: replicas stay in their log dir', { topic, partition, logDir });
    return Errors.KAFKA_STORAGE_ERROR;
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
