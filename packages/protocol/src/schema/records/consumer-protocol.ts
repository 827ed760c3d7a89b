// What members of a consumer group say inside JoinGroup and SyncGroup.

import { array, bytes, int32, message, string, struct } from '../dsl.ts';

export const consumerProtocolAssignmentSchema = message({
  name: 'ConsumerProtocolAssignment',
  versions: '0-3',
  flexible: 'none',
  fields: [
    array(
      'assignedPartitions',
      '0+',
      struct('TopicPartition', [string('topic', '0+'), array('partitions', '0+', 'int32')]),
    ),
    bytes('userData', '0+', { nullable: '0+', default: null }),
  ],
});

export const consumerProtocolSubscriptionSchema = message({
  name: 'ConsumerProtocolSubscription',
  versions: '0-3',
  flexible: 'none',
  fields: [
    array('topics', '0+', 'string'),
    bytes('userData', '0+', { nullable: '0+', default: null }),
    array(
      'ownedPartitions',
      '1+',
      struct('TopicPartition', [string('topic', '1+'), array('partitions', '1+', 'int32')]),
      { ignorable: true },
    ),
    int32('generationId', '2+', { default: -1, ignorable: true }),
    string('rackId', '3+', { nullable: '3+', default: null, ignorable: true }),
  ],
});
