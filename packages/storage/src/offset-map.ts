// Key → last offset, for compaction: hashes of keys in one flat buffer, so that millions of keys cost 24 bytes each and no objects.
// Two keys with equal hashes would be taken for one; with 128 bits of SHA-256 that cannot be arranged either (Kafka: MD5).
// Source: Kafka's SkimpyOffsetMap (3.9).
//
//   slot: | hash 16 bytes | offset int64 + 1, so that 0 is free |

import { hash } from 'node:crypto';
import { assert } from '@ottla/base';

const HASH_BYTES = 16;
const SLOT_BYTES = 24;
const TWO_32 = 2 ** 32;

/** Of the key that was looked up last. */
const lastDigest = Buffer.alloc(HASH_BYTES);

/** In one place for all keys: a Buffer for each would be memory outside the heap, which the collector counts and stops for. */
function digestOf(key: Buffer): Buffer {
  lastDigest.write(hash('sha256', key, 'binary'), 0, HASH_BYTES, 'latin1');
  return lastDigest;
}

export class OffsetMap {
  /** How many keys fit before it is full. */
  readonly capacity: number;
  readonly #slots: Buffer;
  readonly #slotCount: number;
  #size = 0;
  #latestOffset = -1;

  /** @param memoryBytes what it takes. @param loadFactor share of the slots that may be filled, in (0, 1) */
  constructor(memoryBytes: number, loadFactor = 0.9) {
    this.#slotCount = Math.max(2, Math.floor(memoryBytes / SLOT_BYTES));
    this.capacity = Math.max(1, Math.floor(this.#slotCount * loadFactor));
    this.#slots = Buffer.alloc(this.#slotCount * SLOT_BYTES);
  }

  /** Memory for `keyCount` keys. */
  static bytesFor(keyCount: number, loadFactor = 0.9): number {
    return (Math.ceil(keyCount / loadFactor) + 2) * SLOT_BYTES;
  }

  /** Share of a map of `memoryBytes` that `keyCount` keys take: ours is no larger than it may have to be. */
  static utilization(keyCount: number, memoryBytes: number): number {
    return Math.min(1, (keyCount * SLOT_BYTES) / memoryBytes);
  }

  get size(): number {
    return this.#size;
  }

  get isFull(): boolean {
    return this.#size >= this.capacity;
  }

  /** The last offset seen, whether of a key or not; −1 before any. */
  get latestOffset(): number {
    return this.#latestOffset;
  }

  /** @param offset not below any offset put before */
  put(key: Buffer, offset: number): void {
    const digest = digestOf(key);
    const position = this.#find(digest);
    if (this.#isFree(position)) {
      assert(!this.isFull, `the offset map is full (${this.#size} keys)`);
      digest.copy(this.#slots, position, 0, HASH_BYTES);
      this.#size++;
    }
    this.#writeOffset(position, offset);
    this.#latestOffset = offset;
  }

  /** @returns −1 when the key is not there */
  get(key: Buffer): number {
    const position = this.#find(digestOf(key));
    return this.#isFree(position) ? -1 : this.#readOffset(position);
  }

  updateLatestOffset(offset: number): void {
    this.#latestOffset = offset;
  }

  /** The slot that holds the hash, or the free one where it belongs. */
  #find(digest: Buffer): number {
    let slot = (digest.readUInt32LE(0) * 0x200000 + (digest.readUInt32LE(4) >>> 11)) % this.#slotCount;
    for (;;) {
      const position = slot * SLOT_BYTES;
      if (this.#isFree(position)) return position;
      if (digest.compare(this.#slots, position, position + HASH_BYTES, 0, HASH_BYTES) === 0) return position;
      slot = slot + 1 === this.#slotCount ? 0 : slot + 1;
    }
  }

  #isFree(position: number): boolean {
    return this.#readOffset(position) === -1;
  }

  #readOffset(position: number): number {
    const at = position + HASH_BYTES;
    return this.#slots.readUInt32LE(at + 4) * TWO_32 + this.#slots.readUInt32LE(at) - 1;
  }

  #writeOffset(position: number, offset: number): void {
    const stored = offset + 1;
    this.#slots.writeUInt32LE(stored % TWO_32, position + HASH_BYTES);
    this.#slots.writeUInt32LE(Math.floor(stored / TWO_32), position + HASH_BYTES + 4);
  }
}
