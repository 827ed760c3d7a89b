// Puts the logs and replicas together with what they need: settings of topics out of the tree, the verification of transactions.

import { resolve } from 'node:path';
import { GatheringFileSystem, mustBePresent, type StorageError } from '@ottla/base';
import { type KafkaZkClient, TREE_JOURNAL_DIRECTORY } from '@ottla/coordination';
import { type LogCleanerSettings, type LogConfig, LogManager, type LogManagerSettings } from '@ottla/storage';
import type { ConfigRepository, KafkaConfig, Reconfigurable } from '../config/index.ts';
import type { MetadataCache } from '../metadata/metadata-cache.ts';
import { FetchManager } from '../replica/fetch-manager.ts';
import { FetchSessionCache } from '../replica/fetch-session-cache.ts';
import { fetchSessionEvictions, registerFetchSessionGauges } from '../replica/fetch-session-metrics.ts';
import { registerLogGauges } from '../replica/log-gauges.ts';
import { ReplicaManager } from '../replica/replica-manager.ts';
import type { TransactionVerifier } from '../transaction-verifier.ts';
import type { BrokerPorts } from './broker-ports.ts';

/** Absolute, as the log manager names them. */
export function logDirsOf(config: KafkaConfig): string[] {
  return config.logDirs.map((logDir) => resolve(logDir));
}

/** What logs write while requests that arrived together are handled is gathered. A failure takes the file's log dir offline, as any other. */
export function createLogFileSystem(
  { fileSystem, clock }: BrokerPorts,
  config: KafkaConfig,
  logManager: () => LogManager,
): GatheringFileSystem {
  const logDirs = logDirsOf(config);
  const onFailure = (error: StorageError): void => {
    const logDir = logDirs.find((path) => error.path.startsWith(`${path}/`));
    logManager().handleLogDirFailure(mustBePresent(logDir, `the log dir of ${error.path}`), error);
  };
  return new GatheringFileSystem(fileSystem, { clock, onFailure });
}

/** @param repository where topics' settings are; read once for the topics that have some, since logs found on disk are opened at once */
export async function createLogManager(parts: {
  readonly ports: BrokerPorts;
  readonly config: KafkaConfig;
  readonly zkClient: KafkaZkClient;
  readonly repository: ConfigRepository;
}): Promise<LogManager> {
  const { ports, config, zkClient, repository } = parts;
  const configured = await zkClient.getEntitiesConfigs('topics', await zkClient.getAllEntitiesWithConfig('topics'));
  const defaults = repository.toLogConfig(new Map());
  const topicConfigs = new Map<string, LogConfig>();
  for (const [topic, topicConfig] of configured) {
    if (topicConfig.size > 0) topicConfigs.set(topic, repository.toLogConfig(topicConfig));
  }
  const logManager = new LogManager({
    fileSystem: ports.fileSystem,
    clock: ports.clock,
    random: ports.random,
    logger: ports.logger,
    backgroundThreads: ports.backgroundThreads,
    logDirs: logDirsOf(config),
    reservedDirectoryNames: new Set([TREE_JOURNAL_DIRECTORY]),
    topicConfig: (topic) => topicConfigs.get(topic) ?? defaults,
    settings: logManagerSettings(config),
    cleanerSettings: cleanerSettings(config),
  });
  registerLogGauges(ports.metrics, { logManager, logDirs: logDirsOf(config), clock: ports.clock });
  return logManager;
}

/** Tells logs of settings that change while they are open. */
export function logReconfigurables(config: KafkaConfig, logManager: LogManager): Reconfigurable[] {
  return [
    {
      name: 'LogCleaner',
      keys: DYNAMIC_CLEANER_KEYS,
      reconfigure: () => logManager.cleaner.reconfigure(cleanerSettings(config)),
    },
    {
      name: 'DynamicProducerStateManagerConfig',
      keys: ['producer.id.expiration.ms', 'transaction.partition.verification.enable'],
      reconfigure: () => logManager.updateProducerSettings(logManagerSettings(config)),
    },
  ];
}

const DYNAMIC_CLEANER_KEYS = [
  'log.cleaner.threads',
  'log.cleaner.dedupe.buffer.size',
  'log.cleaner.io.buffer.load.factor',
  'log.cleaner.io.max.bytes.per.second',
  'log.cleaner.backoff.ms',
];

function cleanerSettings(config: KafkaConfig): LogCleanerSettings {
  return {
    enable: config.boolean('log.cleaner.enable'),
    threads: config.number('log.cleaner.threads'),
    dedupeBufferSize: config.number('log.cleaner.dedupe.buffer.size'),
    dedupeBufferLoadFactor: config.number('log.cleaner.io.buffer.load.factor'),
    ioMaxBytesPerSecond: config.number('log.cleaner.io.max.bytes.per.second'),
    backoffMs: config.number('log.cleaner.backoff.ms'),
  };
}

function logManagerSettings(config: KafkaConfig): LogManagerSettings {
  return {
    flushOffsetCheckpointIntervalMs: config.number('log.flush.offset.checkpoint.interval.ms'),
    flushStartOffsetCheckpointIntervalMs: config.number('log.flush.start.offset.checkpoint.interval.ms'),
    retentionCheckIntervalMs: config.number('log.retention.check.interval.ms'),
    flushSchedulerIntervalMs: config.number('log.flush.scheduler.interval.ms'),
    initialTaskDelayMs: config.number('log.initial.task.delay.ms'),
    producerIdExpirationMs: config.number('producer.id.expiration.ms'),
    producerIdExpirationCheckIntervalMs: config.number('producer.id.expiration.check.interval.ms'),
    transactionMaxTimeoutMs: config.number('transaction.max.timeout.ms'),
    transactionPartitionVerificationEnable: config.boolean('transaction.partition.verification.enable'),
  };
}

export function createReplicaManager(parts: {
  readonly ports: BrokerPorts;
  readonly config: KafkaConfig;
  readonly brokerId: number;
  readonly logManager: LogManager;
  readonly metadataCache: MetadataCache;
  readonly repository: ConfigRepository;
  readonly transactionVerifier: TransactionVerifier;
  readonly onLogDirFailed: (logDir: string) => void;
  readonly alterLogDirsBytesPerSecond: () => number;
}): ReplicaManager {
  const { ports, config, logManager, repository } = parts;
  return new ReplicaManager({
    brokerId: parts.brokerId,
    clock: ports.clock,
    logger: ports.logger,
    metrics: ports.metrics,
    logManager,
    logDirs: logDirsOf(config),
    metadataCache: parts.metadataCache,
    fetchTopicConfig: (topic) => repository.logConfig(topic),
    replicaLagTimeMaxMs: config.number('replica.lag.time.max.ms'),
    highWatermarkCheckpointIntervalMs: config.number('replica.high.watermark.checkpoint.interval.ms'),
    transactionVerifier: parts.transactionVerifier,
    onLogDirFailed: parts.onLogDirFailed,
    alterLogDirsBytesPerSecond: parts.alterLogDirsBytesPerSecond,
  });
}

export function createFetchManager(ports: BrokerPorts, config: KafkaConfig): FetchManager {
  const slots = config.number('max.incremental.fetch.session.cache.slots');
  const { clock, random, metrics } = ports;
  const cache = new FetchSessionCache({ slots, clock, random, evictions: fetchSessionEvictions(metrics) });
  registerFetchSessionGauges(metrics, cache);
  return new FetchManager(cache);
}
