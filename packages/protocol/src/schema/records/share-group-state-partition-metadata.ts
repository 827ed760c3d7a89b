// Records of __consumer_offsets: ShareGroupStatePartitionMetadataKey and ShareGroupStatePartitionMetadataValue.

import { array, message, string, struct, uuid } from '../dsl.ts';

export const shareGroupStatePartitionMetadataKeySchema = message({
  name: 'ShareGroupStatePartitionMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: [string('groupId', '0+')],
});

const topicPartitionsInfo = struct('TopicPartitionsInfo', [
  uuid('topicId', '0+'),
  string('topicName', '0+'),
  array('partitions', '0+', 'int32'),
]);

export const shareGroupStatePartitionMetadataValueSchema = message({
  name: 'ShareGroupStatePartitionMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: [
    array('initializingTopics', '0+', topicPartitionsInfo),
    array('initializedTopics', '0+', topicPartitionsInfo),
    array('deletingTopics', '0+', struct('TopicInfo', [uuid('topicId', '0+'), string('topicName', '0+')])),
  ],
});
