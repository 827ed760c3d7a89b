// API key 87: ReadShareGroupStateSummary, versions 0-1.

import { api, array, int16, int32, safeInt64, string, struct, uuid } from './dsl.ts';

export const readShareGroupStateSummarySchema = api({
  key: 87,
  name: 'ReadShareGroupStateSummary',
  versions: '0-1',
  flexible: '0+',
  request: [
    string('groupId', '0+'),
    array(
      'topics',
      '0+',
      struct('ReadStateSummaryData', [
        uuid('topicId', '0+'),
        array('partitions', '0+', struct('PartitionData', [int32('partition', '0+'), int32('leaderEpoch', '0+')])),
      ]),
    ),
  ],
  response: [
    array(
      'results',
      '0+',
      struct('ReadStateSummaryResult', [
        uuid('topicId', '0+'),
        array(
          'partitions',
          '0+',
          struct('PartitionResult', [
            int32('partition', '0+'),
            int16('errorCode', '0+'),
            string('errorMessage', '0+', { nullable: '0+', default: null }),
            int32('stateEpoch', '0+'),
            int32('leaderEpoch', '0+'),
            safeInt64('startOffset', '0+'),
            int32('deliveryCompleteCount', '1+', { default: -1, ignorable: true }),
          ]),
        ),
      ]),
    ),
  ],
});
