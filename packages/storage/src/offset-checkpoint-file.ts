// An offset for each of many partitions: `orders 3 290`, one a line. One file per log dir and meaning.
// Source: Kafka's OffsetCheckpointFile (3.9).

import { type FileSystem, type TopicPartition, topicPartitionKey } from '@ottla/base';
import { CheckpointFile } from './checkpoint-file.ts';

/** Offsets below are on disk for sure: an unclean start scans from here. */
export const RECOVERY_POINT_CHECKPOINT = 'recovery-point-offset-checkpoint';
/** First offset that may be read, where it is not the first segment's. */
export const LOG_START_OFFSET_CHECKPOINT = 'log-start-offset-checkpoint';
/** High watermarks; written by the replica manager. */
export const REPLICATION_OFFSET_CHECKPOINT = 'replication-offset-checkpoint';
/** First offset not compacted yet. */
export const CLEANER_OFFSET_CHECKPOINT = 'cleaner-offset-checkpoint';

export interface PartitionOffset {
  readonly tp: TopicPartition;
  readonly offset: number;
}

/** By `topicPartitionKey`. */
export type OffsetMap = ReadonlyMap<string, PartitionOffset>;

export class OffsetCheckpointFile {
  readonly #file: CheckpointFile;
  /** What this file holds, when it was written here; undefined: not known. */
  #written: string | undefined;
  /** The last write asked for: the next one waits for it. */
  #writing: Promise<void> = Promise.resolve();

  constructor(fileSystem: FileSystem, path: string) {
    this.#file = new CheckpointFile(fileSystem, path);
  }

  get path(): string {
    return this.#file.path;
  }

  /** Resolves when the file is on disk. Calls are served in order; one that would change nothing costs nothing: an idle broker leaves its
   *  disk alone. */
  write(offsets: Iterable<PartitionOffset>): Promise<void> {
    const lines: string[] = [];
    for (const { tp, offset } of offsets) lines.push(`${tp.topic} ${tp.partition} ${offset}`);
    const write = this.#writing.then(() => this.#maybeWrite(lines));
    this.#writing = write.catch(() => undefined);
    return write;
  }

  async #maybeWrite(lines: readonly string[]): Promise<void> {
    const text = lines.join('\n');
    if (text === this.#written) return;
    this.#written = undefined;
    await this.#file.writeAsync(lines);
    this.#written = text;
  }

  /** @throws CheckpointFormatError */
  read(): Map<string, PartitionOffset> {
    const offsets = new Map<string, PartitionOffset>();
    for (const line of this.#file.read()) {
      const [topic, partition, offset, ...rest] = line.split(/\s+/);
      if (topic === undefined || partition === undefined || offset === undefined || rest.length > 0) {
        return this.#file.refuse(line);
      }
      const tp = { topic, partition: Number(partition) };
      const value = { tp, offset: Number(offset) };
      if (!Number.isInteger(tp.partition) || !Number.isSafeInteger(value.offset)) return this.#file.refuse(line);
      offsets.set(topicPartitionKey(tp), value);
    }
    return offsets;
  }
}
