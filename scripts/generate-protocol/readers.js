// The functions that read a struct.

import { defaultCode, quote } from './defaults.js';
import { elementType } from './interfaces.js';
import { elementBytesMin, isArray, isStruct } from './model.js';
import { expressionByVersion, statementsByVersion } from './versions.js';

export function readerLines(struct, model) {
  const inLine = struct.fields.filter((field) => field.tag === undefined);
  const tagged = struct.fields.filter((field) => field.tag !== undefined).sort((a, b) => a.tag - b.tag);
  const body = [
    ...inLine.map((field) => `const ${field.local} = ${readExpression(field, struct, model)};`),
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
    `  const elements: Decoded<${name}>[] = [];`,
    `  for (let index = 0; index < count; index++) elements.push(read${name}(reader, version));`,
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
  const entries = struct.fields.map((field) =>
    field.local === field.name ? field.name : `${field.name}: ${field.local}`,
  );
  const oneLine = `return { ${entries.join(', ')} };`;
  if (oneLine.length <= 116) return [oneLine];
  return ['return {', ...entries.map((entry) => `  ${entry},`), '};'];
}

function readExpression(field, struct, model) {
  return expressionByVersion(struct.versions, (version) =>
    field.presentIn.has(version) ? readInVersion(field, version, model) : defaultCode(field),
  );
}

function readInVersion(field, version, model) {
  const nullable = field.nullableIn.has(version);
  if (isArray(field)) return readArray(field, version, model);
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

function readArray(field, version, model) {
  const flexible = field.isFlexible(version);
  const nullable = field.nullableIn.has(version);
  const length = `reader.read${flexible ? 'Compact' : ''}${nullable ? 'Nullable' : ''}ArrayLength(${elementBytesMin(field, model)}, ${quote(field.name)})`;
  const suffix = nullable ? 'ArrayOrNull' : 'Array';
  if (field.structName !== undefined) return `read${field.structName}${suffix}(reader, version, ${length})`;
  return `read${elementMethod(field, flexible)}${suffix}(reader, ${length}, ${quote(field.name)})`;
}

export function elementMethod(field, flexible) {
  return field.elementKind === 'string' && flexible ? 'CompactString' : capital(field.elementKind);
}

function taggedFieldsLines(tagged, struct, model) {
  const declarations = tagged.map((field) => `let ${field.local}: ${declaredType(field)} = ${defaultCode(field)};`);
  return [
    ...declarations,
    ...statementsByVersion(struct.versions, (version) =>
      struct.flexible.has(version) ? sectionLines(tagged, version, model) : [],
    ),
  ];
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
