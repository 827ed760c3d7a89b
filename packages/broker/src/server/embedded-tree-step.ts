// The tree inside this process, under the first log dir, and the lock that keeps a second process away from it.

import type { Clock, DirectoryLock, FileSystem, Logger } from '@ottla/base';
import { EmbeddedTree, SegmentJournal, TREE_JOURNAL_DIRECTORY } from '@ottla/coordination';

/** Another process uses the log dir. */
export class LogDirectoryInUseError extends Error {
  override readonly name = 'LogDirectoryInUseError';
}

export interface EmbeddedTreeStepOptions {
  readonly fileSystem: FileSystem;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The first of log.dirs. */
  readonly logDir: string;
}

export class EmbeddedTreeStep {
  readonly name = 'embedded tree';
  readonly tree: EmbeddedTree;
  readonly #directory: string;
  readonly #logDir: string;
  readonly #fileSystem: FileSystem;
  #lock: DirectoryLock | undefined;

  constructor(options: EmbeddedTreeStepOptions) {
    const { fileSystem, clock, logDir } = options;
    const logger = options.logger.child('ottla.tree.EmbeddedTree');
    this.#logDir = logDir;
    this.#directory = `${logDir}/${TREE_JOURNAL_DIRECTORY}`;
    this.#fileSystem = fileSystem;
    const journal = new SegmentJournal({ fileSystem, directory: this.#directory, logger });
    this.tree = new EmbeddedTree({ clock, logger, journal });
  }

  /** @throws LogDirectoryInUseError, StorageError, TreeFormatError */
  async start(): Promise<void> {
    this.#fileSystem.makeDirectorySync(this.#directory);
    this.#lock = this.#fileSystem.lockDirectorySync(this.#directory);
    if (this.#lock === undefined) {
      throw new LogDirectoryInUseError(
        `Failed to acquire lock on file .lock in ${this.#logDir}. ` +
          'A Kafka instance in another process or thread is using this directory.',
      );
    }
    await this.tree.start();
  }

  /** The broker stops: what waits for space waits no longer. */
  stopWaitingForSpace(): void {
    this.tree.stopWaitingForSpace();
  }

  async close(): Promise<void> {
    if (this.#lock === undefined) return;
    await this.tree.close();
    this.#lock.releaseSync();
    this.#lock = undefined;
  }
}
