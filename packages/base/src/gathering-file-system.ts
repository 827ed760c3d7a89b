// A file system that makes one write of many. Requests of one connection that arrived together append to the same log one after the other; a
// system call for each small one would cost as much as all the rest of handling it, and one after each large one pushes the code of the rest
// out of the processor's caches.
//
//   together(   write a at 10 | write b at 11 | write c at 12   )   →   one write of abc at 10, before `together` returns
//
// Small ones are copied. Large ones are only held back when they lie in memory of which `together` was told that it stays as it is.
//
// Outside of `together` every write goes through at once. Inside, only a run of writes to one file, each where the one before it ended, is
// held back, and any other operation ends the run first: so the disk sees the same changes in the same order, and a process that dies
// leaves what it might have left without us.
//
// What is held back counts as written to those who wrote it, and cannot be taken back from them: so a run is only begun where the volume
// has plenty of room. On one that is nearly full, or that refused a write a moment ago, each write is on its own and may be refused.

import { dirname } from 'node:path';
import type { Clock } from './clock.ts';
import {
  type DirectoryLock,
  type File,
  type FileStat,
  type FileSystem,
  NoSpaceError,
  StorageError,
} from './file-system.ts';

const RUN_BYTES_MAX = 64 * 1024;
/** Larger writes cost more to copy than a system call. */
const SMALL_BYTES = 8 * 1024;
/** Of a run of lent bytes. */
const LENT_RUN_BYTES_MAX = 4 * 1024 * 1024;
/** A volume with less is nearly full: more than anybody else can write to it before a run is. */
const PLENTY_BYTES = 64 * 1024 * 1024;
/** How long a look at the volume's room holds. */
const ROOM_KNOWN_MS = 10;
/** How long a refusal holds. A quota shows nowhere else. */
const REFUSAL_KNOWN_MS = 10_000;

export class GatheringFileSystem implements FileSystem {
  readonly #inner: FileSystem;
  readonly #clock: Clock;
  readonly #onFailure: (error: StorageError) => void;
  /** Copies of what small writes brought. */
  readonly #run = Buffer.alloc(RUN_BYTES_MAX);
  /** A run has these, or copies. */
  #lentPieces: Buffer[] = [];
  /** Bytes of the run that wait to be written; 0: there is no run. */
  #runBytes = 0;
  /** Where the run belongs. */
  #file: File | undefined;
  #position = 0;
  /** How many `together` are under way, one within another. */
  #depth = 0;
  /** What the innermost of them was lent. */
  #lent: Buffer | undefined;
  /** What a run failed with inside the outermost `together`. */
  #failure: StorageError | undefined;
  /** By the directory two above a file: a log dir, mostly, of which there are few. */
  readonly #rooms = new Map<string, VolumeRoom>();
  /** No run is begun before this time of the monotonic clock. */
  #resumesMs = Number.NEGATIVE_INFINITY;

  /** @param options.onFailure hears of a run that could not be written, whoever's operation ended it */
  constructor(inner: FileSystem, options: { clock: Clock; onFailure: (error: StorageError) => void }) {
    this.#inner = inner;
    this.#clock = options.clock;
    this.#onFailure = options.onFailure;
  }

