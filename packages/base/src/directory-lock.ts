// The `.lock` file of a log directory without native code: Node cannot flock. The file names its holder (pid, when that process
// started, which boot of the machine), is put in place atomically by a hard link, and counts as free when the holder is gone.
// A running Apache Kafka holds a POSIX lock on the same file; on Linux /proc/locks shows it and we refuse as well.
// Limit: holders in another container or machine on a shared volume cannot be seen.
// Source: Kafka's FileLock and LogManager.lockLogDirs (which also name the file).

import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import type { DirectoryLock } from './file-system.ts';

/** Contention resolves in one or two rounds; more means that somebody fights us. */
const ATTEMPTS_MAX = 10;
/** `ps` prints whole seconds, and the start of our own process is computed. */
const START_TIME_TOLERANCE_MS = 3000;

interface Holder {
  readonly pid: number;
  /** Linux: boot id and start in clock ticks. Elsewhere: milliseconds since 1970 of the start, to some seconds. */
  readonly started: string;
}

let lockCount = 0;

/** @returns undefined when a live process holds the lock, this one included */
export function lockDirectory(lockPath: string): DirectoryLock | undefined {
  const text = JSON.stringify({ pid: process.pid, started: startOf(process.pid) ?? '', number: lockCount++ });
  const ownPath = `${lockPath}.${process.pid}-${lockCount}`;
  fs.writeFileSync(ownPath, text);
  try {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      if (placeLock(ownPath, lockPath, text)) return heldLock(lockPath, text);
      if (isHeld(lockPath)) return undefined;
      removeStale(lockPath, `${ownPath}-stale`);
    }
    return undefined;
  } finally {
    fs.rmSync(ownPath, { force: true });
  }
}

function heldLock(lockPath: string, text: string): DirectoryLock {
  let released = false;
  return {
    releaseSync() {
      if (released) return;
      released = true;
      if (readText(lockPath) === text) fs.rmSync(lockPath, { force: true });
    },
  };
}

/** @returns false when a lock file is there already */
function placeLock(ownPath: string, lockPath: string, text: string): boolean {
  try {
    fs.linkSync(ownPath, lockPath);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    if (codeOf(error) === 'ENOENT') throw error;
  }
  // No hard links on this volume: creation is still exclusive, only not with its content in one step.
  try {
    fs.writeFileSync(lockPath, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Moves a dead holder's file away. If a live one slipped in between looking and moving, puts it back. */
function removeStale(lockPath: string, stalePath: string): void {
  try {
    fs.renameSync(lockPath, stalePath);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  if (isHeld(stalePath)) fs.linkSync(stalePath, lockPath);
  fs.rmSync(stalePath, { force: true });
}

function isHeld(lockPath: string): boolean {
  const text = readText(lockPath);
  if (text === undefined) return false;
  if (hasSystemLock(lockPath)) return true;
  const holder = parseHolder(text);
  return holder !== undefined && isAlive(holder);
}

function parseHolder(text: string): Holder | undefined {
  // Kafka leaves an empty file, a torn write anything: neither names a live holder.
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || !('pid' in value) || !('started' in value)) return undefined;
  const { pid, started } = value;
  if (typeof pid !== 'number' || !Number.isInteger(pid) || pid <= 0 || typeof started !== 'string') return undefined;
  return { pid, started };
}

function isAlive(holder: Holder): boolean {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    // EPERM: alive, another user's.
    if (codeOf(error) === 'ESRCH') return false;
  }
  const started = startOf(holder.pid);
  // Where the start cannot be asked for, the living pid decides: refusing is the safe answer.
  if (started === undefined || holder.started === '') return true;
  if (process.platform === 'linux') return started === holder.started;
  return Math.abs(Number(started) - Number(holder.started)) <= START_TIME_TOLERANCE_MS;
}

/** When process `pid` started, so that a pid used again is not taken for the holder. undefined: cannot be known here. */
function startOf(pid: number): string | undefined {
  if (process.platform === 'linux') return startOnLinux(pid);
  if (pid === process.pid) return String(Math.floor(Date.now() - process.uptime() * 1000));
  if (process.platform === 'win32') return undefined;
  try {
    const text = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
    });
    const startedMs = Date.parse(text.trim());
    return Number.isNaN(startedMs) ? undefined : String(startedMs);
  } catch {
    return undefined;
  }
}

function startOnLinux(pid: number): string | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  const bootId = readText('/proc/sys/kernel/random/boot_id');
  if (stat === undefined || bootId === undefined) return undefined;
  // The second field, the command in parentheses, may hold blanks; the start is field 22, the twentieth after it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return `${bootId.trim()}/${fields[19] ?? ''}`;
}

/** Whether some process holds a POSIX or BSD lock on the file, as Apache Kafka does while it runs. Linux only. */
function hasSystemLock(path: string): boolean {
  if (process.platform !== 'linux') return false;
  const locks = readText('/proc/locks');
  const inode = fs.statSync(path, { throwIfNoEntry: false })?.ino;
  if (locks === undefined || inode === undefined) return false;
  return locks.split('\n').some((line) => line.split(/\s+/).some((field) => field.endsWith(`:${inode}`)));
}

function readText(path: string): string | undefined {
  try {
    return fs.readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'EACCES' || codeOf(error) === 'ESRCH') return undefined;
    throw error;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
