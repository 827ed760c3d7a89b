// API key 52: Vote, versions 0-2.

import { api, array, bool, int16, int32, safeInt64, string, struct, uint16, uuid } from './dsl.ts';

export const voteSchema = api({
  key: 52,
  name: 'Vote',
  versions: '0-2',
  flexible: '0+',
  request: [
    string('clusterId', '0+', { nullable: '0+', default: null }),
    int32('voterId', '1+', { default: -1, ignorable: true }),
    array(
      'topics',
      '0+',
      struct('TopicData', [
        string('topicName', '0+'),
        array(
          'partitions',
          '0+',
          struct('PartitionData', [
            int32('partitionIndex', '0+'),
            int32('replicaEpoch', '0+', { formerly: 'candidateEpoch' }),
            int32('replicaId', '0+', { formerly: 'candidateId' }),
            uuid('replicaDirectoryId', '1+', { ignorable: true, formerly: 'candidateDirectoryId' }),
            uuid('voterDirectoryId', '1+', { ignorable: true }),
            int32('lastOffsetEpoch', '0+'),
            safeInt64('lastOffset', '0+'),
            bool('preVote', '2+'),
          ]),
        ),
      ]),
    ),
  ],
  response: [
    int16('errorCode', '0+'),
    array(
      'topics',
      '0+',
      struct('TopicData', [
        string('topicName', '0+'),
        array(
          'partitions',
          '0+',
          struct('PartitionData', [
            int32('partitionIndex', '0+'),
            int16('errorCode', '0+'),
            int32('leaderId', '0+'),
            int32('leaderEpoch', '0+'),
            bool('voteGranted', '0+'),
          ]),
        ),
      ]),
    ),
    array(
      'nodeEndpoints',
      '1+',
      struct('NodeEndpoint', [int32('nodeId', '1+'), string('host', '1+'), uint16('port', '1+')]),
      { tag: 0 },
    ),
  ],
});