  /** Does `work`. When this returns, everything it wrote is with the system.
   *  @param lent after `work` has written any of these bytes they do not change until this returns
   *  @throws StorageError when some of it is not; also what `work` throws */
  together(work: () => void, lent?: Buffer): void {
    let failure: StorageError | undefined;
    const outer = this.#lent;
    this.#lent = lent;
    this.#depth++;
    try {
      work();
    } finally {
      this.#depth--;
      this.#lent = outer;
      this.endRun();
      failure = this.#failure;
      if (this.#depth === 0) this.#failure = undefined;
    }
    if (failure !== undefined) throw failure;
  }

  /** For files. @returns whether the bytes wait with those before them */
  holdBack(file: GatheringFile, bytes: Buffer, position: number): boolean {
    const isLarge = bytes.length > SMALL_BYTES;
    if (this.#depth === 0 || (isLarge && !this.#isLent(bytes))) return false;
    if (!this.#isNext(file, position) || !this.#hasRoomFor(bytes, isLarge)) {
      this.endRun();
      if (!this.#mayBegin(file)) return false;
      this.#file = file.inner;
      this.#position = position;
    }
    if (isLarge) this.#lentPieces.push(bytes);
    else bytes.copy(this.#run, this.#runBytes);
    this.#runBytes += bytes.length;
    return true;
  }

  #isLent(bytes: Buffer): boolean {
    const lent = this.#lent;
    if (lent === undefined || bytes.buffer !== lent.buffer) return false;
    const start = bytes.byteOffset - lent.byteOffset;
    return start >= 0 && start + bytes.length <= lent.length;
  }

  #isNext(file: GatheringFile, position: number): boolean {
    return this.#file === file.inner && this.#position + this.#runBytes === position;
  }

  /** Whether the run that there is may go on with `bytes`. */
  #hasRoomFor(bytes: Buffer, isLarge: boolean): boolean {
    const runBytes = this.#runBytes + bytes.length;
    if (isLarge !== this.#lentPieces.length > 0) return false;
    return runBytes <= (isLarge ? LENT_RUN_BYTES_MAX : RUN_BYTES_MAX);
  }

  /** For files: a write of their own found no space. */
  onRefused(): void {
    this.#resumesMs = this.#clock.monotonicMs() + REFUSAL_KNOWN_MS;
  }

  #mayBegin(file: GatheringFile): boolean {
    const nowMs = this.#clock.monotonicMs();
    return nowMs >= this.#resumesMs && file.room.isPlenty(nowMs);
  }

  /** Writes what was held back. Whoever calls is not to blame if that fails, so nothing is thrown here. */
  endRun(): void {
    const file = this.#file;
    const size = this.#runBytes;
    const lentPieces = this.#lentPieces;
    this.#file = undefined;
    this.#runBytes = 0;
    if (file === undefined || size === 0) return;
    try {
      if (lentPieces.length === 0) {
        file.writeSync(this.#run.subarray(0, size), this.#position);
      } else {
        this.#lentPieces = [];
        file.writevSync(lentPieces, this.#position);
      }
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      this.#failure ??= error;
      this.#onFailure(error);
    }
  }

  openSync(path: string, mode: 'read' | 'read-write' | 'create'): File {
    this.endRun();
    return new GatheringFile(this, this.#inner.openSync(path, mode), this.#roomOf(path));
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

  removeFile(path: string): Promise<boolean> {
    this.endRun();
    return this.#inner.removeFile(path);
  }

  removeDirectorySync(path: string): void {
    this.endRun();
    this.#inner.removeDirectorySync(path);
  }

  removeDirectory(path: string): Promise<void> {
    this.endRun();
    return this.#inner.removeDirectory(path);
  }

  syncDirectorySync(path: string): void {
    this.endRun();
    this.#inner.syncDirectorySync(path);
  }

  syncDirectory(path: string): Promise<void> {
    this.endRun();
    return this.#inner.syncDirectory(path);
  }

  #roomOf(path: string): VolumeRoom {
    const directory = dirname(dirname(path));
    let room = this.#rooms.get(directory);
    if (room === undefined) {
      room = new VolumeRoom(this.#inner, directory);
      this.#rooms.set(directory, room);
    }
    return room;
  }

  volumeSync(path: string): { totalBytes: number; usableBytes: number } {
    return this.#inner.volumeSync(path);
  }

  diskReads(): number {
    return this.#inner.diskReads();
  }

  lockDirectorySync(path: string): DirectoryLock | undefined {
    this.endRun();
    return this.#inner.lockDirectorySync(path);
  }
}

/** Whether a volume has room enough for whatever is held back. Files of many partitions share one, so that nobody asks the system for each. */
class VolumeRoom {
  readonly #fileSystem: FileSystem;
  /** Of a directory in the volume. */
  readonly #path: string;
  #isPlenty = false;
  /** When it was looked at, on the monotonic clock. */
  #lookedMs = Number.NEGATIVE_INFINITY;

  constructor(fileSystem: FileSystem, path: string) {
    this.#fileSystem = fileSystem;
    this.#path = path;
  }

  isPlenty(nowMs: number): boolean {
    if (nowMs - this.#lookedMs < ROOM_KNOWN_MS) return this.#isPlenty;
    this.#lookedMs = nowMs;
    this.#isPlenty = this.#usableBytes() >= PLENTY_BYTES;
    return this.#isPlenty;
  }

  /** 0 where the volume cannot be asked. */
  #usableBytes(): number {
    try {
      return this.#fileSystem.volumeSync(this.#path).usableBytes;
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      return 0;
    }
  }
}

class GatheringFile implements File {
  readonly #owner: GatheringFileSystem;
  readonly inner: File;
  readonly room: VolumeRoom;

  constructor(owner: GatheringFileSystem, inner: File, room: VolumeRoom) {
    this.#owner = owner;
    this.inner = inner;
    this.room = room;
  }

  get path(): string {
    return this.inner.path;
  }

  readSync(target: Buffer, targetOffset: number, length: number, position: number): number {
    this.#owner.endRun();
    return this.inner.readSync(target, targetOffset, length, position);
  }

  read(target: Buffer, position: number): Promise<number> {
    this.#owner.endRun();
    return this.inner.read(target, position);
  }

  writeSync(bytes: Buffer, position: number): void {
    if (this.#owner.holdBack(this, bytes, position)) return;
    this.#owner.endRun();
    try {
      this.inner.writeSync(bytes, position);
    } catch (error) {
      if (error instanceof NoSpaceError) this.#owner.onRefused();
      throw error;
    }
  }

  writevSync(buffers: readonly Buffer[], position: number): void {
    this.#owner.endRun();
    this.inner.writevSync(buffers, position);
  }

  truncateSync(sizeInBytes: number): void {
    this.#owner.endRun();
    this.inner.truncateSync(sizeInBytes);
  }

  sizeSync(): number {
    this.#owner.endRun();
    return this.inner.sizeSync();
  }

  setModifiedTimeSync(modifiedMs: number): void {
    this.#owner.endRun();
    this.inner.setModifiedTimeSync(modifiedMs);
  }

  syncSync(): void {
    this.#owner.endRun();
    this.inner.syncSync();
  }

  sync(): Promise<void> {
    this.#owner.endRun();
    return this.inner.sync();
  }

  closeSync(): void {
    this.#owner.endRun();
    this.inner.closeSync();
  }
}
