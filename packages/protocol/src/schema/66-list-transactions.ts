// API key 66: ListTransactions, versions 0-2.

import { api, array, int16, int32, safeInt64, string, struct } from './dsl.ts';

export const listTransactionsSchema = api({
  key: 66,
  name: 'ListTransactions',
  versions: '0-2',
  flexible: '0+',
  request: [
    array('stateFilters', '0+', 'string'),
    array('producerIdFilters', '0+', 'safeInt64'),
    safeInt64('durationFilter', '1+', { default: -1 }),
    string('transactionalIdPattern', '2+', { nullable: '2+', default: null }),
  ],
  response: [
    int32('throttleTimeMs', '0+'),
    int16('errorCode', '0+'),
    array('unknownStateFilters', '0+', 'string'),
    array(
      'transactionStates',
      '0+',
      struct('TransactionState', [
        string('transactionalId', '0+'),
        safeInt64('producerId', '0+'),
        string('transactionState', '0+'),
      ]),
    ),
  ],
});
