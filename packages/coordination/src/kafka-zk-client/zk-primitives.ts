// The lowest layer of KafkaZkClient: reads that answer "absent" instead of throwing, writes that only the current controller may do,
// and paths made with their parents. Source: kafka.zk.KafkaZkClient.

import { type Clock, type Logger, mustBePresent, silentLogger, type TopicPartition } from '@ottla/base';
import { isTreeError, TreeError, type TreeErrorCode } from '../tree-error.ts';
import {
  ANY_VERSION,
  type CreateMode,
  type Stat,
  type TreeOperation,
  type TreeResult,
  type TreeSession,
} from '../tree-session.ts';
import { parentPath } from '../znode-path.ts';
import { ControllerEpochZNode } from '../znodes/controller-znodes.ts';
import type {
  StateChangeHandler,
  ZNodeChangeHandler,
  ZNodeChildChangeHandler,
  ZooKeeperClient,
} from './zookeeper-client.ts';

/** The version of a node that is not there. Source: kafka.zk.ZkVersion. */
export const UNKNOWN_VERSION = -2;

/** The request itself failed; nothing is known of the write. */
const FATAL_CODES: readonly TreeErrorCode[] = ['SESSIONEXPIRED', 'CONNECTIONLOSS', 'NOAUTH'];

/** Another broker is the controller now: whatever the old one was writing is refused. */
export class ControllerMovedError extends Error {
  override readonly name = 'ControllerMovedError';
}

/** What became of one write of many. */
export interface WriteOutcome {
  readonly code: 'OK' | TreeErrorCode;
  /** Of the node, when it was created or set. */
  readonly stat: Stat | undefined;
  readonly error: TreeError | undefined;
}

export interface PartitionOutcome extends WriteOutcome {
  readonly tp: TopicPartition;
}

export interface ZkPrimitivesOptions {
  readonly client: ZooKeeperClient;
  readonly clock: Clock;
  readonly logger?: Logger;
}

export abstract class ZkPrimitives {
  protected readonly client: ZooKeeperClient;
  protected readonly clock: Clock;
  protected readonly logger: Logger;

  constructor(options: ZkPrimitivesOptions) {
    this.client = options.client;
    this.clock = options.clock;
    this.logger = options.logger ?? silentLogger;
  }

  protected get session(): TreeSession {
    return this.client.session;
  }

  /** Watches when a handler is registered for the path. */
  async pathExists(path: string): Promise<boolean> {
    return (await this.client.exists(path)) !== undefined;
  }

  /** undefined: there is no such node. */
  async getDataAndStat(path: string): Promise<{ data: Buffer | null; stat: Stat } | undefined> {
    try {
      return await this.client.get(path);
    } catch (error) {
      if (isTreeError(error, 'NONODE')) return undefined;
      throw error;
    }
  }

  /** data is undefined and version UNKNOWN_VERSION when there is no such node. */
  async getDataAndVersion(path: string): Promise<{ data: Buffer | null | undefined; version: number }> {
    const found = await this.getDataAndStat(path);
    return { data: found?.data, version: found?.stat.version ?? UNKNOWN_VERSION };
  }

  /** No children when there is no such node. Watches when a handler is registered for the path. */
  async getChildren(path: string, registerWatch = true): Promise<string[]> {
    try {
      return (await this.client.children(path, registerWatch)).children;
    } catch (error) {
      if (isTreeError(error, 'NONODE')) return [];
      throw error;
    }
  }

  /** Sets `data` when the node's version is `expectedVersion`. @returns its new version; undefined when another was faster or it is gone */
  async conditionalUpdatePath(path: string, data: Buffer, expectedVersion: number): Promise<number | undefined> {
    try {
      return (await this.session.set(path, data, expectedVersion)).version;
    } catch (error) {
      if (isTreeError(error, 'BADVERSION', 'NONODE')) return undefined;
      throw error;
    }
  }

  /** Creates the node and its parents. @throws TreeError NODEEXISTS */
  async createRecursive(path: string, data: Buffer | null = null, mode: CreateMode = 'persistent'): Promise<string> {
    try {
      return (await this.session.create(path, data, mode)).path;
    } catch (error) {
      if (!isTreeError(error, 'NONODE')) throw error;
      await this.makeSurePersistentPathExists(parentPath(path));
      return (await this.session.create(path, data, mode)).path;
    }
  }

  /** Creates the node and its parents where absent. */
  async makeSurePersistentPathExists(path: string): Promise<void> {
    try {
      await this.createRecursive(path);
    } catch (error) {
      if (!isTreeError(error, 'NODEEXISTS')) throw error;
    }
  }

