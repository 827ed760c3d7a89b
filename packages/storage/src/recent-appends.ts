// Where the last appends of a segment begin. Consumers and followers at the log's end ask for exactly these offsets, and get their
// position without a look at the index or the file.

const CAPACITY = 64;

export class RecentAppends {
  /** Rings of `CAPACITY`, parallel: the append's first offset, its position, the size of its first batch. */
  readonly #offsets = new Float64Array(CAPACITY);
  readonly #positions = new Float64Array(CAPACITY);
  readonly #sizes = new Float64Array(CAPACITY);
  #count = 0;

  add(firstOffset: number, position: number, firstBatchSize: number): void {
    const slot = this.#count++ % CAPACITY;
    this.#offsets[slot] = firstOffset;
    this.#positions[slot] = position;
    this.#sizes[slot] = firstBatchSize;
  }

  /** @returns what `add` was told about the append that begins at `offset` */
  find(offset: number): { position: number; sizeInBytes: number } | undefined {
    let high = this.#count;
    let low = Math.max(0, high - CAPACITY);
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#offsets[middle % CAPACITY] ?? 0) < offset) low = middle + 1;
      else high = middle;
    }
    const slot = low % CAPACITY;
    if (low >= this.#count || this.#offsets[slot] !== offset) return undefined;
    return { position: this.#positions[slot] ?? 0, sizeInBytes: this.#sizes[slot] ?? 0 };
  }
}
