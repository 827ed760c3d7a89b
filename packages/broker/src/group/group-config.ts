// The settings the group coordinator lives by, each under Kafka's key. Source: Kafka 3.9 GroupCoordinatorConfig.

import type { KafkaConfig } from '../config/index.ts';

/** Durations are milliseconds, sizes are counts of characters or members as Kafka's keys define them. */
export interface GroupCoordinatorConfig {
  /** group.min.session.timeout.ms */
  readonly groupMinSessionTimeoutMs: number;
  /** group.max.session.timeout.ms */
  readonly groupMaxSessionTimeoutMs: number;
  /** group.max.size: members a group accepts */
  readonly groupMaxSize: number;
  /** group.initial.rebalance.delay.ms: how long the first join of an empty group waits for company */
  readonly groupInitialRebalanceDelayMs: number;
  /** offset.metadata.max.bytes: characters of metadata with one committed offset */
  readonly offsetMetadataMaxSize: number;
  /** offsets.retention.minutes, in milliseconds */
  readonly offsetsRetentionMs: number;
  /** offsets.retention.check.interval.ms */
  readonly offsetsRetentionCheckIntervalMs: number;
  /** offsets.commit.timeout.ms: how long an append to the offsets topic may wait for its replicas */
  readonly offsetCommitTimeoutMs: number;
  /** offsets.topic.compression.codec: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd */
  readonly offsetsTopicCompressionCodec: number;
}

/** Kafka 3.9's defaults. */
export const defaultGroupCoordinatorConfig: GroupCoordinatorConfig = {
  groupMinSessionTimeoutMs: 6_000,
  groupMaxSessionTimeoutMs: 1_800_000,
  groupMaxSize: 2_147_483_647,
  groupInitialRebalanceDelayMs: 3_000,
  offsetMetadataMaxSize: 4_096,
  offsetsRetentionMs: 7 * 24 * 60 * 60_000,
  offsetsRetentionCheckIntervalMs: 600_000,
  offsetCommitTimeoutMs: 5_000,
  offsetsTopicCompressionCodec: 0,
};

/** As server.properties has them. */
export function groupCoordinatorConfig(config: KafkaConfig): GroupCoordinatorConfig {
  return {
    groupMinSessionTimeoutMs: config.number('group.min.session.timeout.ms'),
    groupMaxSessionTimeoutMs: config.number('group.max.session.timeout.ms'),
    groupMaxSize: config.number('group.max.size'),
    groupInitialRebalanceDelayMs: config.number('group.initial.rebalance.delay.ms'),
    offsetMetadataMaxSize: config.number('offset.metadata.max.bytes'),
    offsetsRetentionMs: config.number('offsets.retention.minutes') * 60_000,
    offsetsRetentionCheckIntervalMs: config.number('offsets.retention.check.interval.ms'),
    offsetCommitTimeoutMs: config.number('offsets.commit.timeout.ms'),
    offsetsTopicCompressionCodec: config.number('offsets.topic.compression.codec'),
  };
}
