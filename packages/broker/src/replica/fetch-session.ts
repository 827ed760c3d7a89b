// What a fetcher and this broker remember between fetches, so that neither repeats it: which partitions are fetched, from where, and
// what the fetcher already knows about them. Which sessions exist is fetch-session-cache.ts; what a request does to one is
// fetch-manager.ts. Source: kafka.server.FetchSession, CachedPartition; KIP-227, KIP-516.

import { Errors, type Uuid, ZERO_UUID } from '@ottla/base';
import type { FetchResponsePartitionData } from '@ottla/protocol';

/** The session id of a request or a response without a session. */
export const INVALID_SESSION_ID = 0;
/** The epoch that asks for a new session. */
export const INITIAL_EPOCH = 0;
/** The epoch that wants no session, and closes the one it names. */
export const FINAL_EPOCH = -1;

const EPOCH_MAX = 0x7fffffff;

/** The epoch that follows `epoch` in requests of a session. Source: FetchMetadata.nextEpoch. */
export function nextEpoch(epoch: number): number {
  if (epoch < 0) return FINAL_EPOCH;
  return epoch === EPOCH_MAX ? 1 : epoch + 1;
}

/** One partition as a fetcher asks for it. */
export interface FetchPartitionRequest {
  /** null: the request named a topic id that this broker does not know. */
  readonly topic: string | null;
  /** ZERO_UUID in requests before version 13. */
  readonly topicId: Uuid;
  readonly partition: number;
  readonly fetchOffset: number;
  /** The follower's log start offset; -1 from consumers. */
  readonly logStartOffset: number;
  readonly maxBytes: number;
  /** -1: not checked. */
  readonly currentLeaderEpoch: number;
  /** -1: divergence is not checked. */
  readonly lastFetchedEpoch: number;
}

/** What a session looks at in the answer for a partition. */
export type FetchPartitionAnswer = Pick<
  FetchResponsePartitionData,
  'errorCode' | 'highWatermark' | 'logStartOffset' | 'preferredReadReplica' | 'divergingEpoch' | 'records'
>;

/** The size of the records in an answer; records to fetch come in one piece. */
export function recordsSizeInBytes({ records }: Pick<FetchPartitionAnswer, 'records'>): number {
  if (records === null) return 0;
  if (Buffer.isBuffer(records)) return records.length;
  return 'sizeInBytes' in records ? records.sizeInBytes : records.reduce((size, piece) => size + piece.length, 0);
}

/** A topic partition by either of its names. */
export interface SessionPartitionName {
  readonly topic: string | null;
  readonly topicId: Uuid;
  readonly partition: number;
}

/** A partition of a session. */
export class CachedPartition {
  request: FetchPartitionRequest;
  /** What the fetcher was last told; -1 after an error, so that its end is told too. */
  #highWatermark: number;
  #localLogStartOffset: number;

  /** @param told what the answer to `request` says, if it was answered already */
  constructor(request: FetchPartitionRequest, told?: FetchPartitionAnswer) {
    this.request = request;
    this.#highWatermark = told?.highWatermark ?? -1;
    this.#localLogStartOffset = told?.logStartOffset ?? -1;
  }

  /** Takes over what the fetcher asks for now; a topic name once known is kept. */
  update(request: FetchPartitionRequest): void {
    this.request = request.topic === null ? { ...request, topic: this.request.topic } : request;
  }

  /** Gives a partition that came by an unknown topic id its name, when the id is known by now. */
  maybeResolveUnknownName(topicName: (id: Uuid) => string | undefined): void {
    if (this.request.topic !== null) return;
    const topic = topicName(this.request.topicId);
    if (topic !== undefined) this.request = { ...this.request, topic };
  }

