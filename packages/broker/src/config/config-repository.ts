// ConfigRepository: a topic's settings as the tree has them, over those of the broker. Source: kafka.server.metadata.ZkConfigRepository.

import type { ConfigProperties } from '@ottla/base';
import type { LogConfig } from '@ottla/storage';
import type { ConfigTree } from './config-store.ts';
import type { KafkaConfig } from './kafka-config.ts';
import { logConfigOf } from './topic-config.ts';

export class ConfigRepository {
  readonly #tree: Pick<ConfigTree, 'getEntityConfigs'>;
  readonly #config: KafkaConfig;

  constructor({ tree, config }: { tree: Pick<ConfigTree, 'getEntityConfigs'>; config: KafkaConfig }) {
    this.#tree = tree;
    this.#config = config;
  }

  /** What was set for this topic; empty for a topic nobody knows. */
  topicConfig(topic: string): Promise<Map<string, string>> {
    return this.#tree.getEntityConfigs('topics', topic);
  }

  /** A topic's settings in force. */
  async logConfig(topic: string): Promise<LogConfig> {
    return this.toLogConfig(await this.topicConfig(topic));
  }

  /** What a topic with these settings runs with. @throws ConfigError */
  toLogConfig(topicConfig: ConfigProperties): LogConfig {
    return logConfigOf(this.#config, topicConfig);
  }
}
