// API key 45: AlterPartitionReassignments, versions 0-1.

import { api, array, bool, int16, int32, string, struct } from './dsl.ts';

export const alterPartitionReassignmentsSchema = api({
  key: 45,
  name: 'AlterPartitionReassignments',
  versions: '0-1',
  flexible: '0+',
  request: [
    int32('timeoutMs', '0+', { default: 60000 }),
    bool('allowReplicationFactorChange', '1+', { default: true }),
    array(
      'topics',
      '0+',
      struct('ReassignableTopic', [
        string('name', '0+'),
        array(
          'partitions',
          '0+',
          struct('ReassignablePartition', [
            int32('partitionIndex', '0+'),
            array('replicas', '0+', 'int32', { nullable: '0+', default: null }),
          ]),
        ),
      ]),
    ),
  ],
  response: [
    int32('throttleTimeMs', '0+'),
    bool('allowReplicationFactorChange', '1+', { default: true, ignorable: true }),
    int16('errorCode', '0+'),
    string('errorMessage', '0+', { nullable: '0+' }),
    array(
      'responses',
      '0+',
      struct('ReassignableTopicResponse', [
        string('name', '0+'),
        array(
          'partitions',
          '0+',
          struct('ReassignablePartitionResponse', [
            int32('partitionIndex', '0+'),
            int16('errorCode', '0+'),
            string('errorMessage', '0+', { nullable: '0+' }),
          ]),
        ),
      ]),
    ),
  ],
});
