// JoinGroup (11), versions 0-9. Brings a member into its group; answered when everybody has joined. From version 4 on a new dynamic
// member is sent away once with its member id (KIP-394); from version 9 on a returning static leader is told to skip the assignment.

import { joinGroup as api, type Decoded, type JoinGroupRequest, type JoinGroupResponse } from '@ottla/protocol';
import { type JoinGroupResult, joinError, UNKNOWN_MEMBER_ID } from '../group/group-results.ts';
import { defineHandler } from '../server/handler.ts';

type Request = Decoded<JoinGroupRequest>;

const FIRST_VERSION_WITH_REBALANCE_TIMEOUT = 1;
const FIRST_VERSION_WITH_KNOWN_MEMBER_ID = 4;
const FIRST_VERSION_WITH_NULL_PROTOCOL = 7;
const FIRST_VERSION_WITH_SKIP_ASSIGNMENT = 9;

export const joinGroup = defineHandler(
  api,
  {
    minVersion: 0,
    maxVersion: 9,
    errorResponse: (_, errorCode, _message, version) => respond(joinError(UNKNOWN_MEMBER_ID, errorCode), version),
  },
  async (request, context) => {
    const { apiVersion, clientId } = context.header;
    const result = await context.broker.groupCoordinator.joinGroup({
      groupId: request.groupId,
      memberId: request.memberId,
      groupInstanceId: request.groupInstanceId,
      requireKnownMemberId: apiVersion >= FIRST_VERSION_WITH_KNOWN_MEMBER_ID && request.groupInstanceId === null,
      supportsSkippingAssignment: apiVersion >= FIRST_VERSION_WITH_SKIP_ASSIGNMENT,
      clientId: clientId ?? '',
      clientHost: `/${context.clientAddress}`,
      rebalanceTimeoutMs: rebalanceTimeoutMs(request, apiVersion),
      sessionTimeoutMs: request.sessionTimeoutMs,
      protocolType: request.protocolType,
      // The group keeps the metadata beyond this request, whose frame it is a view of.
      protocols: request.protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) })),
      reason: request.reason,
    });
    return respond(result, apiVersion);
  },
);

function rebalanceTimeoutMs(request: Request, apiVersion: number): number {
  return apiVersion < FIRST_VERSION_WITH_REBALANCE_TIMEOUT ? request.sessionTimeoutMs : request.rebalanceTimeoutMs;
}

function respond(result: JoinGroupResult, apiVersion: number): JoinGroupResponse {
  const noProtocol = apiVersion < FIRST_VERSION_WITH_NULL_PROTOCOL ? '' : null;
  return {
    throttleTimeMs: 0,
    ...result,
    protocolName: result.protocolName ?? noProtocol,
    members: [...result.members],
  };
}
