// SyncGroup (14), versions 0-5. The leader brings the assignment, every member gets its own once it is stored. From version 5 on the
// protocol must be named, to find out members that joined under another (KIP-559).

import { Errors } from '@ottla/base';
import { syncGroup as api } from '@ottla/protocol';
import { syncError } from '../group/group-results.ts';
import { defineHandler } from '../server/handler.ts';

const FIRST_VERSION_WITH_PROTOCOL = 5;

export const syncGroup = defineHandler(
  api,
  { minVersion: 0, maxVersion: 5, errorResponse: (_, errorCode) => ({ throttleTimeMs: 0, ...syncError(errorCode) }) },
  async (request, context) => {
    const { protocolType, protocolName } = request;
    const lacksProtocol = protocolType === null || protocolName === null;
    if (context.header.apiVersion >= FIRST_VERSION_WITH_PROTOCOL && lacksProtocol)
      return { throttleTimeMs: 0, ...syncError(Errors.INCONSISTENT_GROUP_PROTOCOL) };
    const result = await context.broker.groupCoordinator.syncGroup({
      groupId: request.groupId,
      memberId: request.memberId,
      groupInstanceId: request.groupInstanceId,
      generationId: request.generationId,
      protocolType,
      protocolName,
      // The group keeps the assignments beyond this request, whose frame they are views of.
      assignment: new Map(request.assignments.map(({ memberId, assignment }) => [memberId, Buffer.from(assignment)])),
    });
    return { throttleTimeMs: 0, ...result };
  },
);
