// The tree of znodes as a state machine: (state, operations, zxid, now) → state, transaction, results, watch events. No
// sessions' queues, no disk, no clock. Source: org.apache.zookeeper.server.{DataTree, PrepRequestProcessor}.

import { assert, LazySet, mustBePresent } from '@ottla/base';
import { TreeError } from './tree-error.ts';
import {
  type Acl,
  ANY_VERSION,
  OPEN_ACL,
  type Stat,
  type TreeOperation,
  type TreeResult,
  type WatchEvent,
} from './tree-session.ts';
import type { TreeChange, TreeTransaction } from './tree-transaction.ts';
import { nodeName, parentPath, validatePath } from './znode-path.ts';

/** ZooKeeper's default jute.maxbuffer: larger data would not fit a packet. */
export const ZNODE_DATA_BYTES_MAX = 0xfffff;
const PATH_LENGTH_MAX = 4096;
const SEQUENCE_DIGITS = 10;

export interface Znode {
  readonly path: string;
  data: Buffer | null;
  acl: readonly Acl[];
  readonly czxid: bigint;
  mzxid: bigint;
  pzxid: bigint;
  readonly ctimeMs: number;
  mtimeMs: number;
  version: number;
  aversion: number;
  /** Children ever created. Gives sequential names their number; together with the children left it gives cversion. */
  createdChildCount: number;
  readonly ephemeralOwner: bigint;
  readonly childNames: LazySet<string>;
}

export interface Execution {
  /** Empty when nothing changed (a multi of checks). */
  readonly changes: readonly TreeChange[];
  readonly results: TreeResult[];
  /** In the order the changes happened. */
  readonly events: readonly WatchEvent[];
}

export class ZnodeTree {
  readonly #nodes = new Map<string, Znode>();
  /** Session → paths of the ephemeral nodes it owns. No empty sets. */
  readonly #ephemerals = new Map<bigint, Set<string>>();
  #lastZxid = 0n;

  constructor() {
    this.#nodes.set('/', newNode('/', Buffer.alloc(0), OPEN_ACL, 0n, { zxid: 0n, timeMs: 0 }));
  }

  /** zxid of the newest transaction in the tree. */
  get lastZxid(): bigint {
    return this.#lastZxid;
  }

  /** Parents before their children. */
  nodes(): Iterable<Znode> {
    return this.#nodes.values();
  }

  /** @throws TreeError NONODE, BADARGUMENTS */
  get(path: string): Znode {
    validatePath(path);
    const node = this.#nodes.get(path);
    if (node === undefined) throw new TreeError('NONODE', { path });
    return node;
  }

  find(path: string): Znode | undefined {
    validatePath(path);
    return this.#nodes.get(path);
  }

