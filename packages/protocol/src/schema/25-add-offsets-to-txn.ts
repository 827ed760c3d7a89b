// API key 25: AddOffsetsToTxn, versions 0-4.

import { api, int16, int32, safeInt64, string } from './dsl.ts';

export const addOffsetsToTxnSchema = api({
  key: 25,
  name: 'AddOffsetsToTxn',
  versions: '0-4',
  flexible: '3+',
  request: [
    string('transactionalId', '0+'),
    safeInt64('producerId', '0+'),
    int16('producerEpoch', '0+'),
    string('groupId', '0+'),
  ],
  response: [int32('throttleTimeMs', '0+'), int16('errorCode', '0+')],
});
