// Follows a list of sequential notification nodes: hands each one's data to a handler once, in order, and removes old ones.
// Source: kafka.common.ZkNodeChangeNotificationListener.

import { type Clock, type Logger, silentLogger } from '@ottla/base';
import { isTreeError } from '../tree-error.ts';
import type { KafkaZkClient } from './kafka-zk-client.ts';

/** Notifications older than this were seen by every broker. */
const CHANGE_EXPIRATION_MS = 15 * 60 * 1000;

export interface NotificationListenerOptions {
  readonly zkClient: KafkaZkClient;
  readonly clock: Clock;
  readonly logger?: Logger;
  /** `/config/changes` */
  readonly root: string;
  /** `config_change_` */
  readonly prefix: string;
  /** A rejection is logged; the next notification follows all the same. */
  readonly onNotification: (data: Buffer) => Promise<void> | void;
}

export class ZkNodeChangeNotificationListener {
  readonly #options: NotificationListenerOptions;
  readonly #logger: Logger;
  /** Sequence number of the newest notification handled. */
  #lastExecuted = -1;
  /** Everything before is handled; one after the other. */
  #processing: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: NotificationListenerOptions) {
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
  }

  /** Handles what is there and listens from then on. */
  async start(): Promise<void> {
    const { zkClient, root } = this.#options;
    zkClient.registerStateChangeHandler({
      name: this.#handlerName,
      afterInitializingSession: () => this.#schedule(),
    });
    zkClient.registerZNodeChildChangeHandler({ path: root, handleChildChange: () => void this.#schedule() });
    await this.#schedule();
  }

  /** Waits for what is under way. Safe to call twice. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#options.zkClient.unregisterStateChangeHandler(this.#handlerName);
    this.#options.zkClient.unregisterZNodeChildChangeHandler(this.#options.root);
    await this.#processing;
  }

  get #handlerName(): string {
    return `change-notification-${this.#options.root}`;
  }

  #schedule(): Promise<void> {
    this.#processing = this.#processing.then(() => this.#processAll());
    return this.#processing;
  }

  async #processAll(): Promise<void> {
    if (this.#isClosed) return;
    const { zkClient, root, prefix } = this.#options;
    try {
      const names = (await zkClient.getChildren(root)).filter((name) => name.startsWith(prefix)).sort();
      for (const name of names) await this.#processOne(name);
      await this.#purgeObsolete(names);
    } catch (error) {
      this.#logger.error('could not follow change notifications', { root, error });
    }
  }

  async #processOne(name: string): Promise<void> {
    const number = Number(name.slice(this.#options.prefix.length));
    if (number <= this.#lastExecuted || this.#isClosed) return;
    const found = await this.#options.zkClient.getDataAndStat(`${this.#options.root}/${name}`);
    try {
      if (found !== undefined) await this.#options.onNotification(found.data ?? Buffer.alloc(0));
    } catch (error) {
      this.#logger.error('a change notification was not handled', { root: this.#options.root, name, error });
    }
    this.#lastExecuted = number;
  }

  async #purgeObsolete(names: readonly string[]): Promise<void> {
    const { zkClient, root, clock } = this.#options;
    for (const name of names) {
      const found = await zkClient.getDataAndStat(`${root}/${name}`);
      if (found === undefined || clock.nowMs() - found.stat.ctimeMs <= CHANGE_EXPIRATION_MS) continue;
      try {
        await zkClient.deletePath(`${root}/${name}`);
      } catch (error) {
        if (!isTreeError(error, 'NONODE')) throw error;
      }
    }
  }
}