  /** Sessions that own nodes. */
  ephemeralOwners(): bigint[] {
    return [...this.#ephemerals.keys()];
  }

  ephemeralsOf(sessionId: bigint): string[] {
    return [...(this.#ephemerals.get(sessionId) ?? [])];
  }

  /** Does all of `operations` or none. @throws TreeError of the one that failed, with `results` set; the tree is then as before */
  execute(operations: readonly TreeOperation[], at: { sessionId: bigint; zxid: bigint; timeMs: number }): Execution {
    const changes: TreeChange[] = [];
    const results: TreeResult[] = [];
    const events: WatchEvent[] = [];
    const undos: (() => void)[] = [];
    for (const operation of operations) {
      try {
        const change = this.#prepare(operation, at.sessionId);
        if (change !== undefined) {
          changes.push(change);
          undos.push(this.#apply(change, at, events));
        }
        results.push(this.#resultOf(operation, change));
      } catch (error) {
        for (const undo of undos.reverse()) undo();
        throw withResults(error, results.length, operations.length);
      }
    }
    if (changes.length > 0) this.#lastZxid = at.zxid;
    return { changes, results, events };
  }

  /** Applies a transaction that was legal when it was journalled. @throws TreeError when it does not fit this tree */
  replay(transaction: TreeTransaction): void {
    for (const change of transaction.changes) {
      if (change.type === 'create') this.#mustBeCreatable(change.path);
      else this.get(change.path);
      if (change.type === 'delete') this.#mustBeDeletable(change.path);
      this.#apply(change, transaction, []);
    }
    this.#lastZxid = transaction.zxid;
  }

  /** Puts a node of a snapshot in place, parents before children. */
  restore(node: Omit<Znode, 'childNames'>): void {
    this.#nodes.set(node.path, { ...node, childNames: new LazySet() });
    if (node.path === '/') return;
    const parent = mustBePresent(this.#nodes.get(parentPath(node.path)), `parent of ${node.path}`);
    parent.childNames.add(nodeName(node.path));
    if (node.ephemeralOwner !== 0n) this.#addEphemeral(node.ephemeralOwner, node.path);
  }

  /** The newest zxid a snapshot holds. */
  restoreLastZxid(zxid: bigint): void {
    this.#lastZxid = zxid;
  }

  #prepare(operation: TreeOperation, sessionId: bigint): TreeChange | undefined {
    switch (operation.type) {
      case 'create':
        return this.#prepareCreate(operation, sessionId);
      case 'set':
        mustFit(operation.path, operation.data);
        mustMatch(this.get(operation.path), operation.expectedVersion);
        return { type: 'set', path: operation.path, data: operation.data };
      case 'delete':
        if (operation.path === '/') throw new TreeError('BADARGUMENTS', { path: '/', detail: 'the root stays' });
        mustMatch(this.get(operation.path), operation.expectedVersion);
        this.#mustBeDeletable(operation.path);
        return { type: 'delete', path: operation.path };
      case 'check':
        mustMatch(this.get(operation.path), operation.expectedVersion);
        return undefined;
      default:
        return operation satisfies never;
    }
  }

  #prepareCreate(operation: TreeOperation & { type: 'create' }, sessionId: bigint): TreeChange {
    const { mode = 'persistent', acl = OPEN_ACL, data } = operation;
    const isSequential = mode === 'persistentSequential' || mode === 'ephemeralSequential';
    const isEphemeral = mode === 'ephemeral' || mode === 'ephemeralSequential';
    validatePath(operation.path, isSequential);
    mustFit(operation.path, data);
    if (acl.length === 0) throw new TreeError('INVALIDACL', { path: operation.path });
    const path = isSequential ? this.#sequentialPath(operation.path) : operation.path;
    this.#mustBeCreatable(path);
    return { type: 'create', path, data, acl, ephemeralOwner: isEphemeral ? sessionId : 0n };
  }

  #sequentialPath(prefix: string): string {
    const parent = this.#nodes.get(parentPath(prefix));
    if (parent === undefined) throw new TreeError('NONODE', { path: prefix });
    return prefix + sequenceText(parent.createdChildCount);
  }

  #mustBeCreatable(path: string): void {
    if (this.#nodes.has(path)) throw new TreeError('NODEEXISTS', { path });
    const parent = this.#nodes.get(parentPath(path));
    if (parent === undefined) throw new TreeError('NONODE', { path });
    if (parent.ephemeralOwner !== 0n) throw new TreeError('NOCHILDRENFOREPHEMERALS', { path });
  }

  #mustBeDeletable(path: string): void {
    if (this.get(path).childNames.size > 0) throw new TreeError('NOTEMPTY', { path });
  }

  /** @returns how to take the change back, valid until the next one */
  #apply(change: TreeChange, at: { zxid: bigint; timeMs: number }, events: WatchEvent[]): () => void {
    switch (change.type) {
      case 'create':
        return this.#applyCreate(change, at, events);
      case 'set':
        return this.#applySet(change, at, events);
      case 'delete':
        return this.#applyDelete(change, at, events);
      default:
        return change satisfies never;
    }
  }

  #applyCreate(
    change: TreeChange & { type: 'create' },
    at: { zxid: bigint; timeMs: number },
    events: WatchEvent[],
  ): () => void {
    const { path, data, acl, ephemeralOwner } = change;
    const parent = this.get(parentPath(path));
    const { pzxid, createdChildCount } = parent;
    this.#nodes.set(path, newNode(path, data, acl, ephemeralOwner, at));
    parent.childNames.add(nodeName(path));
    parent.createdChildCount = (createdChildCount + 1) | 0;
    parent.pzxid = at.zxid;
    if (ephemeralOwner !== 0n) this.#addEphemeral(ephemeralOwner, path);
    events.push({ type: 'nodeCreated', path }, { type: 'nodeChildrenChanged', path: parent.path });
    return () => {
      this.#nodes.delete(path);
      parent.childNames.delete(nodeName(path));
      Object.assign(parent, { pzxid, createdChildCount });
      if (ephemeralOwner !== 0n) this.#removeEphemeral(ephemeralOwner, path);
    };
  }

