// LeaveGroup (13), versions 0-5. Members leave, from version 3 on several at once, static ones by their instance id (KIP-345).

import { Errors } from '@ottla/base';
import { leaveGroup as api, type Decoded, type LeaveGroupRequest } from '@ottla/protocol';
import type { LeavingMember } from '../group/group-results.ts';
import { defineHandler } from '../server/handler.ts';

const FIRST_BATCHED_VERSION = 3;

export const leaveGroup = defineHandler(
  api,
  { minVersion: 0, maxVersion: 5, errorResponse: (_, errorCode) => ({ throttleTimeMs: 0, errorCode, members: [] }) },
  (request, context) => {
    const { apiVersion } = context.header;
    const result = context.broker.groupCoordinator.leaveGroup(request.groupId, leavingMembers(request, apiVersion));
    if (apiVersion >= FIRST_BATCHED_VERSION)
      return { throttleTimeMs: 0, errorCode: result.errorCode, members: [...result.members] };
    const memberError = result.members[0]?.errorCode ?? Errors.NONE;
    return { throttleTimeMs: 0, errorCode: result.errorCode === Errors.NONE ? memberError : result.errorCode };
  },
);

function leavingMembers(request: Decoded<LeaveGroupRequest>, apiVersion: number): readonly LeavingMember[] {
  if (apiVersion >= FIRST_BATCHED_VERSION) return request.members;
  return [{ memberId: request.memberId, groupInstanceId: null, reason: null }];
}
