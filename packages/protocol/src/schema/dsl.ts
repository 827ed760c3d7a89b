// The words our schemas are written in. A schema says what one API looks like on the wire: its fields in wire order, each with the
// versions it exists in. scripts/generate-protocol.js turns schemas into codecs; nothing reads them at run time.
// Source: https://kafka.apache.org/protocol, KIP-482 (flexible versions, tagged fields).

/** '3' one version, '3-5' a range with both ends, '3+' from 3 to the newest, '0,3' single versions. */
export type Versions = string;

export type PrimitiveKind =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'int64' // a bigint
  | 'safeInt64' // an int64 read as a number that saturates at ±(2^53−1): offsets, timestamps, durations, sizes, producer ids
  | 'uuid'
  | 'float64'
  | 'string'
  | 'bytes'
  | 'records';

export interface StructSchema {
  readonly kind: 'struct';
  /** Kafka's name of it. */
  readonly name: string;
  readonly fields: readonly FieldSchema[];
}

export type FieldType =
  | PrimitiveKind
  | StructSchema
  | { readonly kind: 'array'; readonly element: PrimitiveKind | StructSchema };

export interface FieldOptions {
  /** Versions in which it may be null. */
  readonly nullable?: Versions;
  /** What it is when the writer leaves it out or the version lacks it. Without one: 0, '', false, empty. */
  readonly default?: number | bigint | boolean | string | null;
  /** In a version that lacks it, a writer drops a value that is not the default instead of failing. */
  readonly ignorable?: true;
  /** It travels as a tagged field with this tag. */
  readonly tag?: number;
  /** Written in the old way even in flexible versions. */
  readonly flexible?: false;
  /** What Kafka called it in an earlier release. */
  readonly formerly?: string;
}

export interface FieldSchema extends FieldOptions {
  readonly name: string;
  readonly versions: Versions;
  readonly type: FieldType;
}

/** A message that is not a request or a response: a header, a record of an internal topic. */
export interface MessageSchema {
  readonly name: string;
  readonly versions: Versions;
  /** The versions with compact lengths and tagged fields. */
  readonly flexible: Versions | 'none';
  readonly fields: readonly FieldSchema[];
  /** What Kafka called it in an earlier release. */
  readonly formerly?: string;
}

export interface ApiSchema {
  readonly key: number;
  /** As in Kafka's ApiKeys, in camel case; the messages are called `${name}Request` and `${name}Response`. */
  readonly name: string;
  readonly versions: Versions;
  readonly flexible: Versions | 'none';
  readonly request: readonly FieldSchema[];
  readonly response: readonly FieldSchema[];
  readonly formerly?: string;
}

export function api(schema: ApiSchema): ApiSchema {
  return schema;
}

export function message(schema: MessageSchema): MessageSchema {
  return schema;
}

export function struct(name: string, fields: readonly FieldSchema[]): StructSchema {
  return { kind: 'struct', name, fields };
}

export function array(
  name: string,
  versions: Versions,
  element: PrimitiveKind | StructSchema,
  options: FieldOptions = {},
): FieldSchema {
  return { name, versions, type: { kind: 'array', element }, ...options };
}

/** A single struct. */
export function object(name: string, versions: Versions, type: StructSchema, options: FieldOptions = {}): FieldSchema {
  return { name, versions, type, ...options };
}

type FieldWord = (name: string, versions: Versions, options?: FieldOptions) => FieldSchema;

const primitive =
  (type: PrimitiveKind): FieldWord =>
  (name, versions, options = {}) => ({ name, versions, type, ...options });

export const bool = primitive('bool');
export const int8 = primitive('int8');
export const int16 = primitive('int16');
export const uint16 = primitive('uint16');
export const int32 = primitive('int32');
export const int64 = primitive('int64');
export const safeInt64 = primitive('safeInt64');
export const uuid = primitive('uuid');
export const float64 = primitive('float64');
export const string = primitive('string');
export const bytes = primitive('bytes');
export const records = primitive('records');
