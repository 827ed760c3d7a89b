// Puts the parts of this folder together for a running broker, and ties topics' settings to the broker's.

import type { Clock, Logger } from '@ottla/base';
import type { KafkaZkClient } from '@ottla/coordination';
import type { LogConfig } from '@ottla/storage';
import { ClientQuotaAdmin } from './client-quota-admin.ts';
import { CLIENT_METRICS_TYPE, ConfigAdmin } from './config-admin.ts';
import { ConfigDescriber } from './config-describer.ts';
import { ConfigRepository } from './config-repository.ts';
import { ConfigStore } from './config-store.ts';
import { DynamicBrokerConfig } from './dynamic-broker-config.ts';
import { DynamicConfigManager } from './dynamic-config-manager.ts';
import type { KafkaConfig } from './kafka-config.ts';
import { type LoggerLevels, noLoggerLevels } from './logger-levels.ts';
import { ScramCredentialAdmin } from './scram-credential-admin.ts';
import { topicDefaultKeys } from './topic-config.ts';

export interface ConfigServicesOptions {
  readonly config: KafkaConfig;
  readonly zkClient: KafkaZkClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly brokerId: number;
  /** By the metadata cache. */
  readonly topicExists: (topic: string) => boolean;
  /** Topics that have a log on this broker, or are about to. */
  readonly localTopics: () => Iterable<string>;
  /** ReplicaManager.updateTopicConfig. */
  readonly onTopicConfig: (topic: string, config: LogConfig) => void;
  /** Absent: levels cannot be changed. */
  readonly loggerLevels?: LoggerLevels | undefined;
}

/** Everything about settings that the server and the handlers call. */
export class ConfigServices {
  readonly store: ConfigStore;
  readonly repository: ConfigRepository;
  readonly dynamicBrokerConfig: DynamicBrokerConfig;
  readonly describer: ConfigDescriber;
  readonly admin: ConfigAdmin;
  readonly clientQuotas: ClientQuotaAdmin;
  readonly scramCredentials: ScramCredentialAdmin;
  readonly manager: DynamicConfigManager;
  readonly loggerLevels: LoggerLevels;
  readonly brokerId: number;
  readonly #options: ConfigServicesOptions;
  /** Updates of topics after a change of the broker's settings; close waits for them. */
  #updatingTopics: Promise<void> = Promise.resolve();

  constructor(options: ConfigServicesOptions) {
    this.#options = options;
    const { config, zkClient, brokerId } = options;
    const logger = options.logger.child('kafka.server.DynamicConfigManager');
    this.brokerId = brokerId;
    this.loggerLevels = options.loggerLevels ?? noLoggerLevels;
    this.repository = new ConfigRepository({ tree: zkClient, config });
    this.dynamicBrokerConfig = new DynamicBrokerConfig(config, logger);
    this.manager = new DynamicConfigManager({
      zkClient,
      clock: options.clock,
      logger,
      brokerId,
      repository: this.repository,
      dynamicBrokerConfig: this.dynamicBrokerConfig,
      onTopicConfig: options.onTopicConfig,
    });
    this.store = new ConfigStore({ tree: zkClient, onChanged: (entityPath) => this.#onChanged(entityPath) });
    this.describer = new ConfigDescriber(config, this.dynamicBrokerConfig);
    this.clientQuotas = new ClientQuotaAdmin(this.store);
    this.scramCredentials = new ScramCredentialAdmin(this.store);
    this.admin = new ConfigAdmin({
      config,
      dynamicBrokerConfig: this.dynamicBrokerConfig,
      store: this.store,
      loggerLevels: this.loggerLevels,
      brokerId,
      topicExists: options.topicExists,
    });
    this.dynamicBrokerConfig.addReconfigurable({
      name: 'DynamicLogConfig',
      keys: topicDefaultKeys,
      reconfigure: () => this.#updateTopics(logger),
    });
  }

  /** Brings stored broker settings into force; call it before parts read their settings. */
  load(): Promise<void> {
    return this.manager.loadBrokerConfigs();
  }

  /** Follows changes; call it when logs are loaded. */
  async start(): Promise<void> {
    await this.manager.start();
    for (const name of await this.store.names(CLIENT_METRICS_TYPE)) {
      await this.manager.apply(`${CLIENT_METRICS_TYPE}/${name}`);
    }
  }

  async close(): Promise<void> {
    await this.manager.close();
    await this.#updatingTopics;
  }

  async #onChanged(entityPath: string): Promise<void> {
    await this.manager.apply(entityPath);
    await this.#updatingTopics;
  }

  #updateTopics(logger: Logger): void {
    this.#updatingTopics = this.#updatingTopics.then(async () => {
      for (const topic of new Set(this.#options.localTopics())) await this.#updateTopic(topic, logger);
    });
  }

  async #updateTopic(topic: string, logger: Logger): Promise<void> {
    try {
      this.#options.onTopicConfig(topic, await this.repository.logConfig(topic));
    } catch (error) {
      logger.error('could not bring changed settings to a topic', { topic, error });
    }
  }
}
