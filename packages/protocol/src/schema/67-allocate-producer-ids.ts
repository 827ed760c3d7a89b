// API key 67: AllocateProducerIds, versions 0.

import { api, int16, int32, int64, safeInt64 } from './dsl.ts';

export const allocateProducerIdsSchema = api({
  key: 67,
  name: 'AllocateProducerIds',
  versions: '0',
  flexible: '0+',
  request: [int32('brokerId', '0+'), int64('brokerEpoch', '0+', { default: -1n })],
  response: [
    int32('throttleTimeMs', '0+'),
    int16('errorCode', '0+'),
    safeInt64('producerIdStart', '0+'),
    int32('producerIdLen', '0+'),
  ],
});
