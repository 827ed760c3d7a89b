// API key 21: DeleteRecords, versions 0-2.

import { api, array, int16, int32, safeInt64, string, struct } from './dsl.ts';

export const deleteRecordsSchema = api({
  key: 21,
  name: 'DeleteRecords',
  versions: '0-2',
  flexible: '2+',
  request: [
    array(
      'topics',
      '0+',
      struct('DeleteRecordsTopic', [
        string('name', '0+'),
        array(
          'partitions',
          '0+',
          struct('DeleteRecordsPartition', [int32('partitionIndex', '0+'), safeInt64('offset', '0+')]),
        ),
      ]),
    ),
    int32('timeoutMs', '0+'),
  ],
  response: [
    int32('throttleTimeMs', '0+'),
    array(
      'topics',
      '0+',
      struct('DeleteRecordsTopicResult', [
        string('name', '0+'),
        array(
          'partitions',
          '0+',
          struct('DeleteRecordsPartitionResult', [
            int32('partitionIndex', '0+'),
            safeInt64('lowWatermark', '0+'),
            int16('errorCode', '0+'),
          ]),
        ),
      ]),
    ),
  ],
});
