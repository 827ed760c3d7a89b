// One broker's replicas over a file system in memory and a clock that stands still, asked through the real handlers: requests and responses
// pass through the codecs, records through the files. Only the cluster's metadata and the controller's orders are made up.

import {
  ByteReader,
  ByteWriter,
  FakeClock,
  Gauge,
  isByteSource,
  MemoryFileSystem,
  Meter,
  MetricsRegistry,
  readFully,
  SeededRandom,
  silentLogger,
  type Uuid,
  ZERO_UUID,
} from '@ottla/base';
import {
  type Decoded,
  type LeaderAndIsrPartitionState,
  leaderAndIsr,
  type MessageCodec,
  stopReplica,
  updateMetadata,
} from '@ottla/protocol';
import { LogManager, parseLogConfig } from '@ottla/storage';
import { KafkaConfig } from '../../config/index.ts';
import { MetadataCache } from '../../metadata/metadata-cache.ts';
import type { BrokerServices } from '../../server/broker-services.ts';
import { Dispatched, type Handler } from '../../server/handler.ts';
import { contextForTest } from '../../server/testing/services-for-test.ts';
import type { TransactionVerifier } from '../../transaction-verifier.ts';
import { FetchManager } from '../fetch-manager.ts';
import { FetchSessionCache } from '../fetch-session-cache.ts';
import { ReplicaManager } from '../replica-manager.ts';

export const BROKER_ID = 0;
export const LOG_DIR = '/logs';
export const OTHER_LOG_DIR = '/other-logs';

export interface ScenarioOptions {
  readonly clock?: FakeClock;
  readonly config?: Readonly<Record<string, string>>;
  readonly topicConfig?: Readonly<Record<string, string>>;
  readonly transactionVerifier?: TransactionVerifier;
  readonly services?: Partial<BrokerServices>;
  /** Default: LOG_DIR alone. */
  readonly logDirs?: readonly string[];
  readonly alterLogDirsBytesPerSecond?: () => number;
}

export interface TopicSpec {
  readonly topic: string;
  readonly topicId?: Uuid;
  readonly partitionCount?: number;
  readonly leaderEpoch?: number;
  readonly leader?: number;
  readonly replicas?: number[];
  readonly isr?: number[];
  /** Default true: its log cannot exist yet. */
  readonly isNew?: boolean;
}

/** What a handler answered: at once, later, or nothing. */
export interface Asked<Response> {
  readonly response: Promise<Decoded<Response> | undefined>;
  /** Has it been answered by now? */
  isAnswered(): boolean;
}

export class ReplicaScenario {
  readonly clock: FakeClock;
  readonly fileSystem: MemoryFileSystem;
  readonly metadataCache = new MetadataCache();
  readonly metrics: MetricsRegistry;
  readonly logManager: LogManager;
  readonly replicaManager: ReplicaManager;
  readonly services: Partial<BrokerServices>;
  readonly createdTopics: string[] = [];
  readonly failedLogDirs: string[] = [];
  /** The settings of this topic cannot be read. */
  failTopicConfigOf: string | undefined;

  private constructor(options: ScenarioOptions, fileSystem?: MemoryFileSystem) {
    this.clock = options.clock ?? new FakeClock();
    this.metrics = new MetricsRegistry(this.clock);
    this.fileSystem = fileSystem ?? new MemoryFileSystem({ clock: this.clock });
    const topicConfig = () => parseLogConfig(new Map(Object.entries(options.topicConfig ?? {})));
    const { logDirs = [LOG_DIR], alterLogDirsBytesPerSecond } = options;
    this.logManager = new LogManager({
      fileSystem: this.fileSystem,
      clock: this.clock,
      random: new SeededRandom(1),
      logger: silentLogger,
      logDirs,
      topicConfig,
      settings: { transactionPartitionVerificationEnable: options.transactionVerifier !== undefined },
    });
    this.replicaManager = new ReplicaManager({
      brokerId: BROKER_ID,
      clock: this.clock,
      logger: silentLogger,
      metrics: this.metrics,
      logManager: this.logManager,
      logDirs,
      alterLogDirsBytesPerSecond,
      metadataCache: this.metadataCache,
      fetchTopicConfig: async (topic) => {
        if (topic === this.failTopicConfigOf) throw new Error(`the tree does not tell the settings of ${topic}`);
        return topicConfig();
      },
      replicaLagTimeMaxMs: 30_000,
      highWatermarkCheckpointIntervalMs: 5_000,
      transactionVerifier: options.transactionVerifier,
      onLogDirFailed: (logDir) => this.failedLogDirs.push(logDir),
    });
    this.services = {
      clock: this.clock,
      brokerId: BROKER_ID,
      config: KafkaConfig.fromProperties(new Map(Object.entries(options.config ?? {}))),
      metadataCache: this.metadataCache,
      replicaManager: this.replicaManager,
      fetchSessions: new FetchManager(
        new FetchSessionCache({ slots: 1000, clock: this.clock, random: new SeededRandom(2) }),
      ),
      autoTopicCreation: { createTopics: (topics) => this.createdTopics.push(...topics) },
      ...options.services,
    };
  }

  static async start(options: ScenarioOptions = {}, fileSystem?: MemoryFileSystem): Promise<ReplicaScenario> {
    const scenario = new ReplicaScenario(options, fileSystem);
    await scenario.logManager.start();
    return scenario;
  }

