// API key 23: OffsetForLeaderEpoch, versions 0-4.

import { api, array, int16, int32, safeInt64, string, struct } from './dsl.ts';

export const offsetForLeaderEpochSchema = api({
  key: 23,
  name: 'OffsetForLeaderEpoch',
  versions: '0-4',
  flexible: '4+',
  request: [
    int32('replicaId', '3+', { default: -2, ignorable: true }),
    array(
      'topics',
      '0+',
      struct('OffsetForLeaderTopic', [
        string('topic', '0+'),
        array(
          'partitions',
          '0+',
          struct('OffsetForLeaderPartition', [
            int32('partition', '0+'),
            int32('currentLeaderEpoch', '2+', { default: -1, ignorable: true }),
            int32('leaderEpoch', '0+'),
          ]),
        ),
      ]),
    ),
  ],
  response: [
    int32('throttleTimeMs', '2+', { ignorable: true }),
    array(
      'topics',
      '0+',
      struct('OffsetForLeaderTopicResult', [
        string('topic', '0+'),
        array(
          'partitions',
          '0+',
          struct('EpochEndOffset', [
            int16('errorCode', '0+'),
            int32('partition', '0+'),
            int32('leaderEpoch', '1+', { default: -1, ignorable: true }),
            safeInt64('endOffset', '0+', { default: -1 }),
          ]),
        ),
      ]),
    ),
  ],
});
