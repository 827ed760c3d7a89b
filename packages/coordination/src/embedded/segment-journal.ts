// A journal in a file of Kafka's own log format: one record an entry, one batch an append, so that the checksum makes each append whole or
// nothing and any tool that dumps a log segment can read it. The directory is `__ottla_tree-0` because Kafka refuses log directories with
// names that are no partition's. A snapshot starts a new segment, named by its first offset, that takes the older one's place:
//   00000000000000000042.log.cleaned → (synced) → renamed to 00000000000000000042.log → 00000000000000000000.log removed

import {
  appendToFile,
  assert,
  type File,
  type FileSystem,
  type Logger,
  mustBePresent,
  NoSpaceError,
  silentLogger,
} from '@ottla/base';
import { batchAt, CorruptRecordError, type RecordBatch, RecordsBuilder } from '@ottla/records';
import { TreeFormatError } from '../tree-transaction.ts';
import type { TreeJournal } from './tree-journal.ts';

/** Below the first log directory. */
export const TREE_JOURNAL_DIRECTORY = '__ottla_tree-0';

const SEGMENT_NAME = /^(\d{20})\.log$/;
const UNFINISHED_SUFFIX = '.cleaned';
/** Entries of a snapshot are written in batches of about this size. */
const BATCH_BYTES = 1 << 20;

export interface SegmentJournalOptions {
  readonly fileSystem: FileSystem;
  /** The journal's own directory, made when absent. */
  readonly directory: string;
  readonly logger?: Logger;
}

export class SegmentJournal implements TreeJournal {
  readonly #fileSystem: FileSystem;
  readonly #directory: string;
  readonly #logger: Logger;
  #file: File | undefined;
  /** Where the next batch goes, and its first record's offset. */
  #position = 0;
  #nextOffset = 0;
  #replacedBytes = 0;

  constructor(options: SegmentJournalOptions) {
    this.#fileSystem = options.fileSystem;
    this.#directory = options.directory;
    this.#logger = options.logger ?? silentLogger;
  }

  get appendedBytes(): number {
    return this.#position - this.#replacedBytes;
  }

  get replacedBytes(): number {
    return this.#replacedBytes;
  }

  /** @throws StorageError, TreeFormatError when the damage is not at the end */
  async open(): Promise<Buffer[]> {
    assert(this.#file === undefined, 'the journal is open already');
    this.#makeDirectory();
    const newest = this.#removeLeftovers();
    if (newest === undefined) return [];
    const path = `${this.#directory}/${newest}`;
    const file = this.#fileSystem.openSync(path, 'read-write');
    this.#file = file;
    const bytes = this.#fileSystem.readFileSync(path);
    this.#nextOffset = Number(newest.slice(0, 20));
    const entries = this.#readBatches(bytes);
    if (this.#position < bytes.length) await this.#cutOff(file, bytes);
    return entries;
  }

  #makeDirectory(): void {
    if (this.#fileSystem.statSync(this.#directory) !== undefined) return;
    this.#fileSystem.makeDirectorySync(this.#directory);
    this.#fileSystem.syncDirectorySync(this.#directory.slice(0, this.#directory.lastIndexOf('/')) || '/');
  }

  /** @returns the name of the segment that counts */
  #removeLeftovers(): string | undefined {
    const names = this.#fileSystem.readDirectorySync(this.#directory);
    const newest = names.filter((name) => SEGMENT_NAME.test(name)).at(-1);
    for (const name of names) {
      if (name.endsWith(UNFINISHED_SUFFIX) || (SEGMENT_NAME.test(name) && name !== newest)) {
        this.#fileSystem.removeFileSync(`${this.#directory}/${name}`);
      }
    }
    return newest;
  }

  #readBatches(bytes: Buffer): Buffer[] {
    const entries: Buffer[] = [];
    for (let batch = this.#nextBatch(bytes); batch !== undefined; batch = this.#nextBatch(bytes)) {
      for (const record of batch.records()) entries.push(mustHaveValue(record.value));
      this.#position += batch.sizeInBytes;
      this.#nextOffset = batch.nextOffset;
    }
    return entries;
  }

  /** The batch at #position, if it is whole, sound and in its place. */
  #nextBatch(bytes: Buffer): RecordBatch | undefined {
    try {
      const batch = batchAt(bytes, this.#position);
      return batch?.magic === 2 && batch.isValid() && batch.baseOffset === this.#nextOffset ? batch : undefined;
    } catch (error) {
      if (error instanceof CorruptRecordError) return undefined;
      throw error;
    }
  }

