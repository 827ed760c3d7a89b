// Records of __consumer_offsets: ConsumerGroupTargetAssignmentMemberKey and ConsumerGroupTargetAssignmentMemberValue.

import { array, message, string, struct, uuid } from '../dsl.ts';

export const consumerGroupTargetAssignmentMemberKeySchema = message({
  name: 'ConsumerGroupTargetAssignmentMemberKey',
  versions: '0,7',
  flexible: 'none',
  fields: [string('groupId', '0+'), string('memberId', '0+')],
});

export const consumerGroupTargetAssignmentMemberValueSchema = message({
  name: 'ConsumerGroupTargetAssignmentMemberValue',
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
