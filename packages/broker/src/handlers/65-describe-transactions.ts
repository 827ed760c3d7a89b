// DescribeTransactions (65), version 0 (KIP-664). State, times, producer and partitions of transactional ids this broker coordinates.

import { type ErrorCode, Errors } from '@ottla/base';
import { describeTransactions as api, type DescribeTransactionsResponse } from '@ottla/protocol';
import { defineHandler } from '../server/handler.ts';
import type { TransactionMetadata } from '../transaction/transaction-metadata.ts';

type TransactionDescription = DescribeTransactionsResponse['transactionStates'][number];

export const describeTransactions = defineHandler(
  api,
  {
    minVersion: 0,
    maxVersion: 0,
    errorResponse: ({ transactionalIds }, errorCode) => ({
      throttleTimeMs: 0,
      transactionStates: transactionalIds.map((id) => withError(id, errorCode)),
    }),
  },
  ({ transactionalIds }, context) => ({
    throttleTimeMs: 0,
    transactionStates: transactionalIds.map((transactionalId) => {
      const found = context.broker.transactionCoordinator.describe(transactionalId);
      return typeof found === 'number' ? withError(transactionalId, found) : describe(found);
    }),
  }),
);

function describe(metadata: TransactionMetadata): TransactionDescription {
  return {
    errorCode: Errors.NONE,
    transactionalId: metadata.transactionalId,
    transactionState: metadata.state,
    transactionTimeoutMs: metadata.timeoutMs,
    transactionStartTimeMs: metadata.startTimestampMs,
    producerId: metadata.producerId,
    producerEpoch: metadata.producerEpoch,
    topics: metadata.partitions.byTopic(),
  };
}

function withError(transactionalId: string, errorCode: ErrorCode): TransactionDescription {
  return {
    errorCode,
    transactionalId,
    transactionState: '',
    transactionTimeoutMs: 0,
    transactionStartTimeMs: 0,
    producerId: 0,
    producerEpoch: 0,
    topics: [],
  };
}
