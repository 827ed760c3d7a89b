// API key 24: AddPartitionsToTxn, versions 0-5.

import { api, array, bool, int16, int32, safeInt64, string, struct } from './dsl.ts';

const addPartitionsToTxnTopic = struct('AddPartitionsToTxnTopic', [
  string('name', '0+'),
  array('partitions', '0+', 'int32'),
]);

const addPartitionsToTxnTopicResult = struct('AddPartitionsToTxnTopicResult', [
  string('name', '0+'),
  array(
    'resultsByPartition',
    '0+',
    struct('AddPartitionsToTxnPartitionResult', [int32('partitionIndex', '0+'), int16('partitionErrorCode', '0+')]),
  ),
]);

export const addPartitionsToTxnSchema = api({
  key: 24,
  name: 'AddPartitionsToTxn',
  versions: '0-5',
  flexible: '3+',
  request: [
    array(
      'transactions',
      '4+',
      struct('AddPartitionsToTxnTransaction', [
        string('transactionalId', '4+'),
        safeInt64('producerId', '4+'),
        int16('producerEpoch', '4+'),
        bool('verifyOnly', '4+', { default: false }),
        array('topics', '4+', addPartitionsToTxnTopic),
      ]),
    ),
    string('v3AndBelowTransactionalId', '0-3'),
    safeInt64('v3AndBelowProducerId', '0-3'),
    int16('v3AndBelowProducerEpoch', '0-3'),
    array('v3AndBelowTopics', '0-3', addPartitionsToTxnTopic),
  ],
  response: [
    int32('throttleTimeMs', '0+'),
    int16('errorCode', '4+', { ignorable: true }),
    array(
      'resultsByTransaction',
      '4+',
      struct('AddPartitionsToTxnResult', [
        string('transactionalId', '4+'),
        array('topicResults', '4+', addPartitionsToTxnTopicResult),
      ]),
    ),
    array('resultsByTopicV3AndBelow', '0-3', addPartitionsToTxnTopicResult),
  ],
});
