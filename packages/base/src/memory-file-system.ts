// A disk in memory that loses and breaks things on purpose: it can stop the program at any step, forget what was not synced, be full,
// and fail to sync. Tests and the simulation run the log on it; a broker inside a test needs no directory at all.
//
// Two views are kept. The kernel's view is what system calls did: it survives a killed process (`restart`). The durable view is what
// was synced, file bytes by `sync` and names by `syncDirectory`: it is all that survives a power loss (`losePower`).

import { mustBePresent } from './assert.ts';
import type { Clock } from './clock.ts';
import {
  type DirectoryLock,
  type File,
  type FileStat,
  type FileSystem,
  NoSpaceError,
  StorageError,
} from './file-system.ts';
import { MEMORY_PAGE_BYTES, MemoryInode } from './memory-inode.ts';

class MemoryDirectory {
  readonly entries = new Map<string, MemoryInode | MemoryDirectory>();
  durableEntries = new Map<string, MemoryInode | MemoryDirectory>();
  readonly modifiedMs: number;

  constructor(modifiedMs: number) {
    this.modifiedMs = modifiedMs;
  }

  sync(): void {
    this.durableEntries = new Map(this.entries);
  }

  losePower(): void {
    this.entries.clear();
    for (const [name, node] of this.durableEntries) {
      this.entries.set(name, node);
      node.losePower();
    }
  }
}

export interface MemoryFileSystemOptions {
  /** For modification times; without it they are 0. */
  readonly clock?: Clock;
  /** What the volume holds; writes beyond it fail with ENOSPC and leave what fitted. */
  readonly capacityBytes?: number;
}

export class MemoryFileSystem implements FileSystem {
  /** Calls so far that changed or synced something. */
  stepCount = 0;
  /** What the volume holds. */
  capacityBytes: number;
  /** Syncs (of files and directories) of the paths it accepts fail with EIO. */
  failSyncOf: (path: string) => boolean = () => false;
  /** Every call on the paths it accepts fails with EIO: a disk that died. */
  failAllOf: (path: string) => boolean = () => false;
  /** Writes, and what makes files and directories, of the paths it accepts find no space. A write leaves its first half. */
  refuseSpaceOf: (path: string) => boolean = () => false;
  /** Calls so far that needed space. */
  spaceCallCount = 0;
  readonly #clock: Clock | undefined;
  #root: MemoryDirectory;
  readonly #locks = new Map<string, DirectoryLock>();
  #stopAtStep = Number.POSITIVE_INFINITY;
  #tearsWrite = false;
  #isStopped = false;
  #usedBytes = 0;

  constructor(options: MemoryFileSystemOptions = {}) {
    this.#clock = options.clock;
    this.capacityBytes = options.capacityBytes ?? Number.MAX_SAFE_INTEGER;
    this.#root = new MemoryDirectory(this.#nowMs());
  }

  /** Lets `count` more steps succeed; the next and every later call throws ESTOPPED.
   *  @param options.tearsWrite whether a write that is the stopped step leaves its first half behind */
  stopAfterSteps(count: number, options: { tearsWrite?: boolean } = {}): void {
    this.#stopAtStep = this.stepCount + count;
    this.#tearsWrite = options.tearsWrite === true;
  }

