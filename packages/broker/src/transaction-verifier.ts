// The door through which a leader, or a group's offsets, ask the coordinator of a transaction about it.

import type { ErrorCode, TopicPartition } from '@ottla/base';

/** Verifies that a partition takes part in a producer's open transaction, before records or offsets are written to it (KIP-890). */
export interface TransactionVerifier {
  verify(
    transactionalId: string,
    producer: { readonly producerId: number; readonly producerEpoch: number },
    tp: TopicPartition,
    options: { readonly apiVersion: number },
  ): Promise<ErrorCode>;
}
