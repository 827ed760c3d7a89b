// PushTelemetry (72), version 0: a client's metrics, handed to the broker's ClientTelemetryReceiver (KIP-714). On offer only with one.

import { pushTelemetry as api, type PushTelemetryResponse } from '@ottla/protocol';
import { defineHandler } from '../server/handler.ts';

export const pushTelemetry = defineHandler(
  api,
  {
    minVersion: 0,
    maxVersion: 0,
    errorResponse: (_, errorCode): PushTelemetryResponse => ({ throttleTimeMs: 0, errorCode }),
  },
  async (request, context) => {
    return { throttleTimeMs: 0, errorCode: await context.broker.clientMetricsManager.push(request, context) };
  },
);
