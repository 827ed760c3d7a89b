// API key 28: TxnOffsetCommit, versions 0-5.

import { api, array, int16, int32, safeInt64, string, struct } from './dsl.ts';

export const txnOffsetCommitSchema = api({
  key: 28,
  name: 'TxnOffsetCommit',
  versions: '0-5',
  flexible: '3+',
  request: [
    string('transactionalId', '0+'),
    string('groupId', '0+'),
    safeInt64('producerId', '0+'),
    int16('producerEpoch', '0+'),
    int32('generationId', '3+', { default: -1 }),
    string('memberId', '3+', { default: '' }),
    string('groupInstanceId', '3+', { nullable: '3+', default: null }),
    array(
      'topics',
      '0+',
      struct('TxnOffsetCommitRequestTopic', [
        string('name', '0+'),
        array(
          'partitions',
          '0+',
          struct('TxnOffsetCommitRequestPartition', [
            int32('partitionIndex', '0+'),
            safeInt64('committedOffset', '0+'),
            int32('committedLeaderEpoch', '2+', { default: -1, ignorable: true }),
            string('committedMetadata', '0+', { nullable: '0+' }),
          ]),
        ),
      ]),
    ),
  ],
  response: [
    int32('throttleTimeMs', '0+'),
    array(
      'topics',
      '0+',
      struct('TxnOffsetCommitResponseTopic', [
        string('name', '0+'),
        array(
          'partitions',
          '0+',
          struct('TxnOffsetCommitResponsePartition', [int32('partitionIndex', '0+'), int16('errorCode', '0+')]),
        ),
      ]),
    ),
  ],
});
