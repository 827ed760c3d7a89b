// What stands before every request.

import { int16, int32, message, string } from './dsl.ts';

export const requestHeaderSchema = message({
  name: 'RequestHeader',
  versions: '0-2',
  flexible: '2+',
  fields: [
    int16('requestApiKey', '0+'),
    int16('requestApiVersion', '0+'),
    int32('correlationId', '0+'),
    string('clientId', '1+', { nullable: '1+', ignorable: true, flexible: false }),
  ],
});
