// The replicas that take part, as opposed to copies on their way (future-logs.ts): those that are open, those whose dir failed, and those
// found on disk that nobody has asked for yet. Only the bookkeeping. Source: Kafka's LogManager (currentLogs).

import type { Log } from './log.ts';
import type { PartitionDirectory } from './log-directory.ts';

/** All keys are `topicPartitionKey`s. */
export class CurrentLogs {
  readonly #open = new Map<string, Log>();
  /** Of dirs that failed: they answer KAFKA_STORAGE_ERROR to everything. */
  readonly #offline = new Map<string, Log>();
  /** Dirs that failed since included. */
  readonly #unloaded = new Map<string, PartitionDirectory>();

  /** Open, in a dir that works. */
  get(key: string): Log | undefined {
    return this.#open.get(key);
  }

  getOffline(key: string): Log | undefined {
    return this.#offline.get(key);
  }

  logs(): Iterable<Log> {
    return this.#open.values();
  }

  set(key: string, log: Log): void {
    this.#open.set(key, log);
  }

  /** @returns the open log that was there */
  delete(key: string): Log | undefined {
    const log = this.#open.get(key);
    this.#open.delete(key);
    this.#offline.delete(key);
    return log;
  }

  /** The dir failed. */
  takeOfflineIn(logDirectory: string): void {
    for (const [key, log] of this.#open) {
      if (log.parentDirectory !== logDirectory) continue;
      log.markOffline();
      this.#open.delete(key);
      this.#offline.set(key, log);
    }
  }

  // Found on disk, not loaded.

  unloaded(): Iterable<PartitionDirectory> {
    return this.#unloaded.values();
  }

  getUnloaded(key: string): PartitionDirectory | undefined {
    return this.#unloaded.get(key);
  }

  register(key: string, found: PartitionDirectory): void {
    this.#unloaded.set(key, found);
  }

  takeUnloaded(key: string): PartitionDirectory | undefined {
    const found = this.#unloaded.get(key);
    this.#unloaded.delete(key);
    return found;
  }
}
