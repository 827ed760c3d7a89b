// DescribeCluster, served in versions 0 and 1 (KIP-700).
//
// The brokers as the client's listener shows them, and the controller. Version 1 may ask for an endpoint of controllers, which a broker in
// ZooKeeper mode is not (KIP-919). Without an authorizer everybody may do everything to the cluster.

import { type ErrorCode, Errors } from '@ottla/base';
import { type DescribeClusterResponse, describeCluster as describeClusterApi } from '@ottla/protocol';
import { defineHandler } from '../server/handler.ts';

const ENDPOINT_TYPE_BROKER = 1;
const ENDPOINT_TYPE_CONTROLLER = 2;
const NO_CONTROLLER_ID = -1;
/** Bits of AclOperation: create, alter, describe, cluster action, describe configs, alter configs, idempotent write. */
const ALL_CLUSTER_OPERATIONS = 0b1_1111_1010_0000;
const OPERATIONS_NOT_ASKED_FOR = -2147483648;

export const describeCluster = defineHandler(
  describeClusterApi,
  { minVersion: 0, maxVersion: 1, errorResponse: (_request, code, message) => failed(code, message) },
  (request, { broker, listenerName }) => {
    if (request.endpointType !== ENDPOINT_TYPE_BROKER) return wrongEndpointType(request.endpointType);
    const brokers = broker.metadataCache.getAliveBrokerNodes(listenerName).map((node) => ({
      brokerId: node.id,
      host: node.host,
      port: node.port,
      rack: node.rack,
    }));
    return {
      throttleTimeMs: 0,
      errorCode: Errors.NONE,
      clusterId: broker.clusterId,
      controllerId: broker.metadataCache.getControllerId() ?? NO_CONTROLLER_ID,
      brokers,
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
        ? ALL_CLUSTER_OPERATIONS
        : OPERATIONS_NOT_ASKED_FOR,
    };
  },
);

function wrongEndpointType(endpointType: number): DescribeClusterResponse {
  if (endpointType !== ENDPOINT_TYPE_CONTROLLER) {
    return failed(Errors.UNSUPPORTED_ENDPOINT_TYPE, `Unsupported endpoint type ${endpointType}`);
  }
  return failed(
    Errors.MISMATCHED_ENDPOINT_TYPE,
    'The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER',
  );
}

function failed(errorCode: ErrorCode, errorMessage: string): DescribeClusterResponse {
  return { throttleTimeMs: 0, errorCode, errorMessage, clusterId: '', controllerId: NO_CONTROLLER_ID, brokers: [] };
}
