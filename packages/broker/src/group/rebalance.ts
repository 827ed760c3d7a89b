// The heart of the group: beginning a rebalance, waiting for everybody, completing it, and what every other step needs for that
// (answering parked requests, sessions, removing members). Source: Kafka 3.9 GroupCoordinator, DelayedJoin, InitialDelayedJoin,
// DelayedSync, DelayedHeartbeat.
//
//   Empty ──join──▶ PreparingRebalance ──all joined or time up──▶ CompletingRebalance ──leader's assignment stored──▶ Stable
//     ▲                 │        ▲                                      │                                              │
//     └──nobody left────┘        └──────────── join, leave, time-out ───┴──────────────────────────────────────────────┘

import { assert, type ErrorCode, Errors } from '@ottla/base';
import type { GroupMetadata } from './group-metadata.ts';
import { EMPTY_BYTES, type JoinGroupResult, joinError, syncError, UNKNOWN_MEMBER_ID } from './group-results.ts';
import type { GroupStep } from './group-step.ts';
import type { MemberMetadata } from './member-metadata.ts';

/** A member that never was in a generation cannot heartbeat; it must rejoin within this. */
export const NEW_MEMBER_JOIN_TIMEOUT_MS = 5 * 60_000;

// --- is this member who it says it is?

/** An instance id must be known and belong to this member id; the member must be in the group. */
export function validateCurrentMember(group: GroupMetadata, memberId: string, instanceId: string | null): ErrorCode {
  if (instanceId !== null) {
    const current = group.staticMemberId(instanceId);
    if (current === undefined) return Errors.UNKNOWN_MEMBER_ID;
    if (current !== memberId) return Errors.FENCED_INSTANCE_ID;
  }
  return group.has(memberId) ? Errors.NONE : Errors.UNKNOWN_MEMBER_ID;
}

// --- answers

/** The group as it is in this generation; only the leader sees the members. */
export function currentJoinResult(group: GroupMetadata, memberId: string): JoinGroupResult {
  return {
    errorCode: Errors.NONE,
    generationId: group.generationId,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    leader: group.leader ?? '',
    skipAssignment: false,
    memberId,
    members: group.isLeader(memberId) ? group.currentMemberMetadata() : [],
  };
}

/** Answers the member's parked JoinGroup, if there is one. */
export function maybeAnswerJoin(
  step: GroupStep,
  group: GroupMetadata,
  member: MemberMetadata,
  result: JoinGroupResult,
): void {
  if (member.awaitingJoin === undefined) return;
  step.answerJoin(member.awaitingJoin, result);
  group.setAwaitingJoin(member, undefined);
}

/** Answers the member's parked SyncGroup. @returns was there one? */
export function maybeAnswerSync(
  step: GroupStep,
  group: GroupMetadata,
  member: MemberMetadata,
  errorCode: ErrorCode,
): boolean {
  if (member.awaitingSync === undefined) return false;
  step.answerSync(
    member.awaitingSync,
    errorCode === Errors.NONE
      ? { errorCode, protocolType: group.protocolType, protocolName: group.protocolName, assignment: member.assignment }
      : syncError(errorCode),
  );
  member.awaitingSync = undefined;
  return true;
}

/** Answers every parked SyncGroup. Sessions that ran out meanwhile were ignored, so they start anew. */
export function propagateAssignment(step: GroupStep, group: GroupMetadata, errorCode: ErrorCode): void {
  for (const member of group.members()) {
    if (maybeAnswerSync(step, group, member, errorCode)) restartSession(step, member);
  }
}

export function resetAndPropagateAssignmentError(step: GroupStep, group: GroupMetadata, errorCode: ErrorCode): void {
  for (const member of group.members()) member.assignment = EMPTY_BYTES;
  propagateAssignment(step, group, errorCode);
}

// --- sessions

export function restartSession(
  step: GroupStep,
  member: MemberMetadata,
  timeoutMs: number = member.sessionTimeoutMs,
): void {
  step.schedule({ kind: 'session', memberId: member.memberId }, timeoutMs);
}

// --- members

