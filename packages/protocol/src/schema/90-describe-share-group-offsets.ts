// API key 90: DescribeShareGroupOffsets, versions 0-1.

import { api, array, int16, int32, safeInt64, string, struct, uuid } from './dsl.ts';

export const describeShareGroupOffsetsSchema = api({
  key: 90,
  name: 'DescribeShareGroupOffsets',
  versions: '0-1',
  flexible: '0+',
  request: [
    array(
      'groups',
      '0+',
      struct('DescribeShareGroupOffsetsRequestGroup', [
        string('groupId', '0+'),
        array(
          'topics',
          '0+',
          struct('DescribeShareGroupOffsetsRequestTopic', [
            string('topicName', '0+'),
            array('partitions', '0+', 'int32'),
          ]),
          { nullable: '0+' },
        ),
      ]),
    ),
  ],
  response: [
    int32('throttleTimeMs', '0+'),
    array(
      'groups',
      '0+',
      struct('DescribeShareGroupOffsetsResponseGroup', [
        string('groupId', '0+'),
        array(
          'topics',
          '0+',
          struct('DescribeShareGroupOffsetsResponseTopic', [
            string('topicName', '0+'),
            uuid('topicId', '0+'),
            array(
              'partitions',
              '0+',
              struct('DescribeShareGroupOffsetsResponsePartition', [
                int32('partitionIndex', '0+'),
                safeInt64('startOffset', '0+'),
                int32('leaderEpoch', '0+'),
                safeInt64('lag', '1+', { default: -1, ignorable: true }),
                int16('errorCode', '0+'),
                string('errorMessage', '0+', { nullable: '0+', default: null }),
              ]),
            ),
          ]),
        ),
        int16('errorCode', '0+'),
        string('errorMessage', '0+', { nullable: '0+', default: null }),
      ]),
    ),
  ],
});
