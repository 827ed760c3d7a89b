// Small text files that are replaced as a whole: written beside, synced, renamed over, directory synced. After any crash the file is
// the old one or the new one, and also when there is no room for the new one. Format: version, number of entries, one entry a line.
// Source: Kafka's CheckpointFile and CheckpointFileWithFailureHandler (3.9).

import { dirname } from 'node:path';
import { type File, type FileSystem, NoSpaceError, StorageError } from '@ottla/base';

/** Replaces `path` by `bytes`. @throws NoSpaceError when nothing changed, StorageError
 *  @param options.durable false: without a sync, for a file that may be lost with the power until its log is flushed */
export function replaceFileSync(
  fileSystem: FileSystem,
  path: string,
  bytes: Buffer,
  options: { durable?: boolean } = {},
): void {
  const durable = options.durable !== false;
  const file = writeTemporary(fileSystem, path, bytes);
  try {
    if (durable) file.syncSync();
  } finally {
    file.closeSync();
  }
  fileSystem.renameSync(file.path, path);
  if (durable) fileSystem.syncDirectorySync(dirname(path));
}

/** `replaceFileSync` that waits for the disk off the event loop. One at a time for a path. */
export async function replaceFile(fileSystem: FileSystem, path: string, bytes: Buffer): Promise<void> {
  const file = writeTemporary(fileSystem, path, bytes);
  try {
    await file.sync();
  } finally {
    file.closeSync();
  }
  fileSystem.renameSync(file.path, path);
  await fileSystem.syncDirectory(dirname(path));
}

/** What will replace `path`, open and not synced. Nothing is left of it when there is no room. */
function writeTemporary(fileSystem: FileSystem, path: string, bytes: Buffer): File {
  const file = fileSystem.openSync(`${path}.tmp`, 'read-write');
  try {
    file.truncateSync(0);
    file.writeSync(bytes, 0);
    return file;
  } catch (error) {
    file.closeSync();
    if (error instanceof NoSpaceError) fileSystem.removeFileSync(file.path);
    throw error;
  }
}

/** Makes a file durable that was replaced without a sync. Its directory is the caller's to sync. */
export async function syncFile(fileSystem: FileSystem, path: string): Promise<void> {
  if (fileSystem.statSync(path) === undefined) return;
  const file = fileSystem.openSync(path, 'read-write');
  try {
    await file.sync();
  } finally {
    file.closeSync();
  }
}

/** Asks no more of the system than to open it: where there is one, a question before would be wasted.
 *  @returns undefined when there is no such file. @throws StorageError */
export function readFileIfExists(fileSystem: FileSystem, path: string): Buffer | undefined {
  try {
    return fileSystem.readFileSync(path);
  } catch (error) {
    if (error instanceof StorageError && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** A checkpoint file is not what its format says. */
export class CheckpointFormatError extends StorageError {
  constructor(path: string, problem: string) {
    super(`malformed checkpoint ${path}: ${problem}`, { code: 'EINVAL', path });
  }
}

export class CheckpointFile {
  readonly path: string;
  readonly #fileSystem: FileSystem;
  readonly #version: number;

  constructor(fileSystem: FileSystem, path: string, version = 0) {
    this.#fileSystem = fileSystem;
    this.path = path;
    this.#version = version;
  }

  /** @param lines entries without line ends */
  write(lines: readonly string[], options: { durable?: boolean } = {}): void {
    replaceFileSync(this.#fileSystem, this.path, this.#format(lines), options);
  }

  /** The same off the event loop. One at a time. */
  async writeAsync(lines: readonly string[]): Promise<void> {
    await replaceFile(this.#fileSystem, this.path, this.#format(lines));
  }

  /** @returns the entries; none when the file does not exist or is empty: Kafka creates an empty one first.
   *  @throws CheckpointFormatError */
  read(): string[] {
    const bytes = readFileIfExists(this.#fileSystem, this.path);
    if (bytes === undefined || bytes.length === 0) return [];
    const [version, count, ...rest] = bytes.toString('utf8').split(/\r?\n/);
    if (Number(version) !== this.#version || version === '') {
      throw new CheckpointFormatError(this.path, `version ${JSON.stringify(version)}, expected ${this.#version}`);
    }
    if (count === undefined || !/^[0-9]+$/.test(count)) {
      throw new CheckpointFormatError(this.path, `number of entries is ${JSON.stringify(count)}`);
    }
    const lines = rest.filter((line) => line !== '');
    if (lines.length !== Number(count)) {
      throw new CheckpointFormatError(this.path, `expected ${count} entries, got ${lines.length}`);
    }
    return lines;
  }

  exists(): boolean {
    return this.#fileSystem.statSync(this.path) !== undefined;
  }

  /** @throws CheckpointFormatError about a line of this file */
  refuse(line: string): never {
    throw new CheckpointFormatError(this.path, `bad entry ${JSON.stringify(line)}`);
  }

  #format(lines: readonly string[]): Buffer {
    return Buffer.from(`${this.#version}\n${lines.length}\n${lines.map((line) => `${line}\n`).join('')}`);
  }
}
