// The TypeScript interface of a struct.

import { isArray } from './model.js';

const TYPES = {
  bool: 'boolean',
  int64: 'bigint',
  uuid: 'Uuid',
  string: 'string',
  bytes: 'Buffer',
  records: 'RecordsValue',
};

/** The type of one element or of a field that is no array, without null. */
export function elementType(field) {
  return field.structName ?? TYPES[field.elementKind] ?? 'number';
}

export function interfaceLines(struct) {
  const lines = [`export interface ${struct.name} {`];
  for (const field of struct.fields) {
    const note = noteOf(field);
    if (note !== '') lines.push(`  /** ${note} */`);
    const type = elementType(field) + (isArray(field) ? '[]' : '');
    lines.push(`  ${field.name}${field.optional ? '?' : ''}: ${type}${field.maybeNull ? ' | null' : ''};`);
  }
  return [...lines, '}'];
}

function noteOf(field) {
  const notes = [];
  if (!field.everywhere) notes.push(`Versions ${field.versions}`);
  if (field.tag !== undefined) notes.push(`${notes.length === 0 ? 'T' : 't'}ag ${field.tag}`);
  return notes.length === 0 ? '' : `${notes.join(', ')}.`;
}
