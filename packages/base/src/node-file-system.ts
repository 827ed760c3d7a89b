// The real disk, through node:fs. The only place that imports it. What Node throws becomes StorageError with the system's code.

import * as fs from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { lockDirectory } from './directory-lock.ts';
import {
  type DirectoryLock,
  type File,
  type FileStat,
  type FileSystem,
  NoSpaceError,
  StorageError,
} from './file-system.ts';
import { VolumeWaits } from './volume-waits.ts';

/** writev takes at most IOV_MAX buffers at once; POSIX systems of today say 1024. */
const WRITEV_BUFFERS_MAX = 1024;

/** Of a directory; each time 100 ms later than before. */
const REMOVE_RETRIES_MAX = 5;

/** libuv's own number, unless UV_THREADPOOL_SIZE says otherwise. */
const THREADS_DEFAULT = 4;

/** Linux counts blocks that came from a disk; other systems count other things. */
const COUNTS_DISK_READS = process.platform === 'linux';

/** Of all file systems of this thread. Node's other threads use the same ones, but sync one file at a time. */
const syncs = new VolumeWaits(syncLimits(Number(process.env.UV_THREADPOOL_SIZE) || THREADS_DEFAULT));

/** Fewer for one volume would be safer still, but a call that waits here reaches its disk later than one that waits in libuv's queue. */
function syncLimits(threadCount: number): { perVolumeMax: number; inAllMax: number } {
  return { perVolumeMax: Math.max(1, Math.floor(threadCount * 0.75)), inAllMax: threadCount - 1 };
}

const OPEN_FLAGS = {
  read: fs.constants.O_RDONLY,
  'read-write': fs.constants.O_RDWR | fs.constants.O_CREAT,
  create: fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_EXCL,
} as const;

/** The error of a system call as the port's error. Our own bugs (a bad argument) pass through unchanged. */
function toStorageError(operation: string, path: string, cause: unknown): unknown {
  if (!(cause instanceof Error) || !('code' in cause) || typeof cause.code !== 'string') return cause;
  if (cause.code.startsWith('ERR_')) return cause;
  return new StorageError(`cannot ${operation} ${path}: ${cause.message}`, { code: cause.code, path, cause });
}

/** The same of a call that needs room. */
function toRoomError(operation: string, path: string, cause: unknown): unknown {
  const error = toStorageError(operation, path, cause);
  if (!(error instanceof StorageError) || (error.code !== 'ENOSPC' && error.code !== 'EDQUOT')) return error;
  return new NoSpaceError(error.message, { code: error.code, path, cause });
}

function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code);
}

/** Of `readWhole`, from one call to the next. */
const smallFile = Buffer.alloc(4096);

/** Most files that are read whole are a few lines: those need neither a question for their size nor a second read. */
function readWhole(fd: number): Buffer {
  const count = fs.readSync(fd, smallFile, 0, smallFile.length, 0);
  return count < smallFile.length ? Buffer.from(smallFile.subarray(0, count)) : fs.readFileSync(fd);
}

