// The replicas of this broker: one door to their parts, which do the work. Source: kafka.server.ReplicaManager.
//
//   append      replica-append.ts          leader-and-isr.ts, stop-replica.ts   what the controller orders …
//   fetch       replica-fetch.ts           replica-state-changes.ts             … one order after the other
//   delete      replica-delete-records.ts  log-dirs.ts         disks, and their failure
//   a partition partition.ts, partition-reads.ts   alter-log-dirs.ts  moves between log dirs
//                                          high-watermark-checkpoints.ts

import {
  type Clock,
  type ErrorCode,
  Errors,
  KafkaError,
  type Logger,
  type MetricsRegistry,
  type TopicPartition,
  type Uuid,
} from '@ottla/base';
import type {
  Decoded,
  DescribeLogDirsResult,
  LeaderAndIsrRequest,
  LeaderAndIsrResponse,
  ProducerState,
  StopReplicaRequest,
  StopReplicaResponse,
  UpdateMetadataRequest,
} from '@ottla/protocol';
import type { EpochEndOffset, LogConfig, LogManager, TimestampAndOffset } from '@ottla/storage';
import type { PartitionAppender, PartitionLoader } from '../partition-ports.ts';
import type { TransactionVerifier } from '../transaction-verifier.ts';
import { AlterLogDirs } from './alter-log-dirs.ts';
import { BrokerTopicStats } from './broker-topic-stats.ts';
import { ReplicaPartitionAppender, ReplicaPartitionLoader } from './coordinator-logs.ts';
import type { DeleteRecordsResult } from './delayed-delete-records.ts';
import { DelayedOperations } from './delayed-operations.ts';
import type { FetchParams } from './fetch-params.ts';
import type { FetchPartitionRequest } from './fetch-session.ts';
import { HighWatermarkCheckpoints } from './high-watermark-checkpoints.ts';
import { HostedPartitions, type PartitionDirectory } from './hosted-partitions.ts';
import { type FollowerFetchers, LeaderAndIsr, type LeadershipListener } from './leader-and-isr.ts';
import { LogDirs } from './log-dirs.ts';
import type { Partition } from './partition.ts';
import {
  fetchOffsetForTimestamp,
  lastOffsetForLeaderEpoch,
  legacyFetchOffsetsBefore,
  type TimestampQuery,
} from './partition-reads.ts';
import { activeProducers } from './producer-states.ts';
import { type AppendRequest, type AppendResult, ReplicaAppend } from './replica-append.ts';
import { type DeleteRecordsEntry, ReplicaDeleteRecords } from './replica-delete-records.ts';
import { type FetchedPartition, ReplicaFetch } from './replica-fetch.ts';
import { ReplicaGauges } from './replica-gauges.ts';
import { ReplicaStateChanges } from './replica-state-changes.ts';
import { StopReplica } from './stop-replica.ts';
import { type TransactionMarker, TransactionMarkers } from './transaction-markers.ts';
import { TransactionVerification } from './transaction-verification.ts';

/** The cluster's metadata, as far as replicas care. */
export interface ReplicaMetadata extends PartitionDirectory {
  hasAliveBroker(brokerId: number): boolean;
  /** @returns partitions the request deleted */
  updateMetadata(request: Decoded<UpdateMetadataRequest>): TopicPartition[];
}

export interface ReplicaManagerOptions {
  readonly brokerId: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  readonly logManager: LogManager;
  /** Absolute, as configured. */
  readonly logDirs: readonly string[];
  readonly metadataCache: ReplicaMetadata;
  /** A topic's settings over the broker's. */
  readonly fetchTopicConfig: (topic: string) => Promise<LogConfig>;
  /** replica.lag.time.max.ms */
  readonly replicaLagTimeMaxMs: number;
  /** replica.high.watermark.checkpoint.interval.ms */
  readonly highWatermarkCheckpointIntervalMs: number;
  /** Needed where the log manager demands that transactions are verified. */
  readonly transactionVerifier?: TransactionVerifier | undefined;
  readonly followerFetchers?: FollowerFetchers | undefined;
  /** replica.alter.log.dirs.io.max.bytes.per.second; undefined: no limit */
  readonly alterLogDirsBytesPerSecond?: (() => number) | undefined;
  /** A log dir failed, and its partitions are offline. */
  readonly onLogDirFailed?: ((logDir: string) => void) | undefined;
}

