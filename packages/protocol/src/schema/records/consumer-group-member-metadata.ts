// Records of __consumer_offsets: ConsumerGroupMemberMetadataKey and ConsumerGroupMemberMetadataValue.

import { array, bytes, int32, message, object, string, struct } from '../dsl.ts';

export const consumerGroupMemberMetadataKeySchema = message({
  name: 'ConsumerGroupMemberMetadataKey',
  versions: '0,5',
  flexible: 'none',
  fields: [string('groupId', '0+'), string('memberId', '0+')],
});

export const consumerGroupMemberMetadataValueSchema = message({
  name: 'ConsumerGroupMemberMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: [
    string('instanceId', '0+', { nullable: '0+' }),
    string('rackId', '0+', { nullable: '0+' }),
    string('clientId', '0+'),
    string('clientHost', '0+'),
    array('subscribedTopicNames', '0+', 'string'),
    string('subscribedTopicRegex', '0+', { nullable: '0+' }),
    int32('rebalanceTimeoutMs', '0+', { default: -1 }),
    string('serverAssignor', '0+', { nullable: '0+' }),
    // Kafka's schema says the default is null; Kafka's code takes it as empty: an empty one is left out, a null one is written.
    object(
      'classicMemberMetadata',
      '0+',
      struct('ClassicMemberMetadata', [
        int32('sessionTimeoutMs', '0+'),
        array('supportedProtocols', '0+', struct('ClassicProtocol', [string('name', '0+'), bytes('metadata', '0+')])),
      ]),
      { nullable: '0+', tag: 0 },
    ),
  ],
});
