// Replicas on their way to another log dir: the copies that are open, those found on disk, and where partitions that do not exist yet
// are wanted. Only the bookkeeping; replica-moves.ts opens, swaps and deletes. Source: Kafka's LogManager (futureLogs, preferredLogDirs).

import type { Log } from './log.ts';
import type { PartitionDirectory } from './log-directory.ts';

/** Wishes for partitions that may never come. The oldest is forgotten first. */
const PREFERRED_MAX = 10_000;

/** All keys are `topicPartitionKey`s. */
export class FutureLogs {
  readonly #open = new Map<string, Log>();
  readonly #unloaded = new Map<string, PartitionDirectory>();
  readonly #preferred = new Map<string, string>();

  get(key: string): Log | undefined {
    return this.#open.get(key);
  }

  has(key: string): boolean {
    return this.#open.has(key) || this.#unloaded.has(key);
  }

  logs(): Iterable<Log> {
    return this.#open.values();
  }

  add(key: string, log: Log): void {
    this.#open.set(key, log);
  }

  delete(key: string): void {
    this.#open.delete(key);
  }

  /** The dir failed: what is copied into it is lost. */
  dropIn(logDirectory: string): void {
    for (const [key, log] of this.#open) {
      if (log.parentDirectory !== logDirectory) continue;
      log.markOffline();
      this.#open.delete(key);
    }
    for (const [key, found] of this.#unloaded) if (found.logDirectory === logDirectory) this.#unloaded.delete(key);
  }

  // Found on disk, not loaded.

  unloaded(): Iterable<PartitionDirectory> {
    return this.#unloaded.values();
  }

  /** @returns false when there is another one */
  register(key: string, found: PartitionDirectory): boolean {
    if (this.#unloaded.has(key)) return false;
    this.#unloaded.set(key, found);
    return true;
  }

  takeUnloaded(key: string): PartitionDirectory | undefined {
    const found = this.#unloaded.get(key);
    this.#unloaded.delete(key);
    return found;
  }

  // Wishes.

  preferred(key: string): string | undefined {
    return this.#preferred.get(key);
  }

  prefer(key: string, logDirectory: string): void {
    this.#preferred.delete(key);
    this.#preferred.set(key, logDirectory);
    for (const oldest of this.#preferred.keys()) {
      if (this.#preferred.size <= PREFERRED_MAX) return;
      this.#preferred.delete(oldest);
    }
  }

  forgetPreferred(key: string): void {
    this.#preferred.delete(key);
  }
}
