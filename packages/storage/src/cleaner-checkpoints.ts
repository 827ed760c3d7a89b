// How far each partition is cleaned, and the file of each log dir that says so. Cleaners that finish together write the same file: each of its
// versions holds all that is known when it is asked for, and they are written in that order (offset-checkpoint-file.ts).

import { type TopicPartition, topicPartitionKey } from '@ottla/base';
import { type CleanerLogs, reportStorageError } from './cleaner-logs.ts';
import type { Log } from './log.ts';
import type { PartitionOffset } from './offset-checkpoint-file.ts';

export class CleanerCheckpoints {
  readonly #logs: CleanerLogs;
  /** Log dir → partition → everything below is cleaned. */
  readonly #offsets = new Map<string, Map<string, PartitionOffset>>();
  /** Log dirs whose file says too much. */
  readonly #due = new Set<string>();
  #writing: Promise<void> = Promise.resolve();

  constructor(logs: CleanerLogs) {
    this.#logs = logs;
  }

  readAll(): void {
    for (const { logDirectory, file } of this.#logs.cleanerCheckpoints()) {
      try {
        this.#offsets.set(logDirectory, file.read());
      } catch (error) {
        reportStorageError(this.#logs, logDirectory, error);
      }
    }
  }

  /** What is cleaned of the log so far; undefined: nothing. */
  lastCleanOffset(log: Log): number | undefined {
    const known = this.#offsets.get(log.parentDirectory)?.get(log.name)?.offset;
    if (known === undefined) return undefined;
    // Records that came after a truncation are dirty, though the offsets were clean before.
    return Math.min(known, log.lowestTruncation);
  }

  /** Resolves when it is on disk. @throws StorageError */
  async update(log: Log, offset: number): Promise<void> {
    const directory = log.parentDirectory;
    const cleanOffset = Math.min(offset, log.lowestTruncation);
    this.#offsetsIn(directory).set(log.name, { tp: log.topicPartition, offset: cleanOffset });
    log.forgetTruncation();
    await this.#write(directory);
  }

  /** A later partition of that name is dirty from its start on, also after a crash. */
  forget(tp: TopicPartition): void {
    const key = topicPartitionKey(tp);
    this.#writeSoon([...this.#offsets].flatMap(([directory, offsets]) => (offsets.delete(key) ? [directory] : [])));
  }

  /** The partition moved to another log dir. */
  move(tp: TopicPartition, from: string, to: string): void {
    const key = topicPartitionKey(tp);
    const offset = this.#offsets.get(from)?.get(key);
    if (offset === undefined) return;
    this.#offsetsIn(to).set(key, offset);
    this.#offsets.get(from)?.delete(key);
    this.#writeSoon([to, from]);
  }

  /** Waits for what is being written. */
  async close(): Promise<void> {
    await this.#writing;
  }

  #offsetsIn(directory: string): Map<string, PartitionOffset> {
    const offsets = this.#offsets.get(directory) ?? new Map<string, PartitionOffset>();
    this.#offsets.set(directory, offsets);
    return offsets;
  }

  /** Once for all that happens while one is written: a topic that is deleted may have many partitions. */
  #writeSoon(directories: readonly string[]): void {
    if (directories.length === 0) return;
    for (const directory of directories) this.#due.add(directory);
    this.#writing = this.#writing.then(() => this.#writeDue());
  }

  /** Never rejects: a disk that fails takes its dir offline; for want of space the old file stays until the next write. */
  async #writeDue(): Promise<void> {
    for (const directory of this.#due) {
      this.#due.delete(directory);
      try {
        await this.#write(directory);
      } catch (error) {
        reportStorageError(this.#logs, directory, error);
      }
    }
  }

  async #write(directory: string): Promise<void> {
    for (const { logDirectory, file } of this.#logs.cleanerCheckpoints()) {
      if (logDirectory === directory) await file.write(this.#offsets.get(directory)?.values() ?? []);
    }
  }
}
