// One of log.dirs: its lock, its checkpoints, and which partitions' directories are in it. Source: Kafka's LogManager (3.9).

import { dirname, join } from 'node:path';
import {
  type DirectoryLock,
  type FileSystem,
  type Logger,
  StorageError,
  type TopicPartition,
  topicPartitionKey,
  type Uuid,
} from '@ottla/base';
import { CheckpointFormatError } from './checkpoint-file.ts';
import { CleanShutdownFile } from './clean-shutdown-file.ts';
import { type DirectoryState, parseLogDirectoryName } from './log-file-names.ts';
import { MetaPropertiesFile } from './meta-properties.ts';
import {
  CLEANER_OFFSET_CHECKPOINT,
  LOG_START_OFFSET_CHECKPOINT,
  OffsetCheckpointFile,
  type PartitionOffset,
  RECOVERY_POINT_CHECKPOINT,
  REPLICATION_OFFSET_CHECKPOINT,
} from './offset-checkpoint-file.ts';
import { PARTITION_METADATA_FILE, PartitionMetadataFile } from './partition-metadata-file.ts';

/** A partition found on disk. */
export interface PartitionDirectory {
  readonly tp: TopicPartition;
  /** undefined where a broker without topic ids wrote it. */
  readonly topicId: Uuid | undefined;
  readonly logDirectory: string;
  /** The partition's directory. */
  readonly directory: string;
  readonly state: DirectoryState;
}

/** What a checkpoint says of partitions that are not loaded, by `topicPartitionKey`. */
type Checkpoint = Map<string, PartitionOffset>;

export class LogDirectory {
  readonly path: string;
  readonly metaProperties: MetaPropertiesFile;
  readonly cleanShutdownFile: CleanShutdownFile;
  readonly recoveryPointCheckpoint: OffsetCheckpointFile;
  readonly logStartOffsetCheckpoint: OffsetCheckpointFile;
  readonly replicationOffsetCheckpoint: OffsetCheckpointFile;
  readonly cleanerOffsetCheckpoint: OffsetCheckpointFile;
  /** As read at the start; partitions leave when they are loaded or deleted. */
  recoveryPoints: Checkpoint = new Map();
  logStartOffsets: Checkpoint = new Map();
  highWatermarks: Checkpoint = new Map();
  /** The last stop closed every log: nothing needs to be scanned. */
  hadCleanShutdown = false;
  readonly #fileSystem: FileSystem;
  readonly #logger: Logger;
  #lock: DirectoryLock | undefined;

  constructor(fileSystem: FileSystem, logger: Logger, path: string) {
    this.#fileSystem = fileSystem;
    this.#logger = logger;
    this.path = path;
    this.metaProperties = new MetaPropertiesFile(fileSystem, path);
    this.cleanShutdownFile = new CleanShutdownFile(fileSystem, path);
    const checkpoint = (name: string): OffsetCheckpointFile => new OffsetCheckpointFile(fileSystem, join(path, name));
    this.recoveryPointCheckpoint = checkpoint(RECOVERY_POINT_CHECKPOINT);
    this.logStartOffsetCheckpoint = checkpoint(LOG_START_OFFSET_CHECKPOINT);
    this.replicationOffsetCheckpoint = checkpoint(REPLICATION_OFFSET_CHECKPOINT);
    this.cleanerOffsetCheckpoint = checkpoint(CLEANER_OFFSET_CHECKPOINT);
  }

  /** Creates the directory and takes its lock. @throws StorageError when it cannot be used, or another process uses it */
  lock(): void {
    this.#create(this.path);
    this.#lock = this.#fileSystem.lockDirectorySync(this.path);
    if (this.#lock === undefined) {
      throw new StorageError(
        `Failed to acquire lock on file .lock in ${this.path}. A Kafka instance in another process or thread is using this directory.`,
        { code: 'ELOCKED', path: this.path },
      );
    }
  }

  /** Reads the checkpoints and takes the clean shutdown marker away: from now on a crash is a crash. */
  open(): void {
    this.hadCleanShutdown = this.cleanShutdownFile.exists();
    for (const path of this.#replacedFiles()) this.#fileSystem.removeFileSync(`${path}.tmp`);
    this.recoveryPoints = this.#read(this.recoveryPointCheckpoint, 'every log is scanned from its first segment');
    this.logStartOffsets = this.#read(this.logStartOffsetCheckpoint, 'every log starts with its first segment');
    this.highWatermarks = this.#read(this.replicationOffsetCheckpoint, 'high watermarks start low');
    this.cleanShutdownFile.remove();
  }

  /** Partitions found in it. Files and names that are no partition's are left alone. */
  partitionDirectories(): PartitionDirectory[] {
    const found: PartitionDirectory[] = [];
    for (const name of this.#fileSystem.readDirectorySync(this.path)) {
      const parsed = parseLogDirectoryName(name);
      if (parsed === undefined) continue;
      const directory = join(this.path, name);
      const topicId = parsed.state === 'delete' ? undefined : this.#readTopicId(directory);
      // Where a topic id was found there is a directory.
      if (topicId === undefined && this.#fileSystem.statSync(directory)?.isDirectory !== true) continue;
      found.push({ tp: parsed.tp, topicId, logDirectory: this.path, directory, state: parsed.state });
    }
    return found;
  }

  /** What the checkpoints say of a partition that is about to be loaded. */
  checkpointsOf(tp: TopicPartition): { recoveryPoint: number; logStartOffset: number; highWatermark: number } {
    const key = topicPartitionKey(tp);
    return {
      recoveryPoint: this.recoveryPoints.get(key)?.offset ?? 0,
      logStartOffset: this.logStartOffsets.get(key)?.offset ?? 0,
      highWatermark: this.highWatermarks.get(key)?.offset ?? 0,
    };
  }

  /** It was loaded or deleted: the checkpoints are no longer the ones who know. */
  forget(tp: TopicPartition): void {
    const key = topicPartitionKey(tp);
    for (const checkpoint of [this.recoveryPoints, this.logStartOffsets, this.highWatermarks]) checkpoint.delete(key);
  }

  /** Safe to call twice. */
  release(): void {
    this.#lock?.releaseSync();
    this.#lock = undefined;
  }

  #readTopicId(directory: string): Uuid | undefined {
    return new PartitionMetadataFile(this.#fileSystem, join(directory, PARTITION_METADATA_FILE)).read();
  }

  /** A crash may have left half of the next one beside each. */
  #replacedFiles(): string[] {
    const checkpoints = [
      this.recoveryPointCheckpoint,
      this.logStartOffsetCheckpoint,
      this.replicationOffsetCheckpoint,
      this.cleanerOffsetCheckpoint,
    ];
    return [this.metaProperties.path, this.cleanShutdownFile.path, ...checkpoints.map((file) => file.path)];
  }

  /** As in Kafka, a checkpoint that makes no sense is as good as none. */
  #read(file: OffsetCheckpointFile, consequence: string): Checkpoint {
    try {
      return file.read();
    } catch (error) {
      if (!(error instanceof CheckpointFormatError)) throw error;
      this.#logger.warn('a checkpoint is unreadable', { problem: error.message, consequence });
      return new Map();
    }
  }

  /** With its parents, each name durable: a synced record must not lie in a directory that a power loss forgets. */
  #create(path: string): void {
    if (this.#fileSystem.statSync(path) !== undefined) return;
    const parent = dirname(path);
    if (parent !== path) this.#create(parent);
    this.#fileSystem.makeDirectorySync(path);
    this.#fileSystem.syncDirectorySync(parent);
  }
}
