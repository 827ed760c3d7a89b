// Heartbeat (12), versions 0-4. A member says that it lives and hears whether a rebalance is under way.

import { heartbeat as api } from '@ottla/protocol';
import { defineHandler } from '../server/handler.ts';

export const heartbeat = defineHandler(
  api,
  { minVersion: 0, maxVersion: 4, errorResponse: (_, errorCode) => ({ throttleTimeMs: 0, errorCode }) },
  (request, context) => ({
    throttleTimeMs: 0,
    errorCode: context.broker.groupCoordinator.heartbeat(request.groupId, request),
  }),
);
