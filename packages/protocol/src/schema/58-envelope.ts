// API key 58: Envelope, versions 0.

import { api, bytes, int16 } from './dsl.ts';

export const envelopeSchema = api({
  key: 58,
  name: 'Envelope',
  versions: '0',
  flexible: '0+',
  request: [
    bytes('requestData', '0+'),
    bytes('requestPrincipal', '0+', { nullable: '0+' }),
    bytes('clientHostAddress', '0+'),
  ],
  response: [bytes('responseData', '0+', { nullable: '0+', default: null }), int16('errorCode', '0+')],
});
