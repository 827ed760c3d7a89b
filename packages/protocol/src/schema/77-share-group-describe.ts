// API key 77: ShareGroupDescribe, versions 0-1.

import { api, array, bool, int16, int32, object, string, struct, uuid } from './dsl.ts';

export const shareGroupDescribeSchema = api({
  key: 77,
  name: 'ShareGroupDescribe',
  versions: '0-1',
  flexible: '0+',
  request: [array('groupIds', '0+', 'string'), bool('includeAuthorizedOperations', '0+')],
  response: [
    int32('throttleTimeMs', '0+'),
    array(
      'groups',
      '0+',
      struct('DescribedGroup', [
        int16('errorCode', '0+'),
        string('errorMessage', '0+', { nullable: '0+', default: null }),
        string('groupId', '0+'),
        string('groupState', '0+'),
        int32('groupEpoch', '0+'),
        int32('assignmentEpoch', '0+'),
        string('assignorName', '0+'),
        array(
          'members',
          '0+',
          struct('Member', [
            string('memberId', '0+'),
            string('rackId', '0+', { nullable: '0+', default: null }),
            int32('memberEpoch', '0+'),
            string('clientId', '0+'),
            string('clientHost', '0+'),
            array('subscribedTopicNames', '0+', 'string'),
            object(
              'assignment',
              '0+',
              struct('Assignment', [
                array(
                  'topicPartitions',
                  '0+',
                  struct('TopicPartitions', [
                    uuid('topicId', '0+'),
                    string('topicName', '0+'),
                    array('partitions', '0+', 'int32'),
                  ]),
                ),
              ]),
            ),
          ]),
        ),
        int32('authorizedOperations', '0+', { default: -2147483648 }),
      ]),
    ),
  ],
});
