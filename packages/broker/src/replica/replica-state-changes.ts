// Changes of the replicas' state: one after the other, in the order they were asked for, each done before the next begins. A change that
// names thousands of partitions touches the disk for each, so it is done in slices: between two of them other work has its turn, which
// finds every partition as it was before the change or as it is after. Source: kafka.server.ReplicaManager (replicaStateChangeLock).

import { type Clock, Errors, KafkaError, yieldToEventLoop } from '@ottla/base';

/** So long a change may keep everybody else waiting: some twenty new logs. */
export const SLICE_MS = 5;

export class ReplicaStateChanges {
  readonly #clock: Clock;
  /** Of the newest controller heard of. Older ones are refused. */
  #controllerEpoch = 0;
  /** The last change that was asked for. */
  #last: Promise<unknown> = Promise.resolve();
  #sliceStartMs = 0;
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get controllerEpoch(): number {
    return this.#controllerEpoch;
  }

  /** By a change, when it knows that the controller is no older one. */
  obey(controllerEpoch: number): void {
    this.#controllerEpoch = controllerEpoch;
  }

  /** Does `change` when those asked for before are done: at once when there are none.
   *  @throws KafkaError BROKER_NOT_AVAILABLE when this was closed before the change began, or in the middle of it */
  run<Result>(change: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(() => {
      this.#beginSlice();
      return change();
    });
    // The next change starts however this one went; whoever asked for this one is told.
    this.#last = result.then(nothing, nothing);
    return result;
  }

  /** Resolves when no change is under way, nor was asked for as soon as the last one was done. */
  async done(): Promise<void> {
    let last: Promise<unknown>;
    do {
      last = this.#last;
      await last;
      await yieldToEventLoop();
    } while (last !== this.#last);
  }

  // What follows is for the change under way.

  /** Asked between two partitions. */
  get isSliceOver(): boolean {
    return this.#clock.monotonicMs() - this.#sliceStartMs >= SLICE_MS;
  }

  /** Lets others have their turn. @throws KafkaError BROKER_NOT_AVAILABLE */
  async nextSlice(): Promise<void> {
    await yieldToEventLoop();
    this.#beginSlice();
  }

  /** Asked after a wait. @throws KafkaError BROKER_NOT_AVAILABLE */
  mustBeOpen(): void {
    if (this.#isClosed) throw new KafkaError(Errors.BROKER_NOT_AVAILABLE, 'the broker is shutting down');
  }

  /** The change under way ends after its slice, with an error; what it has changed by then stays. Safe to call twice. */
  close(): void {
    this.#isClosed = true;
  }

  #beginSlice(): void {
    this.mustBeOpen();
    this.#sliceStartMs = this.#clock.monotonicMs();
  }
}

function nothing(): void {}
