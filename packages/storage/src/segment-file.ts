// The bytes of one segment: appended to, read in slices that outlive the segment, cut, synced. Opened when first needed.
// Source: Kafka's FileRecords (3.9).

import {
  appendToFile,
  assert,
  type ByteSource,
  type Clock,
  type File,
  type FileSystem,
  failAssertion,
  StorageError,
} from '@ottla/base';
import { ReadPace } from './read-pace.ts';

/** What this process wrote last is taken to be in the page cache still; reading anything else may mean to wait for the disk. */
const WARM_BYTES = 64 * 1024 * 1024;

export class SegmentFile {
  #path: string;
  readonly #fileSystem: FileSystem;
  readonly #clock: Clock;
  #file: SharedFile | undefined;
  #sizeInBytes: number;
  /** Bytes before were there when the file was opened, or it is not written to any more: they may be on the disk only. */
  #coldBytes: number;
  /** Or another's: a flush that was under way must not create it anew. */
  #isDeleted = false;

  /** @param clock for how long reads of old bytes take */
  constructor(fileSystem: FileSystem, clock: Clock, path: string) {
    this.#fileSystem = fileSystem;
    this.#clock = clock;
    this.#path = path;
    this.#sizeInBytes = fileSystem.statSync(path)?.sizeInBytes ?? 0;
    this.#coldBytes = this.#sizeInBytes;
  }

  get path(): string {
    return this.#path;
  }

  get sizeInBytes(): number {
    return this.#sizeInBytes;
  }

  get isOpen(): boolean {
    return this.#file !== undefined;
  }

  get isDeleted(): boolean {
    return this.#isDeleted;
  }

  get lastModifiedMs(): number {
    return this.#fileSystem.statSync(this.#path)?.modifiedMs ?? 0;
  }

  setLastModifiedMs(modifiedMs: number): void {
    this.#open().file.setModifiedTimeSync(modifiedMs);
  }

  /** The file exists afterwards, even when nothing is ever appended. */
  create(): void {
    this.#open();
  }

