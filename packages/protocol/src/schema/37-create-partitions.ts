// API key 37: CreatePartitions, versions 0-3.

import { api, array, bool, int16, int32, string, struct } from './dsl.ts';

export const createPartitionsSchema = api({
  key: 37,
  name: 'CreatePartitions',
  versions: '0-3',
  flexible: '2+',
  request: [
    array(
      'topics',
      '0+',
      struct('CreatePartitionsTopic', [
        string('name', '0+'),
        int32('count', '0+'),
        array('assignments', '0+', struct('CreatePartitionsAssignment', [array('brokerIds', '0+', 'int32')]), {
          nullable: '0+',
        }),
      ]),
    ),
    int32('timeoutMs', '0+'),
    bool('validateOnly', '0+'),
  ],
  response: [
    int32('throttleTimeMs', '0+'),
    array(
      'results',
      '0+',
      struct('CreatePartitionsTopicResult', [
        string('name', '0+'),
        int16('errorCode', '0+'),
        string('errorMessage', '0+', { nullable: '0+', default: null }),
      ]),
    ),
  ],
});