export function removeMemberAndUpdateGroup(
  step: GroupStep,
  group: GroupMetadata,
  member: MemberMetadata,
  reason: string,
): void {
  // A new member may time out with its JoinGroup parked; UNKNOWN_MEMBER_ID makes a client that still lives join again.
  maybeAnswerJoin(step, group, member, joinError(UNKNOWN_MEMBER_ID, Errors.UNKNOWN_MEMBER_ID));
  maybeAnswerSync(step, group, member, Errors.UNKNOWN_MEMBER_ID);
  forgetMember(step, group, member.memberId);
  if (group.state === 'Stable' || group.state === 'CompletingRebalance') maybePrepareRebalance(step, group, reason);
  else tryCompleteJoin(step, group);
}

export function removePendingMemberAndUpdateGroup(step: GroupStep, group: GroupMetadata, memberId: string): void {
  group.remove(memberId);
  step.cancel({ kind: 'pendingMember', memberId });
  tryCompleteJoin(step, group);
}

function forgetMember(step: GroupStep, group: GroupMetadata, memberId: string): void {
  group.remove(memberId);
  step.cancel({ kind: 'session', memberId });
}

// --- beginning

export function maybePrepareRebalance(step: GroupStep, group: GroupMetadata, reason: string): void {
  if (group.canRebalance) prepareRebalance(step, group, reason);
}

export function prepareRebalance(step: GroupStep, group: GroupMetadata, reason: string): void {
  if (group.state === 'CompletingRebalance')
    resetAndPropagateAssignmentError(step, group, Errors.REBALANCE_IN_PROGRESS);
  cancelPendingSync(step, group);
  const wasEmpty = group.state === 'Empty';
  group.transitionTo('PreparingRebalance', step.nowMs);
  group.timeline.started(step.nowMs, reason, group.generationId);
  step.info('preparing to rebalance group', { groupId: group.groupId, generationId: group.generationId, reason });
  if (wasEmpty) scheduleInitialJoin(step, group);
  else if (!tryCompleteJoin(step, group)) step.schedule({ kind: 'rebalance' }, group.rebalanceTimeoutMs);
}

function scheduleInitialJoin(step: GroupStep, group: GroupMetadata): void {
  const delayMs = step.config.groupInitialRebalanceDelayMs;
  group.initialJoinDelay = { delayMs, remainingMs: Math.max(group.rebalanceTimeoutMs - delayMs, 0) };
  step.schedule({ kind: 'rebalance' }, delayMs);
}

// --- completing

/** Completes the rebalance when nobody is missing. The first one of an empty group always waits its delay out. */
export function tryCompleteJoin(step: GroupStep, group: GroupMetadata): boolean {
  if (group.state !== 'PreparingRebalance') return false;
  if (group.initialJoinDelay !== undefined || !group.hasAllMembersJoined) return false;
  onCompleteJoin(step, group);
  return true;
}

/** The rebalance timer fired. */
export function onRebalanceTimer(step: GroupStep, group: GroupMetadata): void {
  if (group.state !== 'PreparingRebalance') return;
  if (!maybeProlongInitialJoin(step, group)) onCompleteJoin(step, group);
}

/** Somebody joined during the initial delay: wait once more, within the members' rebalance timeout. */
function maybeProlongInitialJoin(step: GroupStep, group: GroupMetadata): boolean {
  const initial = group.initialJoinDelay;
  if (initial === undefined) return false;
  if (!group.newMemberAdded || initial.remainingMs === 0) {
    group.initialJoinDelay = undefined;
    return false;
  }
  group.newMemberAdded = false;
  const delayMs = Math.min(step.config.groupInitialRebalanceDelayMs, initial.remainingMs);
  group.initialJoinDelay = { delayMs, remainingMs: Math.max(initial.remainingMs - initial.delayMs, 0) };
  step.schedule({ kind: 'rebalance' }, delayMs);
  return true;
}

function onCompleteJoin(step: GroupStep, group: GroupMetadata): void {
  step.cancel({ kind: 'rebalance' });
  group.initialJoinDelay = undefined;
  group.newMemberAdded = false;
  removeDynamicMembersThatDidNotRejoin(step, group);
  if (!group.maybeElectNewJoinedLeader() && group.size > 0) {
    // Only static members are left and none rejoined: wait until their sessions end or one comes back.
    step.warn('could not complete rebalance: no member rejoined', { groupId: group.groupId });
    step.schedule({ kind: 'rebalance' }, group.rebalanceTimeoutMs);
    return;
  }
  group.initNextGeneration(step.nowMs);
  const { generationId, size, protocolName, leader } = group;
  group.timeline.joinCompleted(step.nowMs, { generationId, memberCount: size, protocolName, leader: leader ?? '' });
  if (group.state === 'Empty') step.store(new Map(), { kind: 'emptyGeneration' });
  else startSyncPhase(step, group);
}

