// Records of __consumer_offsets: StreamsGroupTargetAssignmentMetadataKey and StreamsGroupTargetAssignmentMetadataValue.

import { int32, message, string } from '../dsl.ts';

export const streamsGroupTargetAssignmentMetadataKeySchema = message({
  name: 'StreamsGroupTargetAssignmentMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: [string('groupId', '0+')],
});

export const streamsGroupTargetAssignmentMetadataValueSchema = message({
  name: 'StreamsGroupTargetAssignmentMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: [int32('assignmentEpoch', '0+')],
});
