// What a session's user hears, in order: replies and watch events. A watcher is called by us while a reply wakes whoever awaits it some
// microtasks later, so an event waits for the next turn of the loop when a reply went out before it in this one.

type Delivery = { readonly kind: 'reply' | 'event'; readonly deliver: () => void };

export class DeliveryQueue {
  readonly #waiting: Delivery[] = [];
  /** A turn is scheduled, and everything waits for it. */
  #isPaused = false;

  reply(deliver: () => void): void {
    this.#push({ kind: 'reply', deliver });
  }

  event(deliver: () => void): void {
    this.#push({ kind: 'event', deliver });
  }

  #push(delivery: Delivery): void {
    this.#waiting.push(delivery);
    if (!this.#isPaused && this.#waiting.length === 1) this.#drain(true);
  }

  /** @param hasReplied a reply may still be on its way to whoever awaits it */
  #drain(hasReplied: boolean): void {
    let replied = hasReplied;
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (next.kind === 'event' && replied) {
        this.#pause();
        return;
      }
      if (next.kind === 'reply') replied = true;
      // Taken off after delivery: what a watcher asks for meanwhile lines up behind it.
      next.deliver();
      this.#waiting.shift();
    }
  }

  #pause(): void {
    this.#isPaused = true;
    setImmediate(() => {
      this.#isPaused = false;
      this.#drain(false);
    });
  }
}
