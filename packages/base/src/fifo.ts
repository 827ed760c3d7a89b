// What waits in line: added at its end, taken from its front. An array that is pushed to and spliced allocates for each item that passes
// through; this one keeps its places.

/** A power of two. */
const CAPACITY_MIN = 8;
/** Places that an empty line keeps. */
const CAPACITY_KEPT_MAX = 64;

export class Fifo<T> {
  /** A ring: item i is at (#first + i) modulo its length. Places without an item hold undefined. */
  #places: (T | undefined)[] = new Array(CAPACITY_MIN).fill(undefined);
  #first = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(item: T): void {
    if (this.#length === this.#places.length) this.#grow();
    this.#places[(this.#first + this.#length) & (this.#places.length - 1)] = item;
    this.#length++;
  }

  /** The item `index` places behind the first; undefined: there is none. */
  at(index: number): T | undefined {
    return index < this.#length ? this.#places[(this.#first + index) & (this.#places.length - 1)] : undefined;
  }

  /** Takes away the first. @returns undefined when there is none */
  shift(): T | undefined {
    const item = this.at(0);
    if (this.#length === 0) return undefined;
    this.#places[this.#first] = undefined;
    this.#first = (this.#first + 1) & (this.#places.length - 1);
    this.#length--;
    if (this.#length === 0 && this.#places.length > CAPACITY_KEPT_MAX) this.clear();
    return item;
  }

  clear(): void {
    this.#places = new Array(CAPACITY_MIN).fill(undefined);
    this.#first = 0;
    this.#length = 0;
  }

  #grow(): void {
    const places: (T | undefined)[] = new Array(this.#places.length * 2).fill(undefined);
    for (let i = 0; i < this.#length; i++) places[i] = this.at(i);
    this.#places = places;
    this.#first = 0;
  }
}
