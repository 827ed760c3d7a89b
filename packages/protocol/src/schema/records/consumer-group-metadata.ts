// Records of __consumer_offsets: ConsumerGroupMetadataKey and ConsumerGroupMetadataValue.

import { int32, int64, message, string } from '../dsl.ts';

export const consumerGroupMetadataKeySchema = message({
  name: 'ConsumerGroupMetadataKey',
  versions: '0,3',
  flexible: 'none',
  fields: [string('groupId', '0+')],
});

export const consumerGroupMetadataValueSchema = message({
  name: 'ConsumerGroupMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: [int32('epoch', '0+'), int64('metadataHash', '0+', { default: 0n, tag: 0 })],
});
