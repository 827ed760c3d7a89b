// ApiVersions, served in versions 0 to 4.
//
// Answers what dispatch serves; a version it does not have never comes here (see RequestDispatcher). From version 3 on the client gives its
// name and version, which must look like ones, and are remembered for its connection (KIP-511). Features are those of a broker in ZooKeeper mode: none, finalised in epoch 0.

import { Errors } from '@ottla/base';
import { type ApiVersionsResponse, apiVersions as apiVersionsApi } from '@ottla/protocol';
import { defineHandler } from '../server/handler.ts';

/** Client software names and versions. Source: org.apache.kafka.common.requests.ApiVersionsRequest.SOFTWARE_NAME_VERSION_PATTERN. */
const SOFTWARE = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;
const SOFTWARE_SINCE_VERSION = 3;

export const apiVersions = defineHandler(
  apiVersionsApi,
  {
    minVersion: 0,
    maxVersion: 4,
    errorResponse: (_request, errorCode): ApiVersionsResponse => ({ errorCode, apiKeys: [] }),
  },
  (request, context) => {
    const isNamed = SOFTWARE.test(request.clientSoftwareName) && SOFTWARE.test(request.clientSoftwareVersion);
    if (context.header.apiVersion >= SOFTWARE_SINCE_VERSION && !isNamed) {
      return { errorCode: Errors.INVALID_REQUEST, apiKeys: [] };
    }
    const { clientSoftwareName: softwareName, clientSoftwareVersion: softwareVersion } = request;
    context.broker.clientInformation.register(context.connection, { softwareName, softwareVersion });
    return {
      errorCode: Errors.NONE,
      apiKeys: context.broker.apiVersionsManager.apiVersions(),
      finalizedFeaturesEpoch: 0n,
    };
  },
);
