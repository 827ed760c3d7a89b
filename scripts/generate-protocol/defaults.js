// What a field is when nobody said: as an expression, and as a test.

import { isArray, isStruct } from './model.js';

/** The default as code. Where it is an object, each evaluation makes a new one. */
export function defaultCode(field) {
  if (field.default === null) return 'null';
  if (isArray(field)) return '[]';
  if (isStruct(field)) return `default${field.structName}()`;
  switch (field.elementKind) {
    case 'string':
      return quote(field.default ?? '');
    case 'bool':
      return String(field.default ?? false);
    case 'uuid':
      return 'ZERO_UUID';
    case 'bytes':
      return 'EMPTY_BYTES';
    case 'records':
      return 'null';
    case 'int64':
      return `${field.default ?? 0}n`;
    default:
      return numberCode(field.default ?? 0);
  }
}

/** A test that `name` (present, maybe null) is not the default. */
export function differsCode(field, name) {
  if (isArray(field) || field.elementKind === 'bytes') return emptiableDiffers(field, name, `${name}.length !== 0`);
  if (isStruct(field)) return emptiableDiffers(field, name, `!isDefault${field.structName}(${name})`);
  if (field.elementKind === 'bool') return field.default === true ? `!${name}` : name;
  return `${name} !== ${defaultCode(field)}`;
}

function emptiableDiffers(field, name, notEmpty) {
  if (field.default === null) return `${name} !== null`;
  return field.maybeNull ? `(${name} === null || ${notEmpty})` : notEmpty;
}

/** A test that `name`, which may be undefined, is the default. */
export function isDefaultCode(field, name) {
  if (isArray(field) || isStruct(field) || field.elementKind === 'bytes' || !field.optional) {
    const same = `!(${differsCode(field, name)})`;
    return field.optional ? `(${name} === undefined || ${same})` : same;
  }
  return `(${name} ?? ${defaultCode(field)}) === ${defaultCode(field)}`;
}

export const quote = (text) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

function numberCode(number) {
  return number === 0x7fffffff ? '0x7fffffff' : String(number);
}
