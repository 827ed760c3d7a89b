// Records of __consumer_offsets: ShareGroupTargetAssignmentMetadataKey and ShareGroupTargetAssignmentMetadataValue.

import { int32, message, string } from '../dsl.ts';

export const shareGroupTargetAssignmentMetadataKeySchema = message({
  name: 'ShareGroupTargetAssignmentMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: [string('groupId', '0+')],
});

export const shareGroupTargetAssignmentMetadataValueSchema = message({
  name: 'ShareGroupTargetAssignmentMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: [int32('assignmentEpoch', '0+')],
});
