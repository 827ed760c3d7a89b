// A member of a consumer group whose every request the test sees. It joins, syncs and beats as KafkaConsumer does; what it does next is
// decided by the test.

import { Errors, errorName } from '@ottla/base';
import type { RequestClient } from '@ottla/network';
import { heartbeat, joinGroup, leaveGroup, syncGroup } from '@ottla/protocol';
import { findCoordinatorOf } from './wire.ts';

export interface GroupMemberOptions {
  readonly groupId: string;
  /** Static membership (KIP-345). */
  readonly groupInstanceId: string | null;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
}

/** What a member knows after a rebalance. */
export interface Generation {
  readonly generationId: number;
  readonly memberId: string;
  /** What SyncGroup gave it. */
  readonly assignment: Buffer;
}

/** The leader's part: from member (its instance id where it has one) to what it gets. */
export type Assignor = (generationId: number, members: readonly string[]) => ReadonlyMap<string, Buffer>;

export class GroupMember {
  #client: RequestClient;
  readonly #options: GroupMemberOptions;
  #memberId = '';
  #generationId = -1;

  constructor(client: RequestClient, options: GroupMemberOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** Has it been part of a generation, and not left? */
  get hasJoined(): boolean {
    return this.#memberId !== '' && this.#generationId >= 0;
  }

  /** Goes on over another connection. */
  reconnect(client: RequestClient): void {
    this.#client = client;
  }

  /** One attempt to join and sync.
   *  @returns the generation, or the error code that stood in the way; where the code says so the member id is already forgotten */
  async rebalance(assign: Assignor): Promise<Generation | number> {
    const joined = await this.#join();
    if (joined.errorCode !== Errors.NONE) return this.#onFailure(joined.errorCode, joined.memberId);
    this.#memberId = joined.memberId;
    this.#generationId = joined.generationId;
    const isLeader = joined.leader === joined.memberId && !joined.skipAssignment;
    const plan = isLeader ? this.#plan(joined.members, assign) : [];
    const synced = await this.#sync(plan);
    if (synced.errorCode !== Errors.NONE) return this.#onFailure(synced.errorCode, this.#memberId);
    return { generationId: this.#generationId, memberId: this.#memberId, assignment: synced.assignment };
  }

  /** @returns the error code */
  async beat(): Promise<number> {
    const { groupId, groupInstanceId } = this.#options;
    const request = { groupId, generationId: this.#generationId, memberId: this.#memberId, groupInstanceId };
    const { errorCode } = await this.#client.send(heartbeat, request, 4);
    return errorCode === Errors.NONE ? errorCode : this.#onFailure(errorCode, this.#memberId);
  }

  /** @returns the error code */
  async leave(): Promise<number> {
    const { groupId, groupInstanceId } = this.#options;
    const members = [{ memberId: this.#memberId, groupInstanceId }];
    const answer = await this.#client.send(leaveGroup, { groupId, memberId: '', members }, 4);
    this.#memberId = '';
    return answer.errorCode === Errors.NONE ? (answer.members[0]?.errorCode ?? -1) : answer.errorCode;
  }

  #join() {
    const { groupId, groupInstanceId, sessionTimeoutMs, rebalanceTimeoutMs } = this.#options;
    // The subscription's place is taken by the name under which the leader plans: it must survive a new member id.
    const metadata = Buffer.from(groupInstanceId ?? '');
    const request = {
      groupId,
      groupInstanceId,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      memberId: this.#memberId,
      protocolType: 'consumer',
      protocols: [{ name: 'storm', metadata }],
      reason: null,
    };
    return this.#patiently(
      'JoinGroup',
      this.#client.send(joinGroup, request, 9, { requestTimeoutMs: this.#patienceMs }),
    );
  }

  #plan(members: readonly { memberId: string; groupInstanceId: string | null }[], assign: Assignor) {
    const names = members.map(({ memberId, groupInstanceId }) => groupInstanceId ?? memberId);
    const plan = assign(this.#generationId, names);
    return members.map(({ memberId, groupInstanceId }) => {
      return { memberId, assignment: plan.get(groupInstanceId ?? memberId) ?? Buffer.alloc(0) };
    });
  }

  #sync(assignments: { memberId: string; assignment: Buffer }[]) {
    const { groupId, groupInstanceId } = this.#options;
    const request = {
      groupId,
      groupInstanceId,
      generationId: this.#generationId,
      memberId: this.#memberId,
      protocolType: 'consumer',
      protocolName: 'storm',
      assignments,
    };
    return this.#patiently(
      'SyncGroup',
      this.#client.send(syncGroup, request, 5, { requestTimeoutMs: this.#patienceMs }),
    );
  }

  /** An answer comes within one rebalance, however many members are lost in it. */
  get #patienceMs(): number {
    return this.#options.rebalanceTimeoutMs * 3;
  }

  async #patiently<T>(api: string, answer: Promise<T>): Promise<T> {
    const askedMs = Date.now();
    try {
      return await answer;
    } catch (cause) {
      const who = `${this.#options.groupInstanceId ?? ''} ${this.#memberId} of ${this.#options.groupId}`;
      const when = `generation ${this.#generationId}, after ${Date.now() - askedMs} ms`;
      throw new Error(`${api} of ${who}, ${when}`, { cause });
    }
  }

  async #onFailure(code: number, memberId: string): Promise<number> {
    switch (code) {
      case Errors.MEMBER_ID_REQUIRED:
        this.#memberId = memberId;
        break;
      case Errors.UNKNOWN_MEMBER_ID:
        this.#memberId = '';
        break;
      case Errors.NOT_COORDINATOR:
      case Errors.COORDINATOR_NOT_AVAILABLE:
        await findCoordinatorOf(this.#client, this.#options.groupId, 'group');
        break;
      case Errors.REBALANCE_IN_PROGRESS:
      case Errors.ILLEGAL_GENERATION:
      case Errors.COORDINATOR_LOAD_IN_PROGRESS:
      case Errors.FENCED_INSTANCE_ID:
        break;
      default:
        throw new Error(`a member of ${this.#options.groupId} was answered ${errorName(code)}`);
    }
    return code;
  }
}
