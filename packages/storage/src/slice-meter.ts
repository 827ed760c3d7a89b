// Cuts a cleaner's work into slices, after each of which its host is asked.

import type { Clock } from '@ottla/base';
import type { CleaningHost, SliceLimits } from './cleaning-host.ts';

export class SliceMeter {
  readonly #clock: Clock;
  readonly #host: CleaningHost;
  readonly #limits: SliceLimits;
  #startMs: number;
  #bytes = 0;

  constructor(options: { clock: Clock; host: CleaningHost; limits: SliceLimits }) {
    this.#clock = options.clock;
    this.#host = options.host;
    this.#limits = options.limits;
    this.#startMs = this.#clock.monotonicMs();
  }

  /** @param bytes read and written since it was asked last. @returns whether the slice has to end */
  isDue(bytes: number): boolean {
    this.#bytes += bytes;
    return this.#bytes >= this.#limits.sliceBytes || this.#tookMs() >= this.#limits.sliceMs;
  }

  /** @throws what the host throws */
  async endSlice(): Promise<void> {
    await this.#host.onSlice({ bytes: this.#bytes, tookMs: this.#tookMs() });
    this.#bytes = 0;
    this.#startMs = this.#clock.monotonicMs();
  }

  #tookMs(): number {
    return this.#clock.monotonicMs() - this.#startMs;
  }
}
