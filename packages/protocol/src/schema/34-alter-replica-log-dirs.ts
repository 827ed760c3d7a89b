// API key 34: AlterReplicaLogDirs, versions 0-2.

import { api, array, int16, int32, string, struct } from './dsl.ts';

export const alterReplicaLogDirsSchema = api({
  key: 34,
  name: 'AlterReplicaLogDirs',
  versions: '0-2',
  flexible: '2+',
  request: [
    array(
      'dirs',
      '0+',
      struct('AlterReplicaLogDir', [
        string('path', '0+'),
        array(
          'topics',
          '0+',
          struct('AlterReplicaLogDirTopic', [string('name', '0+'), array('partitions', '0+', 'int32')]),
        ),
      ]),
    ),
  ],
  response: [
    int32('throttleTimeMs', '0+'),
    array(
      'results',
      '0+',
      struct('AlterReplicaLogDirTopicResult', [
        string('topicName', '0+'),
        array(
          'partitions',
          '0+',
          struct('AlterReplicaLogDirPartitionResult', [int32('partitionIndex', '0+'), int16('errorCode', '0+')]),
        ),
      ]),
    ),
  ],
});
