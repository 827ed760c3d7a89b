// API key 17: SaslHandshake, versions 0-1.

import { api, array, int16, string } from './dsl.ts';

export const saslHandshakeSchema = api({
  key: 17,
  name: 'SaslHandshake',
  versions: '0-1',
  flexible: 'none',
  request: [string('mechanism', '0+')],
  response: [int16('errorCode', '0+'), array('mechanisms', '0+', 'string')],
});
