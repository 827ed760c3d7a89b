// What the block codecs of snappy and lz4 share: finding four bytes that came before, copying runs of bytes. Four bytes are
// read and written at once through DataViews, which the compiler turns into single instructions: two to three times as
// fast as byte by byte.

/** From here on, a call into the runtime is faster than copying in place. */
const BULK_LITERAL_BYTES = 64;
const BULK_MATCH_BYTES = 128;
/** Copying by four bytes may touch up to three after the end. */
const SLACK_BYTES = 4;
/** Positions are counted on from block to block, so that the table need not be cleared; it is when they would overflow. */
const CLOCK_MAX = 2 ** 30;
/** The shortest match either format can express. */
export const MATCH_BYTES_MIN = 4;

/** Bytes, and the same bytes by words. */
export interface Bytes {
  readonly buffer: Buffer;
  readonly view: DataView;
}

export function bytesOf(buffer: Buffer): Bytes {
  return { buffer, view: new DataView(buffer.buffer, buffer.byteOffset, buffer.length) };
}

/** Copies `source[start, end)` to `target[to, …)`; may write up to three bytes more, inside `target`. @returns the position after it */
export function copyLiteral(source: Bytes, start: number, end: number, target: Bytes, to: number): number {
  const toEnd = to + end - start;
  if (end - start > BULK_LITERAL_BYTES) {
    source.buffer.copy(target.buffer, to, start, end);
    return toEnd;
  }
  let next = to;
  let from = start;
  if (end + SLACK_BYTES <= source.buffer.length && toEnd + SLACK_BYTES <= target.buffer.length) {
    for (; next < toEnd; next += 4, from += 4) target.view.setInt32(next, source.view.getInt32(from, true), true);
  } else {
    for (; next < toEnd; next++, from++) target.buffer[next] = source.buffer[from] as number;
  }
  return toEnd;
}

/** Copies `length` bytes from `offset` back of `to`; may write up to three bytes more, inside `target`. The two runs may
 *  overlap: then the bytes between repeat. @returns the position after it */
export function copyMatch(target: Bytes, to: number, offset: number, length: number): number {
  const { buffer, view } = target;
  const toEnd = to + length;
  let next = to;
  let from = to - offset;
  if (length > BULK_MATCH_BYTES) {
    copyLongMatch(buffer, to, offset, length);
  } else if (offset >= 4 && toEnd + SLACK_BYTES <= buffer.length) {
    for (; next < toEnd; next += 4, from += 4) view.setInt32(next, view.getInt32(from, true), true);
  } else {
    for (; next < toEnd; next++, from++) buffer[next] = buffer[from] as number;
  }
  return toEnd;
}

/** Each round copies all that is there already, so that repeated bytes double. */
function copyLongMatch(buffer: Buffer, to: number, offset: number, length: number): void {
  let done = 0;
  while (done < length) {
    const count = Math.min(offset + done, length - done);
    buffer.copyWithin(to + done, to - offset, to - offset + count);
    done += count;
  }
}

/** The first position in [b, limit) where the bytes differ from those from `a` on; `limit` when none does. */
export function matchEnd(source: Bytes, a: number, b: number, limit: number): number {
  const { buffer, view } = source;
  let earlier = a;
  let later = b;
  while (later < limit - 4 && view.getInt32(earlier, true) === view.getInt32(later, true)) {
    earlier += 4;
    later += 4;
  }
  while (later < limit && buffer[earlier] === buffer[later]) {
    earlier++;
    later++;
  }
  return later;
}

/** Where four bytes were seen last. */
export class HashTable {
  readonly #shiftRight: number;
  readonly #slots: Int32Array;
  /** Slots below this are of earlier blocks. */
  #floor = 1;
  /** What must be added to a position to make it a slot's value. */
  #shift = 0;
  /** The first slot value after the current block. */
  #ceiling = 1;
  /** Where the four bytes stood before that `find` found. */
  candidate = 0;

  constructor(bits: number) {
    this.#shiftRight = 32 - bits;
    this.#slots = new Int32Array(1 << bits);
  }

  /** Forgets everything: what follows is `[start, end)` of a new block. */
  begin(start: number, end: number): void {
    if (this.#ceiling > CLOCK_MAX) {
      this.#slots.fill(0);
      this.#ceiling = 1;
    }
    this.#floor = this.#ceiling;
    this.#shift = this.#floor - start;
    this.#ceiling = this.#floor + (end - start);
  }

  /** Looks for four bytes like those at `position` in this block, from `position` on to at most `last`, ever faster while there
   *  are none: bytes that do not compress are passed over quickly.
   *  @param patience how many misses (a power of two's exponent) until the steps grow
   *  @returns where the later of the two stands, −1 without; the earlier one is `candidate` */
  find(source: DataView, position: number, last: number, windowBytes: number, patience: number): number {
    const slots = this.#slots;
    const shift = this.#shift;
    const floor = this.#floor;
    let misses = 1 << patience;
    for (let from = position; from <= last; from += misses++ >>> patience) {
      const word = source.getInt32(from, true);
      const slot = Math.imul(word, 0x9e3779b1) >>> this.#shiftRight;
      const seen = slots[slot] as number;
      slots[slot] = from + shift;
      const candidate = seen - shift;
      if (seen >= floor && from - candidate < windowBytes && source.getInt32(candidate, true) === word) {
        this.candidate = candidate;
        return from;
      }
    }
    return -1;
  }
}
