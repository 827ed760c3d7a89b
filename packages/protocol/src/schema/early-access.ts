// Shapes that Kafka 3.9 shipped as early access (KIP-932) under version numbers to which Kafka 4 gave another shape.

import { array, int16, int32, message, safeInt64, string, struct, uuid } from './dsl.ts';

/** Version 0 before it had a metadata hash. */
export const shareGroupMetadataValueEarlyAccessSchema = message({
  name: 'ShareGroupMetadataValueEarlyAccess',
  formerly: 'ShareGroupMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: [int32('epoch', '0+')],
});

/** Version 0 before it had a leader epoch. */
export const readShareGroupStateSummaryResponseEarlyAccessSchema = message({
  name: 'ReadShareGroupStateSummaryResponseEarlyAccess',
  formerly: 'ReadShareGroupStateSummaryResponse',
  versions: '0',
  flexible: '0+',
  fields: [
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
            safeInt64('startOffset', '0+'),
          ]),
        ),
      ]),
    ),
  ],
});
