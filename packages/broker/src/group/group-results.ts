// What the coordinator answers to each group API, before it is put in the shape of a protocol version.
// Source: Kafka 3.9 GroupCoordinator (JoinGroupResult, SyncGroupResult, LeaveGroupResult, GroupSummary, GroupOverview).

import { type ErrorCode, Errors } from '@ottla/base';

export const UNKNOWN_MEMBER_ID = '';
export const NO_GENERATION = -1;
export const EMPTY_BYTES: Buffer = Buffer.alloc(0);

export interface JoinGroupMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly metadata: Buffer;
}

export interface JoinGroupResult {
  readonly errorCode: ErrorCode;
  readonly generationId: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  /** '' when there is none */
  readonly leader: string;
  /** Tells a returning static leader that the group keeps its assignment (KIP-814). */
  readonly skipAssignment: boolean;
  readonly memberId: string;
  /** Every member with its metadata for the leader, nobody for the others. */
  readonly members: readonly JoinGroupMember[];
}

export function joinError(memberId: string, errorCode: ErrorCode): JoinGroupResult {
  return {
    errorCode,
    generationId: NO_GENERATION,
    protocolType: null,
    protocolName: null,
    leader: '',
    skipAssignment: false,
    memberId,
    members: [],
  };
}

export interface SyncGroupResult {
  readonly errorCode: ErrorCode;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignment: Buffer;
}

export function syncError(errorCode: ErrorCode): SyncGroupResult {
  return { errorCode, protocolType: null, protocolName: null, assignment: EMPTY_BYTES };
}

export interface LeavingMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly reason: string | null;
}

export interface LeaveMemberResult {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly errorCode: ErrorCode;
}

export interface LeaveGroupResult {
  readonly errorCode: ErrorCode;
  readonly members: readonly LeaveMemberResult[];
}

export interface GroupMemberDescription {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly metadata: Buffer;
  readonly assignment: Buffer;
}

export interface GroupDescription {
  readonly errorCode: ErrorCode;
  readonly state: string;
  readonly protocolType: string;
  readonly protocolName: string;
  readonly members: readonly GroupMemberDescription[];
}

export function describeError(errorCode: ErrorCode): GroupDescription {
  return { errorCode, state: '', protocolType: '', protocolName: '', members: [] };
}

/** What Kafka says of a group it has never heard of. */
export const DEAD_GROUP: GroupDescription = {
  errorCode: Errors.NONE,
  state: 'Dead',
  protocolType: '',
  protocolName: '',
  members: [],
};

export interface GroupOverview {
  readonly groupId: string;
  readonly protocolType: string;
  readonly state: string;
  readonly type: 'classic';
}
