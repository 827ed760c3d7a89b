// API key 22: InitProducerId, versions 0-6.

import { api, bool, int16, int32, safeInt64, string } from './dsl.ts';

export const initProducerIdSchema = api({
  key: 22,
  name: 'InitProducerId',
  versions: '0-6',
  flexible: '2+',
  request: [
    string('transactionalId', '0+', { nullable: '0+' }),
    int32('transactionTimeoutMs', '0+'),
    safeInt64('producerId', '3+', { default: -1 }),
    int16('producerEpoch', '3+', { default: -1 }),
    bool('enable2Pc', '6+', { default: false }),
    bool('keepPreparedTxn', '6+', { default: false }),
  ],
  response: [
    int32('throttleTimeMs', '0+', { ignorable: true }),
    int16('errorCode', '0+'),
    safeInt64('producerId', '0+', { default: -1 }),
    int16('producerEpoch', '0+'),
    safeInt64('ongoingTxnProducerId', '6+', { default: -1 }),
    int16('ongoingTxnProducerEpoch', '6+', { default: -1 }),
  ],
});
