// One group's state: its members, their protocols, its generation, its offsets. No input or output, no time of its own: whoever
// changes it passes the time in. Source: Kafka 3.9 GroupMetadata.

import { assert, mustBePresent } from '@ottla/base';
import {
  DEAD_GROUP,
  EMPTY_BYTES,
  type GroupDescription,
  type GroupOverview,
  type JoinGroupMember,
} from './group-results.ts';
import type { MemberMetadata, MemberProtocol, Ticket } from './member-metadata.ts';
import { type ExpiryRule, OffsetCache } from './offset-cache.ts';
import { RebalanceTimeline } from './rebalance-timeline.ts';
import { CONSUMER_PROTOCOL_TYPE, subscribedTopicsOf } from './subscribed-topics.ts';

/** Kafka's names, as DescribeGroups and ListGroups show them. */
export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead';

const PREVIOUS_STATES: Readonly<Record<GroupState, readonly GroupState[]>> = {
  Empty: ['PreparingRebalance'],
  PreparingRebalance: ['Stable', 'CompletingRebalance', 'Empty'],
  CompletingRebalance: ['PreparingRebalance'],
  Stable: ['CompletingRebalance'],
  Dead: ['Stable', 'PreparingRebalance', 'CompletingRebalance', 'Empty', 'Dead'],
};

/** How long the first rebalance of an empty group still waits for company. */
export interface InitialJoinDelay {
  readonly delayMs: number;
  readonly remainingMs: number;
}

export interface GroupInit {
  readonly state: 'Empty' | 'Stable';
  readonly generationId: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly leader: string | null;
  readonly stateTimestampMs: number | undefined;
  readonly members: readonly MemberMetadata[];
}

export class GroupMetadata {
  readonly groupId: string;
  readonly offsets = new OffsetCache();
  readonly timeline = new RebalanceTimeline();

  state: GroupState;
  /** When the state was entered; undefined when a record of an old version did not say. */
  stateTimestampMs: number | undefined;
  /** Goes up by one with every completed rebalance; 0 for a group that never had members. */
  generationId: number;
  protocolType: string | null;
  /** The protocol of this generation; null while the group is empty. */
  protocolName: string | null;
  leader: string | null;
  /** A member joined while the initial delay ran, so it may be prolonged. */
  newMemberAdded = false;
  initialJoinDelay: InitialJoinDelay | undefined = undefined;
  /** Commits of this generation came from consumers, from transactions: to warn of a mixture. */
  receivedConsumerCommits = false;
  receivedTransactionalCommits = false;

  readonly #members = new Map<string, MemberMetadata>();
  /** Instance id → member id of static members (KIP-345). */
  readonly #staticMembers = new Map<string, string>();
  /** Member ids handed out that did not join yet (KIP-394). Disjoint from #members. */
  readonly #pendingMembers = new Set<string>();
  /** Members of this generation that did not send SyncGroup yet. */
  readonly #pendingSyncMembers = new Set<string>();
  /** How many members support each protocol. */
  readonly #supportCounts = new Map<string, number>();
  /** How many members have awaitingJoin set. */
  #awaitingJoinCount = 0;
  /** What the members of this generation subscribe to; undefined when they are no consumers or do not say. */
  #subscribedTopics: ReadonlySet<string> | undefined = undefined;

  constructor(groupId: string, nowMs: number, init?: GroupInit) {
    this.groupId = groupId;
    this.state = init?.state ?? 'Empty';
    this.stateTimestampMs = init === undefined ? nowMs : init.stateTimestampMs;
    this.generationId = init?.generationId ?? 0;
    this.protocolType = init?.protocolType ?? null;
    this.protocolName = init?.protocolName ?? null;
    this.leader = init?.leader ?? null;
    for (const member of init?.members ?? []) this.#insert(member);
    this.#subscribedTopics = this.#computeSubscribedTopics();
  }

  // --- members

  get size(): number {
    return this.#members.size;
  }

  get staticMemberCount(): number {
    return this.#staticMembers.size;
  }

  get awaitingJoinCount(): number {
    return this.#awaitingJoinCount;
  }

  get pendingMembers(): ReadonlySet<string> {
    return this.#pendingMembers;
  }

  get pendingSyncMembers(): ReadonlySet<string> {
    return this.#pendingSyncMembers;
  }

