// API key 51: AlterUserScramCredentials, versions 0.

import { api, array, bytes, int8, int16, int32, string, struct } from './dsl.ts';

export const alterUserScramCredentialsSchema = api({
  key: 51,
  name: 'AlterUserScramCredentials',
  versions: '0',
  flexible: '0+',
  request: [
    array('deletions', '0+', struct('ScramCredentialDeletion', [string('name', '0+'), int8('mechanism', '0+')])),
    array(
      'upsertions',
      '0+',
      struct('ScramCredentialUpsertion', [
        string('name', '0+'),
        int8('mechanism', '0+'),
        int32('iterations', '0+'),
        bytes('salt', '0+'),
        bytes('saltedPassword', '0+'),
      ]),
    ),
  ],
  response: [
    int32('throttleTimeMs', '0+'),
    array(
      'results',
      '0+',
      struct('AlterUserScramCredentialsResult', [
        string('user', '0+'),
        int16('errorCode', '0+'),
        string('errorMessage', '0+', { nullable: '0+' }),
      ]),
    ),
  ],
});
