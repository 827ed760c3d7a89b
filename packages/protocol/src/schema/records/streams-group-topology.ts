// Records of __consumer_offsets: StreamsGroupTopologyKey and StreamsGroupTopologyValue.

import { array, int16, int32, message, string, struct } from '../dsl.ts';

export const streamsGroupTopologyKeySchema = message({
  name: 'StreamsGroupTopologyKey',
  versions: '0',
  flexible: 'none',
  fields: [string('groupId', '0+')],
});

const topicInfo = struct('TopicInfo', [
  string('name', '0+'),
  int32('partitions', '0+'),
  int16('replicationFactor', '0+'),
  array('topicConfigs', '0+', struct('TopicConfig', [string('key', '0+'), string('value', '0+')])),
]);

export const streamsGroupTopologyValueSchema = message({
  name: 'StreamsGroupTopologyValue',
  versions: '0',
  flexible: '0+',
  fields: [
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
  ],
});
