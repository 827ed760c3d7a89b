// ListClientMetricsResources (74), version 0: the names of client metrics subscriptions (KIP-1000). A broker in ZooKeeper mode does not
// serve it; Kafka's tools for the subscriptions need it.

import { Errors } from '@ottla/base';
import { listConfigResources as api, type ListConfigResourcesResponse } from '@ottla/protocol';
import { CLIENT_METRICS_TYPE } from '../config/config-admin.ts';
import { defineHandler } from '../server/handler.ts';

export const listClientMetricsResources = defineHandler(
  api,
  {
    minVersion: 0,
    maxVersion: 0,
    errorResponse: (_, errorCode): ListConfigResourcesResponse => {
      return { throttleTimeMs: 0, errorCode, configResources: [] };
    },
  },
  async (_, { broker }) => {
    const { store } = broker.configs;
    const configResources: { resourceName: string }[] = [];
    for (const name of await store.names(CLIENT_METRICS_TYPE)) {
      // A subscription whose last setting was removed is no longer one.
      const config = await store.fetch({ rootType: CLIENT_METRICS_TYPE, name });
      if (config.size > 0) configResources.push({ resourceName: decodeURIComponent(name) });
    }
    return { throttleTimeMs: 0, errorCode: Errors.NONE, configResources };
  },
);
