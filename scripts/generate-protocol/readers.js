// The functions that read a struct.

import { defaultCode, quote } from './defaults.js';
import { elementType } from './interfaces.js';
import { elementBytesMin, isArray, isStruct } from './model.js';
import { assignmentLines, branchesByVersion, statementsByVersion } from './versions.js';

export function readerLines(struct, model) {
  const inLine = struct.fields.filter((field) => field.tag === undefined);
  const tagged = struct.fields.filter((field) => field.tag !== undefined).sort((a, b) => a.tag - b.tag);
  const body = [
    ...inLine.flatMap((field) => readLines(field, struct, model)),
    ...taggedFieldsLines(tagged, struct, model),
    ...returnLines(struct),
  ];
  return [
    `function read${struct.name}(${parameter('reader', body)}: ByteReader, ${parameter('version', body)}: number): Decoded<${struct.name}> {`,
    ...body.map((line) => `  ${line}`),
    '}',
  ];
}

/** The parameter's name, with an underscore when the body does not use it. */
export function parameter(name, body) {
  const use = new RegExp(`(?<![.'\\w])${name}(?!['\\w:])`);
  return body.some((line) => use.test(line)) ? name : `_${name}`;
}

/** Reads `count` structs. */
export function arrayReaderLines(name) {
  return [
    `function read${name}Array(reader: ByteReader, version: number, count: number): Decoded<${name}>[] {`,
    `  const elements = arrayFor<Decoded<${name}>>(count);`,
    '  for (let index = 0; index < count; index++) {',
    `    elements[index] = read${name}(reader, version);`,
    '  }',
    '  return elements;',
    '}',
  ];
}

export function nullableArrayReaderLines(name) {
  return [
    `function read${name}ArrayOrNull(reader: ByteReader, version: number, count: number): Decoded<${name}>[] | null {`,
    `  return count < 0 ? null : read${name}Array(reader, version, count);`,
    '}',
  ];
}

function returnLines(struct) {
  if (struct.fields.length === 0) return ['return {};'];
  const entries = struct.fields.map((field) => {
    if (isLazyDefault(field)) return `${field.name}: ${field.local} ?? ${defaultCode(field)}`;
    return field.local === field.name ? field.name : `${field.name}: ${field.local}`;
  });
  const oneLine = `return { ${entries.join(', ')} };`;
  if (oneLine.length <= 116) return [oneLine];
  return ['return {', ...entries.map((entry) => `  ${entry},`), '};'];
}

function readLines(field, struct, model) {
  if (isArray(field)) return readArrayLines(field, struct, model);
  const branches = branchesByVersion(struct.versions, (version) =>
    field.presentIn.has(version) ? readInVersion(field, version, model) : defaultCode(field),
  );
  return assignmentLines(`const ${field.local}`, branches);
}

/** The count, then the elements. Where the version lacks the field, the default is a count too: 0 empty, -1 null. */
function readArrayLines(field, struct, model) {
  const absent = field.default === null ? '-1' : '0';
  const counts = branchesByVersion(struct.versions, (version) =>
    field.presentIn.has(version) ? readCount(field, version, model) : absent,
  );
  const orNull = field.maybeNull;
  const kinds = (count) => branchesByVersion(struct.versions, (version) => readElements(field, version, count, orNull));
  if (counts.length === 1) return assignmentLines(`const ${field.local}`, kinds(counts[0]));
  const count = `${field.name}Count`;
  return [...assignmentLines(`const ${count}`, counts), ...assignmentLines(`const ${field.local}`, kinds(count))];
}

function readInVersion(field, version, model) {
  const nullable = field.nullableIn.has(version);
  if (isArray(field)) return readElements(field, version, readCount(field, version, model), nullable);
  if (isStruct(field)) {
    const read = `read${field.structName}(reader, version)`;
    return nullable ? `reader.readInt8(${quote(field.name)}) < 0 ? null : ${read}` : read;
  }
  return `reader.read${methodName(field.elementKind, field.isFlexible(version), nullable)}(${quote(field.name)})`;
}

/** 'CompactNullableString', 'Int32' … Records are read as bytes. */
export function methodName(kind, flexible, nullable) {
  if (kind !== 'string' && kind !== 'bytes' && kind !== 'records') return capital(kind);
  const type = kind === 'string' ? 'String' : 'Bytes';
  return `${flexible ? 'Compact' : ''}${nullable ? 'Nullable' : ''}${type}`;
}

export const capital = (text) => text[0].toUpperCase() + text.slice(1);

function readCount(field, version, model) {
  const method = `${field.isFlexible(version) ? 'Compact' : ''}${field.nullableIn.has(version) ? 'Nullable' : ''}ArrayLength`;
  return `reader.read${method}(${elementBytesMin(field, model)}, ${quote(field.name)})`;
}

function readElements(field, version, count, orNull) {
  const suffix = orNull ? 'ArrayOrNull' : 'Array';
  if (field.structName !== undefined) return `read${field.structName}${suffix}(reader, version, ${count})`;
  return `read${elementMethod(field, field.isFlexible(version))}${suffix}(reader, ${count}, ${quote(field.name)})`;
}

export function elementMethod(field, flexible) {
  return field.elementKind === 'string' && flexible ? 'CompactString' : capital(field.elementKind);
}

function taggedFieldsLines(tagged, struct, model) {
  const declarations = tagged.map((field) =>
    isLazyDefault(field)
      ? `let ${field.local}: ${declaredType(field)} | undefined;`
      : `let ${field.local}: ${declaredType(field)} = ${defaultCode(field)};`,
  );
  return [
    ...declarations,
    ...statementsByVersion(struct.versions, (version) =>
      struct.flexible.has(version) ? sectionLines(tagged, version, model) : [],
    ),
  ];
}

/** A tagged struct that does not come is made at the end, so that none is made in vain. */
function isLazyDefault(field) {
  return field.tag !== undefined && isStruct(field) && !field.maybeNull;
}

function declaredType(field) {
  const type = elementType(field);
  const decoded = field.structName === undefined ? type : `Decoded<${type}>`;
  return `${decoded}${isArray(field) ? '[]' : ''}${field.maybeNull ? ' | null' : ''}`;
}

function sectionLines(tagged, version, model) {
  const known = tagged.filter((field) => field.presentIn.has(version));
  if (known.length === 0) return ['reader.skipTaggedFields();'];
  return [
    'for (let left = reader.readTaggedFieldCount(); left > 0; left--) {',
    "  const tag = reader.readUnsignedVarint('tag');",
    "  const end = reader.readTaggedFieldEnd('tagged field size');",
    '  switch (tag) {',
    ...known.flatMap((field) => [
      `    case ${field.tag}:`,
      `      ${field.local} = ${readTagged(field, version, model)};`,
      `      reader.expectPosition(end, ${quote(field.name)});`,
      '      break;',
    ]),
    '    default:',
    "      reader.skip(end - reader.position, 'tagged field');",
    '  }',
    '}',
  ];
}

/** A tagged nullable struct says in an unsigned varint, not in an int8, whether it is there. */
function readTagged(field, version, model) {
  if (!isStruct(field) || !field.nullableIn.has(version)) return readInVersion(field, version, model);
  return `reader.readUnsignedVarint(${quote(field.name)}) === 0 ? null : read${field.structName}(reader, version)`;
}
