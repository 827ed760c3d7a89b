// One member of a group: who it is, what it can do, what it was assigned, and whether it waits for an answer.
// Source: Kafka 3.9 MemberMetadata.

import { mustBePresent } from '@ottla/base';

/** Names a request that waits for its answer; the coordinator keeps the promise behind it. */
export type Ticket = number;

/** A protocol the member supports, with its metadata (for consumers the assignor's name and the subscription). */
export interface MemberProtocol {
  readonly name: string;
  readonly metadata: Buffer;
}

export interface MemberInit {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly rebalanceTimeoutMs: number;
  readonly sessionTimeoutMs: number;
  readonly protocolType: string;
  /** In the member's order of preference. */
  readonly protocols: readonly MemberProtocol[];
  readonly assignment?: Buffer;
}

export class MemberMetadata {
  /** Changes only when a static member comes back under a new id. */
  memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  rebalanceTimeoutMs: number;
  sessionTimeoutMs: number;
  readonly protocolType: string;
  protocols: readonly MemberProtocol[];
  /** Empty until a leader's assignment was stored. */
  assignment: Buffer;
  /** The JoinGroup that waits for the rebalance to complete. Kept by GroupMetadata, which counts them. */
  awaitingJoin: Ticket | undefined = undefined;
  /** The SyncGroup that waits for the leader's assignment. */
  awaitingSync: Ticket | undefined = undefined;
  /** Has never been in a generation: it does not know its id yet, so it cannot heartbeat, and its session ends while it waits. */
  isNew = false;

  constructor(init: MemberInit) {
    this.memberId = init.memberId;
    this.groupInstanceId = init.groupInstanceId;
    this.clientId = init.clientId;
    this.clientHost = init.clientHost;
    this.rebalanceTimeoutMs = init.rebalanceTimeoutMs;
    this.sessionTimeoutMs = init.sessionTimeoutMs;
    this.protocolType = init.protocolType;
    this.protocols = init.protocols;
    this.assignment = init.assignment ?? Buffer.alloc(0);
  }

  get isStaticMember(): boolean {
    return this.groupInstanceId !== null;
  }

  get isAwaitingJoin(): boolean {
    return this.awaitingJoin !== undefined;
  }

  get isAwaitingSync(): boolean {
    return this.awaitingSync !== undefined;
  }

  /** A member whose request is parked here is alive: its session does not run, unless it is new (see isNew). */
  get isHeldAlive(): boolean {
    return !this.isNew && (this.isAwaitingJoin || this.isAwaitingSync);
  }

  /** The metadata for protocol `name`, which the member must support. */
  metadata(name: string): Buffer {
    return mustBePresent(
      this.protocols.find((protocol) => protocol.name === name),
      `protocol of member ${this.memberId}`,
    ).metadata;
  }

  /** The same protocols in the same order with the same metadata? */
  matches(protocols: readonly MemberProtocol[]): boolean {
    if (protocols.length !== this.protocols.length) return false;
    return this.protocols.every((mine, index) => {
      const theirs = protocols[index];
      return theirs !== undefined && theirs.name === mine.name && theirs.metadata.equals(mine.metadata);
    });
  }

  /** The first protocol of its preference that every member supports. @returns undefined when it supports none of them */
  vote(candidates: ReadonlySet<string>): string | undefined {
    return this.protocols.find((protocol) => candidates.has(protocol.name))?.name;
  }
}
