// Deletes partitions: the name goes at once, the files after file.delete.delay.ms. A crash in between leaves a `-delete` directory, which
// the next start goes on with. Source: Kafka's LogManager (asyncDelete, deleteLogs).
//
//   before    /a/orders-3
//   at once   /a/orders-3.77…c-delete
//   later     nothing

import { basename, join } from 'node:path';
import type { FileSystem, Logger, Random } from '@ottla/base';
import type { KafkaScheduler } from './kafka-scheduler.ts';
import type { Log } from './log.ts';
import type { LogConfig } from './log-config.ts';
import { type LogDirectories, unavailable } from './log-directories.ts';
import type { PartitionDirectory } from './log-directory.ts';
import { uniqueDirectoryName } from './log-file-names.ts';

export interface LogDeletionParts {
  readonly fileSystem: FileSystem;
  readonly random: Random;
  readonly logger: Logger;
  readonly directories: LogDirectories;
  readonly scheduler: KafkaScheduler;
  /** For partitions that are not open. */
  readonly topicConfig: (topic: string) => LogConfig;
}

export class LogDeletion {
  readonly #parts: LogDeletionParts;

  constructor(parts: LogDeletionParts) {
    this.#parts = parts;
  }

  /** @param letGo closes its files, once its name is taken
   *  @throws KafkaError KAFKA_STORAGE_ERROR */
  discard(log: Log, letGo: () => void): void {
    log.renameDirectory(uniqueDirectoryName(log.topicPartition, 'delete', this.#parts.random));
    letGo();
    this.#later(log.parentDirectory, log.directory, log.config.fileDeleteDelayMs);
  }

  /** Does nothing when its dir failed. @throws KafkaError KAFKA_STORAGE_ERROR */
  discardUnloaded(found: PartitionDirectory): void {
    const { fileSystem, random, directories } = this.#parts;
    const directory = directories.get(found.logDirectory);
    if (directory === undefined) return;
    directory.forget(found.tp);
    const target = join(found.logDirectory, uniqueDirectoryName(found.tp, 'delete', random));
    try {
      fileSystem.renameSync(found.directory, target);
      fileSystem.syncDirectorySync(found.logDirectory);
    } catch (error) {
      directories.takeOffline(found.logDirectory, error);
      throw unavailable(`cannot delete ${found.directory}`, error);
    }
    this.finish({ ...found, directory: target });
  }

  /** For one whose name is taken already, or that was never in use. */
  finish(found: PartitionDirectory): void {
    this.#later(found.logDirectory, found.directory, this.#parts.topicConfig(found.tp.topic).fileDeleteDelayMs);
  }

  #later(logDirectory: string, path: string, delayMs: number): void {
    const { scheduler } = this.#parts;
    scheduler.after(delayMs, () => scheduler.soon(() => this.#remove(logDirectory, path)));
  }

  async #remove(logDirectory: string, path: string): Promise<void> {
    const { fileSystem, logger, directories } = this.#parts;
    if (!directories.isLive(logDirectory)) return;
    try {
      await fileSystem.removeDirectory(path);
      logger.info('deleted a partition', { directory: basename(path) });
    } catch (error) {
      directories.takeOffline(logDirectory, error);
    }
  }
}
