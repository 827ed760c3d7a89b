// API key 60: DescribeCluster, versions 0-2.

import { api, array, bool, int8, int16, int32, string, struct } from './dsl.ts';

export const describeClusterSchema = api({
  key: 60,
  name: 'DescribeCluster',
  versions: '0-2',
  flexible: '0+',
  request: [
    bool('includeClusterAuthorizedOperations', '0+'),
    int8('endpointType', '1+', { default: 1 }),
    bool('includeFencedBrokers', '2+'),
  ],
  response: [
    int32('throttleTimeMs', '0+'),
    int16('errorCode', '0+'),
    string('errorMessage', '0+', { nullable: '0+', default: null }),
    int8('endpointType', '1+', { default: 1 }),
    string('clusterId', '0+'),
    int32('controllerId', '0+', { default: -1 }),
    array(
      'brokers',
      '0+',
      struct('DescribeClusterBroker', [
        int32('brokerId', '0+'),
        string('host', '0+'),
        int32('port', '0+'),
        string('rack', '0+', { nullable: '0+', default: null }),
        bool('isFenced', '2+'),
      ]),
    ),
    int32('clusterAuthorizedOperations', '0+', { default: -2147483648 }),
  ],
});