export class ReplicaManager {
  readonly hosted: HostedPartitions;
  readonly delayed: DelayedOperations;
  readonly stats: BrokerTopicStats;
  /** For the coordinators. */
  readonly appender: PartitionAppender;
  readonly loader: PartitionLoader;
  /** undefined: transactions are not verified. */
  readonly transactionVerification: TransactionVerification | undefined;
  /** Moves between log dirs. */
  readonly alterLogDirs: AlterLogDirs;
  readonly #clock: Clock;
  readonly #gauges: ReplicaGauges;
  readonly #append: ReplicaAppend;
  readonly #fetch: ReplicaFetch;
  readonly #deleteRecords: ReplicaDeleteRecords;
  readonly #markers: TransactionMarkers;
  readonly #checkpoints: HighWatermarkCheckpoints;
  readonly #changes: ReplicaStateChanges;
  readonly #leadershipListeners: LeadershipListener[] = [];
  readonly #leaderAndIsr: LeaderAndIsr;
  readonly #stopReplica: StopReplica;
  readonly #metadataCache: ReplicaMetadata;
  readonly #logManager: LogManager;
  readonly #logDirs: LogDirs;
  readonly #ignoreLogDirFailures: () => void;

  constructor(options: ReplicaManagerOptions) {
    const { clock, metadataCache, logManager } = options;
    const logger = options.logger.child('kafka.server.ReplicaManager');
    const hosted = new HostedPartitions(metadataCache);
    const delayed = new DelayedOperations(clock);
    const stats = new BrokerTopicStats(options.metrics);
    const parts = { hosted, delayed, stats, logger, clock };
    this.stats = stats;
    this.#gauges = new ReplicaGauges(options.metrics, { ...parts, logManager });
    this.hosted = hosted;
    this.delayed = delayed;
    this.#clock = clock;
    this.#metadataCache = metadataCache;
    this.#logManager = logManager;
    this.#changes = new ReplicaStateChanges(clock);
    this.#append = new ReplicaAppend(parts);
    this.#fetch = new ReplicaFetch(parts);
    this.#deleteRecords = new ReplicaDeleteRecords(parts);
    this.#markers = new TransactionMarkers({ hosted, append: this.#append, clock });
    this.appender = new ReplicaPartitionAppender(this.#append);
    this.loader = new ReplicaPartitionLoader(hosted);
    const verifier = options.transactionVerifier;
    this.transactionVerification = verifier && new TransactionVerification({ hosted, verifier });
    const alterLogDirs = new AlterLogDirs({ ...options, ...parts });
    const logDirs = new LogDirs({ ...options, ...parts, alterLogDirs });
    this.alterLogDirs = alterLogDirs;
    this.#logDirs = logDirs;
    this.#ignoreLogDirFailures = logManager.onLogDirFailure((logDir) => logDirs.handleFailure(logDir));
    this.#checkpoints = new HighWatermarkCheckpoints({
      ...parts,
      intervalMs: options.highWatermarkCheckpointIntervalMs,
      checkpoint: () => logManager.checkpointHighWatermarks(),
    });
    const orders = { ...options, ...parts, changes: this.#changes, listeners: this.#leadershipListeners, alterLogDirs };
    this.#stopReplica = new StopReplica(orders);
    this.#leaderAndIsr = new LeaderAndIsr({
      ...orders,
      checkpoints: this.#checkpoints,
      partitionContext: {
        brokerId: options.brokerId,
        clock,
        replicaLagTimeMaxMs: options.replicaLagTimeMaxMs,
        isAliveBroker: (brokerId) => metadataCache.hasAliveBroker(brokerId),
      },
    });
  }

  /** Answers whoever waits, and checkpoints high watermarks. The logs are the log manager's to close, afterwards. Safe to call twice. */
  async close(): Promise<void> {
    this.delayed.close();
    this.endStateChanges();
    await this.alterLogDirs.close();
    await this.#checkpoints.close();
    this.#ignoreLogDirFailures();
    this.#gauges.close();
  }

  // What the controller orders.

  addLeadershipListener(listener: LeadershipListener): void {
    this.#leadershipListeners.push(listener);
  }

  becomeLeaderOrFollower(request: Decoded<LeaderAndIsrRequest>, version: number): Promise<LeaderAndIsrResponse> {
    return this.#leaderAndIsr.becomeLeaderOrFollower(request, version);
  }

  stopReplicas(request: Decoded<StopReplicaRequest>): Promise<StopReplicaResponse> {
    return this.#stopReplica.stopReplicas(request);
  }

  /** @returns partitions the request deleted @throws KafkaError STALE_CONTROLLER_EPOCH */
  maybeUpdateMetadataCache(request: Decoded<UpdateMetadataRequest>): Promise<TopicPartition[]> {
    return this.#changes.run(async () => {
      const { controllerEpoch } = this.#changes;
      if (request.controllerEpoch < controllerEpoch) {
        throw new KafkaError(Errors.STALE_CONTROLLER_EPOCH, `a newer controller has epoch ${controllerEpoch}`);
      }
      const deleted = this.#metadataCache.updateMetadata(request);
      this.#changes.obey(request.controllerEpoch);
      return deleted;
    });
  }

  /** Resolves when all orders are carried out, those included that come when the one before is answered. */
  stateChangesDone(): Promise<void> {
    return this.#changes.done();
  }

  /** No order is obeyed any more, nor the one under way to its end. Safe to call twice. */
  endStateChanges(): void {
    this.#changes.close();
    this.#leaderAndIsr.close();
  }

  // Settings.

  /** Topics that have a log on this broker, or are about to. */
  localTopics(): Iterable<string> {
    const topics = new Set(this.#leaderAndIsr.topicsUnderway());
    for (const log of this.#logManager.allLogs()) topics.add(log.topicPartition.topic);
    return topics;
  }

  updateTopicConfig(topic: string, config: LogConfig): void {
    this.#logManager.updateTopicConfig(topic, config);
    this.#leaderAndIsr.updateTopicConfig(topic, config);
  }

  // Partitions.

  getPartition(tp: TopicPartition): Partition | undefined {
    return this.hosted.online(tp.topic, tp.partition);
  }

  /** undefined: no replica of the topic here. */
  getLogConfig(topic: string, partition: number): LogConfig | undefined {
    return this.hosted.online(topic, partition)?.log?.config;
  }

  partitions(): Iterable<Partition> {
    return this.hosted;
  }

  // Records.

  /** The records are in the log on return; a promise where replicas or the disk are waited for. See ReplicaAppend. */
  appendRecords(request: AppendRequest): AppendResult[] | Promise<AppendResult[]> {
    return this.#append.appendRecords(request);
  }

  /** A promise when the fetch waits for data. Whoever gets the answer releases its records. See ReplicaFetch. */
  fetchMessages(
    params: FetchParams,
    requests: readonly FetchPartitionRequest[],
  ): FetchedPartition[] | Promise<FetchedPartition[]> {
    return this.#fetch.fetchMessages(params, requests);
  }

  deleteRecords(timeoutMs: number, entries: readonly DeleteRecordsEntry[]): Promise<DeleteRecordsResult[]> {
    return this.#deleteRecords.deleteRecords(timeoutMs, entries);
  }

  writeTxnMarkers(marker: TransactionMarker, timeoutMs: number): Promise<ErrorCode[]> {
    return this.#markers.write(marker, timeoutMs);
  }

  // Offsets. All throw KafkaError where the partition cannot answer.

  fetchOffsetForTimestamp({ topic, partition }: TopicPartition, query: TimestampQuery): TimestampAndOffset | undefined {
    return fetchOffsetForTimestamp(this.hosted.mustGet(topic, partition), query);
  }

  legacyFetchOffsetsBefore(
    { topic, partition }: TopicPartition,
    query: { timestamp: number; maxNumOffsets: number; isFromConsumer: boolean; requireLeader: boolean },
  ): number[] {
    return legacyFetchOffsetsBefore(this.hosted.mustGet(topic, partition), query, this.#clock.nowMs());
  }

  lastOffsetForLeaderEpoch(
    { topic, partition }: TopicPartition,
    query: { currentLeaderEpoch: number; leaderEpoch: number },
  ): EpochEndOffset {
    return lastOffsetForLeaderEpoch(this.hosted.mustGet(topic, partition), { ...query, requireLeader: true });
  }

  /** Source: DescribeProducers, KIP-664. */
  activeProducers({ topic, partition }: TopicPartition): ProducerState[] {
    return activeProducers(this.hosted.mustGet(topic, partition));
  }

  // Log dirs.

  describeLogDirs(isWanted: (tp: TopicPartition) => boolean): DescribeLogDirsResult[] {
    return this.#logDirs.describe(isWanted);
  }

  /** @returns an error code for each, in order */
  alterReplicaLogDirs(moves: readonly { tp: TopicPartition; logDir: string }[]): Promise<ErrorCode[]> {
    return this.#changes.run(async () => {
      const codes: ErrorCode[] = [];
      for (const { tp, logDir } of moves) {
        if (this.#changes.isSliceOver) await this.#changes.nextSlice();
        codes.push(this.alterLogDirs.alter(tp, logDir));
      }
      return codes;
    });
  }

  /** The id that replicas of a partition carry. */
  topicIdOf({ topic, partition }: TopicPartition): Uuid | undefined {
    return this.hosted.online(topic, partition)?.topicId;
  }
}
