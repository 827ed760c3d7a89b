// Finds longer matches for lz4 than the fast encoder does, for levels other than Kafka's default: every position is kept in a chain of
// those with the same hash, and so many of them are tried as the level says. Source: lz4hc.c's idea, not its code.

import { type Bytes, MATCH_BYTES_MIN, matchEnd } from './matching.ts';

const HASH_BITS = 15;
const BLOCK_BYTES_MAX = 65_536;
const NONE = -1;

/** One block at a time. */
export class MatchChains {
  /** The last position of each hash, relative to the block. */
  readonly #heads = new Int32Array(1 << HASH_BITS);
  /** For each position the one before it with the same hash. */
  readonly #before = new Int32Array(BLOCK_BYTES_MAX);
  #start = 0;
  #inserted = 0;
  /** Of the match that `find` found. */
  candidate = 0;
  end = 0;

  begin(start: number): void {
    this.#heads.fill(NONE);
    this.#start = start;
    this.#inserted = 0;
  }

  /** The first position in [position, last] where at least four bytes came before, with the longest such match.
   *  @param attempts candidates to try at each position
   *  @returns the position, −1 without; the earlier one is `candidate`, the match ends before `end` */
  find(source: Bytes, range: { position: number; last: number; limit: number; attempts: number }): number {
    const { position, last, limit, attempts } = range;
    for (let from = position; from <= last; from++) {
      this.#insertUpTo(source.view, from);
      this.end = 0;
      let candidate = this.#heads[hashAt(source.view, from)] ?? NONE;
      for (let left = attempts; candidate !== NONE && left > 0; left--) {
        this.#consider(source, this.#start + candidate, from, limit);
        candidate = this.#before[candidate] ?? NONE;
      }
      if (this.end > 0) return from;
    }
    return NONE;
  }

  #consider(source: Bytes, candidate: number, from: number, limit: number): void {
    if (source.view.getInt32(candidate, true) !== source.view.getInt32(from, true)) return;
    const end = matchEnd(source, candidate + MATCH_BYTES_MIN, from + MATCH_BYTES_MIN, limit);
    if (end <= this.end) return;
    this.candidate = candidate;
    this.end = end;
  }

  /** All positions before `from`. */
  #insertUpTo(view: DataView, from: number): void {
    for (let at = this.#start + this.#inserted; at < from; at++) {
      const hash = hashAt(view, at);
      this.#before[this.#inserted] = this.#heads[hash] ?? NONE;
      this.#heads[hash] = this.#inserted++;
    }
  }
}

function hashAt(view: DataView, position: number): number {
  return Math.imul(view.getInt32(position, true), 0x9e3779b1) >>> (32 - HASH_BITS);
}
