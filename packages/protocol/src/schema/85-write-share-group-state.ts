// API key 85: WriteShareGroupState, versions 0-1.

import { api, array, int8, int16, int32, safeInt64, string, struct, uuid } from './dsl.ts';

export const writeShareGroupStateSchema = api({
  key: 85,
  name: 'WriteShareGroupState',
  versions: '0-1',
  flexible: '0+',
  request: [
    string('groupId', '0+'),
    array(
      'topics',
      '0+',
      struct('WriteStateData', [
        uuid('topicId', '0+'),
        array(
          'partitions',
          '0+',
          struct('PartitionData', [
            int32('partition', '0+'),
            int32('stateEpoch', '0+'),
            int32('leaderEpoch', '0+'),
            safeInt64('startOffset', '0+'),
            int32('deliveryCompleteCount', '1+', { default: -1, ignorable: true }),
            array(
              'stateBatches',
              '0+',
              struct('StateBatch', [
                safeInt64('firstOffset', '0+'),
                safeInt64('lastOffset', '0+'),
                int8('deliveryState', '0+'),
                int16('deliveryCount', '0+'),
              ]),
            ),
          ]),
        ),
      ]),
    ),
  ],
  response: [
    array(
      'results',
      '0+',
      struct('WriteStateResult', [
        uuid('topicId', '0+'),
        array(
          'partitions',
          '0+',
          struct('PartitionResult', [
            int32('partition', '0+'),
            int16('errorCode', '0+'),
            string('errorMessage', '0+', { nullable: '0+', default: null }),
          ]),
        ),
      ]),
    ),
  ],
});
