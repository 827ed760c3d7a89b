// Builds what creates, changes and deletes topics through the tree, and what creates topics that were asked for before they exist.
// Source of internal topics' settings: kafka.server.DefaultAutoTopicCreationManager.

import type { KafkaZkClient } from '@ottla/coordination';
import { AutoTopicCreationManager, type AutoTopicSettings } from '../admin/auto-topic-creation-manager.ts';
import { GROUP_METADATA_TOPIC, TRANSACTION_STATE_TOPIC } from '../admin/topic-names.ts';
import { ZkAdminManager } from '../admin/zk-admin-manager.ts';
import { internalTopicConfig, type KafkaConfig, validateTopicConfig } from '../config/index.ts';
import type { MetadataCache } from '../metadata/metadata-cache.ts';
import type { BrokerPorts } from './broker-ports.ts';

export function createAdminManager(parts: {
  readonly ports: BrokerPorts;
  readonly config: KafkaConfig;
  readonly zkClient: KafkaZkClient;
  readonly metadataCache: MetadataCache;
}): ZkAdminManager {
  const { ports, config, zkClient, metadataCache } = parts;
  return new ZkAdminManager({
    zkClient,
    metadataCache,
    clock: ports.clock,
    random: ports.random,
    logger: ports.logger.child('kafka.server.ZkAdminManager'),
    defaults: {
      get numPartitions() {
        return config.number('num.partitions');
      },
      get replicationFactor() {
        return config.number('default.replication.factor');
      },
    },
    validateTopicConfig: (topicConfig) => validateTopicConfig(config, topicConfig),
  });
}

export function createAutoTopicCreation(parts: {
  readonly ports: BrokerPorts;
  readonly config: KafkaConfig;
  readonly adminManager: ZkAdminManager;
}): AutoTopicCreationManager {
  return new AutoTopicCreationManager({
    adminManager: parts.adminManager,
    logger: parts.ports.logger.child('kafka.server.DefaultAutoTopicCreationManager'),
    settingsOf: (topic) => autoTopicSettings(topic, parts.config),
  });
}

function autoTopicSettings(topic: string, config: KafkaConfig): AutoTopicSettings {
  const [partitions, replicas] = countKeys(topic);
  return {
    partitionCount: config.number(partitions),
    replicationFactor: config.number(replicas),
    config: internalTopicConfig(topic, config),
  };
}

function countKeys(topic: string): [partitions: string, replicas: string] {
  switch (topic) {
    case GROUP_METADATA_TOPIC:
      return ['offsets.topic.num.partitions', 'offsets.topic.replication.factor'];
    case TRANSACTION_STATE_TOPIC:
      return ['transaction.state.log.num.partitions', 'transaction.state.log.replication.factor'];
    default:
      return ['num.partitions', 'default.replication.factor'];
  }
}
