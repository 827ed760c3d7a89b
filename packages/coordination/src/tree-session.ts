// The port to the znode tree: what a client of it can do and may rely on. The semantics are ZooKeeper's.
// Source: ZooKeeper Programmer's Guide (znodes, stat, watches, sessions) and org.apache.zookeeper.ZooKeeper.

import type { TreeErrorCode } from './tree-error.ts';

/** One entry of an access control list. `permissions` is a bit set: 1 read, 2 write, 4 create, 8 delete, 16 admin. */
export interface Acl {
  readonly scheme: string;
  readonly id: string;
  readonly permissions: number;
}

/** Anyone may do anything: what Kafka writes when `zookeeper.set.acl` is off. */
export const OPEN_ACL: readonly Acl[] = [{ scheme: 'world', id: 'anyone', permissions: 31 }];

/** What the tree knows of a znode besides its data. */
export interface Stat {
  /** zxid of the transaction that created the node. */
  readonly czxid: bigint;
  /** zxid of the last change of its data. */
  readonly mzxid: bigint;
  /** zxid of the last creation or deletion of a child. */
  readonly pzxid: bigint;
  /** Wall-clock milliseconds of creation and of the last change of data. */
  readonly ctimeMs: number;
  readonly mtimeMs: number;
  /** Changes of data, of children (creations and deletions), of the ACL. Each starts at 0. */
  readonly version: number;
  readonly cversion: number;
  readonly aversion: number;
  /** Session that owns an ephemeral node; 0 for a persistent one. */
  readonly ephemeralOwner: bigint;
  readonly dataLength: number;
  readonly numChildren: number;
}

export type CreateMode = 'persistent' | 'ephemeral' | 'persistentSequential' | 'ephemeralSequential';

export type WatchEventType = 'nodeCreated' | 'nodeDeleted' | 'nodeDataChanged' | 'nodeChildrenChanged';

export interface WatchEvent {
  readonly type: WatchEventType;
  readonly path: string;
}

/** Called at most once per registration. One function registered twice for a path is called once. */
export type Watcher = (event: WatchEvent) => void;

/** Matches any version in `set`, `delete` and `check`. */
export const ANY_VERSION = -1;

export type TreeOperation =
  | {
      readonly type: 'create';
      readonly path: string;
      readonly data: Buffer | null;
      readonly mode?: CreateMode;
      readonly acl?: readonly Acl[];
    }
  | { readonly type: 'set'; readonly path: string; readonly data: Buffer | null; readonly expectedVersion: number }
  | { readonly type: 'delete'; readonly path: string; readonly expectedVersion: number }
  | { readonly type: 'check'; readonly path: string; readonly expectedVersion: number };

/** One per operation of a multi, in order. */
export type TreeResult =
  | { readonly type: 'create'; readonly path: string; readonly stat: Stat }
  | { readonly type: 'set'; readonly stat: Stat }
  | { readonly type: 'delete' }
  | { readonly type: 'check' }
  /** Only in `TreeError.results`. 'OK': would have succeeded but was undone; RUNTIMEINCONSISTENCY: was not tried. */
  | { readonly type: 'error'; readonly code: TreeErrorCode | 'OK' };

/** A client of the tree. Operations of one session take effect in the order they are called. A watch set by an operation fires after that
 *  operation's reply, and before the reply of any later operation that would show the change.
 *  All methods reject with TreeError; SESSIONEXPIRED once the session is no longer connected. */
export interface TreeSession {
  readonly sessionId: bigint;
  readonly state: 'connected' | 'expired' | 'closed';
  /** Called once, when the tree gave the session up and deleted its ephemeral nodes. Not called for `close()`. */
  onExpired: () => void;
  /** The returned path differs from `path` for sequential modes: parent's count of creations, ten digits, is appended.
   *  Codes: NODEEXISTS, NONODE (parent), NOCHILDRENFOREPHEMERALS, BADARGUMENTS, INVALIDACL. */
  create(
    path: string,
    data: Buffer | null,
    mode?: CreateMode,
    acl?: readonly Acl[],
  ): Promise<{ path: string; stat: Stat }>;
  /** The watcher hears of a change of data or deletion. Code: NONODE, and then nothing is watched. */
  get(path: string, watcher?: Watcher): Promise<{ data: Buffer | null; stat: Stat }>;
  /** The watcher hears of creation, change of data or deletion, whether the node exists or not. */
  exists(path: string, watcher?: Watcher): Promise<Stat | undefined>;
  /** Names, not paths, sorted. The watcher hears of a child created or deleted, or of the node's own deletion. Code: NONODE. */
  children(path: string, watcher?: Watcher): Promise<{ children: string[]; stat: Stat }>;
  /** Codes: NONODE, BADVERSION. */
  set(path: string, data: Buffer | null, expectedVersion: number): Promise<Stat>;
  /** Codes: NONODE, BADVERSION, NOTEMPTY. */
  delete(path: string, expectedVersion: number): Promise<void>;
  /** All or nothing. Rejects with the code of the first operation that failed; `TreeError.results` tells of each. */
  multi(operations: readonly TreeOperation[]): Promise<TreeResult[]>;
  /** Code: NONODE. */
  getAcl(path: string): Promise<{ acl: readonly Acl[]; stat: Stat }>;
  /** Ends the session and deletes its ephemeral nodes. Safe to call twice. */
  close(): Promise<void>;
}

/** Where sessions come from: an embedded tree, or an ensemble. */
export interface TreeConnector {
  /** A new session. @throws TreeError CONNECTIONLOSS, AUTHFAILED */
  connect(): Promise<TreeSession>;
}
