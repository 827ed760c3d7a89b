// API key 50: DescribeUserScramCredentials, versions 0.

import { api, array, int8, int16, int32, string, struct } from './dsl.ts';

export const describeUserScramCredentialsSchema = api({
  key: 50,
  name: 'DescribeUserScramCredentials',
  versions: '0',
  flexible: '0+',
  request: [array('users', '0+', struct('UserName', [string('name', '0+')]), { nullable: '0+' })],
  response: [
    int32('throttleTimeMs', '0+'),
    int16('errorCode', '0+'),
    string('errorMessage', '0+', { nullable: '0+' }),
    array(
      'results',
      '0+',
      struct('DescribeUserScramCredentialsResult', [
        string('user', '0+'),
        int16('errorCode', '0+'),
        string('errorMessage', '0+', { nullable: '0+' }),
        array('credentialInfos', '0+', struct('CredentialInfo', [int8('mechanism', '0+'), int32('iterations', '0+')])),
      ]),
    ),
  ],
});
