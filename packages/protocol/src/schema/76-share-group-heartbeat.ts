// API key 76: ShareGroupHeartbeat, versions 0-1.

import { api, array, int16, int32, object, string, struct, uuid } from './dsl.ts';

export const shareGroupHeartbeatSchema = api({
  key: 76,
  name: 'ShareGroupHeartbeat',
  versions: '0-1',
  flexible: '0+',
  request: [
    string('groupId', '0+'),
    string('memberId', '0+'),
    int32('memberEpoch', '0+'),
    string('rackId', '0+', { nullable: '0+', default: null }),
    array('subscribedTopicNames', '0+', 'string', { nullable: '0+', default: null }),
  ],
  response: [
    int32('throttleTimeMs', '0+'),
    int16('errorCode', '0+'),
    string('errorMessage', '0+', { nullable: '0+', default: null }),
    string('memberId', '0+', { nullable: '0+', default: null }),
    int32('memberEpoch', '0+'),
    int32('heartbeatIntervalMs', '0+'),
    object(
      'assignment',
      '0+',
      struct('Assignment', [
        array(
          'topicPartitions',
          '0+',
          struct('TopicPartitions', [uuid('topicId', '0+'), array('partitions', '0+', 'int32')]),
        ),
      ]),
      { nullable: '0+', default: null },
    ),
  ],
});
