// A bounded diary of a group's rebalances: who joined, left or timed out, why, and how long each phase took. For people, never
// for decisions.

export type RebalanceEventKind =
  | 'joined'
  | 'rejoined'
  | 'left'
  | 'sessionTimedOut'
  | 'missedRebalance'
  | 'missedSync'
  | 'replaced'
  | 'rejected';

export interface RebalanceEvent {
  readonly atMs: number;
  readonly kind: RebalanceEventKind;
  readonly memberId: string;
  /** What the client or the coordinator gave as the reason; '' when none. */
  readonly reason: string;
}

export interface Rebalance {
  readonly startedAtMs: number;
  readonly reason: string;
  readonly fromGenerationId: number;
  /** The generation it ended in; undefined while members are still being waited for. */
  generationId: number | undefined;
  memberCount: number;
  protocolName: string | null;
  leader: string;
  /** From the start until every member had joined or had been given up. */
  joinPhaseMs: number | undefined;
  /** From then until the leader's assignment was stored. */
  syncPhaseMs: number | undefined;
  outcome: 'joining' | 'syncing' | 'stable' | 'empty' | 'interrupted';
  readonly events: RebalanceEvent[];
  /** Events beyond the limit are counted, not kept. */
  droppedEventCount: number;
}

export const REBALANCES_KEPT_MAX = 20;
export const EVENTS_PER_REBALANCE_MAX = 100;

const REASON_LENGTH_MAX = 255;

export class RebalanceTimeline {
  readonly #rebalances: Rebalance[] = [];
  /** What happened since the last rebalance began and belongs to the next one, such as the leave that caused it. */
  #loose: RebalanceEvent[] = [];
  #looseDropped = 0;

  /** Oldest first, at most REBALANCES_KEPT_MAX. */
  get rebalances(): readonly Rebalance[] {
    return this.#rebalances;
  }

  started(atMs: number, reason: string, fromGenerationId: number): void {
    const current = this.#current();
    if (current !== undefined) current.outcome = 'interrupted';
    this.#rebalances.push({
      startedAtMs: atMs,
      reason: reason.slice(0, REASON_LENGTH_MAX),
      fromGenerationId,
      generationId: undefined,
      memberCount: 0,
      protocolName: null,
      leader: '',
      joinPhaseMs: undefined,
      syncPhaseMs: undefined,
      outcome: 'joining',
      events: this.#loose,
      droppedEventCount: this.#looseDropped,
    });
    this.#loose = [];
    this.#looseDropped = 0;
    if (this.#rebalances.length > REBALANCES_KEPT_MAX) this.#rebalances.shift();
  }

  joinCompleted(
    atMs: number,
    group: { generationId: number; memberCount: number; protocolName: string | null; leader: string },
  ): void {
    const current = this.#current();
    if (current === undefined) return;
    Object.assign(current, group);
    current.joinPhaseMs = atMs - current.startedAtMs;
    current.outcome = group.memberCount === 0 ? 'empty' : 'syncing';
  }

  syncCompleted(atMs: number): void {
    const current = this.#current();
    if (current === undefined || current.outcome !== 'syncing') return;
    current.syncPhaseMs = atMs - current.startedAtMs - (current.joinPhaseMs ?? 0);
    current.outcome = 'stable';
  }

  add(atMs: number, kind: RebalanceEventKind, memberId: string, reason: string): void {
    const current = this.#current();
    const events = current?.events ?? this.#loose;
    if (events.length < EVENTS_PER_REBALANCE_MAX) {
      events.push({ atMs, kind, memberId, reason: reason.slice(0, REASON_LENGTH_MAX) });
    } else if (current === undefined) {
      this.#looseDropped++;
    } else {
      current.droppedEventCount++;
    }
  }

  /** The rebalance under way, if any. */
  #current(): Rebalance | undefined {
    const last = this.#rebalances.at(-1);
    return last?.outcome === 'joining' || last?.outcome === 'syncing' ? last : undefined;
  }
}
