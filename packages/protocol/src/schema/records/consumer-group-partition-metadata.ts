// Records of __consumer_offsets: ConsumerGroupPartitionMetadataKey and ConsumerGroupPartitionMetadataValue.

import { array, int32, message, string, struct, uuid } from '../dsl.ts';

export const consumerGroupPartitionMetadataKeySchema = message({
  name: 'ConsumerGroupPartitionMetadataKey',
  versions: '0,4',
  flexible: 'none',
  fields: [string('groupId', '0+')],
});

export const consumerGroupPartitionMetadataValueSchema = message({
  name: 'ConsumerGroupPartitionMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: [
    array(
      'topics',
      '0+',
      struct('TopicMetadata', [
        uuid('topicId', '0+'),
        string('topicName', '0+'),
        int32('numPartitions', '0+'),
        array(
          'partitionMetadata',
          '0+',
          struct('PartitionMetadata', [int32('partition', '0+'), array('racks', '0+', 'string')]),
        ),
      ]),
    ),
  ],
});
