// The functions that write a struct, and what they know about defaults of whole structs.

import { defaultCode, differsCode, isDefaultCode, quote } from './defaults.js';
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
  const tests = struct.fields.map((field) => isDefaultCode(field, `value.${field.name}`));
  return [
    `function isDefault${struct.name}(value: ${struct.name}): boolean {`,
    ...(tests.length === 1
      ? [`  return ${tests[0]};`]
      : ['  return (', ...tests.map((test, index) => `    ${test}${index < tests.length - 1 ? ' &&' : ''}`), '  );']),
    '}',
  ];
}

function fieldLines(field, struct) {
  const statements = statementLines(field, struct);
  const needsLocal =
    field.tag !== undefined || statements.some((line) => new RegExp(`(?<![.'\\w])${field.local}\\b`).test(line));
  return needsLocal && isLocal(field) ? [`const ${field.local} = ${valueCode(field)};`, ...statements] : statements;
}

/** A field that is always set and travels as one value is written straight from the struct. */
function isLocal(field) {
  return field.optional || isArray(field) || isStruct(field) || field.maybeNull;
}

const nameOf = (field) => (isLocal(field) ? field.local : `value.${field.name}`);

/** A struct or array that is usually left out is kept undefined then, so that no empty one is made for it. */
function staysUndefined(field) {
  return field.tag !== undefined && (isArray(field) || isStruct(field));
}

function isSetCode(field) {
  const differs = differsCode(field, nameOf(field));
  return staysUndefined(field) ? `${nameOf(field)} !== undefined && ${differs}` : differs;
}

/** The length of an array differs by version, what follows it does not. */
function statementLines(field, struct) {
  if (isArray(field) && field.tag === undefined && !isRequiredSomewhere(field)) {
    const absent = statementsByVersion(struct.versions, (version) =>
      field.presentIn.has(version) ? [] : absentLines(field, struct),
    );
    const lengths = statementsByVersion(struct.versions, (version) =>
      field.presentIn.has(version) ? [lengthLine(field, version)] : [],
    );
    const elements = statementsByVersion(struct.versions, (version) =>
      field.presentIn.has(version) ? [elementsLine(field, version)] : [],
    );
    return [...absent, ...lengths, ...elements];
  }
  return statementsByVersion(struct.versions, (version) => {
    if (!field.presentIn.has(version)) return absentLines(field, struct);
    return field.tag === undefined ? writeInVersion(field, struct, version) : [];
  });
}

/** It may be null in some versions and not in others. */
function isRequiredSomewhere(field) {
  return field.maybeNull && [...field.presentIn].some((version) => !field.nullableIn.has(version));
}

function valueCode(field) {
  const name = `value.${field.name}`;
  if (!field.optional || staysUndefined(field)) return name;
  const fallback = defaultCode(field);
  return field.maybeNull && fallback !== 'null'
    ? `${name} === undefined ? ${fallback} : ${name}`
    : `${name} ?? ${fallback}`;
}

function absentLines(field, struct) {
  if (field.ignorable) return [];
  return [`if (${isSetCode(field)}) throw unsupportedField('${struct.name}', ${quote(field.name)}, version);`];
}

function writeInVersion(field, struct, version) {
  const nullable = field.nullableIn.has(version);
  const name =
    field.maybeNull && !nullable
      ? `notNull(${nameOf(field)}, '${struct.name}', ${quote(field.name)}, version)`
      : nameOf(field);
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
  if (name === nameOf(field)) return [lengthLine(field, version), elementsLine(field, version)];
  const present = `present${capital(field.name)}`;
  return [`const ${present} = ${name};`, lengthLine(field, version, present), elementsLine(field, version, present)];
}

function lengthLine(field, version, name = nameOf(field)) {
  const count = field.nullableIn.has(version) ? `${name} === null ? -1 : ${name}.length` : `${name}.length`;
  return `writer.write${field.isFlexible(version) ? 'Compact' : ''}ArrayLength(${count});`;
}

function elementsLine(field, version, name = nameOf(field)) {
  const write =
    field.structName === undefined
      ? `write${elementMethod(field, field.isFlexible(version))}Array(writer, ${name});`
      : `write${field.structName}Array(writer, ${name}, version);`;
  return field.nullableIn.has(version) ? `if (${name} !== null) ${write}` : write;
}

function sectionLines(tagged, version) {
  const known = tagged.filter((field) => field.presentIn.has(version));
  if (known.length === 0) return ['writer.writeUnsignedVarint(0);'];
  const flag = (field) => `has${capital(field.name)}`;
  return [
    ...known.map((field) => `const ${flag(field)} = ${isSetCode(field)};`),
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