  /** True after the stop was reached or the system was left behind by `restart` or `losePower`. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** The disk as the kernel had it, for the next process: open files and locks of the old one are gone. The old system is dead. */
  restart(): MemoryFileSystem {
    this.#isStopped = true;
    const next = new MemoryFileSystem({
      ...(this.#clock === undefined ? {} : { clock: this.#clock }),
      capacityBytes: this.capacityBytes,
    });
    next.#root = this.#root;
    next.#usedBytes = usedBytes(this.#root);
    return next;
  }

  /** The disk after the power was cut: unsynced bytes and names are gone. */
  losePower(): MemoryFileSystem {
    this.#root.losePower();
    return this.restart();
  }

  openSync(path: string, mode: 'read' | 'read-write' | 'create'): File {
    this.#mustRun(path);
    const { parent, name } = this.#parentOf(path, 'open');
    const existing = parent.entries.get(name);
    if (existing instanceof MemoryDirectory) throw failure('EISDIR', 'open', path);
    if (existing !== undefined && mode === 'create') throw failure('EEXIST', 'open', path);
    if (existing !== undefined) return new MemoryFile(this, path, existing, mode === 'read');
    if (mode === 'read') throw failure('ENOENT', 'open', path);
    this.#step(path);
    this.#needSpace('open', path);
    const inode = new MemoryInode(this.#nowMs());
    parent.entries.set(name, inode);
    return new MemoryFile(this, path, inode, false);
  }

  readFileSync(path: string): Buffer {
    this.#mustRun(path);
    const inode = this.#nodeAt(path);
    if (inode === undefined) throw failure('ENOENT', 'read', path);
    if (inode instanceof MemoryDirectory) throw failure('EISDIR', 'read', path);
    const bytes = Buffer.alloc(inode.sizeInBytes);
    inode.read(bytes, 0, bytes.length, 0);
    return bytes;
  }

  statSync(path: string): FileStat | undefined {
    this.#mustRun(path);
    const node = this.#nodeAt(path);
    if (node === undefined) return undefined;
    const isDirectory = node instanceof MemoryDirectory;
    return { sizeInBytes: isDirectory ? 0 : node.sizeInBytes, isDirectory, modifiedMs: node.modifiedMs };
  }

  readDirectorySync(path: string): string[] {
    this.#mustRun(path);
    return [...this.#directoryAt(path, 'list').entries.keys()].sort();
  }

  makeDirectorySync(path: string): void {
    this.#mustRun(path);
    let directory = this.#root;
    for (const name of partsOf(path)) {
      let next = directory.entries.get(name);
      if (next instanceof MemoryInode) throw failure('ENOTDIR', 'create directory', path);
      if (next === undefined) {
        this.#step(path);
        this.#needSpace('create directory', path);
        next = new MemoryDirectory(this.#nowMs());
        directory.entries.set(name, next);
      }
      directory = next;
    }
  }

  renameSync(from: string, to: string): void {
    this.#mustRun(from);
    const source = this.#parentOf(from, 'rename');
    const target = this.#parentOf(to, 'rename');
    const node = source.parent.entries.get(source.name);
    const replaced = target.parent.entries.get(target.name);
    if (node === undefined) throw failure('ENOENT', 'rename', from);
    if (replaced === node) return;
    if (replaced instanceof MemoryDirectory && replaced.entries.size > 0) throw failure('ENOTEMPTY', 'rename', to);
    this.#step(from);
    if (replaced instanceof MemoryInode) this.#usedBytes -= replaced.allocatedBytes;
    source.parent.entries.delete(source.name);
    target.parent.entries.set(target.name, node);
  }

  removeFileSync(path: string): boolean {
    this.#mustRun(path);
    const node = this.#nodeAt(path);
    if (node === undefined) return false;
    if (node instanceof MemoryDirectory) throw failure('EISDIR', 'remove', path);
    this.#step(path);
    this.#usedBytes -= node.allocatedBytes;
    const { parent, name } = this.#parentOf(path, 'remove');
    return parent.entries.delete(name);
  }

  async removeFile(path: string): Promise<boolean> {
    return this.removeFileSync(path);
  }

  async removeDirectory(path: string): Promise<void> {
    this.removeDirectorySync(path);
  }

  removeDirectorySync(path: string): void {
    this.#mustRun(path);
    const node = this.#nodeAt(path);
    if (node === undefined) return;
    if (node instanceof MemoryInode) {
      this.removeFileSync(path);
      return;
    }
    // One step per name, as in the system: a stop in the middle leaves half a directory.
    for (const name of [...node.entries.keys()]) this.removeDirectorySync(`${path}/${name}`);
    this.#step(path);
    const { parent, name } = this.#parentOf(path, 'remove directory');
    parent.entries.delete(name);
  }

  syncDirectorySync(path: string): void {
    this.#mustRun(path);
    const directory = this.#directoryAt(path, 'sync directory');
    this.#step(path);
    if (this.failSyncOf(path)) throw failure('EIO', 'sync directory', path);
    directory.sync();
  }

  async syncDirectory(path: string): Promise<void> {
    this.syncDirectorySync(path);
  }

  volumeSync(path: string): { totalBytes: number; usableBytes: number } {
    this.#mustRun(path);
    return { totalBytes: this.capacityBytes, usableBytes: Math.max(0, this.capacityBytes - this.#usedBytes) };
  }

  diskReads(): number {
    return 0;
  }

  lockDirectorySync(path: string): DirectoryLock | undefined {
    this.#mustRun(path);
    this.#directoryAt(path, 'lock');
    const key = partsOf(path).join('/');
    if (this.#locks.has(key)) return undefined;
    const lock: DirectoryLock = {
      releaseSync: () => {
        if (this.#locks.get(key) === lock) this.#locks.delete(key);
      },
    };
    this.#locks.set(key, lock);
    return lock;
  }

  // What follows is for MemoryFile.

  writeInode(inode: MemoryInode, buffers: readonly Buffer[], position: number, path: string): void {
    this.#mustRun(path);
    this.#stepOrTear(inode, buffers, position, path);
    this.spaceCallCount++;
    for (const bytes of buffers) {
      const size = this.refuseSpaceOf(path) ? bytes.length >> 1 : this.#fitting(inode, position, bytes.length);
      const written = bytes.subarray(0, size);
      this.#usedBytes += inode.allocationFor(position, size);
      if (size > 0) inode.write(written, position);
      inode.modifiedMs = this.#nowMs();
      if (size < bytes.length) throw noSpace('write', path);
      position += size;
    }
  }

  truncateInode(inode: MemoryInode, sizeInBytes: number, path: string): void {
    this.#mustRun(path);
    this.#step(path);
    const before = inode.allocatedBytes;
    inode.truncate(sizeInBytes);
    this.#usedBytes += inode.allocatedBytes - before;
    inode.modifiedMs = this.#nowMs();
  }

  syncInode(inode: MemoryInode, path: string): void {
    this.#mustRun(path);
    this.#step(path);
    if (this.failSyncOf(path)) throw failure('EIO', 'sync', path);
    inode.sync();
  }

  /** Throws when the program was stopped or the disk died. */
  mustRun(path: string): void {
    this.#mustRun(path);
  }

  #mustRun(path: string): void {
    if (this.#isStopped) throw failure('ESTOPPED', 'use', path);
    if (this.failAllOf(path)) throw failure('EIO', 'use', path);
  }

  #needSpace(operation: string, path: string): void {
    this.spaceCallCount++;
    if (this.refuseSpaceOf(path)) throw noSpace(operation, path);
  }

  /** How many of `length` bytes at `position` there is room for, by the page. */
  #fitting(inode: MemoryInode, position: number, length: number): number {
    let size = length;
    while (size > 0 && this.#usedBytes + inode.allocationFor(position, size) > this.capacityBytes) {
      size = Math.max(0, size - ((position + size) % MEMORY_PAGE_BYTES || MEMORY_PAGE_BYTES));
    }
    return size;
  }

  #step(path: string): void {
    if (this.stepCount >= this.#stopAtStep) {
      this.#isStopped = true;
      throw failure('ESTOPPED', 'use', path);
    }
    this.stepCount++;
  }

  #stepOrTear(inode: MemoryInode, buffers: readonly Buffer[], position: number, path: string): void {
    if (this.stepCount >= this.#stopAtStep && this.#tearsWrite) {
      const bytes = Buffer.concat(buffers);
      inode.write(bytes.subarray(0, bytes.length >> 1), position);
    }
    this.#step(path);
  }

  #nodeAt(path: string): MemoryInode | MemoryDirectory | undefined {
    let node: MemoryInode | MemoryDirectory | undefined = this.#root;
    for (const name of partsOf(path)) {
      if (!(node instanceof MemoryDirectory)) return undefined;
      node = node.entries.get(name);
    }
    return node;
  }

  #directoryAt(path: string, operation: string): MemoryDirectory {
    const node = this.#nodeAt(path);
    if (node === undefined) throw failure('ENOENT', operation, path);
    if (node instanceof MemoryInode) throw failure('ENOTDIR', operation, path);
    return node;
  }

  #parentOf(path: string, operation: string): { parent: MemoryDirectory; name: string } {
    const parts = partsOf(path);
    const name = mustBePresent(parts.at(-1), `a name in ${path}`);
    return { parent: this.#directoryAt(parts.slice(0, -1).join('/'), operation), name };
  }

  #nowMs(): number {
    return this.#clock?.nowMs() ?? 0;
  }
}

class MemoryFile implements File {
  readonly path: string;
  readonly #system: MemoryFileSystem;
  readonly #inode: MemoryInode;
  readonly #isReadOnly: boolean;
  #isClosed = false;

