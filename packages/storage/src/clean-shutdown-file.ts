// `.kafka_cleanshutdown`: present in a log dir only between a stop that closed every log and the next start. Without it, logs are
// scanned from their recovery points. Source: Kafka's CleanShutdownFileHandler (3.9); older versions left it empty.

import { dirname, join } from 'node:path';
import type { FileSystem } from '@ottla/base';
import { replaceFileSync } from './checkpoint-file.ts';

export const CLEAN_SHUTDOWN_FILE = '.kafka_cleanshutdown';

export class CleanShutdownFile {
  readonly path: string;
  readonly #fileSystem: FileSystem;

  constructor(fileSystem: FileSystem, logDirectory: string) {
    this.#fileSystem = fileSystem;
    this.path = join(logDirectory, CLEAN_SHUTDOWN_FILE);
  }

  /** @param brokerEpoch of the broker that stopped; -1 when it has none (ZooKeeper mode) */
  write(brokerEpoch = -1): void {
    replaceFileSync(this.#fileSystem, this.path, Buffer.from(JSON.stringify({ version: 0, brokerEpoch })));
  }

  exists(): boolean {
    return this.#fileSystem.statSync(this.path) !== undefined;
  }

  /** Durably: a crash after this must not find the marker again. */
  remove(): void {
    if (this.#fileSystem.removeFileSync(this.path)) this.#fileSystem.syncDirectorySync(dirname(this.path));
  }
}
