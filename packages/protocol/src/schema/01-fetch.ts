// API key 1: Fetch, versions 0-18.

import { api, array, int8, int16, int32, int64, object, records, safeInt64, string, struct, uuid } from './dsl.ts';

export const fetchSchema = api({
  key: 1,
  name: 'Fetch',
  versions: '0-18',
  flexible: '12+',
  request: [
    string('clusterId', '12+', { nullable: '12+', default: null, ignorable: true, tag: 0 }),
    int32('replicaId', '0-14', { default: -1 }),
    object(
      'replicaState',
      '15+',
      struct('ReplicaState', [
        int32('replicaId', '15+', { default: -1 }),
        int64('replicaEpoch', '15+', { default: -1n }),
      ]),
      { tag: 1 },
    ),
    int32('maxWaitMs', '0+'),
    int32('minBytes', '0+'),
    int32('maxBytes', '3+', { default: 0x7fffffff, ignorable: true }),
    int8('isolationLevel', '4+', { default: 0, ignorable: true }),
    int32('sessionId', '7+', { default: 0, ignorable: true }),
    int32('sessionEpoch', '7+', { default: -1, ignorable: true }),
    array(
      'topics',
      '0+',
      struct('FetchTopic', [
        string('topic', '0-12', { ignorable: true }),
        uuid('topicId', '13+', { ignorable: true }),
        array(
          'partitions',
          '0+',
          struct('FetchPartition', [
            int32('partition', '0+'),
            int32('currentLeaderEpoch', '9+', { default: -1, ignorable: true }),
            safeInt64('fetchOffset', '0+'),
            int32('lastFetchedEpoch', '12+', { default: -1 }),
            safeInt64('logStartOffset', '5+', { default: -1, ignorable: true }),
            int32('partitionMaxBytes', '0+'),
            uuid('replicaDirectoryId', '17+', { ignorable: true, tag: 0 }),
            // Not a safe number: its default is the greatest int64, which must stay apart from what saturates.
            int64('highWatermark', '18+', { default: 0x7fff_ffff_ffff_ffffn, ignorable: true, tag: 1 }),
          ]),
        ),
      ]),
    ),
    array(
      'forgottenTopicsData',
      '7+',
      struct('ForgottenTopic', [
        string('topic', '7-12', { ignorable: true }),
        uuid('topicId', '13+', { ignorable: true }),
        array('partitions', '7+', 'int32'),
      ]),
    ),
    string('rackId', '11+', { default: '', ignorable: true }),
  ],
  response: [
    int32('throttleTimeMs', '1+', { ignorable: true }),
    int16('errorCode', '7+', { ignorable: true }),
    int32('sessionId', '7+', { default: 0 }),
    array(
      'responses',
      '0+',
      struct('FetchableTopicResponse', [
        string('topic', '0-12', { ignorable: true }),
        uuid('topicId', '13+', { ignorable: true }),
        array(
          'partitions',
          '0+',
          struct('PartitionData', [
            int32('partitionIndex', '0+'),
            int16('errorCode', '0+'),
            safeInt64('highWatermark', '0+'),
            safeInt64('lastStableOffset', '4+', { default: -1, ignorable: true }),
            safeInt64('logStartOffset', '5+', { default: -1, ignorable: true }),
            object(
              'divergingEpoch',
              '12+',
              struct('EpochEndOffset', [
                int32('epoch', '12+', { default: -1 }),
                safeInt64('endOffset', '12+', { default: -1 }),
              ]),
              { tag: 0 },
            ),
            object(
              'currentLeader',
              '12+',
              struct('LeaderIdAndEpoch', [
                int32('leaderId', '12+', { default: -1 }),
                int32('leaderEpoch', '12+', { default: -1 }),
              ]),
              { tag: 1 },
            ),
            object(
              'snapshotId',
              '12+',
              struct('SnapshotId', [
                safeInt64('endOffset', '0+', { default: -1 }),
                int32('epoch', '0+', { default: -1 }),
              ]),
              { tag: 2 },
            ),
            array(
              'abortedTransactions',
              '4+',
              struct('AbortedTransaction', [safeInt64('producerId', '4+'), safeInt64('firstOffset', '4+')]),
              { nullable: '4+', ignorable: true },
            ),
            int32('preferredReadReplica', '11+', { default: -1 }),
            records('records', '0+', { nullable: '0+' }),
          ]),
        ),
      ]),
    ),
    array(
      'nodeEndpoints',
      '16+',
      struct('NodeEndpoint', [
        int32('nodeId', '16+'),
        string('host', '16+'),
        int32('port', '16+'),
        string('rack', '16+', { nullable: '16+', default: null }),
      ]),
      { tag: 0 },
    ),
  ],
});
