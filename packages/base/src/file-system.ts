// The port to disks. Synchronous where the log needs it (a write to the page cache is microseconds), asynchronous where the disk
// itself is waited for. Implementations: node-file-system.ts, and memory-file-system.ts, which can lose and break things on purpose.

/** What went wrong with a disk. `code` is the operating system's (ENOSPC, EIO, ENOENT …). */
export class StorageError extends Error {
  override readonly name: string = 'StorageError';
  readonly code: string;
  readonly path: string;

  constructor(message: string, options: { code: string; path: string; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.code = options.code;
    this.path = options.path;
  }
}

/** There is no room for what was to be written or created: the volume is full, or a quota used up. What was there is unharmed, though
 *  a part of the bytes may stand where they were to go; with room the same call works. Only writes, and calls that make a file or a
 *  directory, fail with this. A sync never does, whatever the system says: what it lost cannot be told. Nor does a rename, which may be
 *  one of several that belong together. */
export class NoSpaceError extends StorageError {
  override readonly name = 'NoSpaceError';
}

export interface FileStat {
  readonly sizeInBytes: number;
  readonly isDirectory: boolean;
  readonly modifiedMs: number;
}

/** An open file. Positions are bytes from the start; there is no cursor. */
export interface File {
  readonly path: string;
  /** Reads up to `length` bytes at `position` into `target` at `targetOffset`. @returns bytes read, 0 at the end */
  readSync(target: Buffer, targetOffset: number, length: number, position: number): number;
  /** Fills as much of `target` as there is from `position` on, off the event loop. @returns bytes read, 0 at the end */
  read(target: Buffer, position: number): Promise<number>;
  /** Writes all of `bytes` at `position`, or throws. @throws NoSpaceError */
  writeSync(bytes: Buffer, position: number): void;
  /** Writes all of `buffers` one after the other from `position`, or throws. @throws NoSpaceError */
  writevSync(buffers: readonly Buffer[], position: number): void;
  truncateSync(sizeInBytes: number): void;
  sizeSync(): number;
  setModifiedTimeSync(modifiedMs: number): void;
  /** After this returned the bytes written so far survive a power loss. */
  syncSync(): void;
  /** The same off the event loop. */
  sync(): Promise<void>;
  /** Safe to call twice. */
  closeSync(): void;
}

/** A lock on a directory, held by at most one process, freed by the system's means when that process dies. */
export interface DirectoryLock {
  /** Safe to call twice. */
  releaseSync(): void;
}

/** All methods throw StorageError. */
export interface FileSystem {
  /** 'read': must exist. 'read-write': created when absent. 'create': must not exist. @throws NoSpaceError */
  openSync(path: string, mode: 'read' | 'read-write' | 'create'): File;
  readFileSync(path: string): Buffer;
  /** undefined when nothing is there. */
  statSync(path: string): FileStat | undefined;
  /** Names, not paths, sorted. */
  readDirectorySync(path: string): string[];
  /** Creates parents too; does nothing when it exists. @throws NoSpaceError */
  makeDirectorySync(path: string): void;
  /** Replaces what is at `to`. */
  renameSync(from: string, to: string): void;
  /** @returns false when nothing was there */
  removeFileSync(path: string): boolean;
  /** The same off the event loop: to give back a large file takes the system tens of milliseconds. */
  removeFile(path: string): Promise<boolean>;
  /** With all it holds; nothing happens when it is absent. */
  removeDirectorySync(path: string): void;
  removeDirectory(path: string): Promise<void>;
  /** After this returned, names created, renamed and removed in the directory survive a power loss. */
  syncDirectorySync(path: string): void;
  syncDirectory(path: string): Promise<void>;
  /** Bytes of the volume that holds `path`. */
  volumeSync(path: string): { totalBytes: number; usableBytes: number };
  /** How often, or how much, this process has read from disks so far: unchanged means that everything read meanwhile was in memory.
   *  NaN, which equals nothing, where the system does not say. */
  diskReads(): number;
  /** Takes `<path>/.lock`. @returns undefined when another process (or another lock of this one) holds it */
  lockDirectorySync(path: string): DirectoryLock | undefined;
}
