// Records of __consumer_offsets: StreamsGroupCurrentMemberAssignmentKey and StreamsGroupCurrentMemberAssignmentValue.

import { array, int8, int32, message, string, struct } from '../dsl.ts';

export const streamsGroupCurrentMemberAssignmentKeySchema = message({
  name: 'StreamsGroupCurrentMemberAssignmentKey',
  versions: '0',
  flexible: 'none',
  fields: [string('groupId', '0+'), string('memberId', '0+')],
});

const taskIds = struct('TaskIds', [
  string('subtopologyId', '0+'),
  array('partitions', '0+', 'int32'),
  // Kafka's schema says the default is null; Kafka's code takes it as empty: an empty one is left out, a null one is written.
  array('assignmentEpochs', '0+', 'int32', { nullable: '0+', tag: 0 }),
]);

export const streamsGroupCurrentMemberAssignmentValueSchema = message({
  name: 'StreamsGroupCurrentMemberAssignmentValue',
  versions: '0',
  flexible: '0+',
  fields: [
    int32('memberEpoch', '0+'),
    int32('previousMemberEpoch', '0+'),
    int8('state', '0+'),
    array('activeTasks', '0+', taskIds),
    array('standbyTasks', '0+', taskIds),
    array('warmupTasks', '0+', taskIds),
    array('activeTasksPendingRevocation', '0+', taskIds),
    array('standbyTasksPendingRevocation', '0+', taskIds),
    array('warmupTasksPendingRevocation', '0+', taskIds),
  ],
});
