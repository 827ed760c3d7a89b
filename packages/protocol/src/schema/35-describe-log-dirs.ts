// API key 35: DescribeLogDirs, versions 0-4.

import { api, array, bool, int16, int32, safeInt64, string, struct } from './dsl.ts';

export const describeLogDirsSchema = api({
  key: 35,
  name: 'DescribeLogDirs',
  versions: '0-4',
  flexible: '2+',
  request: [
    array(
      'topics',
      '0+',
      struct('DescribableLogDirTopic', [string('topic', '0+'), array('partitions', '0+', 'int32')]),
      { nullable: '0+' },
    ),
  ],
  response: [
    int32('throttleTimeMs', '0+'),
    int16('errorCode', '3+', { ignorable: true }),
    array(
      'results',
      '0+',
      struct('DescribeLogDirsResult', [
        int16('errorCode', '0+'),
        string('logDir', '0+'),
        array(
          'topics',
          '0+',
          struct('DescribeLogDirsTopic', [
            string('name', '0+'),
            array(
              'partitions',
              '0+',
              struct('DescribeLogDirsPartition', [
                int32('partitionIndex', '0+'),
                safeInt64('partitionSize', '0+'),
                safeInt64('offsetLag', '0+'),
                bool('isFutureKey', '0+'),
              ]),
            ),
          ]),
        ),
        safeInt64('totalBytes', '4+', { default: -1, ignorable: true }),
        safeInt64('usableBytes', '4+', { default: -1, ignorable: true }),
      ]),
    ),
  ],
});
