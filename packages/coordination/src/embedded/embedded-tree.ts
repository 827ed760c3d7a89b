// The znode tree inside this process: one queue of requests, group commit to a journal, replies and watch events in order. It serves one
// process: whoever starts it finds the ephemerals of its predecessor gone. Source of the order: ZooKeeper's request processor chain.

import { type Clock, type Logger, mustBePresent, NoSpaceError, silentLogger, sleep } from '@ottla/base';
import { TreeError } from '../tree-error.ts';
import type { TreeConnector, TreeOperation, TreeResult, TreeSession, WatchEvent } from '../tree-session.ts';
import { encodeTransaction, type TreeTransaction } from '../tree-transaction.ts';
import { ZnodeTree } from '../znode-tree.ts';
import { EmbeddedSession, type EmbeddedTreeQueue, type WatchRequest } from './embedded-session.ts';
import { NoJournal, type TreeJournal } from './tree-journal.ts';
import { encodeSnapshot, treeFromEntries } from './tree-snapshot.ts';
import { WatchManager } from './watch-manager.ts';

const SNAPSHOT_BYTES_MIN = 1 << 20;
/** Between two tries to write what there was no space for. */
const SPACE_RETRY_MS = 500;

/** Runs against the tree in its turn. What it returns is called once everything before it is durable. */
type Request = (commit: Commit) => () => void;

/** What a batch of requests gathers. */
interface Commit {
  readonly transactions: TreeTransaction[];
}

export interface EmbeddedTreeOptions {
  readonly clock: Clock;
  readonly logger?: Logger;
  /** Without one the tree lives as long as the process. */
  readonly journal?: TreeJournal;
  /** A journal shorter than this is never replaced by a snapshot. Default 1 MiB. */
  readonly snapshotBytesMin?: number;
}

export class EmbeddedTree implements TreeConnector, EmbeddedTreeQueue {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #journal: TreeJournal;
  readonly #snapshotBytesMin: number;
  readonly #watches = new WatchManager();
  readonly #sessions = new Map<bigint, EmbeddedSession>();
  readonly #requests: Request[] = [];
  #tree = new ZnodeTree();
  /** zxid of the newest transaction, session or attempt; never reused. */
  #zxid = 0n;
  #draining: Promise<void> | undefined;
  /** Set when memory may be ahead of the disk: nothing is answered any more. */
  #failure: unknown;
  /** No snapshot is tried before the journal has grown to this: there was no space for the last one. */
  #snapshotBytesNext = 0;
  #waitsForSpace = true;
  #isStarted = false;
  #isClosed = false;

  constructor(options: EmbeddedTreeOptions) {
    this.#clock = options.clock;
    this.#logger = options.logger ?? silentLogger;
    this.#journal = options.journal ?? new NoJournal();
    this.#snapshotBytesMin = options.snapshotBytesMin ?? SNAPSHOT_BYTES_MIN;
  }

