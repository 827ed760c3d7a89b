// GetTelemetrySubscriptions (71), version 0: which metrics the client shall push, and how often (KIP-714). On offer only when the broker was
// given a ClientTelemetryReceiver, as Kafka advertises it only with such a plugin.

import { ZERO_UUID } from '@ottla/base';
import { getTelemetrySubscriptions as api, type GetTelemetrySubscriptionsResponse } from '@ottla/protocol';
import { defineHandler } from '../server/handler.ts';

export const getTelemetrySubscriptions = defineHandler(
  api,
  {
    minVersion: 0,
    maxVersion: 0,
    errorResponse: (_, errorCode): GetTelemetrySubscriptionsResponse => ({
      throttleTimeMs: 0,
      errorCode,
      clientInstanceId: ZERO_UUID,
      subscriptionId: 0,
      acceptedCompressionTypes: [],
      pushIntervalMs: 0,
      telemetryMaxBytes: 0,
      deltaTemporality: false,
      requestedMetrics: [],
    }),
  },
  ({ clientInstanceId }, context) => context.broker.clientMetricsManager.getSubscription(clientInstanceId, context),
);
