// JSON of znodes, byte for byte as Kafka writes it. Kafka hands hash maps to its JSON library, so the order of names is the order
// of Java's and Scala's hash tables; names from the network stay out of plain objects (`__proto__` is a legal topic config value or user).

/** A JSON value to write; a Map is an object whose names come out in the map's order. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | ReadonlyMap<string, JsonValue>;

/** Thrown for a znode whose content is not what Kafka defines. */
export class ZnodeFormatError extends Error {
  override readonly name = 'ZnodeFormatError';
}

export function encodeJson(value: JsonValue): Buffer {
  return Buffer.from(jsonText(value), 'utf8');
}

function jsonText(value: JsonValue): string {
  if (isArray(value)) return `[${value.map(jsonText).join(',')}]`;
  if (!isMap(value)) return JSON.stringify(value);
  const fields: string[] = [];
  for (const [name, field] of value) fields.push(`${JSON.stringify(name)}:${jsonText(field)}`);
  return `{${fields.join(',')}}`;
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function isMap(value: JsonValue): value is ReadonlyMap<string, JsonValue> {
  return value instanceof Map;
}

/** An object as Map, names in the order of the text. */
export type JsonObject = ReadonlyMap<string, unknown>;

/** @throws ZnodeFormatError when `data` is no JSON object */
export function decodeJsonObject(data: Buffer | null, what: string): JsonObject {
  if (data === null) throw new ZnodeFormatError(`${what} has no data`);
  try {
    return asObject(JSON.parse(data.toString('utf8')), what);
  } catch (error) {
    if (error instanceof ZnodeFormatError) throw error;
    throw new ZnodeFormatError(`${what} is not JSON`, { cause: error });
  }
}

export function asObject(value: unknown, what: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrongType(what, 'an object', value);
  return new Map(Object.entries(value));
}

export function asArray(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw wrongType(what, 'an array', value);
  return value;
}

export function asInt(value: unknown, what: string): number {
  if (typeof value !== 'number' || !Number.isInteger(value)) throw wrongType(what, 'a whole number', value);
  return value;
}

export function asIntArray(value: unknown, what: string): number[] {
  return asArray(value, what).map((element) => asInt(element, what));
}

export function asString(value: unknown, what: string): string {
  if (typeof value !== 'string') throw wrongType(what, 'a string', value);
  return value;
}

function wrongType(what: string, expected: string, value: unknown): ZnodeFormatError {
  return new ZnodeFormatError(`${what}: expected ${expected}, got ${value === undefined ? 'nothing' : typeof value}`);
}

/** `java.lang.String.hashCode`, signed 32-bit. */
export function javaHashCode(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(31, hash) + text.charCodeAt(i)) | 0;
  return hash;
}

/** The order of `scala.collection.mutable.HashMap` (2.13): buckets, inside one by hash. */
export function inScalaMapOrder<V>(entries: Iterable<readonly [string, V]>): Map<string, V> {
  return inBucketOrder(entries, (a, b) => a - b);
}

/** The order of `java.util.Properties` (a ConcurrentHashMap): buckets, inside one as inserted. */
export function inPropertiesOrder<V>(entries: Iterable<readonly [string, V]>): Map<string, V> {
  return inBucketOrder(entries, () => 0);
}

/** Both tables start with 16 buckets, double when three quarters full and mix the hash alike. */
function inBucketOrder<V>(
  entries: Iterable<readonly [string, V]>,
  compareInBucket: (hashA: number, hashB: number) => number,
): Map<string, V> {
  const hashed = [...entries].map(([name, value]) => ({ name, value, hash: spread(javaHashCode(name)) }));
  let bucketCount = 16;
  while (hashed.length >= bucketCount * 0.75) bucketCount *= 2;
  const bucket = (hash: number) => hash & (bucketCount - 1);
  hashed.sort((a, b) => bucket(a.hash) - bucket(b.hash) || compareInBucket(a.hash, b.hash));
  return new Map(hashed.map(({ name, value }) => [name, value]));
}

function spread(hash: number): number {
  return hash ^ (hash >>> 16);
}
