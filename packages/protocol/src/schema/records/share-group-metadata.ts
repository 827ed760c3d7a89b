// Records of __consumer_offsets: ShareGroupMetadataKey and ShareGroupMetadataValue.

import { int32, int64, message, string } from '../dsl.ts';

export const shareGroupMetadataKeySchema = message({
  name: 'ShareGroupMetadataKey',
  versions: '0,11',
  flexible: 'none',
  fields: [string('groupId', '0+')],
});

export const shareGroupMetadataValueSchema = message({
  name: 'ShareGroupMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: [int32('epoch', '0+'), int64('metadataHash', '0+')],
});
