// A deletion of records that waits until every live replica has dropped them. Source: kafka.server.DelayedDeleteRecords.

import { type ErrorCode, Errors, KafkaError } from '@ottla/base';
import { DelayedOperation } from './delayed-operation-purgatory.ts';
import type { Partition } from './partition.ts';

/** How a deletion went, in the fields of a DeleteRecords response. */
export interface DeleteRecordsResult {
  readonly partitionIndex: number;
  /** -1 with an error. */
  lowWatermark: number;
  errorCode: ErrorCode;
}

export interface PendingDeletion {
  readonly partition: Partition;
  readonly requestedOffset: number;
  /** Changed while the wait goes on. */
  readonly result: DeleteRecordsResult;
}

export class DelayedDeleteRecords extends DelayedOperation<void> {
  #pending: readonly PendingDeletion[];

  constructor(timeoutMs: number, pending: readonly PendingDeletion[]) {
    super(timeoutMs);
    this.#pending = pending;
  }

  protected override isSatisfied(): boolean {
    this.#pending = this.#pending.filter((deletion) => !isReached(deletion));
    return this.#pending.length === 0;
  }

  protected override complete(): void {
    for (const { result } of this.#pending) result.errorCode = Errors.REQUEST_TIMED_OUT;
  }
}

function isReached({ partition, requestedOffset, result }: PendingDeletion): boolean {
  try {
    result.lowWatermark = partition.lowWatermark();
    return result.lowWatermark >= requestedOffset;
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    result.errorCode = error.code;
    return true;
  }
}
