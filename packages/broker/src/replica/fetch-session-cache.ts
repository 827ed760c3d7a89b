// Which fetch sessions this broker keeps. Slots are few; a session gives way when it is stale, or when it is worth less than the new one:
// a consumer's to a follower's, a small one to a larger one. Source: kafka.server.FetchSessionCache, EvictableKey; KIP-227.

import { type Clock, Meter, type Random } from '@ottla/base';
import { FetchSession, type SessionPartitions } from './fetch-session.ts';

/** A session not used for so long may be evicted for any other; one younger than that only for a better one of a follower's. */
export const MIN_EVICTION_MS = 120_000;
const SESSION_ID_MAX = 0x7fffffff;

export interface FetchSessionCacheOptions {
  /** max.incremental.fetch.session.cache.slots */
  readonly slots: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly evictionMs?: number;
  /** Counts sessions that gave way. */
  readonly evictions?: Meter;
}

export class FetchSessionCache {
  /** Least recently used first. At most `slots`. */
  readonly #sessions = new Map<number, FetchSession>();
  readonly #slots: number;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #evictionMs: number;
  #partitionCount = 0;
  readonly #evictions: Meter;

  constructor(options: FetchSessionCacheOptions) {
    this.#slots = options.slots;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#evictionMs = options.evictionMs ?? MIN_EVICTION_MS;
    this.#evictions = options.evictions ?? new Meter();
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Partitions over all sessions. */
  get partitionCount(): number {
    return this.#partitionCount;
  }

  /** Sessions evicted since the start. */
  get evictionCount(): number {
    return this.#evictions.count;
  }

  get(sessionId: number): FetchSession | undefined {
    return this.#sessions.get(sessionId);
  }

  /** @returns the new session, or undefined when there is no slot for one of this worth */
  maybeCreateSession(options: {
    privileged: boolean;
    usesTopicIds: boolean;
    size: number;
    createPartitions: () => SessionPartitions;
  }): FetchSession | undefined {
    const nowMs = this.#clock.monotonicMs();
    if (this.#sessions.size >= this.#slots && !this.#tryEvict(options.privileged, options.size, nowMs))
      return undefined;
    const session = new FetchSession({
      id: this.#newSessionId(),
      privileged: options.privileged,
      usesTopicIds: options.usesTopicIds,
      partitions: options.createPartitions(),
      creationMs: nowMs,
    });
    this.touch(session);
    return session;
  }

  /** Notes that `session` is in use now. */
  touch(session: FetchSession): void {
    const nowMs = this.#clock.monotonicMs();
    if (this.#sessions.delete(session.id)) this.#partitionCount -= session.cachedSize;
    session.lastUsedMs = nowMs;
    session.cachedSize = session.partitions.size;
    session.isEvictableByAll = nowMs - session.creationMs > this.#evictionMs;
    this.#sessions.set(session.id, session);
    this.#partitionCount += session.cachedSize;
  }

  /** @returns false when there was none */
  remove(sessionId: number): boolean {
    const session = this.#sessions.get(sessionId);
    if (session === undefined) return false;
    this.#partitionCount -= session.cachedSize;
    return this.#sessions.delete(sessionId);
  }

  #tryEvict(privileged: boolean, size: number, nowMs: number): boolean {
    const victim = this.#findStale(nowMs) ?? this.#findLessValuable(privileged, size);
    if (victim === undefined) return false;
    this.#evictions.mark();
    return this.remove(victim.id);
  }

  #findStale(nowMs: number): FetchSession | undefined {
    for (const leastRecentlyUsed of this.#sessions.values()) {
      return nowMs - leastRecentlyUsed.lastUsedMs > this.#evictionMs ? leastRecentlyUsed : undefined;
    }
    return undefined;
  }

  #findLessValuable(privileged: boolean, size: number): FetchSession | undefined {
    let least: FetchSession | undefined;
    for (const session of this.#sessions.values()) {
      const isEvictable = session.isEvictableByAll || (privileged && !session.privileged);
      if (isEvictable && (least === undefined || compareWorth(session, least) < 0)) least = session;
    }
    if (least === undefined) return undefined;
    return compareWorth(least, { privileged, cachedSize: size, id: 0 }) <= 0 ? least : undefined;
  }

  #newSessionId(): number {
    for (;;) {
      const id = 1 + this.#random.nextInt(SESSION_ID_MAX - 1);
      if (!this.#sessions.has(id)) return id;
    }
  }
}

interface Worth {
  readonly privileged: boolean;
  readonly cachedSize: number;
  readonly id: number;
}

/** Negative when `a` is worth less. */
function compareWorth(a: Worth, b: Worth): number {
  if (a.privileged !== b.privileged) return a.privileged ? 1 : -1;
  return a.cachedSize - b.cachedSize || a.id - b.id;
}
