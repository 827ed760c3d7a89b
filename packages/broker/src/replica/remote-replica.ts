// What a leader knows about a follower: how far it has fetched, and when it was last caught up.
// Source: kafka.cluster.Replica, ReplicaState.

/** An offset that is not known. */
export const UNKNOWN_OFFSET = -1;

export class RemoteReplica {
  readonly brokerId: number;
  /** The offset the follower fetched from last: it has everything below. UNKNOWN_OFFSET until it fetches from this leader. */
  logEndOffset = UNKNOWN_OFFSET;
  logStartOffset = UNKNOWN_OFFSET;
  /** The leader's log end at the last fetch. */
  #lastFetchLeaderLogEndOffset = UNKNOWN_OFFSET;
  #lastFetchMs = Number.NEGATIVE_INFINITY;
  /** The latest moment at which the follower had all that the leader had. */
  #lastCaughtUpMs = Number.NEGATIVE_INFINITY;

  constructor(brokerId: number) {
    this.brokerId = brokerId;
  }

  /** A fetch from `fetchOffset` proves that the follower has what is below it. A follower that reaches what was the log's end at its
   *  previous fetch was caught up at that fetch, however much has been appended since. */
  updateFetchState(fetch: {
    fetchOffset: number;
    logStartOffset: number;
    leaderLogEndOffset: number;
    nowMs: number;
  }): void {
    if (fetch.fetchOffset >= fetch.leaderLogEndOffset) this.#caughtUpAt(fetch.nowMs);
    else if (fetch.fetchOffset >= this.#lastFetchLeaderLogEndOffset) this.#caughtUpAt(this.#lastFetchMs);
    this.logStartOffset = fetch.logStartOffset;
    this.logEndOffset = fetch.fetchOffset;
    this.#lastFetchLeaderLogEndOffset = Math.max(fetch.leaderLogEndOffset, this.#lastFetchLeaderLogEndOffset);
    this.#lastFetchMs = fetch.nowMs;
  }

  /** A new leader epoch begins. Followers in sync get the benefit of the doubt for replica.lag.time.max.ms. */
  reset(epoch: { nowMs: number; leaderLogEndOffset: number; isNewLeader: boolean; isInSync: boolean }): void {
    this.#lastCaughtUpMs = epoch.isInSync ? epoch.nowMs : Number.NEGATIVE_INFINITY;
    if (epoch.isNewLeader) {
      this.logStartOffset = UNKNOWN_OFFSET;
      this.logEndOffset = UNKNOWN_OFFSET;
      this.#lastFetchLeaderLogEndOffset = UNKNOWN_OFFSET;
      this.#lastFetchMs = Number.NEGATIVE_INFINITY;
    } else {
      this.#lastFetchLeaderLogEndOffset = epoch.leaderLogEndOffset;
      this.#lastFetchMs = epoch.isInSync ? epoch.nowMs : Number.NEGATIVE_INFINITY;
    }
  }

  isCaughtUp(leaderLogEndOffset: number, nowMs: number, replicaLagTimeMaxMs: number): boolean {
    return leaderLogEndOffset === this.logEndOffset || nowMs - this.#lastCaughtUpMs <= replicaLagTimeMaxMs;
  }

  #caughtUpAt(timeMs: number): void {
    this.#lastCaughtUpMs = Math.max(this.#lastCaughtUpMs, timeMs);
  }
}
