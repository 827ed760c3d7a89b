// What a process has used, from Linux' /proc; NaN elsewhere.

import { existsSync, readFileSync } from 'node:fs';

const TICKS_PER_SECOND = 100;
const USER_TICKS_AT = 11;

/** Seconds of processor time, in user and in kernel mode, of all its threads. */
export function processorSeconds(pid: number): number {
  const path = `/proc/${pid}/stat`;
  if (!existsSync(path)) return Number.NaN;
  const text = readFileSync(path, 'utf8');
  // The second field is the name in parentheses, and may hold anything.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[USER_TICKS_AT]) + Number(fields[USER_TICKS_AT + 1])) / TICKS_PER_SECOND;
}

/** Bytes it has read, from the page cache or the disk. */
export function bytesRead(pid: number): number {
  const path = `/proc/${pid}/io`;
  if (!existsSync(path)) return Number.NaN;
  return Number(/^rchar: (\d+)/m.exec(readFileSync(path, 'utf8'))?.[1]);
}
