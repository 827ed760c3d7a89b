// Waiting for what other people's clients do in their own time.

import { setTimeout as sleep } from 'node:timers/promises';

const TIMEOUT_MS = 30_000;
const POLL_MS = 20;

/** Resolves when `condition` holds. @throws Error with `what` when it does not in 30 s */
export async function eventually(what: string, condition: () => boolean): Promise<void> {
  const deadlineMs = Date.now() + TIMEOUT_MS;
  while (!condition()) {
    if (Date.now() > deadlineMs) throw new Error(`timed out: ${what}`);
    await sleep(POLL_MS);
  }
}

/** `name-0` to `name-<count - 1>` */
export function numbered(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${name}-${i}`);
}
