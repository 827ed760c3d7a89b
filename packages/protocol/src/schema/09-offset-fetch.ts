// API key 9: OffsetFetch, versions 0-10.

import { api, array, bool, int16, int32, safeInt64, string, struct, uuid } from './dsl.ts';

export const offsetFetchSchema = api({
  key: 9,
  name: 'OffsetFetch',
  versions: '0-10',
  flexible: '6+',
  request: [
    string('groupId', '0-7'),
    array(
      'topics',
      '0-7',
      struct('OffsetFetchRequestTopic', [string('name', '0-7'), array('partitionIndexes', '0-7', 'int32')]),
      { nullable: '2-7' },
    ),
    array(
      'groups',
      '8+',
      struct('OffsetFetchRequestGroup', [
        string('groupId', '8+'),
        string('memberId', '9+', { nullable: '9+', default: null, ignorable: true }),
        int32('memberEpoch', '9+', { default: -1, ignorable: true }),
        array(
          'topics',
          '8+',
          struct('OffsetFetchRequestTopics', [
            string('name', '8-9', { ignorable: true }),
            uuid('topicId', '10+', { ignorable: true }),
            array('partitionIndexes', '8+', 'int32'),
          ]),
          { nullable: '8+' },
        ),
      ]),
    ),
    bool('requireStable', '7+', { default: false }),
  ],
  response: [
    int32('throttleTimeMs', '3+', { ignorable: true }),
    array(
      'topics',
      '0-7',
      struct('OffsetFetchResponseTopic', [
        string('name', '0-7'),
        array(
          'partitions',
          '0-7',
          struct('OffsetFetchResponsePartition', [
            int32('partitionIndex', '0-7'),
            safeInt64('committedOffset', '0-7'),
            int32('committedLeaderEpoch', '5-7', { default: -1, ignorable: true }),
            string('metadata', '0-7', { nullable: '0-7' }),
            int16('errorCode', '0-7'),
          ]),
        ),
      ]),
    ),
    int16('errorCode', '2-7', { default: 0, ignorable: true }),
    array(
      'groups',
      '8+',
      struct('OffsetFetchResponseGroup', [
        string('groupId', '8+'),
        array(
          'topics',
          '8+',
          struct('OffsetFetchResponseTopics', [
            string('name', '8-9', { ignorable: true }),
            uuid('topicId', '10+', { ignorable: true }),
            array(
              'partitions',
              '8+',
              struct('OffsetFetchResponsePartitions', [
                int32('partitionIndex', '8+'),
                safeInt64('committedOffset', '8+'),
                int32('committedLeaderEpoch', '8+', { default: -1, ignorable: true }),
                string('metadata', '8+', { nullable: '8+' }),
                int16('errorCode', '8+'),
              ]),
            ),
          ]),
        ),
        int16('errorCode', '8+', { default: 0 }),
      ]),
    ),
  ],
});
