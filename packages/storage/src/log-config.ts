// The settings of one topic, typed. Source: Kafka's LogConfig (3.9).

import { ConfigError, type ConfigProperties, type ParsedConfig } from '@ottla/base';
import type { CompressionType, TimestampType } from '@ottla/records';
import { logConfigDef } from './log-config-def.ts';

/** Milliseconds and bytes as their names say. Number.MAX_SAFE_INTEGER: never. */
export interface LogConfig {
  readonly segmentBytes: number;
  readonly segmentMs: number;
  readonly segmentJitterMs: number;
  readonly segmentIndexBytes: number;
  readonly flushMessages: number;
  readonly flushMs: number;
  /** −1: no limit. */
  readonly retentionBytes: number;
  /** −1: no limit. */
  readonly retentionMs: number;
  readonly maxMessageBytes: number;
  readonly indexIntervalBytes: number;
  readonly fileDeleteDelayMs: number;
  readonly deleteRetentionMs: number;
  readonly minCompactionLagMs: number;
  readonly maxCompactionLagMs: number;
  readonly minCleanableDirtyRatio: number;
  /** cleanup.policy holds 'compact'. */
  readonly compact: boolean;
  /** cleanup.policy holds 'delete'. */
  readonly delete: boolean;
  readonly uncleanLeaderElectionEnable: boolean;
  readonly minInsyncReplicas: number;
  readonly compressionType: CompressionType | 'producer';
  /** For `compressionType`, where it is one with levels. */
  readonly compressionLevel: number | undefined;
  readonly messageTimestampType: Exclude<TimestampType, 'NoTimestampType'>;
  readonly messageTimestampBeforeMaxMs: number;
  readonly messageTimestampAfterMaxMs: number;
  readonly messageDownconversionEnable: boolean;
  readonly leaderReplicationThrottledReplicas: readonly string[];
  readonly followerReplicationThrottledReplicas: readonly string[];
  /** Every key of `logConfigDef`, as parsed. */
  readonly parsed: ParsedConfig;
}

/** @param properties topic settings and, under their topic names, the broker's defaults. Unknown keys are ignored
 *  @throws ConfigError */
export function parseLogConfig(properties: ConfigProperties = new Map()): LogConfig {
  const parsed = logConfigDef.parse(properties);
  const policy = parsed.list('cleanup.policy');
  const timestampType = parsed.string('message.timestamp.type');
  const minCompactionLagMs = parsed.number('min.compaction.lag.ms');
  const maxCompactionLagMs = parsed.number('max.compaction.lag.ms');
  if (minCompactionLagMs > maxCompactionLagMs) {
    throw new ConfigError(
      `conflict topic config setting min.compaction.lag.ms (${minCompactionLagMs}) > max.compaction.lag.ms (${maxCompactionLagMs})`,
    );
  }
  return {
    segmentBytes: parsed.number('segment.bytes'),
    segmentMs: parsed.number('segment.ms'),
    segmentJitterMs: parsed.number('segment.jitter.ms'),
    segmentIndexBytes: parsed.number('segment.index.bytes'),
    flushMessages: parsed.number('flush.messages'),
    flushMs: parsed.number('flush.ms'),
    retentionBytes: parsed.number('retention.bytes'),
    retentionMs: parsed.number('retention.ms'),
    maxMessageBytes: parsed.number('max.message.bytes'),
    indexIntervalBytes: parsed.number('index.interval.bytes'),
    fileDeleteDelayMs: parsed.number('file.delete.delay.ms'),
    deleteRetentionMs: parsed.number('delete.retention.ms'),
    minCompactionLagMs,
    maxCompactionLagMs,
    minCleanableDirtyRatio: parsed.number('min.cleanable.dirty.ratio'),
    compact: policy.includes('compact'),
    delete: policy.includes('delete'),
    uncleanLeaderElectionEnable: parsed.boolean('unclean.leader.election.enable'),
    minInsyncReplicas: parsed.number('min.insync.replicas'),
    ...compressionOf(parsed),
    messageTimestampType: timestampType === 'LogAppendTime' ? 'LogAppendTime' : 'CreateTime',
    messageTimestampBeforeMaxMs: timestampLimit(parsed, 'message.timestamp.before.max.ms'),
    messageTimestampAfterMaxMs: timestampLimit(parsed, 'message.timestamp.after.max.ms'),
    messageDownconversionEnable: parsed.boolean('message.downconversion.enable'),
    leaderReplicationThrottledReplicas: parsed.list('leader.replication.throttled.replicas'),
    followerReplicationThrottledReplicas: parsed.list('follower.replication.throttled.replicas'),
    parsed,
  };
}

/** The newer key where it is set, the deprecated message.timestamp.difference.max.ms otherwise. Source: LogConfig's constructor. */
function timestampLimit(parsed: ParsedConfig, name: string): number {
  const value = parsed.number(name);
  return value === Number.MAX_SAFE_INTEGER ? parsed.number('message.timestamp.difference.max.ms') : value;
}

function compressionOf(parsed: ParsedConfig): Pick<LogConfig, 'compressionType' | 'compressionLevel'> {
  const name = parsed.string('compression.type');
  switch (name) {
    case 'gzip': {
      const level = parsed.number('compression.gzip.level');
      return { compressionType: 'gzip', compressionLevel: level === -1 ? undefined : level };
    }
    case 'lz4':
      return { compressionType: 'lz4', compressionLevel: parsed.number('compression.lz4.level') };
    case 'zstd':
      return { compressionType: 'zstd', compressionLevel: parsed.number('compression.zstd.level') };
    case 'snappy':
      return { compressionType: 'snappy', compressionLevel: undefined };
    case 'uncompressed':
      return { compressionType: 'none', compressionLevel: undefined };
    default:
      return { compressionType: 'producer', compressionLevel: undefined };
  }
}
