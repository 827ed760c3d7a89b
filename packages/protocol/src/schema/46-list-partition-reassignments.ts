// API key 46: ListPartitionReassignments, versions 0.

import { api, array, int16, int32, string, struct } from './dsl.ts';

export const listPartitionReassignmentsSchema = api({
  key: 46,
  name: 'ListPartitionReassignments',
  versions: '0',
  flexible: '0+',
  request: [
    int32('timeoutMs', '0+', { default: 60000 }),
    array(
      'topics',
      '0+',
      struct('ListPartitionReassignmentsTopics', [string('name', '0+'), array('partitionIndexes', '0+', 'int32')]),
      { nullable: '0+', default: null },
    ),
  ],
  response: [
    int32('throttleTimeMs', '0+'),
    int16('errorCode', '0+'),
    string('errorMessage', '0+', { nullable: '0+' }),
    array(
      'topics',
      '0+',
      struct('OngoingTopicReassignment', [
        string('name', '0+'),
        array(
          'partitions',
          '0+',
          struct('OngoingPartitionReassignment', [
            int32('partitionIndex', '0+'),
            array('replicas', '0+', 'int32'),
            array('addingReplicas', '0+', 'int32'),
            array('removingReplicas', '0+', 'int32'),
          ]),
        ),
      ]),
    ),
  ],
});
