// Records of __transaction_state: TransactionLogKey and TransactionLogValue.

import { array, int8, int16, int32, message, safeInt64, string, struct } from '../dsl.ts';

export const transactionLogKeySchema = message({
  name: 'TransactionLogKey',
  versions: '0',
  flexible: 'none',
  fields: [string('transactionalId', '0+')],
});

export const transactionLogValueSchema = message({
  name: 'TransactionLogValue',
  versions: '0-1',
  flexible: '1+',
  fields: [
    safeInt64('producerId', '0+'),
    safeInt64('previousProducerId', '1+', { default: -1, tag: 0 }),
    safeInt64('nextProducerId', '1+', { default: -1, tag: 1 }),
    int16('producerEpoch', '0+'),
    int16('nextProducerEpoch', '1+', { default: -1, tag: 3 }),
    int32('transactionTimeoutMs', '0+'),
    int8('transactionStatus', '0+'),
    array(
      'transactionPartitions',
      '0+',
      struct('PartitionsSchema', [string('topic', '0+'), array('partitionIds', '0+', 'int32')]),
      { nullable: '0+' },
    ),
    safeInt64('transactionLastUpdateTimestampMs', '0+'),
    safeInt64('transactionStartTimestampMs', '0+'),
    int16('clientTransactionVersion', '1+', { default: 0, tag: 2 }),
  ],
});
