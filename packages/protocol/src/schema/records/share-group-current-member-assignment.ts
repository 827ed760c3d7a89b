// Records of __consumer_offsets: ShareGroupCurrentMemberAssignmentKey and ShareGroupCurrentMemberAssignmentValue.

import { array, int8, int32, message, string, struct, uuid } from '../dsl.ts';

export const shareGroupCurrentMemberAssignmentKeySchema = message({
  name: 'ShareGroupCurrentMemberAssignmentKey',
  versions: '0',
  flexible: 'none',
  fields: [string('groupId', '0+'), string('memberId', '0+')],
});

export const shareGroupCurrentMemberAssignmentValueSchema = message({
  name: 'ShareGroupCurrentMemberAssignmentValue',
  versions: '0',
  flexible: '0+',
  fields: [
    int32('memberEpoch', '0+'),
    int32('previousMemberEpoch', '0+'),
    int8('state', '0+'),
    array(
      'assignedPartitions',
      '0+',
      struct('TopicPartitions', [uuid('topicId', '0+'), array('partitions', '0+', 'int32')]),
    ),
  ],
});