  #applySet(
    change: TreeChange & { type: 'set' },
    at: { zxid: bigint; timeMs: number },
    events: WatchEvent[],
  ): () => void {
    const node = this.get(change.path);
    const { data, version, mzxid, mtimeMs } = node;
    node.data = change.data;
    node.version = (version + 1) | 0;
    node.mzxid = at.zxid;
    node.mtimeMs = at.timeMs;
    events.push({ type: 'nodeDataChanged', path: change.path });
    return () => {
      Object.assign(node, { data, version, mzxid, mtimeMs });
    };
  }

  #applyDelete(
    change: TreeChange & { type: 'delete' },
    at: { zxid: bigint; timeMs: number },
    events: WatchEvent[],
  ): () => void {
    const node = this.get(change.path);
    assert(node.childNames.size === 0, `${change.path} is deleted with children`);
    const parent = this.get(parentPath(change.path));
    const { pzxid } = parent;
    this.#nodes.delete(change.path);
    parent.childNames.delete(nodeName(change.path));
    parent.pzxid = at.zxid;
    if (node.ephemeralOwner !== 0n) this.#removeEphemeral(node.ephemeralOwner, change.path);
    events.push({ type: 'nodeDeleted', path: change.path }, { type: 'nodeChildrenChanged', path: parent.path });
    return () => {
      this.#nodes.set(change.path, node);
      parent.childNames.add(nodeName(change.path));
      parent.pzxid = pzxid;
      if (node.ephemeralOwner !== 0n) this.#addEphemeral(node.ephemeralOwner, change.path);
    };
  }

  #resultOf(operation: TreeOperation, change: TreeChange | undefined): TreeResult {
    switch (operation.type) {
      case 'create': {
        const { path } = mustBePresent(change, 'change of a create');
        return { type: 'create', path, stat: statOf(this.get(path)) };
      }
      case 'set':
        return { type: 'set', stat: statOf(this.get(operation.path)) };
      default:
        return { type: operation.type };
    }
  }

  #addEphemeral(sessionId: bigint, path: string): void {
    const paths = this.#ephemerals.get(sessionId);
    if (paths === undefined) this.#ephemerals.set(sessionId, new Set([path]));
    else paths.add(path);
  }

  #removeEphemeral(sessionId: bigint, path: string): void {
    const paths = mustBePresent(this.#ephemerals.get(sessionId), `ephemerals of session ${sessionId}`);
    paths.delete(path);
    if (paths.size === 0) this.#ephemerals.delete(sessionId);
  }
}

/** What a client is told of `node`. Deletions count too in cversion: creations twice, less the children that are left. */
export function statOf(node: Znode): Stat {
  const numChildren = node.childNames.size;
  return {
    czxid: node.czxid,
    mzxid: node.mzxid,
    pzxid: node.pzxid,
    ctimeMs: node.ctimeMs,
    mtimeMs: node.mtimeMs,
    version: node.version,
    cversion: (node.createdChildCount * 2 - numChildren) | 0,
    aversion: node.aversion,
    ephemeralOwner: node.ephemeralOwner,
    dataLength: node.data?.length ?? 0,
    numChildren,
  };
}

function newNode(
  path: string,
  data: Buffer | null,
  acl: readonly Acl[],
  ephemeralOwner: bigint,
  at: { zxid: bigint; timeMs: number },
): Znode {
  const { zxid, timeMs } = at;
  return {
    path,
    data,
    acl,
    czxid: zxid,
    mzxid: zxid,
    pzxid: zxid,
    ctimeMs: timeMs,
    mtimeMs: timeMs,
    version: 0,
    aversion: 0,
    createdChildCount: 0,
    ephemeralOwner,
    childNames: new LazySet(),
  };
}

/** Java's `%010d` of an int: the sign counts as a digit. */
function sequenceText(sequence: number): string {
  const digits = String(Math.abs(sequence));
  return sequence < 0 ? `-${digits.padStart(SEQUENCE_DIGITS - 1, '0')}` : digits.padStart(SEQUENCE_DIGITS, '0');
}

function mustMatch(node: Znode, expectedVersion: number): void {
  if (expectedVersion === ANY_VERSION || expectedVersion === node.version) return;
  throw new TreeError('BADVERSION', { path: node.path, detail: `expected ${expectedVersion}, is ${node.version}` });
}

function mustFit(path: string, data: Buffer | null): void {
  if (path.length > PATH_LENGTH_MAX) {
    throw new TreeError('BADARGUMENTS', { path: path.slice(0, 64), detail: `path of ${path.length} characters` });
  }
  const sizeInBytes = data?.length ?? 0;
  if (sizeInBytes <= ZNODE_DATA_BYTES_MAX) return;
  throw new TreeError('BADARGUMENTS', { path, detail: `${sizeInBytes} bytes, at most ${ZNODE_DATA_BYTES_MAX}` });
}

/** ZooKeeper's account of a failed multi: what came before was fine but is undone, what comes after was not tried. */
function withResults(error: unknown, failedIndex: number, operationCount: number): unknown {
  if (!(error instanceof TreeError)) return error;
  const results: TreeResult[] = [];
  for (let i = 0; i < operationCount; i++) {
    if (i < failedIndex) results.push({ type: 'error', code: 'OK' });
    else results.push({ type: 'error', code: i === failedIndex ? error.code : 'RUNTIMEINCONSISTENCY' });
  }
  return new TreeError(error.code, {
    detail: `operation ${failedIndex} of ${operationCount}`,
    results,
    cause: error,
    ...pathOf(error),
  });
}

function pathOf(error: TreeError): { path?: string } {
  return error.path === undefined ? {} : { path: error.path };
}
