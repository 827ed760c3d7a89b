// Records of __consumer_offsets: StreamsGroupMetadataKey and StreamsGroupMetadataValue.

import { array, int32, int64, message, string, struct } from '../dsl.ts';

export const streamsGroupMetadataKeySchema = message({
  name: 'StreamsGroupMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: [string('groupId', '0+')],
});

export const streamsGroupMetadataValueSchema = message({
  name: 'StreamsGroupMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: [
    int32('epoch', '0+'),
    int64('metadataHash', '0+'),
    int32('validatedTopologyEpoch', '0+', { default: -1, tag: 0 }),
    // Kafka's schema says the default is null; Kafka's code takes it as empty: an empty one is left out, a null one is written.
    array('lastAssignmentConfigs', '0+', struct('LastAssignmentConfig', [string('key', '0+'), string('value', '0+')]), {
      nullable: '0+',
      tag: 1,
    }),
  ],
});
