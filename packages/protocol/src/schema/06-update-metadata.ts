// API key 6: UpdateMetadata, versions 0-8.

import { api, array, bool, int8, int16, int32, int64, string, struct, uuid } from './dsl.ts';

const updateMetadataPartitionState = struct('UpdateMetadataPartitionState', [
  string('topicName', '0-4', { ignorable: true }),
  int32('partitionIndex', '0+'),
  int32('controllerEpoch', '0+'),
  int32('leader', '0+'),
  int32('leaderEpoch', '0+'),
  array('isr', '0+', 'int32'),
  int32('zkVersion', '0+'),
  array('replicas', '0+', 'int32'),
  array('offlineReplicas', '4+', 'int32', { ignorable: true }),
]);

export const updateMetadataSchema = api({
  key: 6,
  name: 'UpdateMetadata',
  versions: '0-8',
  flexible: '6+',
  request: [
    int32('controllerId', '0+'),
    bool('isKRaftController', '8+', { default: false }),
    int8('type', '8+', { default: 0, tag: 0 }),
    int32('controllerEpoch', '0+'),
    int64('brokerEpoch', '5+', { default: -1n, ignorable: true }),
    array('ungroupedPartitionStates', '0-4', updateMetadataPartitionState),
    array(
      'topicStates',
      '5+',
      struct('UpdateMetadataTopicState', [
        string('topicName', '5+'),
        uuid('topicId', '7+', { ignorable: true }),
        array('partitionStates', '5+', updateMetadataPartitionState),
      ]),
    ),
    array(
      'liveBrokers',
      '0+',
      struct('UpdateMetadataBroker', [
        int32('id', '0+'),
        string('v0Host', '0', { ignorable: true }),
        int32('v0Port', '0', { ignorable: true }),
        array(
          'endpoints',
          '1+',
          struct('UpdateMetadataEndpoint', [
            int32('port', '1+'),
            string('host', '1+'),
            string('listener', '3+', { ignorable: true }),
            int16('securityProtocol', '1+'),
          ]),
          { ignorable: true },
        ),
        string('rack', '2+', { nullable: '0+', ignorable: true }),
      ]),
    ),
  ],
  response: [int16('errorCode', '0+')],
});
