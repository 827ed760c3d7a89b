// Records of __consumer_offsets: StreamsGroupMemberMetadataKey and StreamsGroupMemberMetadataValue.

import { array, int32, message, object, string, struct, uint16 } from '../dsl.ts';

export const streamsGroupMemberMetadataKeySchema = message({
  name: 'StreamsGroupMemberMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: [string('groupId', '0+'), string('memberId', '0+')],
});

export const streamsGroupMemberMetadataValueSchema = message({
  name: 'StreamsGroupMemberMetadataValue',
  versions: '0',
  flexible: '0+',
  fields: [
    string('instanceId', '0+', { nullable: '0+' }),
    string('rackId', '0+', { nullable: '0+' }),
    string('clientId', '0+'),
    string('clientHost', '0+'),
    int32('rebalanceTimeoutMs', '0+', { default: -1 }),
    int32('topologyEpoch', '0+'),
    string('processId', '0+'),
    object('userEndpoint', '0+', struct('Endpoint', [string('host', '0+'), uint16('port', '0+')]), {
      nullable: '0+',
      default: null,
    }),
    array('clientTags', '0+', struct('KeyValue', [string('key', '0+'), string('value', '0+')])),
  ],
});
