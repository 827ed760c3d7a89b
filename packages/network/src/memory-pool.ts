// What all connections together may hold in request bytes (queued.max.request.bytes). A connection that finds it used up stops reading
// and is woken, in turn, when requests have been answered. Source: org.apache.kafka.common.memory.SimpleMemoryPool.

/** Who waits for room. */
export interface MemoryWaiter {
  resume(): void;
}

export class MemoryPool {
  /** Bytes taken; may pass the limit by the request that was let in last. */
  usedBytes = 0;
  #limitBytes: number;
  readonly #waiters = new Set<MemoryWaiter>();

  /** @param limitBytes none when it is not above 0, as in Kafka */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes > 0 ? limitBytes : Number.POSITIVE_INFINITY;
  }

  /** May one more request be read? When not, `waiter` is resumed once there is room. */
  hasRoomFor(waiter: MemoryWaiter): boolean {
    if (this.usedBytes < this.#limitBytes) return true;
    this.#waiters.add(waiter);
    return false;
  }

  take(bytes: number): void {
    this.usedBytes += bytes;
  }

  giveBack(bytes: number): void {
    this.usedBytes -= bytes;
    while (this.#waiters.size > 0 && this.usedBytes < this.#limitBytes) {
      const [waiter] = this.#waiters;
      if (waiter === undefined) return;
      this.#waiters.delete(waiter);
      waiter.resume();
    }
  }

  /** A waiter that is gone. */
  forget(waiter: MemoryWaiter): void {
    this.#waiters.delete(waiter);
  }
}
