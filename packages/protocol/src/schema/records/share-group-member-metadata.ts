// Records of __consumer_offsets: ShareGroupMemberMetadataKey and ShareGroupMemberMetadataValue.

import { array, message, string } from '../dsl.ts';

export const shareGroupMemberMetadataKeySchema = message({
  name: 'ShareGroupMemberMetadataKey',
  versions: '0,10',
  flexible: 'none',
  fields: [string('groupId', '0+'), string('memberId', '0+')],
});

export const shareGroupMemberMetadataValueSchema = message({
  name: 'ShareGroupMemberMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: [
    string('rackId', '0+', { nullable: '0+' }),
    string('clientId', '0+'),
    string('clientHost', '0+'),
    array('subscribedTopicNames', '0+', 'string'),
  ],
});
