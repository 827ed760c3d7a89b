// A committed change of the tree as data: what the journal keeps and what replaying it needs. JSON, so that any tool that can print
// a log segment can show what happened to the tree.

import { type Acl, OPEN_ACL } from './tree-session.ts';

/** Paths are final (sequence numbers resolved) and the change is known to be legal where it stands. */
export type TreeChange =
  | {
      readonly type: 'create';
      readonly path: string;
      readonly data: Buffer | null;
      readonly acl: readonly Acl[];
      readonly ephemeralOwner: bigint;
    }
  | { readonly type: 'set'; readonly path: string; readonly data: Buffer | null }
  | { readonly type: 'delete'; readonly path: string };

/** One zxid: applied whole or not at all. */
export interface TreeTransaction {
  readonly zxid: bigint;
  readonly timeMs: number;
  readonly changes: readonly TreeChange[];
}

/** Thrown for a journal entry that is no transaction: the file is damaged or another program's. */
export class TreeFormatError extends Error {
  override readonly name = 'TreeFormatError';
}

type JsonData = { readonly data: string } | { readonly base64: string } | Record<string, never>;

/** Text stays readable; other bytes are base64; null has no field. */
export function dataToJson(data: Buffer | null): JsonData {
  if (data === null) return {};
  const text = data.toString('utf8');
  return Buffer.from(text, 'utf8').equals(data) ? { data: text } : { base64: data.toString('base64') };
}

export function dataFromJson(json: Readonly<Record<string, unknown>>): Buffer | null {
  if (typeof json.data === 'string') return Buffer.from(json.data, 'utf8');
  if (typeof json.base64 === 'string') return Buffer.from(json.base64, 'base64');
  return null;
}

export function aclFromJson(json: unknown): readonly Acl[] {
  if (!Array.isArray(json)) throw new TreeFormatError('acl is not an array');
  const acl = json.map((entry: unknown) => {
    const fields = objectFrom(entry, 'acl entry');
    return {
      scheme: stringFrom(fields.scheme, 'scheme'),
      id: stringFrom(fields.id, 'id'),
      permissions: numberFrom(fields.permissions, 'permissions'),
    };
  });
  // Nearly every node has it: one for all.
  return isOpen(acl) ? OPEN_ACL : acl;
}

function isOpen(acl: readonly Acl[]): boolean {
  const [only, ...others] = acl;
  const [open] = OPEN_ACL;
  return (
    others.length === 0 &&
    only?.scheme === open?.scheme &&
    only?.id === open?.id &&
    only?.permissions === open?.permissions
  );
}

export function encodeTransaction(transaction: TreeTransaction): Buffer {
  const changes = transaction.changes.map(changeToJson);
  return Buffer.from(
    JSON.stringify({ type: 'transaction', zxid: String(transaction.zxid), timeMs: transaction.timeMs, changes }),
  );
}

function changeToJson(change: TreeChange): object {
  switch (change.type) {
    case 'create':
      return {
        create: change.path,
        ...dataToJson(change.data),
        acl: change.acl,
        ephemeralOwner: String(change.ephemeralOwner),
      };
    case 'set':
      return { set: change.path, ...dataToJson(change.data) };
    case 'delete':
      return { delete: change.path };
    default:
      return change satisfies never;
  }
}

/** @throws TreeFormatError */
export function transactionFromJson(json: Readonly<Record<string, unknown>>): TreeTransaction {
  const changes = json.changes;
  if (!Array.isArray(changes)) throw new TreeFormatError('changes is not an array');
  return {
    zxid: bigintFrom(json.zxid, 'zxid'),
    timeMs: numberFrom(json.timeMs, 'timeMs'),
    changes: changes.map((change: unknown) => changeFromJson(objectFrom(change, 'change'))),
  };
}

function changeFromJson(json: Readonly<Record<string, unknown>>): TreeChange {
  if (json.create !== undefined) {
    return {
      type: 'create',
      path: stringFrom(json.create, 'create'),
      data: dataFromJson(json),
      acl: aclFromJson(json.acl),
      ephemeralOwner: bigintFrom(json.ephemeralOwner, 'ephemeralOwner'),
    };
  }
  if (json.set !== undefined) return { type: 'set', path: stringFrom(json.set, 'set'), data: dataFromJson(json) };
  return { type: 'delete', path: stringFrom(json.delete, 'delete') };
}

export function objectFrom(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TreeFormatError(`${what} is not an object`);
  }
  return Object.fromEntries(Object.entries(value));
}

export function stringFrom(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new TreeFormatError(`${what} is not a string`);
  return value;
}

export function numberFrom(value: unknown, what: string): number {
  if (typeof value !== 'number') throw new TreeFormatError(`${what} is not a number`);
  return value;
}

export function bigintFrom(value: unknown, what: string): bigint {
  const text = stringFrom(value, what);
  if (!/^-?\d{1,20}$/.test(text)) throw new TreeFormatError(`${what} is not a whole number`);
  return BigInt(text);
}
