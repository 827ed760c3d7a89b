// An ordered list of named steps: started in order, closed in reverse. What was started is closed when a later step fails to start.

import type { Logger } from '@ottla/base';

export interface LifecycleStep {
  readonly name: string;
  start?(): Promise<void> | void;
  close?(): Promise<void> | void;
}

export class Lifecycle {
  readonly #logger: Logger;
  readonly #steps: readonly LifecycleStep[];
  /** Those that were started, or tried to. */
  readonly #begun: LifecycleStep[] = [];
  #starting: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(steps: readonly LifecycleStep[], logger: Logger) {
    this.#steps = steps;
    this.#logger = logger;
  }

  /** Safe to call twice. @throws what the failing step threw, after the steps before it were closed */
  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  /** Waits for a start that is under way. Every step gets its chance, even when one fails. Safe to call twice.
   *  @throws what the first failing step threw */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #start(): Promise<void> {
    for (const step of this.#steps) {
      if (this.#closing !== undefined) return;
      this.#begun.push(step);
      try {
        await step.start?.();
      } catch (error) {
        this.#logger.error('a step of the start failed', { step: step.name, cause: error });
        await this.#closeBegun().catch(() => {});
        throw error;
      }
    }
  }

  async #close(): Promise<void> {
    await this.#starting?.catch(() => {});
    await this.#closeBegun();
  }

  async #closeBegun(): Promise<void> {
    const failures: unknown[] = [];
    for (let step = this.#begun.pop(); step !== undefined; step = this.#begun.pop()) {
      try {
        await step.close?.();
      } catch (error) {
        this.#logger.error('a step of the stop failed', { step: step.name, cause: error });
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
