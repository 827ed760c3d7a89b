// API key 38: CreateDelegationToken, versions 0-3.

import { api, array, bytes, int16, int32, safeInt64, string, struct } from './dsl.ts';

export const createDelegationTokenSchema = api({
  key: 38,
  name: 'CreateDelegationToken',
  versions: '0-3',
  flexible: '2+',
  request: [
    string('ownerPrincipalType', '3+', { nullable: '3+' }),
    string('ownerPrincipalName', '3+', { nullable: '3+' }),
    array(
      'renewers',
      '0+',
      struct('CreatableRenewers', [string('principalType', '0+'), string('principalName', '0+')]),
    ),
    safeInt64('maxLifetimeMs', '0+'),
  ],
  response: [
    int16('errorCode', '0+'),
    string('principalType', '0+'),
    string('principalName', '0+'),
    string('tokenRequesterPrincipalType', '3+'),
    string('tokenRequesterPrincipalName', '3+'),
    safeInt64('issueTimestampMs', '0+'),
    safeInt64('expiryTimestampMs', '0+'),
    safeInt64('maxTimestampMs', '0+'),
    string('tokenId', '0+'),
    bytes('hmac', '0+'),
    int32('throttleTimeMs', '0+'),
  ],
});
