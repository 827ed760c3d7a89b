// A produce with acks=all that waits until the in-sync replicas have its records. Source: kafka.server.DelayedProduce.

import { Errors } from '@ottla/base';
import { DelayedOperation } from './delayed-operation-purgatory.ts';
import type { Partition } from './partition.ts';
import type { AppendResult } from './replica-append.ts';

/** An append that is not acknowledged yet. */
export interface PendingAppend {
  readonly partition: Partition;
  /** The replicas must have everything below. */
  readonly requiredOffset: number;
  /** Its error code is set when the wait ends. */
  readonly result: AppendResult;
}

export class DelayedProduce extends DelayedOperation<void> {
  #pending: readonly PendingAppend[];

  constructor(timeoutMs: number, pending: readonly PendingAppend[]) {
    super(timeoutMs);
    this.#pending = pending;
  }

  protected override isSatisfied(): boolean {
    this.#pending = this.#pending.filter((append) => !isSettled(append));
    return this.#pending.length === 0;
  }

  protected override complete(): void {
    for (const { result } of this.#pending) result.errorCode = Errors.REQUEST_TIMED_OUT;
  }
}

/** @returns whether nothing more is to be waited for; the result says then how it went */
export function isSettled({ partition, requiredOffset, result }: PendingAppend): boolean {
  const { hasEnough, errorCode } = partition.checkEnoughReplicasReachOffset(requiredOffset);
  result.errorCode = errorCode;
  return hasEnough || errorCode !== Errors.NONE;
}
