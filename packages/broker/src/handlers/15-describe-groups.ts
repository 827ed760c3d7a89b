// DescribeGroups (15), versions 0-5. State, protocol and members of groups. A group that does not exist is described as dead.

import { describeGroups as api, type DescribeGroupsResponse } from '@ottla/protocol';
import { describeError, type GroupDescription } from '../group/group-results.ts';
import { defineHandler } from '../server/handler.ts';

const FIRST_VERSION_WITH_AUTHORIZED_OPERATIONS = 3;
/** Not asked for. */
const NO_AUTHORIZED_OPERATIONS = -0x80000000;
/** READ (3), DELETE (6) and DESCRIBE (8): everything that can be done to a group, as bits of Kafka's AclOperation codes. */
const ALL_GROUP_OPERATIONS = (1 << 3) | (1 << 6) | (1 << 8);

export const describeGroups = defineHandler(
  api,
  {
    minVersion: 0,
    maxVersion: 5,
    errorResponse: (request, errorCode) => ({
      throttleTimeMs: 0,
      groups: request.groups.map((groupId) =>
        describedGroup(groupId, describeError(errorCode), NO_AUTHORIZED_OPERATIONS),
      ),
    }),
  },
  (request, context) => {
    const { groupCoordinator } = context.broker;
    const wantsOperations =
      context.header.apiVersion >= FIRST_VERSION_WITH_AUTHORIZED_OPERATIONS && request.includeAuthorizedOperations;
    const groups = request.groups.map((groupId) => {
      const description = groupCoordinator.describeGroup(groupId);
      const isTold = wantsOperations && description.errorCode === 0;
      return describedGroup(groupId, description, isTold ? ALL_GROUP_OPERATIONS : NO_AUTHORIZED_OPERATIONS);
    });
    return { throttleTimeMs: 0, groups };
  },
);

function describedGroup(
  groupId: string,
  description: GroupDescription,
  authorizedOperations: number,
): DescribeGroupsResponse['groups'][number] {
  return {
    errorCode: description.errorCode,
    groupId,
    groupState: description.state,
    protocolType: description.protocolType,
    protocolData: description.protocolName,
    members: description.members.map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: member.metadata,
      memberAssignment: member.assignment,
    })),
    authorizedOperations,
  };
}
