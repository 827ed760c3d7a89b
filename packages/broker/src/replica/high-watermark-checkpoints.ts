// High watermarks survive a restart in a file of each log dir, replication-offset-checkpoint: written at an interval, and on close.
// Source: kafka.server.ReplicaManager (startHighWatermarkCheckPointThread, checkpointHighWatermarks).

import type { Clock, Logger, Timer } from '@ottla/base';

export interface HighWatermarkCheckpointsOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** replica.high.watermark.checkpoint.interval.ms */
  readonly intervalMs: number;
  /** Writes the files. */
  readonly checkpoint: () => Promise<void>;
}

export class HighWatermarkCheckpoints {
  readonly #options: HighWatermarkCheckpointsOptions;
  #timer: Timer | undefined;
  #running: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: HighWatermarkCheckpointsOptions) {
    this.#options = options;
  }

  /** Checkpoints at the interval from now on. Safe to call again. */
  start(): void {
    if (this.#timer === undefined && !this.#isClosed) this.#schedule();
  }

  /** Checkpoints once more, if it was started. Safe to call twice. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#running;
    if (this.#timer === undefined) return;
    this.#timer = undefined;
    await this.#checkpoint();
  }

  #schedule(): void {
    this.#timer = this.#options.clock.schedule(this.#options.intervalMs, () => {
      this.#running = this.#checkpoint().then(() => {
        if (!this.#isClosed) this.#schedule();
      });
    });
  }

  async #checkpoint(): Promise<void> {
    try {
      await this.#options.checkpoint();
    } catch (error) {
      this.#options.logger.error('cannot checkpoint high watermarks', { error });
    }
  }
}
