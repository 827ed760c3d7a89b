// UpdateMetadata, served in versions 0 to 8. From the controller: brokers, topics and leaders of the cluster, for this broker's cache.
//
// It waits for the orders before it (LeaderAndIsr, StopReplica), and one of an earlier controller is refused by the controller's epoch.
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
    const deleted = await broker.replicaManager.maybeUpdateMetadataCache(request);
    if (deleted.length > 0) await broker.groupCoordinator.onPartitionsDeleted(deleted);
    return { errorCode: Errors.NONE };
  },
);
