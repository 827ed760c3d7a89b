// The clients whose telemetry is followed: the least recently seen one goes when there are too many, and each goes when it was silent long
// enough. Source: ClientMetricsManager (clientInstanceCache, ExpirationTimerTask).

import type { Clock, Timer, Uuid } from '@ottla/base';
import type { ClientMetricsInstance } from './client-metrics-instance.ts';

interface Cached {
  readonly instance: ClientMetricsInstance;
  readonly expiry: Timer;
}

export class ClientMetricsCache {
  readonly #clock: Clock;
  readonly #sizeMax: number;
  /** Least recently used first. */
  readonly #cached = new Map<Uuid, Cached>();

  constructor(clock: Clock, sizeMax: number) {
    this.#clock = clock;
    this.#sizeMax = sizeMax;
  }

  get size(): number {
    return this.#cached.size;
  }

  get(id: Uuid): ClientMetricsInstance | undefined {
    return this.#cached.get(id)?.instance;
  }

  /** Keeps `instance` for `expiryMs` from now, instead of the one with its id. */
  put(instance: ClientMetricsInstance, expiryMs: number): void {
    const id = instance.clientInstanceId;
    this.#remove(id);
    const expiry = this.#clock.schedule(expiryMs, () => this.#remove(id));
    this.#cached.set(id, { instance, expiry });
    if (this.#cached.size <= this.#sizeMax) return;
    for (const leastRecentlyUsed of this.#cached.keys()) {
      this.#remove(leastRecentlyUsed);
      return;
    }
  }

  clear(): void {
    for (const id of [...this.#cached.keys()]) this.#remove(id);
  }

  #remove(id: Uuid): void {
    this.#cached.get(id)?.expiry.cancel();
    this.#cached.delete(id);
  }
}
