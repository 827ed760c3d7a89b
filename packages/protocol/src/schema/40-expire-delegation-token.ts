// API key 40: ExpireDelegationToken, versions 0-2.

import { api, bytes, int16, int32, safeInt64 } from './dsl.ts';

export const expireDelegationTokenSchema = api({
  key: 40,
  name: 'ExpireDelegationToken',
  versions: '0-2',
  flexible: '2+',
  request: [bytes('hmac', '0+'), safeInt64('expiryTimePeriodMs', '0+')],
  response: [int16('errorCode', '0+'), safeInt64('expiryTimestampMs', '0+'), int32('throttleTimeMs', '0+')],
});
