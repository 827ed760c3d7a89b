// `leader-epoch-checkpoint`: at which offset each leader epoch of a partition began. Followers ask it where they parted from a leader
// (KIP-101), clients whether they read what was truncated (KIP-320). Source: Kafka's LeaderEpochFileCache (3.9).
//
//   entries (0 → 0), (3 → 40), (5 → 90), log end 120:   epoch 3 ends at 90, epoch 4 too, epoch 5 at 120

import { dirname } from 'node:path';
import { type FileSystem, type Logger, NoSpaceError } from '@ottla/base';
import { CheckpointFile, CheckpointFormatError, syncFile } from './checkpoint-file.ts';

export const LEADER_EPOCH_CHECKPOINT = 'leader-epoch-checkpoint';
export const UNDEFINED_EPOCH = -1;
export const UNDEFINED_EPOCH_OFFSET = -1;

export interface EpochEntry {
  readonly epoch: number;
  /** Of the first record the leader of that epoch appended, or the first that is still there. */
  readonly startOffset: number;
}

export interface EpochEndOffset {
  readonly epoch: number;
  readonly endOffset: number;
}

export class LeaderEpochFileCache {
  readonly #fileSystem: FileSystem;
  readonly #logger: Logger;
  #file: CheckpointFile;
  /** Ascending in both fields. */
  #entries: readonly EpochEntry[];
  /** The file was replaced without a sync since the last `flush`. */
  #isVolatile = false;
  /** There was no room to write the entries as they are now. Until the next record comes a start puts right what the file says: it must be
   *  written before that. */
  #isFileBehind = false;

  /** Reads the file. An unreadable one is refused unless `mayRebuild`: then recovery fills the cache from the log.
   *  @throws CheckpointFormatError */
  constructor(fileSystem: FileSystem, directory: string, options: { logger: Logger; mayRebuild: boolean }) {
    this.#fileSystem = fileSystem;
    this.#logger = options.logger;
    this.#file = new CheckpointFile(fileSystem, `${directory}/${LEADER_EPOCH_CHECKPOINT}`);
    this.#entries = this.#read(options.mayRebuild);
  }

  get entries(): readonly EpochEntry[] {
    return this.#entries;
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  get latestEpoch(): number | undefined {
    return this.latestEntry?.epoch;
  }

  get latestEntry(): EpochEntry | undefined {
    return this.#entries[this.#entries.length - 1];
  }

  get earliestEntry(): EpochEntry | undefined {
    return this.#entries[0];
  }

  /** Nothing has to be assigned before a record of `epoch` is appended. */
  isLatest(epoch: number): boolean {
    return epoch === this.latestEpoch && !this.#isFileBehind;
  }

  /** Notes that `epoch` begins at `startOffset`. Does nothing when that epoch, or a later one, is known.
   *  Entries that contradict it (a later epoch or a later offset) are dropped.
   *  @throws NoSpaceError when nothing changed */
  assign(epoch: number, startOffset: number): void {
    const last = this.latestEntry;
    if (last !== undefined && last.epoch >= epoch && last.startOffset <= startOffset) {
      if (this.#isFileBehind) this.#write(this.#entries);
      return;
    }
    if (epoch < 0 || startOffset < 0) return;
    const kept = this.#entries.filter((entry) => entry.epoch < epoch && entry.startOffset < startOffset);
    if (kept.length < this.#entries.length) {
      this.#logger.warn('a new leader epoch contradicts earlier entries', {
        epoch,
        startOffset,
        entries: this.#entries,
      });
    }
    // The first entry of a partition may be lost with the power until its log is flushed, as the log itself may.
    const isFirst = this.#entries.length === 0;
    this.#write([...kept, { epoch, startOffset }], { durable: !isFirst });
  }

