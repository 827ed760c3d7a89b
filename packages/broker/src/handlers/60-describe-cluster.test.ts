import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Errors } from '@ottla/base';
import type { DescribeClusterRequest } from '@ottla/protocol';
import { MetadataCache } from '../metadata/metadata-cache.ts';
import { contextForTest } from '../server/testing/services-for-test.ts';
import { describeCluster } from './60-describe-cluster.ts';

function cluster(): MetadataCache {
  const cache = new MetadataCache();
  const endpoint = (listener: string, port: number) => ({ host: 'h', port, listener, securityProtocol: 0 });
  cache.updateMetadata({
    controllerId: 2,
    controllerEpoch: 1,
    isKRaftController: false,
    type: 0,
    brokerEpoch: -1n,
    ungroupedPartitionStates: [],
    topicStates: [],
    liveBrokers: [
      { id: 1, v0Host: '', v0Port: 0, rack: 'r', endpoints: [endpoint('PLAINTEXT', 91), endpoint('OTHER', 81)] },
      { id: 2, v0Host: '', v0Port: 0, rack: null, endpoints: [endpoint('OTHER', 82)] },
    ],
  });
  return cache;
}

function ask(request: Partial<DescribeClusterRequest>) {
  const context = contextForTest({ apiKey: 60, apiVersion: 1 }, { metadataCache: cluster(), clusterId: 'c' });
  return describeCluster.handle(
    { includeClusterAuthorizedOperations: false, endpointType: 1, includeFencedBrokers: false, ...request },
    context,
  );
}

describe('DescribeCluster', () => {
  test('shows the brokers that the listener of the client can reach', async () => {
    assert.deepEqual(await ask({ includeClusterAuthorizedOperations: true }), {
      throttleTimeMs: 0,
      errorCode: 0,
      clusterId: 'c',
      controllerId: 2,
      brokers: [{ brokerId: 1, host: 'h', port: 91, rack: 'r' }],
      clusterAuthorizedOperations: 0x1fa0,
    });
  });

  test('refuses to be a controller endpoint, and what Kafka does not know', async () => {
    for (const [endpointType, errorCode, errorMessage] of [
      [
        2,
        Errors.MISMATCHED_ENDPOINT_TYPE,
        'The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER',
      ],
      [9, Errors.UNSUPPORTED_ENDPOINT_TYPE, 'Unsupported endpoint type 9'],
    ] as const) {
      assert.deepEqual(await ask({ endpointType }), {
        throttleTimeMs: 0,
        errorCode,
        errorMessage,
        clusterId: '',
        controllerId: -1,
        brokers: [],
      });
    }
  });
});
