// Records of __consumer_offsets: ConsumerGroupRegularExpressionKey and ConsumerGroupRegularExpressionValue.

import { array, int64, message, safeInt64, string } from '../dsl.ts';

export const consumerGroupRegularExpressionKeySchema = message({
  name: 'ConsumerGroupRegularExpressionKey',
  versions: '0',
  flexible: 'none',
  fields: [string('groupId', '0+'), string('regularExpression', '0+')],
});

export const consumerGroupRegularExpressionValueSchema = message({
  name: 'ConsumerGroupRegularExpressionValue',
  versions: '0',
  flexible: '0+',
  fields: [array('topics', '0+', 'string'), int64('version', '0+'), safeInt64('timestamp', '0+')],
});
