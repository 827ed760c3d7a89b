// Records of __consumer_offsets: ShareGroupTargetAssignmentMemberKey and ShareGroupTargetAssignmentMemberValue.

import { array, message, string, struct, uuid } from '../dsl.ts';

export const shareGroupTargetAssignmentMemberKeySchema = message({
  name: 'ShareGroupTargetAssignmentMemberKey',
  versions: '0',
  flexible: 'none',
  fields: [string('groupId', '0+'), string('memberId', '0+')],
});

export const shareGroupTargetAssignmentMemberValueSchema = message({
  name: 'ShareGroupTargetAssignmentMemberValue',
  versions: '0',
  flexible: '0+',
  fields: [
    array(
      'topicPartitions',
      '0+',
      struct('TopicPartition', [uuid('topicId', '0+'), array('partitions', '0+', 'int32')]),
    ),
  ],
});
