// A Map and a Set that cost next to nothing while they are empty, for what there are many of: an empty one of JavaScript's takes 200
// bytes, and a partition has ten of them that most partitions never use. And a list for what mostly is one, or none.

const NO_ENTRIES: ReadonlyMap<never, never> = new Map<never, never>();
const NO_MEMBERS: ReadonlySet<never> = new Set<never>();

export class LazyMap<K, V> {
  #entries: Map<K, V> | undefined;

  get size(): number {
    return this.#entries?.size ?? 0;
  }

  has(key: K): boolean {
    return this.#entries?.has(key) ?? false;
  }

  get(key: K): V | undefined {
    return this.#entries?.get(key);
  }

  set(key: K, value: V): void {
    this.#entries ??= new Map();
    this.#entries.set(key, value);
  }

  delete(key: K): void {
    if (this.#entries?.delete(key) === true && this.#entries.size === 0) this.#entries = undefined;
  }

  clear(): void {
    this.#entries = undefined;
  }

  /** What is in it now, to read and to walk; entries may be deleted on the way. */
  get entries(): ReadonlyMap<K, V> {
    return this.#entries ?? NO_ENTRIES;
  }
}

export class LazySet<T> {
  #members: Set<T> | undefined;

  get size(): number {
    return this.#members?.size ?? 0;
  }

  add(member: T): void {
    this.#members ??= new Set();
    this.#members.add(member);
  }

  delete(member: T): void {
    if (this.#members?.delete(member) === true && this.#members.size === 0) this.#members = undefined;
  }

  clear(): void {
    this.#members = undefined;
  }

  /** What is in it now, to walk; members may be deleted on the way. */
  get members(): ReadonlySet<T> {
    return this.#members ?? NO_MEMBERS;
  }
}

/** `list`, made when it is not there yet, with `item` at its end. A list made empty would make room for 17 items with the first. */
export function withOne<T>(list: T[] | undefined, item: T): T[] {
  if (list === undefined) return [item];
  list.push(item);
  return list;
}
