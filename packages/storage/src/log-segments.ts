// The segments of a log, by base offset. Source: Kafka's LogSegments (3.9).

import { assert } from '@ottla/base';
import type { LogSegment } from './log-segment.ts';

export class LogSegments {
  /** Ascending by base offset. Replaced by one of the right length, never grown: room to grow would cost more than what is in it. */
  #segments: LogSegment[] = [];

  get size(): number {
    return this.#segments.length;
  }

  get isEmpty(): boolean {
    return this.#segments.length === 0;
  }

  get first(): LogSegment | undefined {
    return this.#segments[0];
  }

  get last(): LogSegment | undefined {
    return this.#segments[this.#segments.length - 1];
  }

  get sizeInBytes(): number {
    let total = 0;
    for (const segment of this.#segments) total += segment.sizeInBytes;
    return total;
  }

  /** Replaces a segment with the same base offset. */
  add(segment: LogSegment): void {
    const at = this.#countBelow(segment.baseOffset);
    const replaces = this.#segments[at]?.baseOffset === segment.baseOffset ? 1 : 0;
    this.#segments = this.#segments.toSpliced(at, replaces, segment);
  }

  remove(baseOffset: number): void {
    const at = this.#countBelow(baseOffset);
    if (this.#segments[at]?.baseOffset === baseOffset) this.#segments = this.#segments.toSpliced(at, 1);
  }

  contains(baseOffset: number): boolean {
    return this.#segments[this.#countBelow(baseOffset)]?.baseOffset === baseOffset;
  }

  get(baseOffset: number): LogSegment | undefined {
    const segment = this.#segments[this.#countBelow(baseOffset)];
    return segment?.baseOffset === baseOffset ? segment : undefined;
  }

  /** The last segment whose base offset is at or below `offset`. */
  floor(offset: number): LogSegment | undefined {
    const last = this.last;
    if (last !== undefined && last.baseOffset <= offset) return last;
    return this.#segments[this.#countBelow(offset + 1) - 1];
  }

  /** The last segment whose base offset is below `offset`. */
  lower(offset: number): LogSegment | undefined {
    return this.#segments[this.#countBelow(offset) - 1];
  }

  /** The first segment whose base offset is above `offset`. */
  higher(offset: number): LogSegment | undefined {
    return this.#segments[this.#countBelow(offset + 1)];
  }

  /** A copy, ascending: callers delete and add while they walk. */
  values(): LogSegment[] {
    return this.#segments.slice();
  }

  /** Segments that may hold offsets [from, to): from the floor of `from` on. Source: LogSegments.values(from, to) */
  between(from: number, to: number): LogSegment[] {
    assert(from <= to, `no range: [${from}, ${to})`);
    const start = Math.max(0, this.#countBelow(from + 1) - 1);
    return this.#segments.slice(start, Math.max(start, this.#countBelow(to)));
  }

  /** Segments whose base offset is at or above the floor of `offset`, without those below it. */
  nonActiveFrom(offset: number): LogSegment[] {
    const last = this.last;
    return last === undefined || offset > last.baseOffset ? [] : this.between(offset, last.baseOffset);
  }

  close(): void {
    for (const segment of this.#segments) segment.close();
  }

  /** How many base offsets are below `offset`. */
  #countBelow(offset: number): number {
    let low = 0;
    let high = this.#segments.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const segment = this.#segments[middle];
      if (segment !== undefined && segment.baseOffset < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