  /** What a crash tore is the last append and nobody was told it was done. Damage with sound batches after it is another matter. */
  async #cutOff(file: File, bytes: Buffer): Promise<void> {
    const droppedBytes = bytes.length - this.#position;
    if (hasBatchAfter(bytes, this.#position, this.#nextOffset)) {
      throw new TreeFormatError(`${file.path} is damaged at byte ${this.#position}, with sound batches after it`);
    }
    this.#logger.warn('cutting off the torn end of the tree journal', { path: file.path, droppedBytes });
    file.truncateSync(this.#position);
    await file.sync();
  }

  async append(entries: readonly Buffer[]): Promise<void> {
    const file = mustBePresent(this.#file, 'file of the tree journal');
    const batch = batchOf(entries, this.#nextOffset);
    appendToFile(file, batch, this.#position);
    this.#position += batch.length;
    this.#nextOffset += entries.length;
    await file.sync();
  }

  async replace(entries: readonly Buffer[]): Promise<void> {
    const name = `${String(this.#nextOffset).padStart(20, '0')}.log`;
    const path = `${this.#directory}/${name}`;
    const old = this.#file;
    assert(old?.path !== path, `${path} is replaced by itself`);
    this.#fileSystem.removeFileSync(path + UNFINISHED_SUFFIX);
    const batches = batchesOf(entries, this.#nextOffset);
    const file = this.#writeUnfinished(path + UNFINISHED_SUFFIX, batches);
    await file.sync();
    file.closeSync();
    this.#fileSystem.renameSync(path + UNFINISHED_SUFFIX, path);
    await this.#fileSystem.syncDirectory(this.#directory);
    this.#file = this.#fileSystem.openSync(path, 'read-write');
    this.#position = batches.reduce((sum, batch) => sum + batch.length, 0);
    this.#replacedBytes = this.#position;
    this.#nextOffset += entries.length;
    if (old === undefined) return;
    old.closeSync();
    this.#fileSystem.removeFileSync(old.path);
  }

  /** Nothing is left of it when there is no room. */
  #writeUnfinished(path: string, batches: readonly Buffer[]): File {
    const file = this.#fileSystem.openSync(path, 'create');
    try {
      file.writevSync(batches, 0);
      return file;
    } catch (error) {
      file.closeSync();
      if (error instanceof NoSpaceError) this.#fileSystem.removeFileSync(path);
      throw error;
    }
  }

  close(): void {
    this.#file?.closeSync();
    this.#file = undefined;
  }
}

function batchesOf(entries: readonly Buffer[], baseOffset: number): Buffer[] {
  const batches: Buffer[] = [];
  let from = 0;
  let sizeInBytes = 0;
  entries.forEach((entry, i) => {
    sizeInBytes += entry.length;
    if (sizeInBytes < BATCH_BYTES && i < entries.length - 1) return;
    batches.push(batchOf(entries.slice(from, i + 1), baseOffset + from));
    from = i + 1;
    sizeInBytes = 0;
  });
  return batches;
}

/** Timestamps are left out: a transaction carries its own time. */
function batchOf(entries: readonly Buffer[], baseOffset: number): Buffer {
  assert(entries.length > 0, 'a batch has at least one entry');
  const builder = new RecordsBuilder({
    magic: 2,
    compressionType: 'none',
    timestampType: 'CreateTime',
    baseOffset,
    partitionLeaderEpoch: 0,
  });
  for (const value of entries) builder.append({ timestamp: -1, key: null, value });
  return builder.build();
}

function mustHaveValue(value: Buffer | null): Buffer {
  if (value === null) throw new TreeFormatError('a record of the tree journal has no value');
  return value;
}

/** Is there, after the damage at `from`, a sound batch with an offset that could follow? */
function hasBatchAfter(bytes: Buffer, from: number, nextOffset: number): boolean {
  for (let position = from + 1; position < bytes.length; position++) {
    // High bytes of an offset and of a size are zero: most positions are ruled out by one comparison.
    if (bytes[position] !== 0 || bytes[position + 1] !== 0 || bytes[position + 16] !== 2) continue;
    if (isSoundBatch(bytes, position, nextOffset)) return true;
  }
  return false;
}

function isSoundBatch(bytes: Buffer, position: number, nextOffset: number): boolean {
  try {
    const batch = batchAt(bytes, position);
    return batch?.magic === 2 && batch.baseOffset >= nextOffset && batch.isValid();
  } catch (error) {
    if (error instanceof CorruptRecordError || error instanceof RangeError) return false;
    throw error;
  }
}
