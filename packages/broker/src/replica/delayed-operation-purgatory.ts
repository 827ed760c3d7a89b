// Operations that wait: for a condition that some event may make true, or for their time to run out, whichever comes first.
// Unlike Kafka's, completed operations leave every watch list at once, so there is nothing to purge.
// Source: kafka.server.DelayedOperation, kafka.server.DelayedOperationPurgatory.

import type { Clock, Timer } from '@ottla/base';

/** A waiting operation as its purgatory sees it, whatever comes out of it. */
export type WatchedOperation = Pick<
  DelayedOperation<never>,
  'delayMs' | 'isCompleted' | 'tryComplete' | 'expire' | 'whenCompleted'
>;

/** Something that waits. Subclasses say when it is satisfied and what comes out of it. */
export abstract class DelayedOperation<Result> {
  /** The longest wait, in milliseconds. */
  readonly delayMs: number;
  /** Settles once: when the operation is satisfied, expired or forced. Rejects only when `complete` throws. */
  readonly result: Promise<Result>;

  #resolve: (result: Result) => void = ignore;
  #reject: (error: unknown) => void = ignore;
  #isCompleted = false;
  #onCompleted: (() => void) | undefined;

  constructor(delayMs: number) {
    this.delayMs = delayMs;
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  get isCompleted(): boolean {
    return this.#isCompleted;
  }

  /** Completes when satisfied. @returns true when this call completed it */
  tryComplete(): boolean {
    return !this.#isCompleted && this.isSatisfied() && this.forceComplete();
  }

  /** Completes with what there is. @returns true when this call completed it, false when it already was */
  forceComplete(): boolean {
    if (this.#isCompleted) return false;
    this.#isCompleted = true;
    this.#onCompleted?.();
    try {
      this.#resolve(this.complete());
    } catch (error) {
      this.#reject(error);
    }
    return true;
  }

  /** Completes because time ran out. @returns true when this call completed it */
  expire(): boolean {
    if (this.#isCompleted) return false;
    this.onExpiration();
    return this.forceComplete();
  }

  /** The purgatory that watches this operation hears here that it need not any more. */
  whenCompleted(forget: () => void): void {
    this.#onCompleted = forget;
  }

  /** Is there nothing more to wait for? May be asked any number of times; must not change what it asks about. */
  protected abstract isSatisfied(): boolean;

  /** What comes out. Called exactly once. */
  protected abstract complete(): Result;

  /** Called before `complete` when time ran out. */
  protected onExpiration(): void {}
}

function ignore(): void {}

/** Holds operations until one of their keys is checked and they are satisfied, or until their time is up. Keys compare as in a Map. */
export class DelayedOperationPurgatory<Key> {
  /** A key is present while at least one operation waits for it. */
  readonly #watchers = new Map<Key, Set<WatchedOperation>>();
  readonly #timers = new Map<WatchedOperation, Timer>();
  readonly #clock: Clock;
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many operations wait. */
  get delayedCount(): number {
    return this.#timers.size;
  }

  /** How many (key, operation) pairs are watched. */
  get watchedCount(): number {
    let count = 0;
    for (const operations of this.#watchers.values()) count += operations.size;
    return count;
  }

  /** Completes the operation now when it is satisfied; else it waits for its keys and its time.
   *  Nothing can happen between the try and the watch: both are in one turn of the event loop.
   *  @returns true when it is complete on return */
  tryCompleteElseWatch(operation: WatchedOperation, keys: Iterable<Key>): boolean {
    if (operation.isCompleted || operation.tryComplete()) return true;
    if (this.#isClosed || operation.delayMs <= 0) return operation.expire();
    const watched = [...new Set(keys)];
    for (const key of watched) this.#watch(key, operation);
    this.#timers.set(
      operation,
      this.#clock.schedule(operation.delayMs, () => operation.expire()),
    );
    operation.whenCompleted(() => this.#forget(operation, watched));
    return false;
  }

  /** Tries every operation that waits for `key`. @returns how many were completed */
  checkAndComplete(key: Key): number {
    const operations = this.#watchers.get(key);
    if (operations === undefined) return 0;
    let completedCount = 0;
    // A copy: completing one takes it out of the set, and may bring new ones in.
    for (const operation of [...operations]) {
      if (operation.tryComplete()) completedCount++;
    }
    return completedCount;
  }

  /** Does anything wait for `key`? */
  isWatched(key: Key): boolean {
    return this.#watchers.has(key);
  }

  /** Completes whatever waits as if its time were up. Operations that come later expire at once. Safe to call twice. */
  close(): void {
    this.#isClosed = true;
    for (const operation of [...this.#timers.keys()]) operation.expire();
  }

  #watch(key: Key, operation: WatchedOperation): void {
    const operations = this.#watchers.get(key);
    if (operations === undefined) this.#watchers.set(key, new Set([operation]));
    else operations.add(operation);
  }

  #forget(operation: WatchedOperation, keys: readonly Key[]): void {
    this.#timers.get(operation)?.cancel();
    this.#timers.delete(operation);
    for (const key of keys) {
      const operations = this.#watchers.get(key);
      if (operations === undefined) continue;
      operations.delete(operation);
      if (operations.size === 0) this.#watchers.delete(key);
    }
  }
}
