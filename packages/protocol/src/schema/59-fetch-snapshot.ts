// API key 59: FetchSnapshot, versions 0-1.

import { api, array, int16, int32, object, records, safeInt64, string, struct, uint16, uuid } from './dsl.ts';

export const fetchSnapshotSchema = api({
  key: 59,
  name: 'FetchSnapshot',
  versions: '0-1',
  flexible: '0+',
  request: [
    string('clusterId', '0+', { nullable: '0+', default: null, tag: 0 }),
    int32('replicaId', '0+', { default: -1 }),
    int32('maxBytes', '0+', { default: 0x7fffffff }),
    array(
      'topics',
      '0+',
      struct('TopicSnapshot', [
        string('name', '0+'),
        array(
          'partitions',
          '0+',
          struct('PartitionSnapshot', [
            int32('partition', '0+'),
            int32('currentLeaderEpoch', '0+'),
            object('snapshotId', '0+', struct('SnapshotId', [safeInt64('endOffset', '0+'), int32('epoch', '0+')])),
            safeInt64('position', '0+'),
            uuid('replicaDirectoryId', '1+', { ignorable: true, tag: 0 }),
          ]),
        ),
      ]),
    ),
  ],
  response: [
    int32('throttleTimeMs', '0+', { ignorable: true }),
    int16('errorCode', '0+'),
    array(
      'topics',
      '0+',
      struct('TopicSnapshot', [
        string('name', '0+'),
        array(
          'partitions',
          '0+',
          struct('PartitionSnapshot', [
            int32('index', '0+'),
            int16('errorCode', '0+'),
            object('snapshotId', '0+', struct('SnapshotId', [safeInt64('endOffset', '0+'), int32('epoch', '0+')])),
            object(
              'currentLeader',
              '0+',
              struct('LeaderIdAndEpoch', [int32('leaderId', '0+'), int32('leaderEpoch', '0+')]),
              { tag: 0 },
            ),
            safeInt64('size', '0+'),
            safeInt64('position', '0+'),
            records('unalignedRecords', '0+'),
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
