// API key 2: ListOffsets, versions 0-11.

import { api, array, int8, int16, int32, safeInt64, string, struct } from './dsl.ts';

export const listOffsetsSchema = api({
  key: 2,
  name: 'ListOffsets',
  versions: '0-11',
  flexible: '6+',
  request: [
    int32('replicaId', '0+'),
    int8('isolationLevel', '2+'),
    array(
      'topics',
      '0+',
      struct('ListOffsetsTopic', [
        string('name', '0+'),
        array(
          'partitions',
          '0+',
          struct('ListOffsetsPartition', [
            int32('partitionIndex', '0+'),
            int32('currentLeaderEpoch', '4+', { default: -1, ignorable: true }),
            safeInt64('timestamp', '0+'),
            int32('maxNumOffsets', '0', { default: 1 }),
          ]),
        ),
      ]),
    ),
    int32('timeoutMs', '10+', { ignorable: true }),
  ],
  response: [
    int32('throttleTimeMs', '2+', { ignorable: true }),
    array(
      'topics',
      '0+',
      struct('ListOffsetsTopicResponse', [
        string('name', '0+'),
        array(
          'partitions',
          '0+',
          struct('ListOffsetsPartitionResponse', [
            int32('partitionIndex', '0+'),
            int16('errorCode', '0+'),
            array('oldStyleOffsets', '0', 'safeInt64'),
            safeInt64('timestamp', '1+', { default: -1 }),
            safeInt64('offset', '1+', { default: -1 }),
            int32('leaderEpoch', '4+', { default: -1 }),
          ]),
        ),
      ]),
    ),
  ],
});