  /** Reads the journal and ends all sessions of the former process. @throws StorageError, TreeFormatError */
  async start(): Promise<void> {
    if (this.#isStarted) return;
    this.#isStarted = true;
    const entries = await this.#journal.open();
    this.#tree = treeFromEntries(entries);
    this.#zxid = this.#tree.lastZxid;
    if (entries.length === 0) await this.#journal.replace(encodeSnapshot(this.#tree));
    const owners = this.#tree.ephemeralOwners();
    if (owners.length === 0) return;
    await this.#journal.append(owners.map((owner) => encodeTransaction(this.#deleteEphemerals(owner).transaction)));
  }

  /** From now on a write that finds no space fails the tree, as any failure of the disk does: who stops cannot wait. */
  stopWaitingForSpace(): void {
    this.#waitsForSpace = false;
  }

  /** Ends every session, waits for what is under way and closes the journal. Safe to call twice. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.stopWaitingForSpace();
    try {
      await Promise.all([...this.#sessions.values()].map((session) => session.close()));
    } catch (error) {
      // The next start ends sessions that could not be ended.
      if (this.#failure === undefined) throw error;
    }
    this.#isClosed = true;
    await this.#draining;
    this.#journal.close();
  }

  async connect(): Promise<TreeSession> {
    this.#mustServe();
    this.#zxid += 1n;
    const session = new EmbeddedSession(this.#zxid, this);
    this.#sessions.set(session.sessionId, session);
    return session;
  }

  /** As if the session had not been heard of for its timeout. For tests and simulation. */
  expire(session: TreeSession): Promise<void> {
    return this.end(mustBePresent(this.#sessions.get(session.sessionId), `session ${session.sessionId}`), 'expired');
  }

  read<T>(session: EmbeddedSession, query: (tree: ZnodeTree) => T, watch?: WatchRequest): Promise<T> {
    return this.#submit(session, () => {
      const answer = query(this.#tree);
      if (watch !== undefined) this.#watches.add(watch.kind, watch.path, watch.watcher, session.sessionId);
      return { answer, events: [] };
    });
  }

  write<T>(
    session: EmbeddedSession,
    operations: readonly TreeOperation[],
    pick: (results: TreeResult[]) => T,
  ): Promise<T> {
    const owned = operations.map(ownedOperation);
    return this.#submit(session, (commit) => {
      const at = { sessionId: session.sessionId, zxid: this.#zxid + 1n, timeMs: this.#clock.nowMs() };
      const { changes, results, events } = this.#tree.execute(owned, at);
      if (changes.length > 0) {
        this.#zxid = at.zxid;
        commit.transactions.push({ zxid: at.zxid, timeMs: at.timeMs, changes });
      }
      return { answer: pick(results), events };
    });
  }

  end(session: EmbeddedSession, state: 'expired' | 'closed'): Promise<void> {
    return this.#submit(session, (commit) => {
      session.markEnded(state);
      this.#watches.removeSession(session.sessionId);
      this.#sessions.delete(session.sessionId);
      const { transaction, events } = this.#deleteEphemerals(session.sessionId);
      if (transaction.changes.length > 0) commit.transactions.push(transaction);
      if (state === 'expired') session.deliveries.event(() => session.onExpired());
      return { answer: undefined, events };
    });
  }

  #deleteEphemerals(sessionId: bigint): { transaction: TreeTransaction; events: readonly WatchEvent[] } {
    const operations = this.#tree
      .ephemeralsOf(sessionId)
      .map((path): TreeOperation => ({ type: 'delete', path, expectedVersion: -1 }));
    this.#zxid += 1n;
    const at = { sessionId, zxid: this.#zxid, timeMs: this.#clock.nowMs() };
    const { changes, events } = this.#tree.execute(operations, at);
    return { transaction: { zxid: at.zxid, timeMs: at.timeMs, changes }, events };
  }

  /** Queues `execute` and gives its answer, or what it threw, back through the session's deliveries. */
  #submit<T>(
    session: EmbeddedSession,
    execute: (commit: Commit) => { answer: T; events: readonly WatchEvent[] },
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#requests.push((commit) => {
        try {
          this.#mustServe();
          mustBeConnected(session);
          const { answer, events } = execute(commit);
          const hearing = events.map((event) => ({ event, triggered: this.#watches.trigger(event) }));
          return () => {
            session.deliveries.reply(() => this.#settle(() => resolve(answer), reject));
            for (const { event, triggered } of hearing) this.#tell(event, triggered);
          };
        } catch (error) {
          return () => session.deliveries.reply(() => reject(error));
        }
      });
      this.#draining ??= this.#drain();
    });
  }

  #settle(resolve: () => void, reject: (error: unknown) => void): void {
    if (this.#failure === undefined) resolve();
    else reject(new TreeError('CONNECTIONLOSS', { detail: 'the journal failed', cause: this.#failure }));
  }

  #tell(event: WatchEvent, triggered: readonly { sessionId: bigint; watcher: (event: WatchEvent) => void }[]): void {
    if (this.#failure !== undefined) return;
    for (const { sessionId, watcher } of triggered) {
      this.#sessions.get(sessionId)?.deliveries.event(() => watcher(event));
    }
  }

  async #drain(): Promise<void> {
    // A turn later, so that requests made together are committed together.
    await Promise.resolve();
    while (this.#requests.length > 0) {
      const commit: Commit = { transactions: [] };
      const answers = this.#requests.splice(0).map((request) => request(commit));
      if (commit.transactions.length > 0) await this.#persist(commit.transactions);
      for (const answer of answers) answer();
    }
    this.#draining = undefined;
  }

  async #persist(transactions: readonly TreeTransaction[]): Promise<void> {
    try {
      await this.#append(transactions.map(encodeTransaction));
      const { appendedBytes, replacedBytes } = this.#journal;
      if (appendedBytes > Math.max(this.#snapshotBytesMin, 2 * replacedBytes, this.#snapshotBytesNext)) {
        await this.#replace();
      }
    } catch (error) {
      this.#failure = error;
      this.#logger.error('the journal of the embedded tree failed; the tree serves no more', { error });
      this.#expireAll();
    }
  }

  /** Nothing is answered meanwhile, as if the tree could not be reached: what was begun, the making of a topic say, is not left half done. */
  async #append(entries: readonly Buffer[]): Promise<void> {
    const startedMs = this.#clock.monotonicMs();
    for (let tries = 1; ; tries++) {
      try {
        await this.#journal.append(entries);
        if (tries > 1) this.#logger.info('there is space again', { waitedMs: this.#clock.monotonicMs() - startedMs });
        return;
      } catch (error) {
        if (!(error instanceof NoSpaceError) || !this.#waitsForSpace) throw error;
        if (tries === 1) this.#logger.error('waiting for space to write to the tree', { problem: error.message });
      }
      await sleep(this.#clock, SPACE_RETRY_MS);
    }
  }

  /** A long journal costs the next start time, and nothing else. */
  async #replace(): Promise<void> {
    try {
      await this.#journal.replace(encodeSnapshot(this.#tree));
      this.#snapshotBytesNext = 0;
    } catch (error) {
      if (!(error instanceof NoSpaceError)) throw error;
      this.#snapshotBytesNext = this.#journal.appendedBytes + this.#snapshotBytesMin;
      this.#logger.warn('no space for a snapshot of the tree: its journal grows', { problem: error.message });
    }
  }

  #expireAll(): void {
    for (const session of this.#sessions.values()) {
      session.markEnded('expired');
      session.deliveries.event(() => session.onExpired());
    }
    this.#sessions.clear();
  }

  #mustServe(): void {
    if (this.#failure !== undefined || this.#isClosed || !this.#isStarted) {
      throw new TreeError('CONNECTIONLOSS', { detail: 'the embedded tree does not run', cause: this.#failure });
    }
  }
}

function mustBeConnected(session: EmbeddedSession): void {
  if (session.state !== 'connected') throw new TreeError('SESSIONEXPIRED', { detail: `session is ${session.state}` });
}

/** The tree keeps bytes of its own. */
function ownedOperation(operation: TreeOperation): TreeOperation {
  if (operation.type !== 'create' && operation.type !== 'set') return operation;
  return { ...operation, data: operation.data === null ? null : Buffer.from(operation.data) };
}
