// Keeps a session to the tree alive across expiry and turns one-shot watches into handlers that stay. A watch is set by reading a path that
// has a handler, so after an event whoever handles it reads again. Source: kafka.zookeeper.ZooKeeperClient.

import { type Clock, type Logger, mustBePresent, silentLogger, sleep } from '@ottla/base';
import { isTreeError } from '../tree-error.ts';
import type { Stat, TreeConnector, TreeSession, WatchEvent } from '../tree-session.ts';

/** Hears of a node's creation, deletion and change of data. */
export interface ZNodeChangeHandler {
  readonly path: string;
  handleCreation?(): void;
  handleDeletion?(): void;
  handleDataChange?(): void;
}

/** Hears of children created and deleted. */
export interface ZNodeChildChangeHandler {
  readonly path: string;
  handleChildChange(): void;
}

/** Hears of a session lost and of the next one. */
export interface StateChangeHandler {
  readonly name: string;
  /** The old session is gone. The next one starts when this has resolved. */
  beforeInitializingSession?(): Promise<void>;
  /** A new session is there; nothing is watched yet. */
  afterInitializingSession?(): Promise<void>;
}

const RECONNECT_BACKOFF_MS = 1000;

export class ZooKeeperClient {
  readonly #connector: TreeConnector;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #changeHandlers = new Map<string, ZNodeChangeHandler>();
  readonly #childChangeHandlers = new Map<string, ZNodeChildChangeHandler>();
  readonly #stateChangeHandlers = new Map<string, StateChangeHandler>();
  /** One function for all watches, so that a path watched twice is heard of once. */
  readonly #onWatchEvent = (event: WatchEvent): void => this.#handle(event);
  #session: TreeSession | undefined;
  #reinitializing: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: { connector: TreeConnector; clock: Clock; logger?: Logger }) {
    this.#connector = options.connector;
    this.#clock = options.clock;
    this.#logger = options.logger ?? silentLogger;
  }

  /** @throws TreeError when the tree cannot be reached */
  async start(): Promise<void> {
    if (this.#session === undefined) await this.#connect();
  }

  /** Ends the session; its ephemeral nodes go. Safe to call twice. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#reinitializing;
    await this.#session?.close();
  }

  /** The newest session, maybe expired. */
  get session(): TreeSession {
    return mustBePresent(this.#session, 'session of a client that was not started');
  }

  get(path: string): Promise<{ data: Buffer | null; stat: Stat }> {
    return this.session.get(path, this.#changeHandlers.has(path) ? this.#onWatchEvent : undefined);
  }

  exists(path: string): Promise<Stat | undefined> {
    return this.session.exists(path, this.#changeHandlers.has(path) ? this.#onWatchEvent : undefined);
  }

  /** @param registerWatch false: do not watch even where there is a handler */
  children(path: string, registerWatch = true): Promise<{ children: string[]; stat: Stat }> {
    const isWatched = registerWatch && this.#childChangeHandlers.has(path);
    return this.session.children(path, isWatched ? this.#onWatchEvent : undefined);
  }

  registerZNodeChangeHandler(handler: ZNodeChangeHandler): void {
    this.#changeHandlers.set(handler.path, handler);
  }

  unregisterZNodeChangeHandler(path: string): void {
    this.#changeHandlers.delete(path);
  }

  registerZNodeChildChangeHandler(handler: ZNodeChildChangeHandler): void {
    this.#childChangeHandlers.set(handler.path, handler);
  }

  unregisterZNodeChildChangeHandler(path: string): void {
    this.#childChangeHandlers.delete(path);
  }

  registerStateChangeHandler(handler: StateChangeHandler): void {
    this.#stateChangeHandlers.set(handler.name, handler);
  }

  unregisterStateChangeHandler(name: string): void {
    this.#stateChangeHandlers.delete(name);
  }

  async #connect(): Promise<void> {
    const session = await this.#connector.connect();
    session.onExpired = () => {
      this.#reinitializing ??= this.#reinitialize().finally(() => {
        this.#reinitializing = undefined;
      });
    };
    this.#session = session;
  }

  async #reinitialize(): Promise<void> {
    if (this.#isClosed) return;
    this.#logger.warn('the session to the znode tree expired; starting a new one');
    for (const handler of [...this.#stateChangeHandlers.values()]) await handler.beforeInitializingSession?.();
    while (!this.#isClosed && !(await this.#tryConnect())) await sleep(this.#clock, RECONNECT_BACKOFF_MS);
    if (this.#isClosed) return;
    for (const handler of [...this.#stateChangeHandlers.values()]) await handler.afterInitializingSession?.();
  }

  async #tryConnect(): Promise<boolean> {
    try {
      await this.#connect();
      return true;
    } catch (error) {
      if (!isTreeError(error, 'CONNECTIONLOSS', 'OPERATIONTIMEOUT')) throw error;
      this.#logger.warn('no new session to the znode tree yet', { error });
      return false;
    }
  }

  #handle(event: WatchEvent): void {
    const handler = this.#changeHandlers.get(event.path);
    switch (event.type) {
      case 'nodeChildrenChanged':
        this.#childChangeHandlers.get(event.path)?.handleChildChange();
        return;
      case 'nodeCreated':
        handler?.handleCreation?.();
        return;
      case 'nodeDeleted':
        handler?.handleDeletion?.();
        return;
      case 'nodeDataChanged':
        handler?.handleDataChange?.();
        return;
      default:
        event.type satisfies never;
    }
  }
}
