// API key 5: StopReplica, versions 0-4.

import { api, array, bool, int16, int32, int64, string, struct } from './dsl.ts';

export const stopReplicaSchema = api({
  key: 5,
  name: 'StopReplica',
  versions: '0-4',
  flexible: '2+',
  request: [
    int32('controllerId', '0+'),
    bool('isKRaftController', '4+', { default: false }),
    int32('controllerEpoch', '0+'),
    int64('brokerEpoch', '1+', { default: -1n, ignorable: true }),
    bool('deletePartitions', '0-2'),
    array(
      'ungroupedPartitions',
      '0',
      struct('StopReplicaPartitionV0', [string('topicName', '0'), int32('partitionIndex', '0')]),
    ),
    array(
      'topics',
      '1-2',
      struct('StopReplicaTopicV1', [string('name', '1-2'), array('partitionIndexes', '1-2', 'int32')]),
    ),
    array(
      'topicStates',
      '3+',
      struct('StopReplicaTopicState', [
        string('topicName', '3+'),
        array(
          'partitionStates',
          '3+',
          struct('StopReplicaPartitionState', [
            int32('partitionIndex', '3+'),
            int32('leaderEpoch', '3+', { default: -1 }),
            bool('deletePartition', '3+'),
          ]),
        ),
      ]),
    ),
  ],
  response: [
    int16('errorCode', '0+'),
    array(
      'partitionErrors',
      '0+',
      struct('StopReplicaPartitionError', [
        string('topicName', '0+'),
        int32('partitionIndex', '0+'),
        int16('errorCode', '0+'),
      ]),
    ),
  ],
});
