// ListGroups (16), versions 0-5. The groups this broker coordinates, from version 4 on by state, from version 5 on by type. All groups are
// classic ones; a filter for consumer groups of the new protocol (KIP-848) finds none.

import { listGroups as api } from '@ottla/protocol';
import { defineHandler } from '../server/handler.ts';

export const listGroups = defineHandler(
  api,
  { minVersion: 0, maxVersion: 5, errorResponse: (_, errorCode) => ({ throttleTimeMs: 0, errorCode, groups: [] }) },
  (request, context) => {
    const filter = { states: request.statesFilter, types: request.typesFilter };
    const { errorCode, groups } = context.broker.groupCoordinator.listGroups(filter);
    return {
      throttleTimeMs: 0,
      errorCode,
      groups: groups.map(({ groupId, protocolType, state, type }) => ({
        groupId,
        protocolType,
        groupState: state,
        groupType: type,
      })),
    };
  },
);
