// Records of __consumer_offsets: ConsumerGroupCurrentMemberAssignmentKey and ConsumerGroupCurrentMemberAssignmentValue.

import { array, int8, int32, message, string, struct, uuid } from '../dsl.ts';

export const consumerGroupCurrentMemberAssignmentKeySchema = message({
  name: 'ConsumerGroupCurrentMemberAssignmentKey',
  versions: '0,8',
  flexible: 'none',
  fields: [string('groupId', '0+'), string('memberId', '0+')],
});

const topicPartitions = struct('TopicPartitions', [uuid('topicId', '0+'), array('partitions', '0+', 'int32')]);

export const consumerGroupCurrentMemberAssignmentValueSchema = message({
  name: 'ConsumerGroupCurrentMemberAssignmentValue',
  versions: '0',
  flexible: '0+',
  fields: [
    int32('memberEpoch', '0+'),
    int32('previousMemberEpoch', '0+'),
    int8('state', '0+'),
    array('assignedPartitions', '0+', topicPartitions),
    array('partitionsPendingRevocation', '0+', topicPartitions),
  ],
});
