// All of log.dirs: which of them work, which failed and why. Not what is in them: that is log-directory.ts for one dir, managed-logs.ts
// for the logs. Source: Kafka's LogManager (lockLogDirs, liveLogDirs, handleLogDirFailure).

import { resolve } from 'node:path';
import { type Clock, Errors, type FileSystem, KafkaError, type Logger, NoSpaceError, StorageError } from '@ottla/base';
import { FullLogDirs } from './full-log-dirs.ts';
import { LogDirectory, type PartitionDirectory } from './log-directory.ts';
import { agreeOnMetaProperties, type MetaProperties } from './meta-properties.ts';

export type LogDirFailureListener = (logDirectory: string, error: StorageError) => void;

export class LogDirectories {
  /** Those that work and have no space left. */
  readonly full: FullLogDirs;
  readonly #fileSystem: FileSystem;
  readonly #logger: Logger;
  /** By absolute path, in the order of log.dirs. A dir is here or in #failed. */
  readonly #live = new Map<string, LogDirectory>();
  readonly #failed = new Map<string, { readonly directory: LogDirectory; readonly problem: string }>();
  /** Told in the order in which they came. */
  readonly #failureListeners = new Set<LogDirFailureListener>();

  constructor(
    { fileSystem, clock, logger }: { fileSystem: FileSystem; clock: Clock; logger: Logger },
    paths: readonly string[],
  ) {
    this.full = new FullLogDirs({ clock, logger });
    this.#fileSystem = fileSystem;
    this.#logger = logger;
    for (const path of paths) this.#live.set(resolve(path), new LogDirectory(fileSystem, logger, resolve(path)));
  }

  /** Locks each dir, reads its checkpoints and shows the partitions in it to `onFound`. A dir that cannot be used goes offline.
   *  @throws StorageError when no dir can be used, or one is used by another process */
  open(onFound: (found: PartitionDirectory) => void): void {
    for (const directory of this.live) this.#open(directory, onFound);
  }

  /** @throws StorageError */
  ensureOneWorks(): void {
    if (this.#live.size > 0) return;
    const problems = Array.from(this.#failed, ([path, { problem }]) => `${path}: ${problem}`);
    throw new StorageError(`none of the log dirs can be used (${problems.join('; ')})`, {
      code: 'EIO',
      path: [...this.#failed.keys()].join(','),
    });
  }

  /** Dirs that work, in the order of log.dirs; a copy, since any use of one may take it away. */
  get live(): readonly LogDirectory[] {
    return [...this.#live.values()];
  }

  get livePaths(): readonly string[] {
    return [...this.#live.keys()];
  }

  get failedPaths(): readonly string[] {
    return [...this.#failed.keys()];
  }

  isLive(path: string): boolean {
    return this.#live.has(path);
  }

  get(path: string): LogDirectory | undefined {
    return this.#live.get(path);
  }

  /** Calls `listener` when a dir has gone offline. @returns takes it back */
  onFailure(listener: LogDirFailureListener): () => void {
    this.#failureListeners.add(listener);
    return () => this.#failureListeners.delete(listener);
  }

  /** Takes a dir offline. Does nothing when it is already. */
  fail(path: string, error: StorageError): void {
    const directory = this.#live.get(path);
    if (directory === undefined) return;
    this.#live.delete(path);
    this.#failed.set(path, { directory, problem: error.message });
    this.#logger.error('a log dir failed and goes offline', { logDirectory: path, problem: error.message });
    this.full.forget(path);
    for (const listener of this.#failureListeners) listener(path, error);
  }

  /** For what was caught while the dir was used: a disk's failure takes it offline, any other error is a bug of ours. */
  takeOffline(path: string, error: unknown): void {
    if (error instanceof KafkaError && error.code === Errors.KAFKA_STORAGE_ERROR) return;
    if (!(error instanceof StorageError)) throw error;
    this.fail(path, error);
  }

  /** The same for what leaves everything as it was when it finds no space: that may be tried again. */
  refusedOrOffline(path: string, error: unknown): void {
    if (error instanceof NoSpaceError) this.full.onRefused(path, error);
    else this.takeOffline(path, error);
  }

  /** Whose dirs these are, if they say. @throws InconsistentMetaPropertiesError, CheckpointFormatError */
  readMetaProperties(): MetaProperties | undefined {
    const found = new Map<string, MetaProperties>();
    for (const directory of this.live) {
      const properties = directory.metaProperties.read();
      if (properties !== undefined) found.set(directory.path, properties);
    }
    return agreeOnMetaProperties(found);
  }

  /** Writes `meta.properties` into every dir where it does not say so already, keeping its other keys. */
  writeMetaProperties(identity: { brokerId: number; clusterId: string }, now: Date): void {
    for (const directory of this.live) {
      try {
        this.#fileSystem.makeDirectorySync(directory.path);
        const known = directory.metaProperties.read();
        if (known?.brokerId === identity.brokerId && known.clusterId === identity.clusterId) continue;
        directory.metaProperties.write({ ...identity, others: known?.others ?? new Map() }, now);
      } catch (error) {
        this.takeOffline(directory.path, error);
      }
    }
  }

  /** Gives the locks back, of dirs that failed too. Safe to call twice. */
  release(): void {
    for (const directory of this.#live.values()) directory.release();
    for (const { directory } of this.#failed.values()) directory.release();
  }

  #open(directory: LogDirectory, onFound: (found: PartitionDirectory) => void): void {
    try {
      directory.lock();
      directory.open();
      for (const found of directory.partitionDirectories()) onFound(found);
    } catch (error) {
      // Another process uses it: that is a mistake in the configuration, not a dead disk.
      if (error instanceof StorageError && error.code === 'ELOCKED') {
        this.release();
        throw error;
      }
      this.takeOffline(directory.path, error);
    }
  }
}

/** What is asked for cannot be had, since its disk cannot. */
export function unavailable(message: string, cause?: unknown): KafkaError {
  return new KafkaError(Errors.KAFKA_STORAGE_ERROR, message, { cause });
}
