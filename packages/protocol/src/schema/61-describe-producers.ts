// API key 61: DescribeProducers, versions 0.

import { api, array, int16, int32, safeInt64, string, struct } from './dsl.ts';

export const describeProducersSchema = api({
  key: 61,
  name: 'DescribeProducers',
  versions: '0',
  flexible: '0+',
  request: [
    array('topics', '0+', struct('TopicRequest', [string('name', '0+'), array('partitionIndexes', '0+', 'int32')])),
  ],
  response: [
    int32('throttleTimeMs', '0+'),
    array(
      'topics',
      '0+',
      struct('TopicResponse', [
        string('name', '0+'),
        array(
          'partitions',
          '0+',
          struct('PartitionResponse', [
            int32('partitionIndex', '0+'),
            int16('errorCode', '0+'),
            string('errorMessage', '0+', { nullable: '0+', default: null }),
            array(
              'activeProducers',
              '0+',
              struct('ProducerState', [
                safeInt64('producerId', '0+'),
                int32('producerEpoch', '0+'),
                int32('lastSequence', '0+', { default: -1 }),
                safeInt64('lastTimestamp', '0+', { default: -1 }),
                int32('coordinatorEpoch', '0+'),
                safeInt64('currentTxnStartOffset', '0+', { default: -1 }),
              ]),
            ),
          ]),
        ),
      ]),
    ),
  ],
});
