// The port to time: every delay, deadline and timestamp in the project comes through a Clock, so that a test can turn it
// and a simulated cluster can own it.

/** A scheduled task. */
export interface Timer {
  /** After this returns the task will not run. Safe to call twice, and after the task ran. */
  cancel(): void;
}

export interface Clock {
  /** Wall-clock milliseconds since 1970, whole. May step backwards when the machine's clock is set. */
  nowMs(): number;
  /** Milliseconds from an arbitrary start, fractional, never backwards. For durations and deadlines. */
  monotonicMs(): number;
  /** Runs `task` once, `delayMs` or a little more from now. Any delay from 0 to Infinity is legal; Infinity never fires. */
  schedule(delayMs: number, task: () => void): Timer;
}

/** Resolves after `delayMs` on `clock`. */
export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.schedule(delayMs, resolve);
  });
}
