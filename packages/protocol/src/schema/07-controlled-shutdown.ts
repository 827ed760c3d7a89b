// API key 7: ControlledShutdown, versions 0-3.

import { api, array, int16, int32, int64, string, struct } from './dsl.ts';

export const controlledShutdownSchema = api({
  key: 7,
  name: 'ControlledShutdown',
  versions: '0-3',
  flexible: '3+',
  request: [int32('brokerId', '0+'), int64('brokerEpoch', '2+', { default: -1n, ignorable: true })],
  response: [
    int16('errorCode', '0+'),
    array(
      'remainingPartitions',
      '0+',
      struct('RemainingPartition', [string('topicName', '0+'), int32('partitionIndex', '0+')]),
    ),
  ],
});
