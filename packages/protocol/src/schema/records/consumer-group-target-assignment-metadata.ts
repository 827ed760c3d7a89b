// Records of __consumer_offsets: ConsumerGroupTargetAssignmentMetadataKey and ConsumerGroupTargetAssignmentMetadataValue.

import { int32, message, string } from '../dsl.ts';

export const consumerGroupTargetAssignmentMetadataKeySchema = message({
  name: 'ConsumerGroupTargetAssignmentMetadataKey',
  versions: '0,6',
  flexible: 'none',
  fields: [string('groupId', '0+')],
});

export const consumerGroupTargetAssignmentMetadataValueSchema = message({
  name: 'ConsumerGroupTargetAssignmentMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: [int32('assignmentEpoch', '0+')],
});
