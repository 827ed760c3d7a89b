// One speed limit for all who report what they did: each waits until time has paid for it, and for what was reported before.
// Source: Kafka's Throttler (3.9), which forgets time that was not used after 300 ms, too.

import { type Clock, sleep } from '@ottla/base';
import type { CleaningSlice } from './cleaning-host.ts';

/** For so long unused time may be saved up. */
const SAVED_MS = 300;
/** The longest sleep: the limit may change, and whoever stops a cleaner waits for it. */
const PAUSE_MAX_MS = 200;

export class Throttler {
  readonly #clock: Clock;
  readonly #bytesPerSecond: () => number;
  /** Ever. */
  #reportedBytes = 0;
  /** How many of them, or how many more, are paid for as of `#paidAtMs`. */
  #paidBytes = 0;
  #paidAtMs: number;

  constructor(clock: Clock, bytesPerSecond: () => number) {
    this.#clock = clock;
    this.#bytesPerSecond = bytesPerSecond;
    this.#paidAtMs = clock.monotonicMs();
  }

  /** Resolves when the next slice may begin. @param ensureMayGoOn asked again and again meanwhile. @throws what that throws */
  async maybeThrottle({ bytes, tookMs }: CleaningSlice, ensureMayGoOn: () => void): Promise<void> {
    this.#pay(Math.max(SAVED_MS, tookMs));
    this.#reportedBytes += bytes;
    const mine = this.#reportedBytes;
    for (let waitMs = this.#msUntilPaid(mine); waitMs >= 1; waitMs = this.#msUntilPaid(mine)) {
      await sleep(this.#clock, Math.min(waitMs, PAUSE_MAX_MS));
      ensureMayGoOn();
      this.#pay(SAVED_MS);
    }
  }

  #pay(savedMs: number): void {
    const nowMs = this.#clock.monotonicMs();
    const paid = this.#paidBytes + this.#bytesIn(nowMs - this.#paidAtMs);
    this.#paidBytes = Math.min(paid, this.#reportedBytes + this.#bytesIn(savedMs));
    this.#paidAtMs = nowMs;
  }

  #msUntilPaid(bytes: number): number {
    return ((bytes - this.#paidBytes) / this.#bytesPerSecond()) * 1000;
  }

  #bytesIn(ms: number): number {
    return (this.#bytesPerSecond() / 1000) * ms;
  }
}
