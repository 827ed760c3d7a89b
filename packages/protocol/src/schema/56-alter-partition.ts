// API key 56: AlterPartition, versions 0-3.

import { api, array, int8, int16, int32, int64, string, struct, uuid } from './dsl.ts';

export const alterPartitionSchema = api({
  key: 56,
  name: 'AlterPartition',
  versions: '0-3',
  flexible: '0+',
  request: [
    int32('brokerId', '0+'),
    int64('brokerEpoch', '0+', { default: -1n }),
    array(
      'topics',
      '0+',
      struct('TopicData', [
        string('topicName', '0-1', { ignorable: true }),
        uuid('topicId', '2+', { ignorable: true }),
        array(
          'partitions',
          '0+',
          struct('PartitionData', [
            int32('partitionIndex', '0+'),
            int32('leaderEpoch', '0+'),
            array('newIsr', '0-2', 'int32'),
            array(
              'newIsrWithEpochs',
              '3+',
              struct('BrokerState', [int32('brokerId', '3+'), int64('brokerEpoch', '3+', { default: -1n })]),
            ),
            int8('leaderRecoveryState', '1+', { default: 0 }),
            int32('partitionEpoch', '0+'),
          ]),
        ),
      ]),
    ),
  ],
  response: [
    int32('throttleTimeMs', '0+'),
    int16('errorCode', '0+'),
    array(
      'topics',
      '0+',
      struct('TopicData', [
        string('topicName', '0-1', { ignorable: true }),
        uuid('topicId', '2+', { ignorable: true }),
        array(
          'partitions',
          '0+',
          struct('PartitionData', [
            int32('partitionIndex', '0+'),
            int16('errorCode', '0+'),
            int32('leaderId', '0+'),
            int32('leaderEpoch', '0+'),
            array('isr', '0+', 'int32'),
            int8('leaderRecoveryState', '1+', { default: 0, ignorable: true }),
            int32('partitionEpoch', '0+'),
          ]),
        ),
      ]),
    ),
  ],
});
