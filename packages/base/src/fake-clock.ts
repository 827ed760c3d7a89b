// A clock that a test turns by hand.

import { assert } from './assert.ts';
import type { Clock, Timer } from './clock.ts';

interface Scheduled extends Timer {
  readonly dueMs: number;
  readonly sequence: number;
  readonly task: () => void;
}

/** Time stands still until `advance`. Tasks run in order of their due time, equal ones in the order they were scheduled. */
export class FakeClock implements Clock {
  #nowMs: number;
  #monotonicMs = 0;
  #sequence = 0;
  readonly #scheduled = new Set<Scheduled>();

  /** @param nowMs the wall clock at the start */
  constructor(nowMs = 1_700_000_000_000) {
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    return Math.floor(this.#nowMs);
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  schedule(delayMs: number, task: () => void): Timer {
    if (delayMs === Number.POSITIVE_INFINITY) return { cancel() {} };
    const scheduled: Scheduled = {
      dueMs: this.#monotonicMs + Math.max(0, delayMs),
      sequence: this.#sequence++,
      task,
      cancel: () => {
        this.#scheduled.delete(scheduled);
      },
    };
    this.#scheduled.add(scheduled);
    return scheduled;
  }

  /** How many tasks wait. */
  get pendingCount(): number {
    return this.#scheduled.size;
  }

  /** Moves time on by `byMs`, runs what falls due on the way, and lets promises settle after each task. */
  async advance(byMs: number): Promise<void> {
    assert(byMs >= 0, `time does not go back: ${byMs}`);
    const untilMs = this.#monotonicMs + byMs;
    await settle();
    for (let next = this.#nextDue(untilMs); next !== undefined; next = this.#nextDue(untilMs)) {
      this.#moveTo(next.dueMs);
      this.#scheduled.delete(next);
      next.task();
      await settle();
    }
    this.#moveTo(untilMs);
  }

  #moveTo(monotonicMs: number): void {
    this.#nowMs += monotonicMs - this.#monotonicMs;
    this.#monotonicMs = monotonicMs;
  }

  #nextDue(untilMs: number): Scheduled | undefined {
    let first: Scheduled | undefined;
    for (const candidate of this.#scheduled) {
      if (candidate.dueMs > untilMs) continue;
      if (first === undefined || isBefore(candidate, first)) first = candidate;
    }
    return first;
  }
}

function isBefore(a: Scheduled, b: Scheduled): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.sequence < b.sequence);
}

/** Lets everything that only waits for promises run: a macrotask turn empties the microtask queue. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
