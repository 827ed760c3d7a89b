// API key 73: AssignReplicasToDirs, versions 0.

import { api, array, int16, int32, int64, struct, uuid } from './dsl.ts';

export const assignReplicasToDirsSchema = api({
  key: 73,
  name: 'AssignReplicasToDirs',
  versions: '0',
  flexible: '0+',
  request: [
    int32('brokerId', '0+'),
    int64('brokerEpoch', '0+', { default: -1n }),
    array(
      'directories',
      '0+',
      struct('DirectoryData', [
        uuid('id', '0+'),
        array(
          'topics',
          '0+',
          struct('TopicData', [
            uuid('topicId', '0+'),
            array('partitions', '0+', struct('PartitionData', [int32('partitionIndex', '0+')])),
          ]),
        ),
      ]),
    ),
  ],
  response: [
    int32('throttleTimeMs', '0+'),
    int16('errorCode', '0+'),
    array(
      'directories',
      '0+',
      struct('DirectoryData', [
        uuid('id', '0+'),
        array(
          'topics',
          '0+',
          struct('TopicData', [
            uuid('topicId', '0+'),
            array(
              'partitions',
              '0+',
              struct('PartitionData', [int32('partitionIndex', '0+'), int16('errorCode', '0+')]),
            ),
          ]),
        ),
      ]),
    ),
  ],
});
