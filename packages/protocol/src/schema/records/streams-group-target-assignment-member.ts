// Records of __consumer_offsets: StreamsGroupTargetAssignmentMemberKey and StreamsGroupTargetAssignmentMemberValue.

import { array, message, string, struct } from '../dsl.ts';

export const streamsGroupTargetAssignmentMemberKeySchema = message({
  name: 'StreamsGroupTargetAssignmentMemberKey',
  versions: '0',
  flexible: 'none',
  fields: [string('groupId', '0+'), string('memberId', '0+')],
});

const taskIds = struct('TaskIds', [string('subtopologyId', '0+'), array('partitions', '0+', 'int32')]);

export const streamsGroupTargetAssignmentMemberValueSchema = message({
  name: 'StreamsGroupTargetAssignmentMemberValue',
  versions: '0',
  flexible: '0+',
  fields: [
    array('activeTasks', '0+', taskIds),
    array('standbyTasks', '0+', taskIds),
    array('warmupTasks', '0+', taskIds),
  ],
});
