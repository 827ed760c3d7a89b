// API key 41: DescribeDelegationToken, versions 0-3.

import { api, array, bytes, int16, int32, safeInt64, string, struct } from './dsl.ts';

export const describeDelegationTokenSchema = api({
  key: 41,
  name: 'DescribeDelegationToken',
  versions: '0-3',
  flexible: '2+',
  request: [
    array(
      'owners',
      '0+',
      struct('DescribeDelegationTokenOwner', [string('principalType', '0+'), string('principalName', '0+')]),
      { nullable: '0+' },
    ),
  ],
  response: [
    int16('errorCode', '0+'),
    array(
      'tokens',
      '0+',
      struct('DescribedDelegationToken', [
        string('principalType', '0+'),
        string('principalName', '0+'),
        string('tokenRequesterPrincipalType', '3+'),
        string('tokenRequesterPrincipalName', '3+'),
        safeInt64('issueTimestamp', '0+'),
        safeInt64('expiryTimestamp', '0+'),
        safeInt64('maxTimestamp', '0+'),
        string('tokenId', '0+'),
        bytes('hmac', '0+'),
        array(
          'renewers',
          '0+',
          struct('DescribedDelegationTokenRenewer', [string('principalType', '0+'), string('principalName', '0+')]),
        ),
      ]),
    ),
    int32('throttleTimeMs', '0+'),
  ],
});
