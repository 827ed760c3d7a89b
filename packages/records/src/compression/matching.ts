// What the block codecs of snappy and lz4 share: finding four bytes that came before, and copying them.

/** From here on, copying in bulk is faster than byte by byte. */
const BULK_FROM_BYTES = 32;
/** Positions are counted on from block to block, so that the table need not be cleared; it is when they would overflow. */
const CLOCK_MAX = 2 ** 30;

/** Copies `length` bytes from `offset` back of `to`. The two may overlap: then the bytes between repeat. */
export function copyMatch(target: Buffer, to: number, offset: number, length: number): void {
  if (length < BULK_FROM_BYTES) {
    for (let i = to, end = to + length; i < end; i++) target[i] = target[i - offset] as number;
    return;
  }
  if (offset === 1) {
    target.fill(target[to - 1] as number, to, to + length);
    return;
  }
  // Each round copies what is there already, so that overlapping bytes double.
  let done = 0;
  let run = offset;
  while (done < length) {
    const count = Math.min(run, length - done);
    target.copyWithin(to + done, to - offset, to - offset + count);
    done += count;
    run = offset + done;
  }
}

/** Where four bytes were seen last. */
export class HashTable {
  readonly #bitsLess: number;
  readonly #slots: Int32Array;
  /** Slots below this are of earlier blocks. */
  #floor = 1;
  /** What must be added to a position to make it a slot's value. */
  #shift = 0;
  /** The first slot value after the current block. */
  #ceiling = 1;

  constructor(bits: number) {
    this.#bitsLess = 32 - bits;
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

  /** Notes that the four bytes at `position` stand there. @returns where they stood before in this block, −1 if nowhere */
  exchange(source: Buffer, position: number): number {
    const word =
      (source[position] as number) |
      ((source[position + 1] as number) << 8) |
      ((source[position + 2] as number) << 16) |
      ((source[position + 3] as number) << 24);
    const slots = this.#slots;
    const slot = Math.imul(word, 0x9e3779b1) >>> this.#bitsLess;
    const seen = slots[slot] as number;
    slots[slot] = position + this.#shift;
    if (seen < this.#floor) return -1;
    const candidate = seen - this.#shift;
    const found =
      (source[candidate] as number) |
      ((source[candidate + 1] as number) << 8) |
      ((source[candidate + 2] as number) << 16) |
      ((source[candidate + 3] as number) << 24);
    return found === word ? candidate : -1;
  }
}
