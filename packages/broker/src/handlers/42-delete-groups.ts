// DeleteGroups (42), versions 0-2. Removes groups without members, offsets included.

import { Errors } from '@ottla/base';
import { deleteGroups as api } from '@ottla/protocol';
import { defineHandler } from '../server/handler.ts';

export const deleteGroups = defineHandler(
  api,
  {
    minVersion: 0,
    maxVersion: 2,
    errorResponse: (request, errorCode) => ({
      throttleTimeMs: 0,
      results: [...new Set(request.groupsNames)].map((groupId) => ({ groupId, errorCode })),
    }),
  },
  async (request, context) => {
    const errors = await context.broker.groupCoordinator.deleteGroups(request.groupsNames);
    const results = [...errors].map(([groupId, errorCode]) => ({ groupId, errorCode: errorCode ?? Errors.NONE }));
    return { throttleTimeMs: 0, results };
  },
);