  members(): MemberMetadata[] {
    return [...this.#members.values()];
  }

  has(memberId: string): boolean {
    return this.#members.has(memberId);
  }

  get(memberId: string): MemberMetadata | undefined {
    return this.#members.get(memberId);
  }

  mustGet(memberId: string): MemberMetadata {
    return mustBePresent(this.#members.get(memberId), `member ${memberId} of group ${this.groupId}`);
  }

  isLeader(memberId: string): boolean {
    return this.leader === memberId;
  }

  staticMemberId(groupInstanceId: string): string | undefined {
    return this.#staticMembers.get(groupInstanceId);
  }

  isPendingMember(memberId: string): boolean {
    return this.#pendingMembers.has(memberId);
  }

  addPendingMember(memberId: string): void {
    assert(!this.has(memberId), `${memberId} is already a member of group ${this.groupId}`);
    this.#pendingMembers.add(memberId);
  }

  /** The first member of a group decides its protocol type; the first to join leads. */
  add(member: MemberMetadata, awaitingJoin: Ticket): void {
    if (this.#members.size === 0) this.protocolType = member.protocolType;
    assert(this.protocolType === member.protocolType, `protocol type of group ${this.groupId}`);
    this.#insert(member);
    this.leader ??= member.memberId;
    this.setAwaitingJoin(member, awaitingJoin);
    this.#pendingMembers.delete(member.memberId);
  }

  /** Forgets a member, pending or not, in every role. */
  remove(memberId: string): void {
    const member = this.#members.get(memberId);
    if (member !== undefined) {
      this.setAwaitingJoin(member, undefined);
      this.#countProtocols(member.protocols, -1);
      this.#members.delete(memberId);
      if (member.groupInstanceId !== null) this.#staticMembers.delete(member.groupInstanceId);
    }
    if (this.isLeader(memberId)) this.leader = this.#members.keys().next().value ?? null;
    this.#pendingMembers.delete(memberId);
    this.#pendingSyncMembers.delete(memberId);
  }

  update(
    member: MemberMetadata,
    change: { protocols: readonly MemberProtocol[]; rebalanceTimeoutMs: number; sessionTimeoutMs: number },
  ): void {
    this.#countProtocols(member.protocols, -1);
    member.protocols = change.protocols;
    this.#countProtocols(member.protocols, 1);
    member.rebalanceTimeoutMs = change.rebalanceTimeoutMs;
    member.sessionTimeoutMs = change.sessionTimeoutMs;
  }

  setAwaitingJoin(member: MemberMetadata, ticket: Ticket | undefined): void {
    if (member.isAwaitingJoin) this.#awaitingJoinCount--;
    member.awaitingJoin = ticket;
    if (member.isAwaitingJoin) this.#awaitingJoinCount++;
  }

  /** A static member comes back under a new id: same member, same assignment, same leadership. */
  replaceStaticMember(groupInstanceId: string, newMemberId: string): MemberMetadata {
    const oldMemberId = mustBePresent(this.#staticMembers.get(groupInstanceId), `static member ${groupInstanceId}`);
    const member = this.mustGet(oldMemberId);
    this.#members.delete(oldMemberId);
    member.memberId = newMemberId;
    this.#members.set(newMemberId, member);
    this.#staticMembers.set(groupInstanceId, newMemberId);
    if (this.isLeader(oldMemberId)) this.leader = newMemberId;
    return member;
  }

  get hasAllMembersJoined(): boolean {
    return this.#members.size === this.#awaitingJoinCount && this.#pendingMembers.size === 0;
  }

  /** The slowest member decides how long a rebalance may take. */
  get rebalanceTimeoutMs(): number {
    let longest = 0;
    for (const member of this.#members.values()) longest = Math.max(longest, member.rebalanceTimeoutMs);
    return longest;
  }

  /** Makes sure that a member who joined leads. @returns false when nobody joined */
  maybeElectNewJoinedLeader(): boolean {
    if (this.leader === null) return false;
    if (this.#members.get(this.leader)?.isAwaitingJoin === true) return true;
    for (const member of this.#members.values()) {
      if (!member.isAwaitingJoin) continue;
      this.leader = member.memberId;
      return true;
    }
    return false;
  }

  addPendingSyncMember(memberId: string): void {
    this.#pendingSyncMembers.add(memberId);
  }

  removePendingSyncMember(memberId: string): void {
    this.#pendingSyncMembers.delete(memberId);
  }

  clearPendingSyncMembers(): void {
    this.#pendingSyncMembers.clear();
  }

  // --- protocols and generations

  /** Could a member with these protocols live here? */
  supportsProtocols(protocolType: string, protocols: readonly MemberProtocol[]): boolean {
    if (this.state === 'Empty') return protocolType !== '' && protocols.length > 0;
    if (protocolType !== this.protocolType) return false;
    return protocols.some(({ name }) => this.#supportCounts.get(name) === this.#members.size);
  }

  /** The protocol most members prefer among those every member supports. */
  selectProtocol(): string {
    const candidates = new Set<string>();
    for (const [name, count] of this.#supportCounts) if (count === this.#members.size) candidates.add(name);
    const votes = new Map<string, number>();
    for (const member of this.#members.values()) {
      const vote = mustBePresent(member.vote(candidates), `a protocol common to group ${this.groupId}`);
      votes.set(vote, (votes.get(vote) ?? 0) + 1);
    }
    let winner: string | undefined;
    for (const [name, count] of votes) if (winner === undefined || count > (votes.get(winner) ?? 0)) winner = name;
    return mustBePresent(winner, `a member of group ${this.groupId}`);
  }

  get canRebalance(): boolean {
    return PREVIOUS_STATES.PreparingRebalance.includes(this.state);
  }

  transitionTo(state: GroupState, nowMs: number): void {
    assert(PREVIOUS_STATES[state].includes(this.state), `group ${this.groupId}: ${this.state} to ${state}`);
    this.state = state;
    this.stateTimestampMs = nowMs;
  }

  /** A removal that was not stored did not happen. */
  revive(state: 'Empty', stateTimestampMs: number | undefined): void {
    assert(this.state === 'Dead', `group ${this.groupId} is ${this.state}`);
    this.state = state;
    this.stateTimestampMs = stateTimestampMs;
  }

  /** Nothing in it and nothing on its way: nobody would miss it. */
  get isAbandoned(): boolean {
    return this.state === 'Empty' && this.#pendingMembers.size === 0 && !this.offsets.hasOffsets;
  }

  /** Ends the join phase: with members the group waits for the leader's assignment, without it is empty. */
  initNextGeneration(nowMs: number): void {
    this.generationId++;
    const isEmpty = this.#members.size === 0;
    this.protocolName = isEmpty ? null : this.selectProtocol();
    this.#subscribedTopics = this.#computeSubscribedTopics();
    this.transitionTo(isEmpty ? 'Empty' : 'CompletingRebalance', nowMs);
    this.receivedConsumerCommits = false;
    this.receivedTransactionalCommits = false;
    this.#pendingSyncMembers.clear();
  }

  /** What a leader is told: everybody, with the metadata of the chosen protocol. */
  currentMemberMetadata(): JoinGroupMember[] {
    const protocol = mustBePresent(this.protocolName, `protocol of group ${this.groupId}`);
    return this.members().map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      metadata: member.metadata(protocol),
    }));
  }

  // --- topics and offsets

  get isConsumerGroup(): boolean {
    return this.protocolType === CONSUMER_PROTOCOL_TYPE;
  }

  /** A group whose subscriptions cannot be read counts as subscribed to nothing, as in Kafka. */
  isSubscribedToTopic(topic: string): boolean {
    return this.#subscribedTopics?.has(topic) ?? false;
  }

  /** KIP-211: an empty group's offsets count from when it became empty, a group of pure commits from each commit; a stable group of
   *  consumers keeps what it subscribes to; otherwise nothing expires. */
  expiryRule(): ExpiryRule | undefined {
    if (this.protocolType === null) return { baseTimestampMs: undefined, subscribedTopics: NO_TOPICS };
    if (this.state === 'Empty') return { baseTimestampMs: this.stateTimestampMs, subscribedTopics: NO_TOPICS };
    if (this.isConsumerGroup && this.state === 'Stable' && this.#subscribedTopics !== undefined)
      return { baseTimestampMs: undefined, subscribedTopics: this.#subscribedTopics };
    return undefined;
  }

  // --- views

  describe(): GroupDescription {
    if (this.state === 'Dead') return DEAD_GROUP;
    const protocol = this.state === 'Stable' ? this.protocolName : null;
    return {
      errorCode: 0,
      state: this.state,
      protocolType: this.protocolType ?? '',
      protocolName: protocol ?? '',
      members: this.members().map((member) => ({
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        metadata: protocol === null ? EMPTY_BYTES : member.metadata(protocol),
        assignment: protocol === null ? EMPTY_BYTES : member.assignment,
      })),
    };
  }

  overview(): GroupOverview {
    return { groupId: this.groupId, protocolType: this.protocolType ?? '', state: this.state, type: 'classic' };
  }

  #insert(member: MemberMetadata): void {
    assert(!this.#members.has(member.memberId), `${member.memberId} is already a member of group ${this.groupId}`);
    this.#members.set(member.memberId, member);
    this.#countProtocols(member.protocols, 1);
    if (member.groupInstanceId === null) return;
    assert(!this.#staticMembers.has(member.groupInstanceId), `static member ${member.groupInstanceId} is known`);
    this.#staticMembers.set(member.groupInstanceId, member.memberId);
  }

  /** A name that a client lists twice counts once. */
  #countProtocols(protocols: readonly MemberProtocol[], by: 1 | -1): void {
    for (const name of new Set(protocols.map((protocol) => protocol.name))) {
      const count = (this.#supportCounts.get(name) ?? 0) + by;
      if (count === 0) this.#supportCounts.delete(name);
      else this.#supportCounts.set(name, count);
    }
  }

  #computeSubscribedTopics(): ReadonlySet<string> | undefined {
    if (this.protocolType === null) return undefined;
    if (this.#members.size === 0) return NO_TOPICS;
    const protocol = this.protocolName;
    if (!this.isConsumerGroup || protocol === null) return undefined;
    return subscribedTopicsOf(this.members().map((member) => member.metadata(protocol)));
  }
}

const NO_TOPICS: ReadonlySet<string> = new Set();
