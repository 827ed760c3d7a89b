// UpdateMetadata, served in versions 0 to 8. From the controller: brokers, topics and leaders of the cluster, for this broker's cache.
//
// Offsets that groups committed for deleted partitions go with them.

import { Errors } from '@ottla/base';
import { updateMetadata as updateMetadataApi } from '@ottla/protocol';
import { isBrokerEpochStale } from '../server/broker-epoch.ts';
import { defineHandler } from '../server/handler.ts';

export const updateMetadata = defineHandler(
  updateMetadataApi,
  { minVersion: 0, maxVersion: 8, errorResponse: (_request, errorCode) => ({ errorCode }) },
  async (request, { broker }) => {
    if (isBrokerEpochStale(request.brokerEpoch, broker)) return { errorCode: Errors.STALE_BROKER_EPOCH };
    if (request.controllerEpoch < broker.replicaManager.controllerEpoch)
      return { errorCode: Errors.STALE_CONTROLLER_EPOCH };
    const deleted = broker.metadataCache.updateMetadata(request);
    if (deleted.length > 0) await broker.groupCoordinator.onPartitionsDeleted(deleted);
    return { errorCode: Errors.NONE };
  },
);