  protected async createSequentialPersistentPath(prefix: string, data: Buffer): Promise<string> {
    return (await this.session.create(prefix, data, 'persistentSequential')).path;
  }

  /** Deletes the node and all below it, deepest first. @returns false when it was not there
   *  @throws ControllerMovedError */
  async deleteRecursive(path: string, expectedControllerEpochZkVersion = ANY_VERSION): Promise<boolean> {
    for (;;) {
      for (const child of await this.getChildren(path, false)) {
        await this.deleteRecursive(`${path}/${child}`, expectedControllerEpochZkVersion);
      }
      const operation: TreeOperation = { type: 'delete', path, expectedVersion: ANY_VERSION };
      const [outcome] = await this.writeAll([operation], expectedControllerEpochZkVersion);
      if (outcome?.code === 'OK') return true;
      if (outcome?.code === 'NONODE') return false;
      if (outcome?.code !== 'NOTEMPTY') throw outcome?.error ?? new TreeError('SYSTEMERROR', { path });
    }
  }

  /** @throws ControllerMovedError */
  async deletePath(path: string, expectedControllerEpochZkVersion = ANY_VERSION): Promise<void> {
    await this.deleteRecursive(path, expectedControllerEpochZkVersion);
  }

  /** Does each of `operations` by itself, all under way at once, as long as this controller epoch's version holds. Outcomes are in the
   *  same order. @throws ControllerMovedError, TreeError SESSIONEXPIRED, CONNECTIONLOSS, NOAUTH */
  protected writeAll(
    operations: readonly TreeOperation[],
    expectedControllerEpochZkVersion: number,
  ): Promise<WriteOutcome[]> {
    return Promise.all(operations.map((operation) => this.#write(operation, expectedControllerEpochZkVersion)));
  }

  /** As writeAll, but a refusal is thrown, except those of `tolerated`. */
  protected async writeAllOrThrow(
    operations: readonly TreeOperation[],
    expectedControllerEpochZkVersion: number,
    ...tolerated: TreeErrorCode[]
  ): Promise<void> {
    for (const { error } of await this.writeAll(operations, expectedControllerEpochZkVersion)) {
      if (error !== undefined && !tolerated.includes(error.code)) throw error;
    }
  }

  async #write(operation: TreeOperation, expectedControllerEpochZkVersion: number): Promise<WriteOutcome> {
    const isChecked = expectedControllerEpochZkVersion !== ANY_VERSION;
    const operations = isChecked ? [controllerEpochCheck(expectedControllerEpochZkVersion), operation] : [operation];
    try {
      const results = await this.session.multi(operations);
      return { code: 'OK', stat: statOfResult(results.at(-1)), error: undefined };
    } catch (error) {
      if (!(error instanceof TreeError)) throw error;
      if (FATAL_CODES.includes(error.code)) throw error;
      if (isChecked && isCheckRefused(error)) {
        throw new ControllerMovedError(
          `Controller epoch zkVersion check fails. Expected zkVersion = ${expectedControllerEpochZkVersion}`,
          { cause: error },
        );
      }
      return { code: error.code, stat: undefined, error };
    }
  }

  /** @returns whether the node is there; from now on the handler hears of it */
  registerZNodeChangeHandlerAndCheckExistence(handler: ZNodeChangeHandler): Promise<boolean> {
    this.client.registerZNodeChangeHandler(handler);
    return this.pathExists(handler.path);
  }

  registerZNodeChangeHandler(handler: ZNodeChangeHandler): void {
    this.client.registerZNodeChangeHandler(handler);
  }

  unregisterZNodeChangeHandler(path: string): void {
    this.client.unregisterZNodeChangeHandler(path);
  }

  registerZNodeChildChangeHandler(handler: ZNodeChildChangeHandler): void {
    this.client.registerZNodeChildChangeHandler(handler);
  }

  unregisterZNodeChildChangeHandler(path: string): void {
    this.client.unregisterZNodeChildChangeHandler(path);
  }

  registerStateChangeHandler(handler: StateChangeHandler): void {
    this.client.registerStateChangeHandler(handler);
  }

  unregisterStateChangeHandler(name: string): void {
    this.client.unregisterStateChangeHandler(name);
  }
}

function controllerEpochCheck(expectedVersion: number): TreeOperation {
  return { type: 'check', path: ControllerEpochZNode.path, expectedVersion };
}

function isCheckRefused(error: TreeError): boolean {
  const first = error.results?.[0];
  return first?.type === 'error' && first.code === error.code && error.code !== 'RUNTIMEINCONSISTENCY';
}

function statOfResult(result: TreeResult | undefined): Stat | undefined {
  const last = mustBePresent(result, 'result of a multi');
  return last.type === 'create' || last.type === 'set' ? last.stat : undefined;
}
