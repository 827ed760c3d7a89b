// JoinGroup: who may come in, under which id, and whether that disturbs the others.
// Source: Kafka 3.9 GroupCoordinator.handleJoinGroup; KIP-345 (static members), KIP-389 (group.max.size), KIP-394 (member id
// round trip), KIP-800 (reason), KIP-814 (skipAssignment).

import { Errors } from '@ottla/base';
import type { GroupMetadata } from './group-metadata.ts';
import { type JoinGroupResult, joinError, UNKNOWN_MEMBER_ID } from './group-results.ts';
import type { GroupStep } from './group-step.ts';
import { type JoinGroupEvent, reasonOf, updateAndPark } from './joining.ts';
import { MemberMetadata } from './member-metadata.ts';
import {
  currentJoinResult,
  maybePrepareRebalance,
  NEW_MEMBER_JOIN_TIMEOUT_MS,
  restartSession,
  tryCompleteJoin,
  validateCurrentMember,
} from './rebalance.ts';
import { rejoinStaticMember } from './static-member.ts';

/** Answers `event.ticket` now, or parks it in the member until the rebalance completes. */
export function joinGroup(step: GroupStep, group: GroupMetadata, event: JoinGroupEvent): void {
  const refusal = refuse(step, group, event);
  if (refusal !== undefined) step.answerJoin(event.ticket, refusal);
  else if (event.memberId === UNKNOWN_MEMBER_ID) joinNewMember(step, group, event);
  else joinCurrentMember(step, group, event);
  tryCompleteJoin(step, group);
}

function refuse(step: GroupStep, group: GroupMetadata, event: JoinGroupEvent): JoinGroupResult | undefined {
  const { memberId } = event;
  if (!acceptsJoiningMember(step, group, memberId)) {
    dropMemberOverCapacity(step, group, memberId);
    return joinError(UNKNOWN_MEMBER_ID, Errors.GROUP_MAX_SIZE_REACHED);
  }
  if (group.state === 'Dead') return joinError(memberId, Errors.COORDINATOR_NOT_AVAILABLE);
  if (!group.supportsProtocols(event.protocolType, event.protocols))
    return joinError(memberId, Errors.INCONSISTENT_GROUP_PROTOCOL);
  return undefined;
}

/** While members gather, those who wait have their seat and others find one as long as there are some; afterwards members do. */
function acceptsJoiningMember(step: GroupStep, group: GroupMetadata, memberId: string): boolean {
  const { groupMaxSize } = step.config;
  switch (group.state) {
    case 'Empty':
    case 'Dead':
      return true;
    case 'PreparingRebalance':
      return group.get(memberId)?.isAwaitingJoin === true || group.awaitingJoinCount < groupMaxSize;
    case 'CompletingRebalance':
    case 'Stable':
      return group.has(memberId) || group.size < groupMaxSize;
    default:
      return group.state satisfies never;
  }
}

function dropMemberOverCapacity(step: GroupStep, group: GroupMetadata, memberId: string): void {
  group.timeline.add(step.nowMs, 'rejected', memberId, `group.max.size ${step.config.groupMaxSize} reached`);
  group.remove(memberId);
  step.cancel({ kind: 'session', memberId });
  step.cancel({ kind: 'pendingMember', memberId });
}

// --- new members

function joinNewMember(step: GroupStep, group: GroupMetadata, event: JoinGroupEvent): void {
  const newMemberId = `${event.groupInstanceId ?? event.clientId}-${step.newUuid()}`;
  const { groupInstanceId } = event;
  if (groupInstanceId !== null && group.staticMemberId(groupInstanceId) !== undefined)
    rejoinStaticMember(step, group, event, { groupInstanceId, newMemberId });
  else if (groupInstanceId === null && event.requireKnownMemberId) sendAwayWithId(step, group, event, newMemberId);
  else addMemberAndRebalance(step, group, event, newMemberId);
}

