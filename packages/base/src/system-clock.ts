// The real clock. The only place that calls Date.now, performance.now and setTimeout.

import type { Clock, Timer } from './clock.ts';

/** Node fires a longer timeout at once; Kafka's defaults are full of longer ones. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;

/** A timer that re-arms itself until the whole delay has passed. */
class LongTimer implements Timer {
  readonly #task: () => void;
  readonly #dueMs: number;
  #handle: NodeJS.Timeout | undefined;

  constructor(delayMs: number, task: () => void) {
    this.#task = task;
    this.#dueMs = performance.now() + delayMs;
    this.#arm(delayMs);
  }

  cancel(): void {
    clearTimeout(this.#handle);
    this.#handle = undefined;
  }

  #arm(delayMs: number): void {
    this.#handle = setTimeout(() => this.#onTimeout(), Math.min(delayMs, TIMEOUT_MS_MAX));
  }

  #onTimeout(): void {
    const remainingMs = this.#dueMs - performance.now();
    if (remainingMs > 1) this.#arm(remainingMs);
    else this.#task();
  }
}

export class SystemClock implements Clock {
  nowMs(): number {
    return Date.now();
  }

  monotonicMs(): number {
    return performance.now();
  }

  schedule(delayMs: number, task: () => void): Timer {
    if (delayMs === Number.POSITIVE_INFINITY) return { cancel() {} };
    return new LongTimer(Math.max(0, delayMs), task);
  }
}