  /** Into the page cache: the bytes survive the death of this process, not of the machine. @throws NoSpaceError when none was written */
  append(bytes: Buffer): void {
    appendToFile(this.#open().file, bytes, this.#sizeInBytes);
    this.#sizeInBytes += bytes.length;
  }

  /** @returns bytes read; less than asked only at the end */
  readSync(target: Buffer, targetOffset: number, length: number, position: number): number {
    return this.#open().file.readSync(target, targetOffset, length, position);
  }

  /** Bytes [position, position + sizeInBytes), readable until released even when the segment is deleted meanwhile. */
  slice(position: number, sizeInBytes: number): ByteSource {
    const file = this.#open();
    file.retain();
    const isWarm = position >= Math.max(this.#coldBytes, this.#sizeInBytes - WARM_BYTES);
    if (isWarm) return new FileSlice(file, position, sizeInBytes);
    return new ColdFileSlice(file, position, sizeInBytes);
  }

  /** Nothing is appended any more: from now on its bytes may leave the page cache. */
  onBecomeInactive(): void {
    this.#coldBytes = this.#sizeInBytes;
  }

  /** @returns bytes cut off */
  truncateTo(sizeInBytes: number): number {
    const cut = this.#sizeInBytes - sizeInBytes;
    assert(cut >= 0, `cannot truncate ${this.#path} from ${this.#sizeInBytes} to ${sizeInBytes} bytes`);
    if (cut === 0) return 0;
    this.#open().file.truncateSync(sizeInBytes);
    this.#sizeInBytes = sizeInBytes;
    return cut;
  }

  async flush(): Promise<void> {
    if (!this.#isDeleted) await this.#open().file.sync();
  }

  flushSync(): void {
    this.#open().file.syncSync();
  }

  /** Closed first: Windows does not rename what is open. */
  renameTo(path: string): void {
    this.close();
    this.#fileSystem.renameSync(this.#path, path);
    this.#path = path;
  }

  /** The directory was renamed: the open file stays valid. */
  movedTo(path: string): void {
    this.#path = path;
  }

  /** Slices stay readable. Safe to call twice; the file opens again when it is needed. */
  close(): void {
    this.#file?.release();
    this.#file = undefined;
  }

  /** The file is another's from now on. */
  handOver(): void {
    this.#isDeleted = true;
    this.close();
  }

  deleteIfExists(): boolean {
    this.handOver();
    return this.#fileSystem.removeFileSync(this.#path);
  }

  /** The same off the event loop. */
  delete(): Promise<boolean> {
    this.handOver();
    return this.#fileSystem.removeFile(this.#path);
  }

  #open(): SharedFile {
    if (this.#isDeleted) failAssertion(`${this.#path} is used after it was deleted`);
    this.#file ??= new SharedFile(this.#fileSystem, this.#clock, this.#path);
    return this.#file;
  }
}

/** An open file that closes when its segment and the last slice have let go of it. */
class SharedFile {
  readonly file: File;
  readonly clock: Clock;
  readonly #fileSystem: FileSystem;
  #holders = 1;
  #pace: ReadPace | undefined;

  constructor(fileSystem: FileSystem, clock: Clock, path: string) {
    this.#fileSystem = fileSystem;
    this.clock = clock;
    this.file = fileSystem.openSync(path, 'read-write');
  }

  /** Of the reads behind what is warm. */
  get pace(): ReadPace {
    this.#pace ??= new ReadPace(this.#fileSystem);
    return this.#pace;
  }

  retain(): void {
    if (this.#holders === 0) failAssertion(`${this.file.path} is closed`);
    this.#holders++;
  }

  release(): void {
    if (this.#holders === 0) failAssertion(`${this.file.path} was released too often`);
    if (--this.#holders === 0) this.file.closeSync();
  }
}

class FileSlice implements ByteSource {
  readonly sizeInBytes: number;
  protected readonly shared: SharedFile;
  /** Of the slice in the file. */
  protected readonly start: number;
  #isReleased = false;

  constructor(shared: SharedFile, start: number, sizeInBytes: number) {
    this.shared = shared;
    this.start = start;
    this.sizeInBytes = sizeInBytes;
  }

  protected get file(): File {
    return this.shared.file;
  }

  readSync(target: Buffer, position: number): number {
    const length = this.lengthAt(target, position);
    return length <= 0 ? 0 : this.file.readSync(target, 0, length, this.start + position);
  }

  release(): void {
    if (this.#isReleased) failAssertion(`a slice of ${this.file.path} was released twice`);
    this.#isReleased = true;
    this.shared.release();
  }

  /** How much of `target` there is to fill from `position` on. */
  protected lengthAt(target: Buffer, position: number): number {
    const { path } = this.file;
    if (this.#isReleased)
      throw new StorageError(`a slice of ${path} was read after its release`, { code: 'EBADF', path });
    return Math.min(target.length, this.sizeInBytes - position);
  }
}

/** The same, where reading may have to wait for the disk. */
class ColdFileSlice extends FileSlice {
  get mayWait(): boolean {
    return this.shared.pace.mayWait;
  }

  override readSync(target: Buffer, position: number): number {
    const { clock, pace } = this.shared;
    const startedMs = clock.monotonicMs();
    const count = super.readSync(target, position);
    pace.noteOnLoop(clock.monotonicMs() - startedMs, count);
    return count;
  }

  async read(target: Buffer, position: number): Promise<number> {
    const length = this.lengthAt(target, position);
    if (length <= 0) return 0;
    const { clock, pace } = this.shared;
    const startedMs = clock.monotonicMs();
    const count = await this.file.read(target.subarray(0, length), this.start + position);
    pace.noteOffLoop(clock.monotonicMs() - startedMs);
    return count;
  }
}

/** What a fetch that found nothing carries. */
export const EMPTY_SOURCE: ByteSource = {
  sizeInBytes: 0,
  readSync: () => 0,
  release() {},
};