/** Of a directory. */
async function syncOpened(path: string): Promise<void> {
  const handle = await fs.promises.open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

class NodeFile implements File {
  readonly path: string;
  #fd: number;
  /** Calls under way off the loop: the descriptor is closed after the last one, so that it can never be another file's. */
  #pendingCount = 0;
  #closed = false;
  /** The volume it is on; undefined until it is asked for. */
  #volume: number | undefined;

  constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
  }

  readSync(target: Buffer, targetOffset: number, length: number, position: number): number {
    try {
      return fs.readSync(this.#openFd(), target, targetOffset, length, position);
    } catch (error) {
      throw toStorageError('read', this.path, error);
    }
  }

  read(target: Buffer, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.read(this.#borrowFd(), target, 0, target.length, position, (error, count) => {
        this.#giveBackFd();
        if (error === null) resolve(count);
        else reject(toStorageError('read', this.path, error));
      });
    });
  }

  writeSync(bytes: Buffer, position: number): void {
    try {
      const fd = this.#openFd();
      let written = fs.writeSync(fd, bytes, 0, bytes.length, position);
      while (written < bytes.length) {
        written += fs.writeSync(fd, bytes, written, bytes.length - written, position + written);
      }
    } catch (error) {
      throw toRoomError('write', this.path, error);
    }
  }

  writevSync(buffers: readonly Buffer[], position: number): void {
    const only = buffers[0];
    if (buffers.length === 1 && only !== undefined) {
      this.writeSync(only, position);
      return;
    }
    for (let first = 0; first < buffers.length; first += WRITEV_BUFFERS_MAX) {
      position += this.#writeGroup(buffers.slice(first, first + WRITEV_BUFFERS_MAX), position);
    }
  }

  truncateSync(sizeInBytes: number): void {
    try {
      fs.ftruncateSync(this.#openFd(), sizeInBytes);
    } catch (error) {
      throw toStorageError('truncate', this.path, error);
    }
  }

  sizeSync(): number {
    try {
      return fs.fstatSync(this.#openFd()).size;
    } catch (error) {
      throw toStorageError('stat', this.path, error);
    }
  }

  setModifiedTimeSync(modifiedMs: number): void {
    try {
      fs.futimesSync(this.#openFd(), modifiedMs / 1000, modifiedMs / 1000);
    } catch (error) {
      throw toStorageError('set the time of', this.path, error);
    }
  }

  syncSync(): void {
    try {
      fs.fdatasyncSync(this.#openFd());
    } catch (error) {
      throw toStorageError('sync', this.path, error);
    }
  }

  async sync(): Promise<void> {
    const fd = this.#borrowFd();
    try {
      this.#volume ??= fs.fstatSync(fd).dev;
      await syncs.run(this.#volume, () => promisify(fs.fdatasync)(fd));
    } catch (error) {
      throw toStorageError('sync', this.path, error);
    } finally {
      this.#giveBackFd();
    }
  }

  closeSync(): void {
    this.#closed = true;
    this.#closeWhenIdle();
  }

  /** For a call off the loop. Every one gives it back when it is over. */
  #borrowFd(): number {
    const fd = this.#openFd();
    this.#pendingCount++;
    return fd;
  }

  #giveBackFd(): void {
    this.#pendingCount--;
    if (this.#closed) this.#closeWhenIdle();
  }

  #closeWhenIdle(): void {
    if (this.#pendingCount > 0 || this.#fd === -1) return;
    const fd = this.#fd;
    this.#fd = -1;
    try {
      fs.closeSync(fd);
    } catch (error) {
      throw toStorageError('close', this.path, error);
    }
  }

  #openFd(): number {
    if (this.#closed) throw new StorageError(`${this.path} is closed`, { code: 'EBADF', path: this.path });
    return this.#fd;
  }

  /** One writev, and the rest by hand when the system took only a part. @returns bytes written */
  #writeGroup(buffers: readonly Buffer[], position: number): number {
    let size = 0;
    for (const buffer of buffers) size += buffer.length;
    let written: number;
    try {
      written = fs.writevSync(this.#openFd(), buffers, position);
    } catch (error) {
      throw toRoomError('write', this.path, error);
    }
    if (written < size) this.writeSync(Buffer.concat(buffers, size).subarray(written), position + written);
    return size;
  }
}

export class NodeFileSystem implements FileSystem {
  openSync(path: string, mode: 'read' | 'read-write' | 'create'): File {
    try {
      return new NodeFile(path, fs.openSync(path, OPEN_FLAGS[mode], 0o644));
    } catch (error) {
      throw toRoomError('open', path, error);
    }
  }

  readFileSync(path: string): Buffer {
    try {
      const fd = fs.openSync(path, OPEN_FLAGS.read);
      try {
        return readWhole(fd);
      } finally {
        fs.closeSync(fd);
      }
    } catch (error) {
      throw toStorageError('read', path, error);
    }
  }

  statSync(path: string): FileStat | undefined {
    try {
      const stat = fs.statSync(path, { throwIfNoEntry: false });
      if (stat === undefined) return undefined;
      return { sizeInBytes: stat.size, isDirectory: stat.isDirectory(), modifiedMs: Math.floor(stat.mtimeMs) };
    } catch (error) {
      throw toStorageError('stat', path, error);
    }
  }

  readDirectorySync(path: string): string[] {
    try {
      return fs.readdirSync(path).sort();
    } catch (error) {
      throw toStorageError('list', path, error);
    }
  }

  makeDirectorySync(path: string): void {
    try {
      fs.mkdirSync(path, { recursive: true });
    } catch (error) {
      throw toRoomError('create directory', path, error);
    }
  }

  renameSync(from: string, to: string): void {
    try {
      fs.renameSync(from, to);
    } catch (error) {
      throw toStorageError(`rename to ${to}`, from, error);
    }
  }

  removeFileSync(path: string): boolean {
    try {
      fs.unlinkSync(path);
      return true;
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return false;
      throw toStorageError('remove', path, error);
    }
  }

  async removeFile(path: string): Promise<boolean> {
    try {
      await fs.promises.unlink(path);
      return true;
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return false;
      throw toStorageError('remove', path, error);
    }
  }

  removeDirectorySync(path: string): void {
    try {
      fs.rmSync(path, { recursive: true, force: true });
    } catch (error) {
      throw toStorageError('remove directory', path, error);
    }
  }

  async removeDirectory(path: string): Promise<void> {
    try {
      // Who was about to write into it may do so meanwhile: then it is begun again.
      await fs.promises.rm(path, { recursive: true, force: true, maxRetries: REMOVE_RETRIES_MAX });
    } catch (error) {
      throw toStorageError('remove directory', path, error);
    }
  }

  syncDirectorySync(path: string): void {
    // Windows can neither open nor sync a directory; NTFS journals names itself.
    if (process.platform === 'win32') return;
    try {
      const fd = fs.openSync(path, 'r');
      try {
        fs.fsyncSync(fd);
      } finally {
        fs.closeSync(fd);
      }
    } catch (error) {
      throw toStorageError('sync directory', path, error);
    }
  }

  async syncDirectory(path: string): Promise<void> {
    if (process.platform === 'win32') return;
    try {
      await syncs.run(fs.statSync(path).dev, () => syncOpened(path));
    } catch (error) {
      throw toStorageError('sync directory', path, error);
    }
  }

  volumeSync(path: string): { totalBytes: number; usableBytes: number } {
    try {
      const stat = fs.statfsSync(path);
      return { totalBytes: stat.blocks * stat.bsize, usableBytes: stat.bavail * stat.bsize };
    } catch (error) {
      throw toStorageError('ask the volume of', path, error);
    }
  }

  diskReads(): number {
    return COUNTS_DISK_READS ? process.resourceUsage().fsRead : Number.NaN;
  }

  lockDirectorySync(path: string): DirectoryLock | undefined {
    try {
      return lockDirectory(join(path, '.lock'));
    } catch (error) {
      throw toStorageError('lock', path, error);
    }
  }
}
