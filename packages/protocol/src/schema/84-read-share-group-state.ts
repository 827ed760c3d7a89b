// API key 84: ReadShareGroupState, versions 0.

import { api, array, int8, int16, int32, safeInt64, string, struct, uuid } from './dsl.ts';

export const readShareGroupStateSchema = api({
  key: 84,
  name: 'ReadShareGroupState',
  versions: '0',
  flexible: '0+',
  request: [
    string('groupId', '0+'),
    array(
      'topics',
      '0+',
      struct('ReadStateData', [
        uuid('topicId', '0+'),
        array('partitions', '0+', struct('PartitionData', [int32('partition', '0+'), int32('leaderEpoch', '0+')])),
      ]),
    ),
  ],
  response: [
    array(
      'results',
      '0+',
      struct('ReadStateResult', [
        uuid('topicId', '0+'),
        array(
          'partitions',
          '0+',
          struct('PartitionResult', [
            int32('partition', '0+'),
            int16('errorCode', '0+'),
            string('errorMessage', '0+', { nullable: '0+', default: null }),
            int32('stateEpoch', '0+'),
            safeInt64('startOffset', '0+'),
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
});
