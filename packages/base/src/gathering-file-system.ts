// A file system that makes one write of many small ones. Requests of one connection that arrived together append to the same log one after
// the other; a system call for each would cost as much as all the rest of handling them.
//
//   together(   write a at 10 | write b at 11 | write c at 12   )   →   one write of abc at 10, before `together` returns
//
// Outside of `together` every write goes through at once. Inside, only a run of writes to one file, each where the one before it ended, is
// held back, and any other operation ends the run first: so the disk sees the same changes in the same order, and a process that dies
// leaves what it might have left without us.

import { type DirectoryLock, type File, type FileStat, type FileSystem, StorageError } from './file-system.ts';

const RUN_BYTES_MAX = 64 * 1024;
/** Larger writes cost more to copy than a system call. */
const SMALL_BYTES = 8 * 1024;

export class GatheringFileSystem implements FileSystem {
  readonly #inner: FileSystem;
  readonly #onFailure: (error: StorageError) => void;
  readonly #run = Buffer.alloc(RUN_BYTES_MAX);
  /** Bytes of the run that wait to be written; 0: there is no run. */
  #runBytes = 0;
  /** Where the run belongs. */
  #file: File | undefined;
  #position = 0;
  /** How many `together` are under way, one within another. */
  #depth = 0;
  /** What a run failed with inside the outermost `together`. */
  #failure: StorageError | undefined;

  /** @param onFailure hears of a run that could not be written, whoever's operation ended it */
  constructor(inner: FileSystem, onFailure: (error: StorageError) => void) {
    this.#inner = inner;
    this.#onFailure = onFailure;
  }

  /** Does `work`. When this returns, everything it wrote is with the system.
   *  @throws StorageError when some of it is not; also what `work` throws */
  together(work: () => void): void {
    let failure: StorageError | undefined;
    this.#depth++;
    try {
      work();
    } finally {
      this.#depth--;
      this.endRun();
      failure = this.#failure;
      if (this.#depth === 0) this.#failure = undefined;
    }
    if (failure !== undefined) throw failure;
  }

  /** For files. @returns whether the bytes wait with those before them */
  holdBack(file: File, bytes: Buffer, position: number): boolean {
    const size = bytes.length;
    if (this.#depth === 0 || size > SMALL_BYTES) return false;
    const isNext = this.#file === file && this.#position + this.#runBytes === position;
    if (!isNext || this.#runBytes + size > RUN_BYTES_MAX) {
      this.endRun();
      this.#file = file;
      this.#position = position;
    }
    bytes.copy(this.#run, this.#runBytes);
    this.#runBytes += size;
    return true;
  }

  /** Writes what was held back. Whoever calls is not to blame if that fails, so nothing is thrown here. */
  endRun(): void {
    const file = this.#file;
    const size = this.#runBytes;
    this.#file = undefined;
    this.#runBytes = 0;
    if (file === undefined || size === 0) return;
    try {
      file.writeSync(this.#run.subarray(0, size), this.#position);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      this.#failure ??= error;
      this.#onFailure(error);
    }
  }

  openSync(path: string, mode: 'read' | 'read-write' | 'create'): File {
    this.endRun();
    return new GatheringFile(this, this.#inner.openSync(path, mode));
  }

  readFileSync(path: string): Buffer {
    this.endRun();
    return this.#inner.readFileSync(path);
  }

  statSync(path: string): FileStat | undefined {
    this.endRun();
    return this.#inner.statSync(path);
  }

  readDirectorySync(path: string): string[] {
    this.endRun();
    return this.#inner.readDirectorySync(path);
  }

  makeDirectorySync(path: string): void {
    this.endRun();
    this.#inner.makeDirectorySync(path);
  }

  renameSync(from: string, to: string): void {
    this.endRun();
    this.#inner.renameSync(from, to);
  }

  removeFileSync(path: string): boolean {
    this.endRun();
    return this.#inner.removeFileSync(path);
  }

  removeDirectorySync(path: string): void {
    this.endRun();
    this.#inner.removeDirectorySync(path);
  }

  syncDirectorySync(path: string): void {
    this.endRun();
    this.#inner.syncDirectorySync(path);
  }

  syncDirectory(path: string): Promise<void> {
    this.endRun();
    return this.#inner.syncDirectory(path);
  }

  volumeSync(path: string): { totalBytes: number; usableBytes: number } {
    return this.#inner.volumeSync(path);
  }

  lockDirectorySync(path: string): DirectoryLock | undefined {
    this.endRun();
    return this.#inner.lockDirectorySync(path);
  }
}

class GatheringFile implements File {
  readonly #owner: GatheringFileSystem;
  readonly #inner: File;

  constructor(owner: GatheringFileSystem, inner: File) {
    this.#owner = owner;
    this.#inner = inner;
  }

  get path(): string {
    return this.#inner.path;
  }

  readSync(target: Buffer, targetOffset: number, length: number, position: number): number {
    this.#owner.endRun();
    return this.#inner.readSync(target, targetOffset, length, position);
  }

  read(target: Buffer, position: number): Promise<number> {
    this.#owner.endRun();
    return this.#inner.read(target, position);
  }

  writeSync(bytes: Buffer, position: number): void {
    if (this.#owner.holdBack(this.#inner, bytes, position)) return;
    this.#owner.endRun();
    this.#inner.writeSync(bytes, position);
  }

  writevSync(buffers: readonly Buffer[], position: number): void {
    this.#owner.endRun();
    this.#inner.writevSync(buffers, position);
  }

  truncateSync(sizeInBytes: number): void {
    this.#owner.endRun();
    this.#inner.truncateSync(sizeInBytes);
  }

  sizeSync(): number {
    this.#owner.endRun();
    return this.#inner.sizeSync();
  }

  setModifiedTimeSync(modifiedMs: number): void {
    this.#owner.endRun();
    this.#inner.setModifiedTimeSync(modifiedMs);
  }

  syncSync(): void {
    this.#owner.endRun();
    this.#inner.syncSync();
  }

  sync(): Promise<void> {
    this.#owner.endRun();
    return this.#inner.sync();
  }

  closeSync(): void {
    this.#owner.endRun();
    this.#inner.closeSync();
  }
}
