// From the values of golden vectors, which are JSON, to values as our codecs take and give them, by schema.

import type { FieldSchema, PrimitiveKind, StructSchema } from '../schema/dsl.ts';
import { isJsonObject, type JsonObject } from './vector-json.ts';

type Values = Record<string, unknown>;

/** What a codec is given: absent fields stay absent. @throws TypeError for JSON that the schema does not describe */
export function givenValue(fields: readonly FieldSchema[], json: JsonObject): Values {
  return fieldValues(fields, json, false);
}

/** What a codec must read: every field, absent ones as their defaults. @throws TypeError as above */
export function decodedValue(fields: readonly FieldSchema[], json: JsonObject): Values {
  return fieldValues(fields, json, true);
}

function fieldValues(fields: readonly FieldSchema[], json: JsonObject, full: boolean): Values {
  const values: Values = {};
  const left = new Set(Object.keys(json));
  for (const field of fields) {
    const name = !left.has(field.name) && field.formerly !== undefined ? field.formerly : field.name;
    if (left.delete(name)) values[field.name] = fieldValue(field, json[name], full);
    else if (full) values[field.name] = defaultValue(field);
  }
  if (left.size > 0) throw new TypeError(`fields that the schema lacks: ${[...left].join(', ')}`);
  return values;
}

function fieldValue(field: FieldSchema, json: unknown, full: boolean): unknown {
  if (json === null) return null;
  const { type } = field;
  if (typeof type === 'string') return primitiveValue(type, json);
  if (type.kind === 'struct') return structValue(type, json, full);
  if (!Array.isArray(json)) throw new TypeError(`${field.name} is not an array`);
  const { element } = type;
  return json.map((item) =>
    typeof element === 'string' ? primitiveValue(element, item) : structValue(element, item, full),
  );
}

function structValue(struct: StructSchema, json: unknown, full: boolean): Values {
  if (!isJsonObject(json)) throw new TypeError(`${struct.name} is not an object`);
  return fieldValues(struct.fields, json, full);
}

function primitiveValue(kind: PrimitiveKind, json: unknown): unknown {
  switch (kind) {
    case 'int64':
      return BigInt(asText(json));
    case 'safeInt64':
      return saturated(BigInt(asText(json)));
    case 'bytes':
    case 'records':
      return Buffer.from(asText(json), 'base64');
    case 'float64':
      return Number(json);
    default:
      return json;
  }
}

function asText(json: unknown): string {
  if (typeof json !== 'string' && typeof json !== 'number')
    throw new TypeError(`neither text nor number: ${typeof json}`);
  return String(json);
}

function saturated(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) return Number.MAX_SAFE_INTEGER;
  return value < BigInt(Number.MIN_SAFE_INTEGER) ? Number.MIN_SAFE_INTEGER : Number(value);
}

function defaultValue(field: FieldSchema): unknown {
  if (field.default !== undefined) return field.default;
  const { type } = field;
  if (typeof type !== 'string') return type.kind === 'array' ? [] : fieldValues(type.fields, {}, true);
  return DEFAULTS[type];
}

const DEFAULTS: Readonly<Record<PrimitiveKind, unknown>> = {
  bool: false,
  int8: 0,
  int16: 0,
  uint16: 0,
  int32: 0,
  int64: 0n,
  safeInt64: 0,
  float64: 0,
  uuid: 'AAAAAAAAAAAAAAAAAAAAAA',
  string: '',
  bytes: Buffer.alloc(0),
  records: null,
};
