// Records of __consumer_offsets: ShareGroupPartitionMetadataKey and ShareGroupPartitionMetadataValue.

import { array, message, string, struct, uuid } from '../dsl.ts';

export const shareGroupPartitionMetadataKeySchema = message({
  name: 'ShareGroupPartitionMetadataKey',
  versions: '9',
  flexible: 'none',
  fields: [string('groupId', '0+')],
});

export const shareGroupPartitionMetadataValueSchema = message({
  name: 'ShareGroupPartitionMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: [
    array(
      'initializedTopics',
      '0+',
      struct('TopicPartitionsInfo', [
        uuid('topicId', '0+'),
        string('topicName', '0+'),
        array('partitions', '0+', 'int32'),
      ]),
    ),
    array('deletingTopics', '0+', struct('TopicInfo', [uuid('topicId', '0+'), string('topicName', '0+')])),
  ],
});
