// What stands before every response.

import { int32, message } from './dsl.ts';

export const responseHeaderSchema = message({
  name: 'ResponseHeader',
  versions: '0-1',
  flexible: '1+',
  fields: [int32('correlationId', '0+')],
});
