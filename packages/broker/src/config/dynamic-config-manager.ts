// DynamicConfigManager: follows /config/changes and hands the settings of the entity that changed to whoever acts on them.
// Source: kafka.server.{ZkConfigManager, ConfigHandler} (3.9).

import type { Clock, Logger } from '@ottla/base';
import {
  ConfigEntityChangeNotificationSequenceZNode,
  type KafkaZkClient,
  ZkNodeChangeNotificationListener,
} from '@ottla/coordination';
import type { LogConfig } from '@ottla/storage';
import type { ConfigRepository } from './config-repository.ts';
import { DEFAULT_ENTITY_NAME } from './config-store.ts';
import type { DynamicBrokerConfig } from './dynamic-broker-config.ts';

/** An entity's settings as they are now. @param entityPath below the root type: `alice/clients/app` */
export type EntityConfigListener = (entityPath: string, config: ReadonlyMap<string, string>) => void;

export interface DynamicConfigManagerOptions {
  readonly zkClient: KafkaZkClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly brokerId: number;
  readonly repository: ConfigRepository;
  readonly dynamicBrokerConfig: DynamicBrokerConfig;
  /** A topic's settings in force changed: to the replica manager. */
  readonly onTopicConfig: (topic: string, config: LogConfig) => void;
}

export class DynamicConfigManager {
  readonly #options: DynamicConfigManagerOptions;
  readonly #notifications: ZkNodeChangeNotificationListener;
  readonly #listeners = new Map<string, EntityConfigListener[]>();
  #isStarted = false;

  constructor(options: DynamicConfigManagerOptions) {
    this.#options = options;
    const { createPath, prefix } = ConfigEntityChangeNotificationSequenceZNode;
    this.#notifications = new ZkNodeChangeNotificationListener({
      zkClient: options.zkClient,
      clock: options.clock,
      logger: options.logger,
      root: createPath.slice(0, -prefix.length - 1),
      prefix,
      onNotification: (data) => this.apply(ConfigEntityChangeNotificationSequenceZNode.decode(data)),
    });
  }

  /** @param rootType `users`, `clients` or `ips` */
  addListener(rootType: string, listener: EntityConfigListener): void {
    this.#listeners.set(rootType, [...(this.#listeners.get(rootType) ?? []), listener]);
  }

  /** Brings the stored settings of this broker into force. Before anything reads settings; `start` follows changes afterwards. */
  async loadBrokerConfigs(): Promise<void> {
    await this.apply(`brokers/${DEFAULT_ENTITY_NAME}`);
    await this.apply(`brokers/${this.#options.brokerId}`);
  }

  /** Follows changes from now on. */
  async start(): Promise<void> {
    if (this.#isStarted) return;
    this.#isStarted = true;
    await this.#notifications.start();
  }

  async close(): Promise<void> {
    await this.#notifications.close();
  }

  /** Reads the settings of one entity and acts on them. Doing so twice does no harm. @param entityPath `topics/orders` */
  async apply(entityPath: string): Promise<void> {
    const slash = entityPath.indexOf('/');
    const rootType = entityPath.slice(0, slash);
    const name = entityPath.slice(slash + 1);
    if (slash < 1 || name === '') throw new RangeError(`not the path of a config entity: ${entityPath}`);
    if (rootType === 'topics') return this.#applyTopic(name);
    const config = await this.#options.zkClient.getEntityConfigs(rootType, name);
    if (rootType === 'brokers') this.#applyBroker(name, config);
    for (const listener of this.#listeners.get(rootType) ?? []) listener(name, config);
  }

  async #applyTopic(topic: string): Promise<void> {
    this.#options.onTopicConfig(topic, await this.#options.repository.logConfig(topic));
  }

  #applyBroker(name: string, config: ReadonlyMap<string, string>): void {
    const { dynamicBrokerConfig, brokerId } = this.#options;
    if (name === DEFAULT_ENTITY_NAME) dynamicBrokerConfig.updateDefaultConfig(config);
    else if (name === String(brokerId)) dynamicBrokerConfig.updateBrokerConfig(config);
  }
}
