// The walls of the pure core. A step takes a group and an event at one moment, changes the group and leaves effects behind: answers,
// timers, records to store, lines to log. Nothing in the core waits, and nothing in it knows promises, sockets or clocks.

import type { GroupCoordinatorConfig } from './group-config.ts';
import type { JoinGroupResult, SyncGroupResult } from './group-results.ts';
import type { MemberProtocol, Ticket } from './member-metadata.ts';

/** A timer of a group; one of each kind and member at a time, so scheduling it again replaces it. */
export type GroupTimer =
  | { readonly kind: 'session'; readonly memberId: string }
  | { readonly kind: 'pendingMember'; readonly memberId: string }
  | { readonly kind: 'rebalance' }
  | { readonly kind: 'pendingSync' };

export function timerKey(timer: GroupTimer): string {
  return 'memberId' in timer ? `${timer.kind}:${timer.memberId}` : timer.kind;
}

/** The static member as it was before it came back, to undo the change when it cannot be stored. */
export interface StaticMemberUndo {
  readonly groupInstanceId: string;
  readonly oldMemberId: string;
  readonly newMemberId: string;
  readonly oldLeader: string | null;
  readonly protocols: readonly MemberProtocol[];
  readonly rebalanceTimeoutMs: number;
  readonly sessionTimeoutMs: number;
}

/** Why the group's record is being stored, and so what happens when it was. */
export type StorePurpose =
  | { readonly kind: 'emptyGeneration' }
  | { readonly kind: 'assignment'; readonly generationId: number; readonly leader: string }
  | {
      readonly kind: 'staticMember';
      readonly generationId: number;
      readonly supportsSkippingAssignment: boolean;
      readonly undo: StaticMemberUndo;
    };

/** Member id → what it is assigned. */
export type Assignment = ReadonlyMap<string, Buffer>;

export type GroupEffect =
  | { readonly kind: 'answerJoin'; readonly ticket: Ticket; readonly result: JoinGroupResult }
  | { readonly kind: 'answerSync'; readonly ticket: Ticket; readonly result: SyncGroupResult }
  | { readonly kind: 'schedule'; readonly timer: GroupTimer; readonly delayMs: number }
  | { readonly kind: 'cancel'; readonly timer: GroupTimer }
  | { readonly kind: 'store'; readonly assignment: Assignment; readonly purpose: StorePurpose }
  | {
      readonly kind: 'log';
      readonly level: 'debug' | 'info' | 'warn' | 'error';
      readonly message: string;
      readonly fields: object;
    };

/** One moment of the core. */
export class GroupStep {
  readonly nowMs: number;
  readonly config: GroupCoordinatorConfig;
  /** A fresh random uuid in Java's text form, for member ids. */
  readonly newUuid: () => string;
  readonly effects: GroupEffect[] = [];

  constructor(nowMs: number, config: GroupCoordinatorConfig, newUuid: () => string) {
    this.nowMs = nowMs;
    this.config = config;
    this.newUuid = newUuid;
  }

  answerJoin(ticket: Ticket, result: JoinGroupResult): void {
    this.effects.push({ kind: 'answerJoin', ticket, result });
  }

  answerSync(ticket: Ticket, result: SyncGroupResult): void {
    this.effects.push({ kind: 'answerSync', ticket, result });
  }

  schedule(timer: GroupTimer, delayMs: number): void {
    this.effects.push({ kind: 'schedule', timer, delayMs });
  }

  cancel(timer: GroupTimer): void {
    this.effects.push({ kind: 'cancel', timer });
  }

  store(assignment: Assignment, purpose: StorePurpose): void {
    this.effects.push({ kind: 'store', assignment, purpose });
  }

  info(message: string, fields: object): void {
    this.effects.push({ kind: 'log', level: 'info', message, fields });
  }

  warn(message: string, fields: object): void {
    this.effects.push({ kind: 'log', level: 'warn', message, fields });
  }
}