  constructor(system: MemoryFileSystem, path: string, inode: MemoryInode, isReadOnly: boolean) {
    this.#system = system;
    this.path = path;
    this.#inode = inode;
    this.#isReadOnly = isReadOnly;
  }

  readSync(target: Buffer, targetOffset: number, length: number, position: number): number {
    this.#mustBeOpen();
    return this.#inode.read(target, targetOffset, length, position);
  }

  async read(target: Buffer, position: number): Promise<number> {
    return this.readSync(target, 0, target.length, position);
  }

  writeSync(bytes: Buffer, position: number): void {
    this.writevSync([bytes], position);
  }

  writevSync(buffers: readonly Buffer[], position: number): void {
    this.#mustBeWritable('write');
    this.#system.writeInode(this.#inode, buffers, position, this.path);
  }

  truncateSync(sizeInBytes: number): void {
    this.#mustBeWritable('truncate');
    this.#system.truncateInode(this.#inode, sizeInBytes, this.path);
  }

  sizeSync(): number {
    this.#mustBeOpen();
    return this.#inode.sizeInBytes;
  }

  setModifiedTimeSync(modifiedMs: number): void {
    this.#mustBeOpen();
    this.#inode.modifiedMs = modifiedMs;
  }

  syncSync(): void {
    this.#mustBeOpen();
    this.#system.syncInode(this.#inode, this.path);
  }

  async sync(): Promise<void> {
    this.syncSync();
  }

  closeSync(): void {
    this.#isClosed = true;
  }

  #mustBeOpen(): void {
    this.#system.mustRun(this.path);
    if (this.#isClosed) throw failure('EBADF', 'use', this.path);
  }

  #mustBeWritable(operation: string): void {
    this.#mustBeOpen();
    if (this.#isReadOnly) throw failure('EBADF', operation, this.path);
  }
}

function noSpace(operation: string, path: string): NoSpaceError {
  return new NoSpaceError(`cannot ${operation} ${path}: ENOSPC`, { code: 'ENOSPC', path });
}

function failure(code: string, operation: string, path: string): StorageError {
  return new StorageError(`cannot ${operation} ${path}: ${code}`, { code, path });
}

function partsOf(path: string): string[] {
  return path.split(/[/\\]/).filter((part) => part !== '' && part !== '.');
}

function usedBytes(directory: MemoryDirectory): number {
  let total = 0;
  for (const node of directory.entries.values()) {
    total += node instanceof MemoryDirectory ? usedBytes(node) : node.allocatedBytes;
  }
  return total;
}