function removeDynamicMembersThatDidNotRejoin(step: GroupStep, group: GroupMetadata): void {
  for (const member of group.members()) {
    if (member.isAwaitingJoin || member.isStaticMember) continue;
    const { memberId } = member;
    step.info('member did not rejoin in time', { groupId: group.groupId, memberId });
    group.timeline.add(step.nowMs, 'missedRebalance', memberId, 'did not rejoin within the rebalance timeout');
    forgetMember(step, group, memberId);
  }
}

function startSyncPhase(step: GroupStep, group: GroupMetadata): void {
  const { groupId, generationId, size: memberCount } = group;
  step.info('stabilized group', { groupId, generationId, memberCount });
  for (const member of group.members()) {
    maybeAnswerJoin(step, group, member, currentJoinResult(group, member.memberId));
    restartSession(step, member);
    member.isNew = false;
    group.addPendingSyncMember(member.memberId);
  }
  step.schedule({ kind: 'pendingSync' }, group.rebalanceTimeoutMs);
}

// --- the wait for SyncGroup

export function removePendingSyncMember(step: GroupStep, group: GroupMetadata, memberId: string): void {
  group.removePendingSyncMember(memberId);
  if (group.pendingSyncMembers.size === 0) step.cancel({ kind: 'pendingSync' });
}

export function cancelPendingSync(step: GroupStep, group: GroupMetadata): void {
  group.clearPendingSyncMembers();
  step.cancel({ kind: 'pendingSync' });
}

/** Members that joined but did not sync within the rebalance timeout are out (KAFKA-10134's sibling: DelayedSync). */
export function onPendingSyncTimer(step: GroupStep, group: GroupMetadata): void {
  if (group.state !== 'CompletingRebalance' && group.state !== 'Stable') return;
  const missing = [...group.pendingSyncMembers];
  if (missing.length === 0) return;
  for (const memberId of missing) {
    group.timeline.add(step.nowMs, 'missedSync', memberId, 'did not sync within the rebalance timeout');
    forgetMember(step, group, memberId);
  }
  prepareRebalance(step, group, `Removing ${missing.join(', ')} on pending sync request expiration`);
}

// --- sessions that end

export function onSessionTimer(step: GroupStep, group: GroupMetadata, memberId: string): void {
  const member = group.get(memberId);
  if (group.state === 'Dead' || member === undefined || member.isHeldAlive) return;
  step.info('member failed, removing it from the group', { groupId: group.groupId, memberId });
  group.timeline.add(step.nowMs, 'sessionTimedOut', memberId, `no heartbeat for ${member.sessionTimeoutMs} ms`);
  removeMemberAndUpdateGroup(step, group, member, `removing member ${memberId} on heartbeat expiration`);
}

export function onPendingMemberTimer(step: GroupStep, group: GroupMetadata, memberId: string): void {
  if (group.state === 'Dead' || !group.isPendingMember(memberId)) return;
  step.info('pending member never joined', { groupId: group.groupId, memberId });
  removePendingMemberAndUpdateGroup(step, group, memberId);
}

// --- beginnings and ends of a group's life on this broker

/** A group that was read from the log: its members get a session each; one that is too large sheds members first. */
export function onGroupLoaded(step: GroupStep, group: GroupMetadata): void {
  assert(group.state === 'Stable' || group.state === 'Empty', `loaded group is ${group.state}`);
  if (group.size > step.config.groupMaxSize)
    prepareRebalance(step, group, `Freshly-loaded group is over capacity (${step.config.groupMaxSize})`);
  for (const member of group.members()) restartSession(step, member);
}

/** This broker no longer coordinates the group: nobody may be left waiting. */
export function onGroupUnloaded(step: GroupStep, group: GroupMetadata, errorCode: ErrorCode): void {
  for (const member of group.members()) {
    maybeAnswerJoin(step, group, member, joinError(member.memberId, errorCode));
    maybeAnswerSync(step, group, member, errorCode);
  }
  group.clearPendingSyncMembers();
  group.transitionTo('Dead', step.nowMs);
}
