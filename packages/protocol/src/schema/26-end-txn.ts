// API key 26: EndTxn, versions 0-5.

import { api, bool, int16, int32, safeInt64, string } from './dsl.ts';

export const endTxnSchema = api({
  key: 26,
  name: 'EndTxn',
  versions: '0-5',
  flexible: '3+',
  request: [
    string('transactionalId', '0+'),
    safeInt64('producerId', '0+'),
    int16('producerEpoch', '0+'),
    bool('committed', '0+'),
  ],
  response: [
    int32('throttleTimeMs', '0+'),
    int16('errorCode', '0+'),
    safeInt64('producerId', '5+', { default: -1, ignorable: true }),
    int16('producerEpoch', '5+', { default: -1, ignorable: true }),
  ],
});