  /** Must `answer` be sent, and from now on the fetcher knows it? Records, errors and whatever changed since the last answer are. */
  maybeUpdateResponseData(answer: FetchPartitionAnswer): boolean {
    const { logStartOffset = -1, preferredReadReplica = -1, divergingEpoch } = answer;
    let mustRespond =
      recordsSizeInBytes(answer) > 0 || preferredReadReplica !== -1 || (divergingEpoch?.epoch ?? -1) >= 0;
    if (this.#highWatermark !== answer.highWatermark) {
      mustRespond = true;
      this.#highWatermark = answer.highWatermark;
    }
    if (this.#localLogStartOffset !== logStartOffset) {
      mustRespond = true;
      this.#localLogStartOffset = logStartOffset;
    }
    if (answer.errorCode !== Errors.NONE) {
      mustRespond = true;
      this.#highWatermark = -1;
    }
    return mustRespond;
  }
}

/** The partitions of a session, in the order in which they are read. Found by topic id where the session uses ids, else by name. */
export class SessionPartitions {
  readonly #inOrder = new Set<CachedPartition>();
  readonly #byTopic = new Map<string, Map<number, CachedPartition>>();

  get size(): number {
    return this.#inOrder.size;
  }

  [Symbol.iterator](): IterableIterator<CachedPartition> {
    return this.#inOrder[Symbol.iterator]();
  }

  find(name: SessionPartitionName): CachedPartition | undefined {
    return this.#byTopic.get(topicKey(name))?.get(name.partition);
  }

  /** Adds at the end; takes the place of one with the same name. */
  add(cached: CachedPartition): void {
    const key = topicKey(cached.request);
    let ofTopic = this.#byTopic.get(key);
    if (ofTopic === undefined) {
      ofTopic = new Map();
      this.#byTopic.set(key, ofTopic);
    }
    const replaced = ofTopic.get(cached.request.partition);
    if (replaced !== undefined) this.#inOrder.delete(replaced);
    ofTopic.set(cached.request.partition, cached);
    this.#inOrder.add(cached);
  }

  remove(name: SessionPartitionName): boolean {
    const key = topicKey(name);
    const ofTopic = this.#byTopic.get(key);
    const cached = ofTopic?.get(name.partition);
    if (ofTopic === undefined || cached === undefined) return false;
    ofTopic.delete(name.partition);
    if (ofTopic.size === 0) this.#byTopic.delete(key);
    return this.#inOrder.delete(cached);
  }

  /** After this the partition is the last to be read. */
  moveToEnd(cached: CachedPartition): void {
    if (this.#inOrder.delete(cached)) this.#inOrder.add(cached);
  }
}

/** A topic's name cannot hold `/`, so an id never meets a name. */
function topicKey(name: SessionPartitionName): string {
  return name.topicId === ZERO_UUID ? (name.topic ?? '') : `/${name.topicId}`;
}

/** One fetcher's session. */
export class FetchSession {
  /** Positive, unguessable. */
  readonly id: number;
  /** A follower's: preferred when slots run short. */
  readonly privileged: boolean;
  readonly usesTopicIds: boolean;
  readonly partitions: SessionPartitions;
  readonly creationMs: number;
  lastUsedMs: number;
  /** The epoch that the next request must carry. */
  epoch = nextEpoch(INITIAL_EPOCH);
  /** Partition count when it was last used: what it is worth to the cache. */
  cachedSize = 0;
  /** Old enough, when it was last used, to be evicted for any session. */
  isEvictableByAll = false;

  constructor(options: {
    id: number;
    privileged: boolean;
    usesTopicIds: boolean;
    partitions: SessionPartitions;
    creationMs: number;
  }) {
    this.id = options.id;
    this.privileged = options.privileged;
    this.usesTopicIds = options.usesTopicIds;
    this.partitions = options.partitions;
    this.creationMs = options.creationMs;
    this.lastUsedMs = options.creationMs;
  }

  /** Applies what an incremental request adds, changes and forgets. New partitions are read last. */
  update(changed: readonly FetchPartitionRequest[], forgotten: readonly SessionPartitionName[]): void {
    for (const request of changed) {
      const cached = this.partitions.find(request);
      if (cached === undefined) this.partitions.add(new CachedPartition(request));
      else cached.update(request);
    }
    for (const name of forgotten) this.partitions.remove(name);
  }
}
