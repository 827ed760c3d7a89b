// A static member that comes back without its member id: it gets a new one, and the old one is fenced. A stable group whose protocol
// would not change goes on undisturbed, once the new id is in the log.
// Source: Kafka 3.9 GroupCoordinator.updateStaticMemberAndRebalance; KIP-345, KIP-814.

import { assert, type ErrorCode, Errors, mustBePresent } from '@ottla/base';
import type { GroupMetadata } from './group-metadata.ts';
import { joinError, UNKNOWN_MEMBER_ID } from './group-results.ts';
import type { Assignment, GroupStep, StaticMemberUndo, StorePurpose } from './group-step.ts';
import { type JoinGroupEvent, reasonOf, updateAndPark } from './joining.ts';
import type { MemberMetadata } from './member-metadata.ts';
import {
  currentJoinResult,
  maybeAnswerJoin,
  maybeAnswerSync,
  maybePrepareRebalance,
  prepareRebalance,
  restartSession,
} from './rebalance.ts';

export function rejoinStaticMember(
  step: GroupStep,
  group: GroupMetadata,
  event: JoinGroupEvent,
  ids: { groupInstanceId: string; newMemberId: string },
): void {
  const undo = undoOf(group, ids);
  step.info('static member returns under a new member id', {
    groupId: group.groupId,
    ...ids,
    oldMemberId: undo.oldMemberId,
  });
  const member = replace(step, group, ids.groupInstanceId, ids.newMemberId);
  updateAndPark(step, group, event, member);
  group.timeline.add(step.nowMs, 'replaced', ids.newMemberId, `replaces ${undo.oldMemberId}: ${reasonOf(event)}`);
  disturbAsLittleAsPossible(step, group, event, member, undo);
}

function undoOf(group: GroupMetadata, ids: { groupInstanceId: string; newMemberId: string }): StaticMemberUndo {
  const oldMemberId = mustBePresent(group.staticMemberId(ids.groupInstanceId), 'static member');
  const { protocols, rebalanceTimeoutMs, sessionTimeoutMs } = group.mustGet(oldMemberId);
  return { ...ids, oldMemberId, oldLeader: group.leader, protocols, rebalanceTimeoutMs, sessionTimeoutMs };
}

/** Whoever still waits under the old id is a duplicate of this instance. */
function replace(step: GroupStep, group: GroupMetadata, instanceId: string, newMemberId: string): MemberMetadata {
  const member = group.mustGet(mustBePresent(group.staticMemberId(instanceId), 'static member'));
  maybeAnswerJoin(step, group, member, joinError(member.memberId, Errors.FENCED_INSTANCE_ID));
  maybeAnswerSync(step, group, member, Errors.FENCED_INSTANCE_ID);
  step.cancel({ kind: 'session', memberId: member.memberId });
  group.replaceStaticMember(instanceId, newMemberId);
  restartSession(step, member);
  return member;
}

function disturbAsLittleAsPossible(
  step: GroupStep,
  group: GroupMetadata,
  event: JoinGroupEvent,
  member: MemberMetadata,
  undo: StaticMemberUndo,
): void {
  const who = `static member ${member.memberId} with instance id ${undo.groupInstanceId}`;
  switch (group.state) {
    case 'Stable':
      if (group.selectProtocol() === group.protocolName) {
        storeNewId(step, group, event, undo);
        return;
      }
      maybePrepareRebalance(
        step,
        group,
        `Group's selectedProtocol will change because ${who} joined with change of protocol; client reason: ${reasonOf(event)}`,
      );
      break;
    case 'CompletingRebalance':
      // The leader may already assign to the old id, and the new one would get nothing.
      prepareRebalance(step, group, `Updating metadata for ${who}; client reason: ${reasonOf(event)}`);
      break;
    case 'PreparingRebalance':
      return;
    case 'Empty':
    case 'Dead':
      assert(false, `group ${group.groupId} is ${group.state} and has a static member`);
      break;
    default:
      group.state satisfies never;
  }
}

function storeNewId(step: GroupStep, group: GroupMetadata, event: JoinGroupEvent, undo: StaticMemberUndo): void {
  const assignment: Assignment = new Map(group.members().map((member) => [member.memberId, member.assignment]));
  const { supportsSkippingAssignment } = event;
  step.store(assignment, { kind: 'staticMember', generationId: group.generationId, supportsSkippingAssignment, undo });
}

/** The record with the new id was stored or not. If the group went on to rebalance meanwhile, the member takes part in that. */
export function onStaticMemberStored(
  step: GroupStep,
  group: GroupMetadata,
  purpose: StorePurpose & { kind: 'staticMember' },
  errorCode: ErrorCode,
): void {
  const { undo } = purpose;
  const member = group.get(undo.newMemberId);
  if (group.state !== 'Stable' || group.generationId !== purpose.generationId || member === undefined) return;
  if (errorCode !== Errors.NONE) {
    undoReplacement(step, group, member, undo, errorCode);
    return;
  }
  const result = currentJoinResult(group, undo.newMemberId);
  const isLeader = group.isLeader(undo.newMemberId);
  maybeAnswerJoin(
    step,
    group,
    member,
    purpose.supportsSkippingAssignment
      ? { ...result, skipAssignment: isLeader }
      : // An older client must not take itself for the leader: its assignment would go nowhere. The old id is nobody's.
        { ...result, leader: undo.oldLeader ?? '', members: [] },
  );
}

function undoReplacement(
  step: GroupStep,
  group: GroupMetadata,
  member: MemberMetadata,
  undo: StaticMemberUndo,
  errorCode: ErrorCode,
): void {
  step.warn('could not store the new id of a static member', { groupId: group.groupId, ...undo, errorCode });
  const { generationId, protocolType, protocolName } = group;
  maybeAnswerJoin(step, group, member, {
    ...joinError(UNKNOWN_MEMBER_ID, errorCode),
    generationId,
    protocolType,
    protocolName,
    leader: undo.oldLeader ?? '',
  });
  step.cancel({ kind: 'session', memberId: undo.newMemberId });
  group.update(member, undo);
  group.replaceStaticMember(undo.groupInstanceId, undo.oldMemberId);
  restartSession(step, member);
}