  async close(): Promise<void> {
    await this.replicaManager.close();
    await this.logManager.close();
  }

  /** The controller makes a topic, on this broker unless said otherwise. */
  async createTopic(spec: TopicSpec) {
    this.announce(spec);
    return this.lead(spec);
  }

  /** Tells of the topic, without giving this broker a replica. */
  announce(spec: TopicSpec): void {
    const { topic, topicId = ZERO_UUID, leader = BROKER_ID, leaderEpoch = 0 } = spec;
    const { replicas = [BROKER_ID], isr = replicas, partitionCount = 1 } = spec;
    const partitionStates = Array.from({ length: partitionCount }, (_, partitionIndex) => ({
      partitionIndex,
      controllerEpoch: 1,
      leader,
      leaderEpoch,
      isr,
      zkVersion: 0,
      replicas,
      offlineReplicas: [],
    }));
    const liveBrokers = [0, 1, 2].map((id) => ({
      id,
      endpoints: [{ port: 9092 + id, host: `host${id}`, listener: 'PLAINTEXT', securityProtocol: 0 }],
      rack: null,
    }));
    const request = {
      controllerId: BROKER_ID,
      controllerEpoch: 1,
      topicStates: [{ topicName: topic, topicId, partitionStates }],
      liveBrokers,
    };
    this.metadataCache.updateMetadata(throughCodec(updateMetadata.request, request, 7));
  }

  lead(spec: TopicSpec, options: { controllerEpoch?: number; partitionEpoch?: number; version?: number } = {}) {
    const { topic, topicId = ZERO_UUID, partitionCount = 1 } = spec;
    const partitionStates = Array.from({ length: partitionCount }, (_, partitionIndex) =>
      stateOf(spec, partitionIndex, options.partitionEpoch ?? 0),
    );
    const request = {
      controllerId: BROKER_ID,
      controllerEpoch: options.controllerEpoch ?? 1,
      topicStates: [{ topicName: topic, topicId, partitionStates }],
      liveLeaders: [],
    };
    const version = options.version ?? 6;
    return this.replicaManager.becomeLeaderOrFollower(throughCodec(leaderAndIsr.request, request, version), version);
  }

  stop(
    topic: string,
    options: { deletePartition: boolean; leaderEpoch?: number; controllerEpoch?: number; partitionCount?: number },
  ) {
    const { deletePartition, leaderEpoch = -2, controllerEpoch = 1, partitionCount = 1 } = options;
    const partitionStates = Array.from({ length: partitionCount }, (_, partitionIndex) => ({
      partitionIndex,
      leaderEpoch,
      deletePartition,
    }));
    const topicStates = [{ topicName: topic, partitionStates }];
    const request = { controllerId: BROKER_ID, controllerEpoch, topicStates };
    return this.replicaManager.stopReplicas(throughCodec(stopReplica.request, request, 3));
  }

  /** What a gauge, a meter or a counter says now. */
  metric(type: string, name: string, tags?: Readonly<Record<string, string>>): number | undefined {
    const metric = this.metrics.get({
      group: 'kafka.server',
      type,
      name,
      ...(tags === undefined ? {} : { tags: new Map(Object.entries(tags)) }),
    });
    if (metric instanceof Gauge) return metric.read();
    return metric instanceof Meter ? metric.count : undefined;
  }

  /** Asks a handler as a client would. */
  ask<Request, Response>(
    handler: Handler<Request, Response>,
    request: Request,
    apiVersion: number,
    options: { clientId?: string } = {},
  ): Asked<Response> {
    const decoded = throughCodec(handler.api.request, request, apiVersion);
    const context = contextForTest({ apiKey: handler.api.apiKey, apiVersion, ...options }, this.services);
    let isAnswered = false;
    const response = settled(() => handler.handle(decoded, context)).then((value) => {
      isAnswered = true;
      return value === undefined ? undefined : throughCodec(handler.api.response, value, apiVersion);
    });
    return { response, isAnswered: () => isAnswered };
  }

  /** The answer of a handler that does answer. */
  async answer<Request, Response>(
    handler: Handler<Request, Response>,
    request: Request,
    apiVersion: number,
    options: { clientId?: string } = {},
  ): Promise<Decoded<Response>> {
    const response = await this.ask(handler, request, apiVersion, options).response;
    if (response === undefined) throw new Error(`${handler.api.name} was not answered`);
    return response;
  }
}

async function settled<Response>(handle: () => ReturnType<Handler<never, Response>['handle']>) {
  const result = handle();
  return result instanceof Dispatched ? result.response : result;
}

function stateOf(spec: TopicSpec, partitionIndex: number, partitionEpoch: number): LeaderAndIsrPartitionState {
  const { leader = BROKER_ID, leaderEpoch = 0, replicas = [BROKER_ID], isr = replicas, isNew = true } = spec;
  return { partitionIndex, controllerEpoch: 1, leader, leaderEpoch, isr, partitionEpoch, replicas, isNew };
}

/** Writes and reads; records in files are streamed, as to a socket. */
export function throughCodec<T>(codec: MessageCodec<T>, value: T, version: number): Decoded<T> {
  const writer = new ByteWriter();
  codec.write(writer, value, version);
  const chunks = writer.finish().map((chunk) => (isByteSource(chunk) ? readFully(chunk) : chunk));
  return codec.read(new ByteReader(Buffer.concat(chunks)), version);
}
