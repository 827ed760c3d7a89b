// What the offset index and the time index share: a file of fixed-size entries in ascending order, appended to and searched.
// The newest entries wait in memory for a write of their own; older ones are read from the file a page at a time, so that an index
// costs a few kilobytes however long it is. Losing what waited is harmless: an unclean start builds the index of the last
// segments anew. Kafka maps the file instead, preallocated to segment.index.bytes; ours always has its exact size.
// Source: Kafka's AbstractIndex (3.9).

import { appendToFile, type File, type FileSystem, failAssertion, StorageError } from '@ottla/base';

const PAGE_BYTES = 4096;
const NO_BYTES = Buffer.alloc(0);

/** An index contradicts itself or its segment, and must be built anew from the log. */
export class CorruptIndexError extends Error {
  override readonly name = 'CorruptIndexError';
}

export abstract class AbstractIndex {
  path: string;
  /** Of the segment: entries hold offsets relative to it. */
  readonly baseOffset: number;
  readonly entrySize: number;
  /** How many entries fit before the segment must roll. */
  readonly entriesMax: number;
  readonly #fileSystem: FileSystem;
  readonly #entriesPerPage: number;
  #file: File | undefined;
  #entryCount: number;
  /** Entries in the file; those behind wait in #pending. */
  #fileEntryCount: number;
  #pending: Buffer = NO_BYTES;
  /** One page of entries of the file, and which; -1: none. */
  #page: Buffer = NO_BYTES;
  #pageNumber = -1;
  readonly #sizeRemainder: number;

  constructor(
    fileSystem: FileSystem,
    options: { path: string; baseOffset: number; entrySize: number; indexBytesMax: number },
  ) {
    this.#fileSystem = fileSystem;
    this.path = options.path;
    this.baseOffset = options.baseOffset;
    this.entrySize = options.entrySize;
    this.entriesMax = Math.floor(options.indexBytesMax / options.entrySize);
    this.#entriesPerPage = Math.floor(PAGE_BYTES / options.entrySize);
    const sizeInBytes = fileSystem.statSync(options.path)?.sizeInBytes ?? 0;
    this.#sizeRemainder = sizeInBytes % options.entrySize;
    this.#entryCount = Math.floor(sizeInBytes / options.entrySize);
    this.#fileEntryCount = this.#entryCount;
  }

  get entryCount(): number {
    return this.#entryCount;
  }

  get isFull(): boolean {
    return this.#entryCount >= this.entriesMax;
  }

  get sizeInBytes(): number {
    return this.#entryCount * this.entrySize;
  }

