// SyncGroup: the leader brings the assignment, the others wait for it.
// Source: Kafka 3.9 GroupCoordinator.handleSyncGroup; KIP-559 (protocol type and name).

import { type ErrorCode, Errors } from '@ottla/base';
import type { GroupMetadata } from './group-metadata.ts';
import { EMPTY_BYTES, syncError } from './group-results.ts';
import type { Assignment, GroupStep, StorePurpose } from './group-step.ts';
import type { MemberMetadata, Ticket } from './member-metadata.ts';
import {
  maybePrepareRebalance,
  propagateAssignment,
  removePendingSyncMember,
  resetAndPropagateAssignmentError,
  restartSession,
  validateCurrentMember,
} from './rebalance.ts';

export interface SyncGroupEvent {
  readonly ticket: Ticket;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly generationId: number;
  /** null: the client does not say */
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  /** Only the leader's counts. */
  readonly assignment: Assignment;
}

/** Answers `event.ticket` now, or parks it in the member until the assignment was stored. */
export function syncGroup(step: GroupStep, group: GroupMetadata, event: SyncGroupEvent): void {
  const errorCode = validateSync(group, event);
  if (errorCode !== Errors.NONE) {
    step.answerSync(event.ticket, syncError(errorCode));
    return;
  }
  const member = group.mustGet(event.memberId);
  switch (group.state) {
    case 'Empty':
      step.answerSync(event.ticket, syncError(Errors.UNKNOWN_MEMBER_ID));
      break;
    case 'PreparingRebalance':
      step.answerSync(event.ticket, syncError(Errors.REBALANCE_IN_PROGRESS));
      break;
    case 'CompletingRebalance':
      park(step, group, event, member);
      if (group.isLeader(event.memberId)) storeAssignment(step, group, event);
      return;
    case 'Stable':
      answerCurrent(step, group, event, member);
      break;
    case 'Dead':
      step.answerSync(event.ticket, syncError(Errors.COORDINATOR_NOT_AVAILABLE));
      break;
    default:
      group.state satisfies never;
  }
}

function validateSync(group: GroupMetadata, event: SyncGroupEvent): ErrorCode {
  if (group.state === 'Dead') return Errors.COORDINATOR_NOT_AVAILABLE;
  const memberError = validateCurrentMember(group, event.memberId, event.groupInstanceId);
  if (memberError !== Errors.NONE) return memberError;
  if (event.generationId !== group.generationId) return Errors.ILLEGAL_GENERATION;
  const isOtherType = event.protocolType !== null && event.protocolType !== group.protocolType;
  const isOtherName = event.protocolName !== null && event.protocolName !== group.protocolName;
  return isOtherType || isOtherName ? Errors.INCONSISTENT_GROUP_PROTOCOL : Errors.NONE;
}

function park(step: GroupStep, group: GroupMetadata, event: SyncGroupEvent, member: MemberMetadata): void {
  // A request that waited before is superseded: its client has gone or retries, and no request may wait for ever.
  if (member.awaitingSync !== undefined) step.answerSync(member.awaitingSync, syncError(Errors.REBALANCE_IN_PROGRESS));
  member.awaitingSync = event.ticket;
  removePendingSyncMember(step, group, event.memberId);
}

/** Members the leader forgot get an empty assignment; ids that are no members are dropped. */
function storeAssignment(step: GroupStep, group: GroupMetadata, event: SyncGroupEvent): void {
  const { groupId, generationId } = group;
  const assignment = new Map<string, Buffer>();
  const missing: string[] = [];
  for (const { memberId } of group.members()) {
    const assigned = event.assignment.get(memberId);
    if (assigned === undefined) missing.push(memberId);
    assignment.set(memberId, assigned ?? EMPTY_BYTES);
  }
  step.info('assignment received from leader', { groupId, generationId, leader: event.memberId, members: group.size });
  if (missing.length > 0) step.warn('the leader assigned nothing to some members', { groupId, generationId, missing });
  step.store(assignment, { kind: 'assignment', generationId, leader: event.memberId });
}

function answerCurrent(step: GroupStep, group: GroupMetadata, event: SyncGroupEvent, member: MemberMetadata): void {
  removePendingSyncMember(step, group, event.memberId);
  const { protocolType, protocolName } = group;
  step.answerSync(event.ticket, { errorCode: Errors.NONE, protocolType, protocolName, assignment: member.assignment });
  restartSession(step, member);
}

/** The assignment was stored or not. If the group went on to another generation meanwhile, it is history. */
export function onAssignmentStored(
  step: GroupStep,
  group: GroupMetadata,
  purpose: StorePurpose & { kind: 'assignment' },
  assignment: Assignment,
  errorCode: ErrorCode,
): void {
  if (group.state !== 'CompletingRebalance' || group.generationId !== purpose.generationId) return;
  if (errorCode !== Errors.NONE) {
    resetAndPropagateAssignmentError(step, group, errorCode);
    const reason = `Error ${errorCode} when storing group assignment during SyncGroup (member: ${purpose.leader})`;
    maybePrepareRebalance(step, group, reason);
    return;
  }
  for (const member of group.members()) member.assignment = assignment.get(member.memberId) ?? EMPTY_BYTES;
  propagateAssignment(step, group, Errors.NONE);
  group.transitionTo('Stable', step.nowMs);
  group.timeline.syncCompleted(step.nowMs);
}
