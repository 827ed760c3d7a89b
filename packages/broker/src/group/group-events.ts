// Events that come back to a group from outside the requests: a timer fired, a record was stored.

import type { ErrorCode } from '@ottla/base';
import { Errors } from '@ottla/base';
import type { GroupMetadata } from './group-metadata.ts';
import type { Assignment, GroupStep, GroupTimer, StorePurpose } from './group-step.ts';
import { onPendingMemberTimer, onPendingSyncTimer, onRebalanceTimer, onSessionTimer } from './rebalance.ts';
import { onStaticMemberStored } from './static-member.ts';
import { onAssignmentStored } from './sync-group.ts';

export function onGroupTimer(step: GroupStep, group: GroupMetadata, timer: GroupTimer): void {
  switch (timer.kind) {
    case 'session':
      onSessionTimer(step, group, timer.memberId);
      break;
    case 'pendingMember':
      onPendingMemberTimer(step, group, timer.memberId);
      break;
    case 'rebalance':
      onRebalanceTimer(step, group);
      break;
    case 'pendingSync':
      onPendingSyncTimer(step, group);
      break;
    default:
      timer satisfies never;
  }
}

/** @param errorCode NONE, or the append's failure as group requests put it (see append-errors.ts) */
export function onGroupStored(
  step: GroupStep,
  group: GroupMetadata,
  stored: { readonly assignment: Assignment; readonly purpose: StorePurpose },
  errorCode: ErrorCode,
): void {
  const { purpose } = stored;
  switch (purpose.kind) {
    case 'assignment':
      onAssignmentStored(step, group, purpose, stored.assignment, errorCode);
      break;
    case 'staticMember':
      onStaticMemberStored(step, group, purpose, errorCode);
      break;
    case 'emptyGeneration':
      // After a crash the generation before comes back from the log and times out: harmless, nobody is in this one.
      if (errorCode !== Errors.NONE)
        step.warn('could not store the empty generation', { groupId: group.groupId, errorCode });
      return;
    default:
      purpose satisfies never;
  }
}