  /** @throws CorruptIndexError when the file's size is not a whole number of entries */
  checkSize(): void {
    if (this.#sizeRemainder === 0) return;
    throw new CorruptIndexError(`${this.path} holds ${this.#sizeRemainder} bytes behind its last whole entry`);
  }

  /** Whether `offset` is near enough to the base offset to be put as 4 bytes. */
  canAppendOffset(offset: number): boolean {
    const relative = offset - this.baseOffset;
    return relative >= 0 && relative <= 0x7fffffff;
  }

  /** Forgets entries from number `count` on. */
  truncateToEntries(count: number): void {
    if (count >= this.#entryCount && this.#sizeRemainder === 0) return;
    this.#entryCount = Math.min(count, this.#entryCount);
    this.#pageNumber = -1;
    if (this.#entryCount < this.#fileEntryCount || this.#sizeRemainder !== 0) {
      this.#openFile().truncateSync(this.#entryCount * this.entrySize);
      this.#fileEntryCount = this.#entryCount;
    }
  }

  /** Forgets every entry. */
  reset(): void {
    this.truncateToEntries(0);
    this.#openFile();
  }

  /** Writes what waits in memory. The file exists afterwards, even without entries. @throws NoSpaceError when all of it still waits */
  writePending(): void {
    const file = this.#openFile();
    const count = this.#entryCount - this.#fileEntryCount;
    if (count === 0) return;
    appendToFile(file, this.#pending.subarray(0, count * this.entrySize), this.#fileEntryCount * this.entrySize);
    this.#fileEntryCount = this.#entryCount;
    this.#pageNumber = -1;
  }

  /** Writes what waits in memory if nothing more may wait: the next entry needs no write. @throws NoSpaceError */
  makeRoom(): void {
    if (this.#entryCount - this.#fileEntryCount === this.#entriesPerPage) this.writePending();
  }

  /** Everything appended so far survives a power loss afterwards. */
  async flush(): Promise<void> {
    this.writePending();
    await this.#openFile().sync();
  }

  flushSync(): void {
    this.writePending();
    this.#openFile().syncSync();
  }

  /** Safe to call twice. Writes what waits first. */
  close(): void {
    if (this.#entryCount > this.#fileEntryCount) this.writePending();
    this.closeHandlers();
    this.#pending = NO_BYTES;
    this.#page = NO_BYTES;
    this.#pageNumber = -1;
  }

  /** Until it is asked again: indexes of segments that nobody reads cost neither memory nor an open file. */
  release(): void {
    if (this.#entryCount === this.#fileEntryCount) this.close();
  }

  /** Lets go of the file without writing: the disk may be dead. */
  closeHandlers(): void {
    this.#file?.closeSync();
    this.#file = undefined;
  }

  /** Remembers only the name when there is no file. What waits in memory goes on waiting: a rename asks for no room. */
  renameTo(path: string): void {
    this.closeHandlers();
    if (this.#fileSystem.statSync(this.path) !== undefined) this.#fileSystem.renameSync(this.path, path);
    this.path = path;
  }

  deleteIfExists(): boolean {
    this.closeHandlers();
    return this.#fileSystem.removeFileSync(this.path);
  }

  /** Where the next entry is to be written: a place in memory of `entrySize` bytes at `position` of `bytes`. */
  protected nextEntry(): { bytes: Buffer; position: number } {
    if (this.#entryCount >= this.entriesMax) failAssertion(`${this.path} is full (${this.#entryCount} entries)`);
    if (this.#pending.length === 0) this.#pending = Buffer.alloc(this.#entriesPerPage * this.entrySize);
    this.makeRoom();
    const position = (this.#entryCount - this.#fileEntryCount) * this.entrySize;
    this.#entryCount++;
    return { bytes: this.#pending, position };
  }

  /** The 4 bytes at `within` of entry `entry`, unsigned or signed by the caller's choice. */
  protected readUInt32(entry: number, within: number): number {
    return this.#bytesOf(entry).readUInt32BE(this.#positionOf(entry) + within);
  }

  protected readInt32(entry: number, within: number): number {
    return this.#bytesOf(entry).readInt32BE(this.#positionOf(entry) + within);
  }

  /** How many entries, from the first, have a key at or below `target`: binary search, by page first. */
  protected countAtOrBelow(target: number, keyOf: (index: this, entry: number) => number): number {
    let low = 0;
    let high = this.#entryCount;
    // The newest entries and the page read last answer most questions without a read.
    const pendingStart = this.#fileEntryCount;
    if (pendingStart < high && keyOf(this, pendingStart) <= target) low = pendingStart;
    else if (this.#pageNumber >= 0) {
      const first = this.#pageNumber * this.#entriesPerPage;
      const last = Math.min(first + this.#entriesPerPage, pendingStart) - 1;
      if (first <= last && keyOf(this, first) <= target && keyOf(this, last) >= target) [low, high] = [first, last + 1];
    }
    while (low < high) {
      const middle = (low + high) >> 1;
      if (keyOf(this, middle) <= target) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #positionOf(entry: number): number {
    if (entry >= this.#fileEntryCount) return (entry - this.#fileEntryCount) * this.entrySize;
    return (entry % this.#entriesPerPage) * this.entrySize;
  }

  #bytesOf(entry: number): Buffer {
    if (entry < 0 || entry >= this.#entryCount) {
      failAssertion(`${this.path} has no entry ${entry} (${this.#entryCount} entries)`);
    }
    if (entry >= this.#fileEntryCount) return this.#pending;
    const pageNumber = Math.floor(entry / this.#entriesPerPage);
    if (pageNumber !== this.#pageNumber) this.#readPage(pageNumber);
    return this.#page;
  }

  #readPage(pageNumber: number): void {
    const pageBytes = this.#entriesPerPage * this.entrySize;
    if (this.#page.length === 0) this.#page = Buffer.alloc(pageBytes);
    this.#pageNumber = -1;
    const position = pageNumber * pageBytes;
    const length = Math.min(pageBytes, this.#fileEntryCount * this.entrySize - position);
    const count = this.#openFile().readSync(this.#page, 0, length, position);
    if (count < length) {
      throw new StorageError(`${this.path} ended at ${position + count}, expected ${length - count} bytes more`, {
        code: 'EIO',
        path: this.path,
      });
    }
    this.#pageNumber = pageNumber;
  }

  #openFile(): File {
    this.#file ??= this.#fileSystem.openSync(this.path, 'read-write');
    return this.#file;
  }
}
