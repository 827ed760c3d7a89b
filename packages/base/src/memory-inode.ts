// The bytes of one file in memory: pages, so that holes cost nothing, and beside them the pages as of the last sync, shared until
// one of them is written again. What a power loss leaves is the second set.

export const MEMORY_PAGE_BYTES = 4096;

export class MemoryInode {
  #pages: (Buffer | undefined)[] = [];
  #durablePages: (Buffer | undefined)[] = [];
  /** Pages that the two sets do not share. */
  readonly #dirty = new Set<number>();
  #sizeInBytes = 0;
  #durableSize = 0;
  #pageCount = 0;
  modifiedMs: number;

  constructor(modifiedMs: number) {
    this.modifiedMs = modifiedMs;
  }

  get sizeInBytes(): number {
    return this.#sizeInBytes;
  }

  /** Bytes that pages take, holes not counted. */
  get allocatedBytes(): number {
    return this.#pageCount * MEMORY_PAGE_BYTES;
  }

  /** Bytes that a write of `length` at `position` would newly take. */
  allocationFor(position: number, length: number): number {
    let count = 0;
    if (length === 0) return 0;
    const last = Math.floor((position + length - 1) / MEMORY_PAGE_BYTES);
    for (let page = Math.floor(position / MEMORY_PAGE_BYTES); page <= last; page++)
      if (this.#pages[page] === undefined) count++;
    return count * MEMORY_PAGE_BYTES;
  }

  read(target: Buffer, targetOffset: number, length: number, position: number): number {
    const end = Math.min(position + length, this.#sizeInBytes);
    let at = position;
    while (at < end) {
      const inPage = at % MEMORY_PAGE_BYTES;
      const count = Math.min(MEMORY_PAGE_BYTES - inPage, end - at);
      const page = this.#pages[Math.floor(at / MEMORY_PAGE_BYTES)];
      const to = targetOffset + (at - position);
      if (page === undefined) target.fill(0, to, to + count);
      else page.copy(target, to, inPage, inPage + count);
      at += count;
    }
    return Math.max(0, end - position);
  }

  write(bytes: Buffer, position: number): void {
    const end = position + bytes.length;
    let at = position;
    while (at < end) {
      const inPage = at % MEMORY_PAGE_BYTES;
      const count = Math.min(MEMORY_PAGE_BYTES - inPage, end - at);
      bytes.copy(this.#ownPage(Math.floor(at / MEMORY_PAGE_BYTES)), inPage, at - position, at - position + count);
      at += count;
    }
    this.#sizeInBytes = Math.max(this.#sizeInBytes, end);
  }

  truncate(sizeInBytes: number): void {
    if (sizeInBytes < this.#sizeInBytes) {
      const kept = Math.ceil(sizeInBytes / MEMORY_PAGE_BYTES);
      for (let page = kept; page < this.#pages.length; page++) {
        if (this.#pages[page] === undefined) continue;
        this.#pageCount--;
        this.#dirty.add(page);
      }
      this.#pages.length = Math.min(kept, this.#pages.length);
      // What lies behind the end reads as zeroes when the file grows again.
      if (sizeInBytes % MEMORY_PAGE_BYTES !== 0 && this.#pages[kept - 1] !== undefined) {
        this.#ownPage(kept - 1).fill(0, sizeInBytes % MEMORY_PAGE_BYTES);
      }
    }
    this.#sizeInBytes = sizeInBytes;
  }

  sync(): void {
    this.#durablePages.length = this.#pages.length;
    for (const page of this.#dirty) {
      if (page < this.#pages.length) this.#durablePages[page] = this.#pages[page];
    }
    this.#dirty.clear();
    this.#durableSize = this.#sizeInBytes;
  }

  /** Forgets what was not synced. */
  losePower(): void {
    this.#pages = this.#durablePages.slice();
    this.#dirty.clear();
    this.#sizeInBytes = this.#durableSize;
    this.#pageCount = this.#pages.reduce((count, page) => (page === undefined ? count : count + 1), 0);
  }

  /** The page, fit to be written: not shared with the durable set. */
  #ownPage(index: number): Buffer {
    const page = this.#pages[index];
    if (page !== undefined && this.#dirty.has(index)) return page;
    const own = page === undefined ? Buffer.alloc(MEMORY_PAGE_BYTES) : Buffer.from(page);
    if (page === undefined) this.#pageCount++;
    this.#pages[index] = own;
    this.#dirty.add(index);
    return own;
  }
}
