// Settings that Kafka gives its internal topics when it makes them.
// Source: kafka.coordinator.group.GroupCoordinator.groupMetadataTopicConfigs, TransactionStateManager.transactionTopicConfigs (3.9).

import { GROUP_METADATA_TOPIC, TRANSACTION_STATE_TOPIC } from '../admin/topic-names.ts';
import type { KafkaConfig } from './kafka-config.ts';

/** Empty for a topic that is not internal. */
export function internalTopicConfig(topic: string, config: KafkaConfig): Map<string, string> {
  switch (topic) {
    case GROUP_METADATA_TOPIC:
      return new Map([
        ['cleanup.policy', 'compact'],
        ['segment.bytes', String(config.number('offsets.topic.segment.bytes'))],
        ['compression.type', 'producer'],
      ]);
    case TRANSACTION_STATE_TOPIC:
      return new Map([
        ['unclean.leader.election.enable', 'false'],
        ['compression.type', 'uncompressed'],
        ['cleanup.policy', 'compact'],
        ['min.insync.replicas', String(config.number('transaction.state.log.min.isr'))],
        ['segment.bytes', String(config.number('transaction.state.log.segment.bytes'))],
      ]);
    default:
      return new Map();
  }
}
