// One sync at a time serves everybody who waits: a call while one is under way shares the next, since what it waits for may have
// come after the running one began.

export class GroupCommit {
  readonly #sync: () => Promise<void>;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  /** @param sync makes durable what was written before it was called */
  constructor(sync: () => Promise<void>) {
    this.#sync = sync;
  }

  /** Resolves when everything written before the call is durable; rejects as the sync that should have done it. */
  flush(): Promise<void> {
    if (this.#running === undefined) return this.#start();
    this.#next ??= this.#after(this.#running);
    return this.#next;
  }

  /** Resolves when none is under way; never rejects. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #start(): Promise<void> {
    const sync = this.#sync();
    this.#running = sync.catch(() => undefined);
    try {
      await sync;
    } finally {
      this.#running = undefined;
    }
  }

  async #after(running: Promise<void>): Promise<void> {
    await running;
    this.#next = undefined;
    await this.flush();
  }
}
