// The controller's events, one at a time: whatever an event awaits, no other one runs meanwhile, so its view of the context holds.
// Source: kafka.controller.ControllerEventManager.

import type { Logger } from '@ottla/base';

export interface ControllerEvent {
  /** Kafka's name of it. */
  readonly name: string;
  process(): Promise<void>;
  /** It was dropped before its turn: whoever waits for it must hear. */
  preempt?(): void;
}

interface Queued {
  readonly event: ControllerEvent;
  readonly done: () => void;
}

export class ControllerEventQueue {
  readonly #logger: Logger;
  /** What to do with an event that threw. It must not throw itself. */
  readonly #onError: (error: unknown, event: ControllerEvent) => Promise<void>;
  #waiting: Queued[] = [];
  #running: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: { logger: Logger; onError: (error: unknown, event: ControllerEvent) => Promise<void> }) {
    this.#logger = options.logger;
    this.#onError = options.onError;
  }

  get size(): number {
    return this.#waiting.length;
  }

  /** @returns when it was processed, or dropped */
  put(event: ControllerEvent): Promise<void> {
    if (this.#isClosed) {
      event.preempt?.();
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.#waiting.push({ event, done: resolve });
      this.#running ??= this.#run();
    });
  }

  /** Drops all that wait: they belong to a controller that is no more. */
  clearAndPut(event: ControllerEvent): Promise<void> {
    this.#clear();
    return this.put(event);
  }

  /** Drops what waits, waits for what runs. Safe to call twice. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#clear();
    await this.#running;
  }

  #clear(): void {
    const dropped = this.#waiting;
    this.#waiting = [];
    for (const { event, done } of dropped) {
      event.preempt?.();
      done();
    }
  }

  async #run(): Promise<void> {
    await Promise.resolve();
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      this.#logger.debug('processing a controller event', { event: next.event.name });
      try {
        await next.event.process();
      } catch (error) {
        await this.#onError(error, next.event);
      }
      next.done();
    }
    this.#running = undefined;
  }
}
