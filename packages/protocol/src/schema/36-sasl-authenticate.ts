// API key 36: SaslAuthenticate, versions 0-2.

import { api, bytes, int16, safeInt64, string } from './dsl.ts';

export const saslAuthenticateSchema = api({
  key: 36,
  name: 'SaslAuthenticate',
  versions: '0-2',
  flexible: '2+',
  request: [bytes('authBytes', '0+')],
  response: [
    int16('errorCode', '0+'),
    string('errorMessage', '0+', { nullable: '0+' }),
    bytes('authBytes', '0+'),
    safeInt64('sessionLifetimeMs', '1+', { default: 0, ignorable: true }),
  ],
});
