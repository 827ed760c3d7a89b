// A client of the embedded tree: each method is one request in the tree's queue.

import { mustBePresent } from '@ottla/base';
import { TreeError } from '../tree-error.ts';
import type { Acl, CreateMode, Stat, TreeOperation, TreeResult, TreeSession, Watcher } from '../tree-session.ts';
import { statOf, type Znode, type ZnodeTree } from '../znode-tree.ts';
import { DeliveryQueue } from './delivery-queue.ts';
import type { WatchKind } from './watch-manager.ts';

/** What a session may ask of the tree it belongs to. */
export interface EmbeddedTreeQueue {
  /** Runs `query` in the session's turn. A watch is set when the query returns, whatever it returns. */
  read<T>(session: EmbeddedSession, query: (tree: ZnodeTree) => T, watch?: WatchRequest): Promise<T>;
  /** @param pick makes the answer of the results; it runs in the session's turn, so that replies keep their order */
  write<T>(
    session: EmbeddedSession,
    operations: readonly TreeOperation[],
    pick: (results: TreeResult[]) => T,
  ): Promise<T>;
  /** Deletes the session's ephemerals. */
  end(session: EmbeddedSession, state: 'expired' | 'closed'): Promise<void>;
}

export interface WatchRequest {
  readonly kind: WatchKind;
  readonly path: string;
  readonly watcher: Watcher;
}

type SessionState = 'connected' | 'expired' | 'closed';

export class EmbeddedSession implements TreeSession {
  readonly sessionId: bigint;
  onExpired: () => void = () => {};
  /** For the tree: what this session hears. */
  readonly deliveries = new DeliveryQueue();
  readonly #queue: EmbeddedTreeQueue;
  #state: SessionState = 'connected';
  #closing: Promise<void> | undefined;

  constructor(sessionId: bigint, queue: EmbeddedTreeQueue) {
    this.sessionId = sessionId;
    this.#queue = queue;
  }

  get state(): SessionState {
    return this.#state;
  }

  /** For the tree. */
  markEnded(state: 'expired' | 'closed'): void {
    this.#state = state;
  }

  create(
    path: string,
    data: Buffer | null,
    mode: CreateMode = 'persistent',
    acl?: readonly Acl[],
  ): Promise<{ path: string; stat: Stat }> {
    const operation: TreeOperation = { type: 'create', path, data, mode, ...(acl === undefined ? {} : { acl }) };
    return this.#queue.write(this, [operation], (results) => {
      const result = onlyResult(results, 'create');
      return { path: result.path, stat: result.stat };
    });
  }

  get(path: string, watcher?: Watcher): Promise<{ data: Buffer | null; stat: Stat }> {
    return this.#queue.read(this, (tree) => dataOf(tree.get(path)), watchOf('data', path, watcher));
  }

  exists(path: string, watcher?: Watcher): Promise<Stat | undefined> {
    return this.#queue.read(this, (tree) => statIfPresent(tree.find(path)), watchOf('data', path, watcher));
  }

  children(path: string, watcher?: Watcher): Promise<{ children: string[]; stat: Stat }> {
    return this.#queue.read(this, (tree) => childrenOf(tree.get(path)), watchOf('children', path, watcher));
  }

  set(path: string, data: Buffer | null, expectedVersion: number): Promise<Stat> {
    const operation: TreeOperation = { type: 'set', path, data, expectedVersion };
    return this.#queue.write(this, [operation], (results) => onlyResult(results, 'set').stat);
  }

  delete(path: string, expectedVersion: number): Promise<void> {
    const operation: TreeOperation = { type: 'delete', path, expectedVersion };
    return this.#queue.write(this, [operation], (results) => {
      onlyResult(results, 'delete');
    });
  }

  multi(operations: readonly TreeOperation[]): Promise<TreeResult[]> {
    return this.#queue.write(this, operations, (results) => results);
  }

  getAcl(path: string): Promise<{ acl: readonly Acl[]; stat: Stat }> {
    return this.#queue.read(this, (tree) => aclOf(tree.get(path)));
  }

  close(): Promise<void> {
    this.#closing ??= this.#state === 'connected' ? this.#queue.end(this, 'closed') : Promise.resolve();
    return this.#closing;
  }
}

function onlyResult<T extends TreeResult['type']>(results: readonly TreeResult[], type: T): TreeResult & { type: T } {
  const result = mustBePresent(results[0], 'result of a single operation');
  if (!isOfType(result, type)) throw new TreeError('SYSTEMERROR', { detail: `${result.type} answered ${type}` });
  return result;
}

function isOfType<T extends TreeResult['type']>(result: TreeResult, type: T): result is TreeResult & { type: T } {
  return result.type === type;
}

function watchOf(kind: WatchKind, path: string, watcher: Watcher | undefined): WatchRequest | undefined {
  return watcher === undefined ? undefined : { kind, path, watcher };
}

/** Copies: neither side sees what the other does to its bytes. */
function dataOf(node: Znode): { data: Buffer | null; stat: Stat } {
  return { data: node.data === null ? null : Buffer.from(node.data), stat: statOf(node) };
}

function statIfPresent(node: Znode | undefined): Stat | undefined {
  return node === undefined ? undefined : statOf(node);
}

function childrenOf(node: Znode): { children: string[]; stat: Stat } {
  return { children: [...node.childNames.members].sort(), stat: statOf(node) };
}

function aclOf(node: Znode): { acl: readonly Acl[]; stat: Stat } {
  return { acl: node.acl, stat: statOf(node) };
}
