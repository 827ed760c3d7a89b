// Schemas with everything worked out that code is generated from: names, reachable versions, defaults, smallest sizes.

import { declaredVersions, parseVersions } from './versions.js';

/** All messages, each as a model, with struct names resolved over the whole protocol. */
export function modelsOf(schemas) {
  const users = new Map();
  for (const schema of schemas) {
    for (const name of structNames(schema.fields)) users.set(name, (users.get(name) ?? new Set()).add(schema.name));
  }
  for (const schema of schemas) users.set(schema.name, new Set(['', schema.name]));
  return schemas.map((schema) =>
    messageModel(schema, (name) => (users.get(name).size === 1 ? name : schema.name + name)),
  );
}

function structNames(fields) {
  return new Set(
    fields.flatMap((field) => {
      const struct = structOf(field);
      return struct === undefined ? [] : [struct.name, ...structNames(struct.fields)];
    }),
  );
}

export function structOf(field) {
  const type = field.type.kind === 'array' ? field.type.element : field.type;
  return type.kind === 'struct' ? type : undefined;
}

export const isArray = (field) => field.type.kind === 'array';
export const isStruct = (field) => field.type.kind === 'struct';

/** Field names that would hide what the generated functions call their own. */
const TAKEN = new Set(['reader', 'writer', 'value', 'version', 'tag', 'end', 'left', 'begin']);

/** @param nameOf the name of a struct in generated code */
function messageModel(schema, nameOf) {
  const versions = declaredVersions(schema.versions);
  const flexible = new Set(parseVersions(schema.flexible, versions));
  const structs = new Map();
  const reach = (name, fields, within) => {
    const known = structs.get(name);
    const reachable =
      known === undefined ? within : versions.filter((v) => within.includes(v) || known.versions.includes(v));
    structs.delete(name); // insert after whoever contains it, so that structs can be emitted innermost first
    structs.set(name, { name, versions: reachable, flexible, schemaFields: fields });
    for (const field of fields) {
      const struct = structOf(field);
      if (struct !== undefined) reach(nameOf(struct.name), struct.fields, parseVersions(field.versions, within));
    }
  };
  reach(schema.name, schema.fields, versions);
  for (const struct of structs.values())
    struct.fields = struct.schemaFields.map((field) => fieldModel(field, struct, nameOf));
  for (const struct of [...structs.values()].reverse()) struct.bytesMin = structBytesMin(struct, structs);
  const flexibleSince = flexible.size === 0 ? Number.POSITIVE_INFINITY : Math.min(...flexible);
  return { name: schema.name, versions, flexible, flexibleSince, structs, root: structs.get(schema.name) };
}

function fieldModel(field, struct, nameOf) {
  const versions = parseVersions(field.versions, struct.versions);
  const nullable = new Set(parseVersions(field.nullable, struct.versions));
  const type = field.type.kind === 'array' ? field.type.element : field.type;
  const structName = type.kind === 'struct' ? nameOf(type.name) : undefined;
  return {
    ...field,
    presentIn: new Set(versions),
    everywhere: versions.length === struct.versions.length,
    nullableIn: nullable,
    maybeNull: nullable.size > 0,
    local: TAKEN.has(field.name) ? `${field.name}Field` : field.name,
    elementKind: structName === undefined ? type : 'struct',
    structName,
    isFlexible: (version) => field.flexible !== false && struct.flexible.has(version),
    optional: field.default !== undefined || field.tag !== undefined || versions.length !== struct.versions.length,
  };
}

const FIXED_BYTES = { bool: 1, int8: 1, int16: 2, uint16: 2, int32: 4, int64: 8, safeInt64: 8, float64: 8, uuid: 16 };

/** The fewest bytes a value of the struct can take, over all versions. */
function structBytesMin(struct, structs) {
  const sizes = struct.versions.map((version) => {
    const fields = struct.fields.filter((field) => field.presentIn.has(version) && field.tag === undefined);
    const sum = fields.reduce((bytes, field) => bytes + fieldBytesMin(field, version, structs), 0);
    return sum + (struct.flexible.has(version) ? 1 : 0);
  });
  return Math.max(1, Math.min(...sizes));
}

function fieldBytesMin(field, version, structs) {
  if (isArray(field)) return field.isFlexible(version) ? 1 : 4;
  if (isStruct(field)) return field.nullableIn.has(version) ? 1 : structs.get(field.structName).bytesMin;
  return kindBytesMin(field.elementKind, field.isFlexible(version));
}

function kindBytesMin(kind, flexible) {
  if (FIXED_BYTES[kind] !== undefined) return FIXED_BYTES[kind];
  if (flexible) return 1;
  return kind === 'string' ? 2 : 4;
}

/** The fewest bytes an element of the array takes in any version. */
export function elementBytesMin(field, model) {
  if (field.structName !== undefined) return model.structs.get(field.structName).bytesMin;
  return kindBytesMin(
    field.elementKind,
    [...field.presentIn].some((version) => field.isFlexible(version)),
  );
}
