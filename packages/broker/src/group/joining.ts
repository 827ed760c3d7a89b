// What both kinds of rejoining, dynamic and static, share.

import { Errors } from '@ottla/base';
import type { GroupMetadata } from './group-metadata.ts';
import { joinError } from './group-results.ts';
import type { GroupStep } from './group-step.ts';
import type { MemberMetadata, MemberProtocol, Ticket } from './member-metadata.ts';

export interface JoinGroupEvent {
  readonly ticket: Ticket;
  /** '' for somebody new */
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  /** A new dynamic member is sent away with an id to come back with (JoinGroup 4 and later). */
  readonly requireKnownMemberId: boolean;
  readonly supportsSkippingAssignment: boolean;
  readonly clientId: string;
  readonly clientHost: string;
  readonly rebalanceTimeoutMs: number;
  readonly sessionTimeoutMs: number;
  readonly protocolType: string;
  readonly protocols: readonly MemberProtocol[];
  readonly reason: string | null;
}

/** Takes the request's metadata and timeouts into the member and parks the request there. One that waited before is superseded: its
 *  client has gone or retries, and no request may wait for ever. */
export function updateAndPark(
  step: GroupStep,
  group: GroupMetadata,
  event: JoinGroupEvent,
  member: MemberMetadata,
): void {
  if (member.awaitingJoin !== undefined)
    step.answerJoin(member.awaitingJoin, joinError(member.memberId, Errors.REBALANCE_IN_PROGRESS));
  group.update(member, event);
  group.setAwaitingJoin(member, event.ticket);
}

export function reasonOf(event: { readonly reason: string | null }): string {
  return event.reason ?? 'not provided';
}
