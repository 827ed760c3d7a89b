// API key 53: BeginQuorumEpoch, versions 0-1.

import { api, array, int16, int32, string, struct, uint16, uuid } from './dsl.ts';

export const beginQuorumEpochSchema = api({
  key: 53,
  name: 'BeginQuorumEpoch',
  versions: '0-1',
  flexible: '1+',
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
            uuid('voterDirectoryId', '1+', { ignorable: true }),
            int32('leaderId', '0+'),
            int32('leaderEpoch', '0+'),
          ]),
        ),
      ]),
    ),
    array(
      'leaderEndpoints',
      '1+',
      struct('LeaderEndpoint', [string('name', '1+'), string('host', '1+'), uint16('port', '1+')]),
      { ignorable: true },
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
