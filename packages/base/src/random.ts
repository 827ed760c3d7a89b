// The port to randomness.

import { randomBytes, randomInt } from 'node:crypto';

export interface Random {
  /** A whole number in [0, bound). `bound` is at most 2^48. */
  nextInt(bound: number): number;
  /** `size` random bytes. */
  bytes(size: number): Buffer;
}

/** Cryptographically strong: ids that must not be guessed come from here too. */
export class SystemRandom implements Random {
  nextInt(bound: number): number {
    return randomInt(bound);
  }

  bytes(size: number): Buffer {
    return randomBytes(size);
  }
}

/** The same sequence for the same seed: xorshift128 over four 32-bit words (Marsaglia 2003). For tests and simulation. */
export class SeededRandom implements Random {
  #x: number;
  #y = 362_436_069;
  #z = 521_288_629;
  #w = 88_675_123;

  constructor(seed: number) {
    this.#x = (seed ^ 0x9e3779b9) >>> 0 || 1;
    for (let i = 0; i < 16; i++) this.nextUint32();
  }

  nextUint32(): number {
    const t = this.#x ^ (this.#x << 11);
    this.#x = this.#y;
    this.#y = this.#z;
    this.#z = this.#w;
    this.#w = (this.#w ^ (this.#w >>> 19) ^ t ^ (t >>> 8)) >>> 0;
    return this.#w;
  }

  nextInt(bound: number): number {
    const high = this.nextUint32() & 0x1fffff;
    return Math.floor(((high * 2 ** 32 + this.nextUint32()) / 2 ** 53) * bound);
  }

  bytes(size: number): Buffer {
    const bytes = Buffer.alloc(size);
    for (let i = 0; i < size; i++) bytes[i] = this.nextUint32() & 0xff;
    return bytes;
  }
}
