// The short member requests, answered at once: Heartbeat, LeaveGroup, and the check of a commit's sender.
// Source: Kafka 3.9 GroupCoordinator (handleHeartbeat, handleLeaveGroup, validateOffsetCommit); KIP-345 (batched leave), KIP-447.

import { type ErrorCode, Errors } from '@ottla/base';
import type { GroupMetadata } from './group-metadata.ts';
import { type LeaveGroupResult, type LeavingMember, UNKNOWN_MEMBER_ID } from './group-results.ts';
import type { GroupStep } from './group-step.ts';
import { reasonOf } from './joining.ts';
import {
  removeMemberAndUpdateGroup,
  removePendingMemberAndUpdateGroup,
  restartSession,
  validateCurrentMember,
} from './rebalance.ts';

/** Who speaks, and of which generation. */
export interface MemberOfGeneration {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly generationId: number;
}

export function heartbeat(step: GroupStep, group: GroupMetadata, sender: MemberOfGeneration): ErrorCode {
  if (group.state === 'Dead') return Errors.COORDINATOR_NOT_AVAILABLE;
  const errorCode = validateMemberOfGeneration(group, sender);
  if (errorCode !== Errors.NONE) return errorCode;
  restartSession(step, group.mustGet(sender.memberId));
  return group.state === 'PreparingRebalance' ? Errors.REBALANCE_IN_PROGRESS : Errors.NONE;
}

function validateMemberOfGeneration(group: GroupMetadata, sender: MemberOfGeneration): ErrorCode {
  const errorCode = validateCurrentMember(group, sender.memberId, sender.groupInstanceId);
  if (errorCode !== Errors.NONE) return errorCode;
  return sender.generationId === group.generationId ? Errors.NONE : Errors.ILLEGAL_GENERATION;
}

export function leaveGroup(step: GroupStep, group: GroupMetadata, leaving: readonly LeavingMember[]): LeaveGroupResult {
  if (group.state === 'Dead') return { errorCode: Errors.COORDINATOR_NOT_AVAILABLE, members: [] };
  const members = leaving.map((member) => ({
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    errorCode: leave(step, group, member),
  }));
  return { errorCode: Errors.NONE, members };
}

function leave(step: GroupStep, group: GroupMetadata, leaving: LeavingMember): ErrorCode {
  const { memberId, groupInstanceId } = leaving;
  if (memberId === UNKNOWN_MEMBER_ID) {
    // An administrator removes a static member by its instance id alone.
    const current = groupInstanceId === null ? undefined : group.staticMemberId(groupInstanceId);
    if (current === undefined) return Errors.UNKNOWN_MEMBER_ID;
    return removeLeaving(step, group, current, leaving);
  }
  if (group.isPendingMember(memberId)) {
    removePendingMemberAndUpdateGroup(step, group, memberId);
    return Errors.NONE;
  }
  const errorCode = validateCurrentMember(group, memberId, groupInstanceId);
  return errorCode === Errors.NONE ? removeLeaving(step, group, memberId, leaving) : errorCode;
}

function removeLeaving(step: GroupStep, group: GroupMetadata, memberId: string, leaving: LeavingMember): ErrorCode {
  const reason = reasonOf(leaving);
  step.info('member left the group', { groupId: group.groupId, memberId, reason });
  group.timeline.add(step.nowMs, 'left', memberId, reason);
  const why = `Removing member ${memberId} on LeaveGroup; client reason: ${reason}`;
  removeMemberAndUpdateGroup(step, group, group.mustGet(memberId), why);
  return Errors.NONE;
}

/** May this sender commit offsets? */
export function validateOffsetCommit(
  group: GroupMetadata,
  sender: MemberOfGeneration,
  isTransactional: boolean,
): ErrorCode {
  if (group.state === 'Dead') return Errors.COORDINATOR_NOT_AVAILABLE;
  // Administrators and consumers without group management name no generation; they may commit while nobody is in the group.
  if (sender.generationId < 0 && group.state === 'Empty') return Errors.NONE;
  if (sender.generationId >= 0 || sender.memberId !== UNKNOWN_MEMBER_ID || sender.groupInstanceId !== null)
    return validateMemberOfGeneration(group, sender);
  // Older transactional producers do not say who they are.
  return isTransactional || group.state === 'Empty' ? Errors.NONE : Errors.UNKNOWN_MEMBER_ID;
}

/** A valid sender's commit, by the group's state: refused between join and sync, a sign of life otherwise. */
export function admitOffsetCommit(step: GroupStep, group: GroupMetadata, sender: MemberOfGeneration): ErrorCode {
  if (group.state === 'CompletingRebalance') return Errors.REBALANCE_IN_PROGRESS;
  const member = group.get(sender.memberId);
  if (group.state !== 'Empty' && member !== undefined) restartSession(step, member);
  return Errors.NONE;
}
