// API key 27: WriteTxnMarkers, versions 0-2.

import { api, array, bool, int8, int16, int32, safeInt64, string, struct } from './dsl.ts';

export const writeTxnMarkersSchema = api({
  key: 27,
  name: 'WriteTxnMarkers',
  versions: '0-2',
  flexible: '1+',
  request: [
    array(
      'markers',
      '0+',
      struct('WritableTxnMarker', [
        safeInt64('producerId', '0+'),
        int16('producerEpoch', '0+'),
        bool('transactionResult', '0+'),
        array(
          'topics',
          '0+',
          struct('WritableTxnMarkerTopic', [string('name', '0+'), array('partitionIndexes', '0+', 'int32')]),
        ),
        int32('coordinatorEpoch', '0+'),
        int8('transactionVersion', '2+', { default: 0, ignorable: true }),
      ]),
    ),
  ],
  response: [
    array(
      'markers',
      '0+',
      struct('WritableTxnMarkerResult', [
        safeInt64('producerId', '0+'),
        array(
          'topics',
          '0+',
          struct('WritableTxnMarkerTopicResult', [
            string('name', '0+'),
            array(
              'partitions',
              '0+',
              struct('WritableTxnMarkerPartitionResult', [int32('partitionIndex', '0+'), int16('errorCode', '0+')]),
            ),
          ]),
        ),
      ]),
    ),
  ],
});
