// API key 88: StreamsGroupHeartbeat, versions 0.

import { api, array, bool, int8, int16, int32, object, safeInt64, string, struct, uint16 } from './dsl.ts';

const keyValue = struct('KeyValue', [string('key', '0+'), string('value', '0+')]);

const topicInfo = struct('TopicInfo', [
  string('name', '0+'),
  int32('partitions', '0+'),
  int16('replicationFactor', '0+'),
  array('topicConfigs', '0+', keyValue),
]);

const taskOffset = struct('TaskOffset', [
  string('subtopologyId', '0+'),
  int32('partition', '0+'),
  safeInt64('offset', '0+'),
]);

const taskIds = struct('TaskIds', [string('subtopologyId', '0+'), array('partitions', '0+', 'int32')]);

const topicPartition = struct('TopicPartition', [string('topic', '0+'), array('partitions', '0+', 'int32')]);

const streamsGroupHeartbeatResponseTaskIds = struct('TaskIds', [
  string('subtopologyId', '0+'),
  array('partitions', '0+', 'int32'),
]);

export const streamsGroupHeartbeatSchema = api({
  key: 88,
  name: 'StreamsGroupHeartbeat',
  versions: '0',
  flexible: '0+',
  request: [
    string('groupId', '0+'),
    string('memberId', '0+'),
    int32('memberEpoch', '0+'),
    int32('endpointInformationEpoch', '0+'),
    string('instanceId', '0+', { nullable: '0+', default: null }),
    string('rackId', '0+', { nullable: '0+', default: null }),
    int32('rebalanceTimeoutMs', '0+', { default: -1 }),
    object(
      'topology',
      '0+',
      struct('Topology', [
        int32('epoch', '0+'),
        array(
          'subtopologies',
          '0+',
          struct('Subtopology', [
            string('subtopologyId', '0+'),
            array('sourceTopics', '0+', 'string'),
            array('sourceTopicRegex', '0+', 'string'),
            array('stateChangelogTopics', '0+', topicInfo),
            array('repartitionSinkTopics', '0+', 'string'),
            array('repartitionSourceTopics', '0+', topicInfo),
            array(
              'copartitionGroups',
              '0+',
              struct('CopartitionGroup', [
                array('sourceTopics', '0+', 'int16'),
                array('sourceTopicRegex', '0+', 'int16'),
                array('repartitionSourceTopics', '0+', 'int16'),
              ]),
            ),
          ]),
        ),
      ]),
      { nullable: '0+', default: null },
    ),
    array('activeTasks', '0+', taskIds, { nullable: '0+', default: null }),
    array('standbyTasks', '0+', taskIds, { nullable: '0+', default: null }),
    array('warmupTasks', '0+', taskIds, { nullable: '0+', default: null }),
    string('processId', '0+', { nullable: '0+', default: null }),
    object('userEndpoint', '0+', struct('Endpoint', [string('host', '0+'), uint16('port', '0+')]), {
      nullable: '0+',
      default: null,
    }),
    array('clientTags', '0+', keyValue, { nullable: '0+', default: null }),
    array('taskOffsets', '0+', taskOffset, { nullable: '0+', default: null }),
    array('taskEndOffsets', '0+', taskOffset, { nullable: '0+', default: null }),
    bool('shutdownApplication', '0+', { default: false }),
  ],
  response: [
    int32('throttleTimeMs', '0+'),
    int16('errorCode', '0+'),
    string('errorMessage', '0+', { nullable: '0+', default: null }),
    string('memberId', '0+'),
    int32('memberEpoch', '0+'),
    int32('heartbeatIntervalMs', '0+'),
    int32('acceptableRecoveryLag', '0+'),
    int32('taskOffsetIntervalMs', '0+'),
    array('status', '0+', struct('Status', [int8('statusCode', '0+'), string('statusDetail', '0+')]), {
      nullable: '0+',
    }),
    array('activeTasks', '0+', streamsGroupHeartbeatResponseTaskIds, { nullable: '0+', default: null }),
    array('standbyTasks', '0+', streamsGroupHeartbeatResponseTaskIds, { nullable: '0+', default: null }),
    array('warmupTasks', '0+', streamsGroupHeartbeatResponseTaskIds, { nullable: '0+', default: null }),
    int32('endpointInformationEpoch', '0+'),
    array(
      'partitionsByUserEndpoint',
      '0+',
      struct('EndpointToPartitions', [
        object('userEndpoint', '0+', struct('Endpoint', [string('host', '0+'), uint16('port', '0+')])),
        array('activePartitions', '0+', topicPartition),
        array('standbyPartitions', '0+', topicPartition),
      ]),
      { nullable: '0+', default: null },
    ),
  ],
});
