// API key 79: ShareAcknowledge, versions 0-2.

import { api, array, bool, int16, int32, object, safeInt64, string, struct, uuid } from './dsl.ts';

export const shareAcknowledgeSchema = api({
  key: 79,
  name: 'ShareAcknowledge',
  versions: '0-2',
  flexible: '0+',
  request: [
    string('groupId', '0+', { nullable: '0+', default: null }),
    string('memberId', '0+', { nullable: '0+' }),
    int32('shareSessionEpoch', '0+'),
    bool('isRenewAck', '2+', { default: false }),
    array(
      'topics',
      '0+',
      struct('AcknowledgeTopic', [
        uuid('topicId', '0+'),
        array(
          'partitions',
          '0+',
          struct('AcknowledgePartition', [
            int32('partitionIndex', '0+'),
            array(
              'acknowledgementBatches',
              '0+',
              struct('AcknowledgementBatch', [
                safeInt64('firstOffset', '0+'),
                safeInt64('lastOffset', '0+'),
                array('acknowledgeTypes', '0+', 'int8'),
              ]),
            ),
          ]),
        ),
      ]),
    ),
  ],
  response: [
    int32('throttleTimeMs', '0+'),
    int16('errorCode', '0+'),
    string('errorMessage', '0+', { nullable: '0+', default: null }),
    int32('acquisitionLockTimeoutMs', '2+', { ignorable: true }),
    array(
      'responses',
      '0+',
      struct('ShareAcknowledgeTopicResponse', [
        uuid('topicId', '0+'),
        array(
          'partitions',
          '0+',
          struct('PartitionData', [
            int32('partitionIndex', '0+'),
            int16('errorCode', '0+'),
            string('errorMessage', '0+', { nullable: '0+', default: null }),
            object(
              'currentLeader',
              '0+',
              struct('LeaderIdAndEpoch', [int32('leaderId', '0+'), int32('leaderEpoch', '0+')]),
            ),
          ]),
        ),
      ]),
    ),
    array(
      'nodeEndpoints',
      '0+',
      struct('NodeEndpoint', [
        int32('nodeId', '0+'),
        string('host', '0+'),
        int32('port', '0+'),
        string('rack', '0+', { nullable: '0+', default: null }),
      ]),
    ),
  ],
});
