// Work that comes later: once, or again and again. Knows what is under way, so that a stop can wait for it.
// Source: Kafka's KafkaScheduler.

import { type Clock, type Logger, type Timer, yieldToEventLoop } from '@ottla/base';

export class KafkaScheduler {
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** Of tasks that wait for their time. */
  readonly #timers = new Set<Timer>();
  /** Tasks that run. */
  readonly #running = new Set<Promise<void>>();
  /** Nothing begins any more. */
  #isClosed = false;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Runs `task` after `delayMs`, unless the scheduler is closed by then. */
  after(delayMs: number, task: () => void): void {
    if (this.#isClosed) return;
    const timer = this.#clock.schedule(delayMs, () => {
      this.#timers.delete(timer);
      task();
    });
    this.#timers.add(timer);
  }

  /** Runs `task` with `intervalMs` between the end of one run and the beginning of the next. A run that fails is logged. */
  every(intervalMs: number, firstAfterMs: number, task: () => Promise<void>): void {
    const run = (): void => {
      const once = task()
        .catch((error: unknown) => {
          const problem = error instanceof Error ? error.message : String(error);
          this.#logger.error('a periodic task failed', { problem });
        })
        .then(() => this.after(intervalMs, run));
      this.#track(once);
    };
    this.after(firstAfterMs, run);
  }

  /** Runs `task` when the event loop had its turn. */
  soon(task: () => Promise<void>): void {
    if (!this.#isClosed) this.#track(yieldToEventLoop().then(task));
  }

  /** Drops what waits, and resolves when what runs is done. Safe to call twice. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    await Promise.all(this.#running);
  }

  #track(task: Promise<void>): void {
    const running = task.finally(() => this.#running.delete(running));
    this.#running.add(running);
  }
}
