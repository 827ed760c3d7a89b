// API key 4: LeaderAndIsr, versions 0-7.

import { api, array, bool, int8, int16, int32, int64, string, struct, uuid } from './dsl.ts';

const leaderAndIsrPartitionState = struct('LeaderAndIsrPartitionState', [
  string('topicName', '0-1', { ignorable: true }),
  int32('partitionIndex', '0+'),
  int32('controllerEpoch', '0+'),
  int32('leader', '0+'),
  int32('leaderEpoch', '0+'),
  array('isr', '0+', 'int32'),
  int32('partitionEpoch', '0+'),
  array('replicas', '0+', 'int32'),
  array('addingReplicas', '3+', 'int32', { ignorable: true }),
  array('removingReplicas', '3+', 'int32', { ignorable: true }),
  bool('isNew', '1+', { default: false, ignorable: true }),
  int8('leaderRecoveryState', '6+', { default: 0 }),
]);

const leaderAndIsrPartitionError = struct('LeaderAndIsrPartitionError', [
  string('topicName', '0-4', { ignorable: true }),
  int32('partitionIndex', '0+'),
  int16('errorCode', '0+'),
]);

export const leaderAndIsrSchema = api({
  key: 4,
  name: 'LeaderAndIsr',
  versions: '0-7',
  flexible: '4+',
  request: [
    int32('controllerId', '0+'),
    bool('isKRaftController', '7+', { default: false }),
    int32('controllerEpoch', '0+'),
    int64('brokerEpoch', '2+', { default: -1n, ignorable: true }),
    int8('type', '5+'),
    array('ungroupedPartitionStates', '0-1', leaderAndIsrPartitionState),
    array(
      'topicStates',
      '2+',
      struct('LeaderAndIsrTopicState', [
        string('topicName', '2+'),
        uuid('topicId', '5+', { ignorable: true }),
        array('partitionStates', '2+', leaderAndIsrPartitionState),
      ]),
    ),
    array(
      'liveLeaders',
      '0+',
      struct('LeaderAndIsrLiveLeader', [int32('brokerId', '0+'), string('hostName', '0+'), int32('port', '0+')]),
    ),
  ],
  response: [
    int16('errorCode', '0+'),
    array('partitionErrors', '0-4', leaderAndIsrPartitionError),
    array(
      'topics',
      '5+',
      struct('LeaderAndIsrTopicError', [
        uuid('topicId', '5+'),
        array('partitionErrors', '5+', leaderAndIsrPartitionError),
      ]),
    ),
  ],
});
