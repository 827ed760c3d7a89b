// The functions that write a struct, and what they know about defaults of whole structs.

import { defaultCode, differsCode, quote } from './defaults.js';
import { isArray, isStruct } from './model.js';
import { capital, elementMethod, methodName, parameter } from './readers.js';
import { statementsByVersion } from './versions.js';

export function writerLines(struct) {
  const tagged = struct.fields.filter((field) => field.tag !== undefined).sort((a, b) => a.tag - b.tag);
  const body = [
    ...struct.fields.flatMap((field) => fieldLines(field, struct)),
    ...statementsByVersion(struct.versions, (version) =>
      struct.flexible.has(version) ? sectionLines(tagged, version) : [],
    ),
  ];
  return [
    `function write${struct.name}(${parameter('writer', body)}: ByteWriter, ${parameter('value', body)}: ${struct.name}, ${parameter('version', body)}: number): void {`,
    ...body.map((line) => `  ${line}`),
    '}',
  ];
}

export function arrayWriterLines(name) {
  return [
    `function write${name}Array(writer: ByteWriter, elements: readonly ${name}[], version: number): void {`,
    `  for (const element of elements) write${name}(writer, element, version);`,
    '}',
  ];
}

export function defaultStructLines(struct) {
  return [
    `function default${struct.name}(): Decoded<${struct.name}> {`,
    '  return {',
    ...struct.fields.map((field) => `    ${field.name}: ${defaultCode(field)},`),
    '  };',
    '}',
  ];
}

export function isDefaultLines(struct) {
  const tests = struct.fields.map((field) => {
    const name = `value.${field.name}`;
    const differs = differsCode(field, name);
    return field.optional ? `(${name} === undefined || !(${differs}))` : `!(${differs})`;
  });
  return [
    `function isDefault${struct.name}(value: ${struct.name}): boolean {`,
    `  return (`,
    ...tests.map((test, index) => `    ${test}${index < tests.length - 1 ? ' &&' : ''}`),
    '  );',
    '}',
  ];
}

function fieldLines(field, struct) {
  const statements = statementsByVersion(struct.versions, (version) => {
    if (!field.presentIn.has(version)) return absentLines(field, struct);
    return field.tag === undefined ? writeInVersion(field, struct, version) : [];
  });
  const needsLocal =
    field.tag !== undefined || statements.some((line) => new RegExp(`\\b${field.local}\\b`).test(line));
  return needsLocal ? [`const ${field.local} = ${valueCode(field)};`, ...statements] : statements;
}

function valueCode(field) {
  const name = `value.${field.name}`;
  if (!field.optional) return name;
  const fallback = defaultCode(field);
  return field.maybeNull && fallback !== 'null'
    ? `${name} === undefined ? ${fallback} : ${name}`
    : `${name} ?? ${fallback}`;
}

function absentLines(field, struct) {
  if (field.ignorable) return [];
  return [
    `if (${differsCode(field, field.local)}) throw unsupportedField('${struct.name}', ${quote(field.name)}, version);`,
  ];
}

function writeInVersion(field, struct, version) {
  const nullable = field.nullableIn.has(version);
  const name =
    field.maybeNull && !nullable
      ? `notNull(${field.local}, '${struct.name}', ${quote(field.name)}, version)`
      : field.local;
  if (isArray(field)) return arrayLines(field, version, name);
  if (isStruct(field)) {
    const write = (value) => `write${field.structName}(writer, ${value}, version);`;
    if (!nullable) return [write(name)];
    return [
      `if (${name} === null) {`,
      '  writer.writeInt8(-1);',
      '} else {',
      '  writer.writeInt8(1);',
      `  ${write(name)}`,
      '}',
    ];
  }
  return [`writer.write${writeMethod(field, version, nullable)}(${name});`];
}

function writeMethod(field, version, nullable) {
  const flexible = field.isFlexible(version);
  if (field.elementKind === 'records') return flexible ? 'CompactRecords' : 'Records';
  return methodName(field.elementKind, flexible, nullable);
}

function arrayLines(field, version, name) {
  const flexible = field.isFlexible(version);
  const length = (count) => `writer.write${flexible ? 'Compact' : ''}ArrayLength(${count});`;
  const elements = (value) =>
    field.structName === undefined
      ? `write${elementMethod(field, flexible)}Array(writer, ${value});`
      : `write${field.structName}Array(writer, ${value}, version);`;
  if (field.nullableIn.has(version)) {
    return [length(`${name} === null ? -1 : ${name}.length`), `if (${name} !== null) ${elements(name)}`];
  }
  if (name === field.local) return [length(`${name}.length`), elements(name)];
  const elementsName = `present${capital(field.name)}`;
  return [`const ${elementsName} = ${name};`, length(`${elementsName}.length`), elements(elementsName)];
}

function sectionLines(tagged, version) {
  const known = tagged.filter((field) => field.presentIn.has(version));
  if (known.length === 0) return ['writer.writeUnsignedVarint(0);'];
  const flag = (field) => `has${capital(field.name)}`;
  return [
    ...known.map((field) => `const ${flag(field)} = ${differsCode(field, field.local)};`),
    `writer.writeUnsignedVarint(${countCode(known.map(flag))});`,
    ...known.flatMap((field) => [
      `if (${flag(field)}) {`,
      `  const begin = writer.beginTaggedField(${field.tag});`,
      ...taggedLines(field, version).map((line) => `  ${line}`),
      '  writer.endTaggedField(begin);',
      '}',
    ]),
  ];
}

const countCode = (flags) =>
  flags.length === 1 ? `${flags[0]} ? 1 : 0` : flags.map((flag) => `(${flag} ? 1 : 0)`).join(' + ');

function taggedLines(field, version) {
  if (!isStruct(field) || !field.nullableIn.has(version)) return writeInVersion(field, { name: '' }, version);
  return [
    `writer.writeUnsignedVarint(${field.local} === null ? 0 : 1);`,
    `if (${field.local} !== null) write${field.structName}(writer, ${field.local}, version);`,
  ];
}
