// Failures of the znode tree, by ZooKeeper's own code names and numbers. Source: org.apache.zookeeper.KeeperException.Code.

import type { TreeResult } from './tree-session.ts';

/** Code name → the number ZooKeeper puts on its wire. */
export const TREE_ERROR_NUMBERS = {
  SYSTEMERROR: -1,
  RUNTIMEINCONSISTENCY: -2,
  DATAINCONSISTENCY: -3,
  CONNECTIONLOSS: -4,
  MARSHALLINGERROR: -5,
  UNIMPLEMENTED: -6,
  OPERATIONTIMEOUT: -7,
  BADARGUMENTS: -8,
  UNKNOWNSESSION: -12,
  APIERROR: -100,
  NONODE: -101,
  NOAUTH: -102,
  BADVERSION: -103,
  NOCHILDRENFOREPHEMERALS: -108,
  NODEEXISTS: -110,
  NOTEMPTY: -111,
  SESSIONEXPIRED: -112,
  INVALIDCALLBACK: -113,
  INVALIDACL: -114,
  AUTHFAILED: -115,
  SESSIONMOVED: -118,
  NOTREADONLY: -119,
  EPHEMERALONLOCALSESSION: -120,
  NOWATCHER: -121,
  REQUESTTIMEOUT: -122,
  RECONFIGDISABLED: -123,
  SESSIONCLOSEDREQUIRESASLAUTH: -124,
  QUOTAEXCEEDED: -125,
  THROTTLEDOP: -127,
} as const;

export type TreeErrorCode = keyof typeof TREE_ERROR_NUMBERS;

/** Every operation of a TreeSession fails with this and nothing else. */
export class TreeError extends Error {
  override readonly name = 'TreeError';
  readonly code: TreeErrorCode;
  readonly path: string | undefined;
  /** For a failed multi, what became of each operation: those before the one that failed, it, and those after it. */
  readonly results: readonly TreeResult[] | undefined;

  constructor(
    code: TreeErrorCode,
    options: { path?: string; detail?: string; results?: readonly TreeResult[]; cause?: unknown } = {},
  ) {
    const where = options.path === undefined ? '' : ` for ${options.path}`;
    const detail = options.detail === undefined ? '' : `: ${options.detail}`;
    super(`${code}${where}${detail}`, { cause: options.cause });
    this.code = code;
    this.path = options.path;
    this.results = options.results;
  }
}

/** Is `error` a TreeError with one of `codes`? */
export function isTreeError(error: unknown, ...codes: TreeErrorCode[]): error is TreeError {
  return error instanceof TreeError && codes.includes(error.code);
}