  /** Takes back what was assigned for an append that was refused. @param entries as they were before */
  restore(entries: readonly EpochEntry[]): void {
    if (entries !== this.#entries) this.#drop(entries);
  }

  /** Where the largest epoch at or below `requestedEpoch` ends.
   *  @returns (−1, −1) when nothing is known. Source: LeaderEpochFileCache.endOffsetFor */
  endOffsetFor(requestedEpoch: number, logEndOffset: number): EpochEndOffset {
    const latest = this.latestEntry;
    if (requestedEpoch === UNDEFINED_EPOCH || latest === undefined) return unknownEpoch();
    if (requestedEpoch === latest.epoch) return { epoch: requestedEpoch, endOffset: logEndOffset };
    const higherAt = this.#entries.findIndex((entry) => entry.epoch > requestedEpoch);
    const higher = this.#entries[higherAt];
    if (higher === undefined) return unknownEpoch();
    const floor = this.#entries[higherAt - 1];
    // Asked for an epoch before all we know: everything of it ended where our first one began.
    return { epoch: floor?.epoch ?? requestedEpoch, endOffset: higher.startOffset };
  }

  epochForOffset(offset: number): number | undefined {
    return this.#entries.findLast((entry) => entry.startOffset <= offset)?.epoch;
  }

  previousEpoch(epoch: number): number | undefined {
    return this.#entries.findLast((entry) => entry.epoch < epoch)?.epoch;
  }

  /** Drops entries that begin at or above `endOffset`. */
  truncateFromEnd(endOffset: number): void {
    const kept = this.#entries.filter((entry) => entry.startOffset < endOffset);
    if (endOffset < 0 || kept.length === this.#entries.length) return;
    this.#drop(kept);
  }

  /** Drops entries that end at or below `startOffset`; the one that covers it begins there afterwards. */
  truncateFromStart(startOffset: number): void {
    const coveringAt = this.#entries.findLastIndex((entry) => entry.startOffset <= startOffset);
    const covering = this.#entries[coveringAt];
    if (covering === undefined || (coveringAt === 0 && covering.startOffset === startOffset)) return;
    this.#drop([{ epoch: covering.epoch, startOffset }, ...this.#entries.slice(coveringAt + 1)]);
  }

  clearAndFlush(): void {
    if (this.#entries.length > 0 || this.#isFileBehind) this.#drop([]);
  }

  /** After this the file survives a power loss, once its directory is synced. @returns whether there was anything to do */
  async flush(): Promise<boolean> {
    if (!this.#isVolatile) return false;
    this.#isVolatile = false;
    await syncFile(this.#fileSystem, this.#file.path);
    return true;
  }

  /** The directory was renamed. */
  movedTo(directory: string): void {
    this.#file = new CheckpointFile(this.#fileSystem, `${directory}/${LEADER_EPOCH_CHECKPOINT}`);
  }

  /** Retention and truncation must go on where there is no room. */
  #drop(entries: readonly EpochEntry[]): void {
    try {
      this.#write(entries);
    } catch (error) {
      if (!(error instanceof NoSpaceError)) throw error;
      this.#entries = entries;
      this.#isFileBehind = true;
    }
  }

  /** @throws NoSpaceError when nothing changed */
  #write(entries: readonly EpochEntry[], options: { durable: boolean } = { durable: true }): void {
    const lines = entries.map((entry) => `${entry.epoch} ${entry.startOffset}`);
    this.#file.write(lines, options);
    this.#entries = entries;
    this.#isVolatile = !options.durable;
    this.#isFileBehind = false;
  }

  #read(mayRebuild: boolean): EpochEntry[] {
    try {
      return this.#readEntries();
    } catch (error) {
      if (!(error instanceof CheckpointFormatError) || !mayRebuild) throw error;
      this.#logger.warn('the leader epoch checkpoint is unreadable after an unclean stop: building it anew', {
        directory: dirname(this.#file.path),
        problem: error.message,
      });
      return [];
    }
  }

  #readEntries(): EpochEntry[] {
    const entries = this.#file.read().map((line) => {
      const match = /^(\d+) (\d+)$/.exec(line.trim());
      if (match === null) return this.#file.refuse(line);
      return { epoch: Number(match[1]), startOffset: Number(match[2]) };
    });
    return entries.sort((a, b) => a.epoch - b.epoch);
  }
}

function unknownEpoch(): EpochEndOffset {
  return { epoch: UNDEFINED_EPOCH, endOffset: UNDEFINED_EPOCH_OFFSET };
}
