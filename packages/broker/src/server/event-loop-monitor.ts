// How long the event loop keeps a task waiting that is due: the one number that shows whether anything blocks the whole broker.

import type { Clock, Histogram, Logger, MetricsRegistry, Timer } from '@ottla/base';

const INTERVAL_MS = 500;
/** A delay that clients notice. */
const SLOW_MS = 1000;

export class EventLoopMonitor {
  readonly name = 'event loop monitor';
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #delayMs: Histogram;
  #timer: Timer | undefined;

  constructor(options: { readonly clock: Clock; readonly logger: Logger; readonly metrics: MetricsRegistry }) {
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#delayMs = options.metrics.histogram({ group: 'ottla', type: 'EventLoop', name: 'DelayMs' });
  }

  start(): void {
    const dueMs = this.#clock.monotonicMs() + INTERVAL_MS;
    this.#timer = this.#clock.schedule(INTERVAL_MS, () => {
      const delayMs = Math.max(0, this.#clock.monotonicMs() - dueMs);
      this.#delayMs.update(delayMs);
      if (delayMs >= SLOW_MS) this.#logger.warn('the event loop was blocked', { delayMs: Math.round(delayMs) });
      this.start();
    });
  }

  close(): void {
    this.#timer?.cancel();
  }
}