/** Without this round trip each retry of a slow first join would leave another phantom member behind. */
function sendAwayWithId(step: GroupStep, group: GroupMetadata, event: JoinGroupEvent, memberId: string): void {
  group.addPendingMember(memberId);
  step.schedule({ kind: 'pendingMember', memberId }, event.sessionTimeoutMs);
  step.answerJoin(event.ticket, joinError(memberId, Errors.MEMBER_ID_REQUIRED));
}

function addMemberAndRebalance(step: GroupStep, group: GroupMetadata, event: JoinGroupEvent, memberId: string): void {
  const member = new MemberMetadata({ ...event, memberId });
  member.isNew = true;
  // A group's first rebalance may be prolonged while members keep coming.
  if (group.state === 'PreparingRebalance' && group.generationId === 0) group.newMemberAdded = true;
  step.cancel({ kind: 'pendingMember', memberId });
  group.add(member, event.ticket);
  // It does not know its id yet and cannot heartbeat; a client that gave up on this request and retried would leave a defunct member
  // behind in every rebalance, so new members have a deadline even while they wait.
  restartSession(step, member, NEW_MEMBER_JOIN_TIMEOUT_MS);
  const reason = `Adding new member ${memberId} with group instance id ${event.groupInstanceId}; client reason: ${reasonOf(event)}`;
  maybePrepareRebalance(step, group, reason);
  group.timeline.add(step.nowMs, 'joined', memberId, reasonOf(event));
}

// --- members that come back

function joinCurrentMember(step: GroupStep, group: GroupMetadata, event: JoinGroupEvent): void {
  const { memberId, groupInstanceId } = event;
  if (group.isPendingMember(memberId)) {
    // Ids are handed out to dynamic members only; Kafka fails the request in this way.
    if (groupInstanceId !== null)
      step.answerJoin(event.ticket, joinError(UNKNOWN_MEMBER_ID, Errors.UNKNOWN_SERVER_ERROR));
    else addMemberAndRebalance(step, group, event, memberId);
    return;
  }
  const errorCode = validateCurrentMember(group, memberId, groupInstanceId);
  if (errorCode !== Errors.NONE) step.answerJoin(event.ticket, joinError(memberId, errorCode));
  else rejoin(step, group, event, group.mustGet(memberId));
}

function rejoin(step: GroupStep, group: GroupMetadata, event: JoinGroupEvent, member: MemberMetadata): void {
  const { memberId } = member;
  if (group.state === 'Empty' || group.state === 'Dead') {
    step.answerJoin(event.ticket, joinError(memberId, Errors.UNKNOWN_MEMBER_ID));
  } else if (disturbsGroup(group, event, member)) {
    updateMemberAndRebalance(step, group, event, member);
  } else {
    step.answerJoin(event.ticket, currentJoinResult(group, memberId));
  }
}

/** While members gather everybody is waited for. Afterwards an unchanged member most likely lost the answer to its first JoinGroup and
 *  gets it again; but a stable group's leader joins again to have changes taken up that are not in its metadata, such as new partitions. */
function disturbsGroup(group: GroupMetadata, event: JoinGroupEvent, member: MemberMetadata): boolean {
  if (group.state === 'PreparingRebalance' || !member.matches(event.protocols)) return true;
  return group.state === 'Stable' && group.isLeader(member.memberId);
}

function updateMemberAndRebalance(
  step: GroupStep,
  group: GroupMetadata,
  event: JoinGroupEvent,
  member: MemberMetadata,
): void {
  const who = group.isLeader(member.memberId) ? 'Leader' : 'Member';
  const reason = `${who} ${member.memberId} re-joining group during ${group.state}; client reason: ${reasonOf(event)}`;
  updateAndPark(step, group, event, member);
  maybePrepareRebalance(step, group, reason);
  group.timeline.add(step.nowMs, 'rejoined', member.memberId, reasonOf(event));
}
