// CreateTopics, DeleteTopics and CreatePartitions: each topic by itself succeeds or fails, then the answer waits until this broker's
// metadata shows what was asked for, or the client's time is up. Source: kafka.server.{ZkAdminManager, DelayedCreatePartitions, DelayedDeleteTopics} (3.9).

import { type Clock, Errors, KafkaError, type Logger, type Random, type Uuid, ZERO_UUID } from '@ottla/base';
import { type KafkaZkClient, NO_LEADER, type ReplicaAssignment } from '@ottla/coordination';
import type { CreatableTopic, CreatePartitionsTopic, Decoded } from '@ottla/protocol';
import { type ApiError, NO_ERROR } from '../controller/partition-reassignments.ts';
import { isBeingReassigned } from '../controller/replica-assignment.ts';
import type { MetadataCache } from '../metadata/metadata-cache.ts';
import { mapError } from '../server/error-mapping.ts';
import { AdminZkClient, type PartitionAssignment } from './admin-zk-client.ts';
import { assignReplicasToBrokers } from './assign-replicas-to-brokers.ts';

/** "As the broker's settings say", in a request. */
const NO_NUM_PARTITIONS = -1;
const NO_REPLICATION_FACTOR = -1;
/** Kafka's limit since 3.x (MAX_PARTITIONS_PER_BATCH). */
const PARTITIONS_PER_REQUEST_MAX = 10_000;

const REQUEST_TIMED_OUT: ApiError = { errorCode: Errors.REQUEST_TIMED_OUT, message: null };

export interface ZkAdminManagerOptions {
  readonly zkClient: KafkaZkClient;
  readonly metadataCache: MetadataCache;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** `num.partitions`, `default.replication.factor`: read when needed, they can change. */
  readonly defaults: { readonly numPartitions: number; readonly replicationFactor: number };
  /** Are these settings allowed for a topic? @throws ConfigError, KafkaError */
  validateTopicConfig(config: ReadonlyMap<string, string>): void;
}

/** What became of one topic. */
export interface CreatedTopic {
  readonly error: ApiError;
  /** ZERO_UUID when it was not created. */
  readonly topicId: Uuid;
  /** −1 when it was refused. */
  readonly partitionCount: number;
  readonly replicationFactor: number;
  /** What was set for it. */
  readonly config: ReadonlyMap<string, string>;
}

export class ZkAdminManager {
  readonly #options: ZkAdminManagerOptions;
  readonly #adminZkClient: AdminZkClient;
  readonly #metadataCache: MetadataCache;
  /** Changes are made one after the other: a check holds until the write. */
  #changes: Promise<unknown> = Promise.resolve();

  constructor(options: ZkAdminManagerOptions) {
    this.#options = options;
    this.#metadataCache = options.metadataCache;
    this.#adminZkClient = new AdminZkClient({
      zkClient: options.zkClient,
      random: options.random,
      validateTopicConfig: (config) => options.validateTopicConfig(config),
    });
  }

  /** @param timeoutMs how long to wait for the metadata; 0 or less: not at all, and then what was created is answered REQUEST_TIMED_OUT */
  async createTopics(
    topics: readonly Decoded<CreatableTopic>[],
    { timeoutMs, validateOnly }: { timeoutMs: number; validateOnly: boolean },
  ): Promise<Map<string, CreatedTopic>> {
    const deadlineMs = this.#deadline(timeoutMs);
    const results = await this.#oneAfterTheOther(() => this.#createEach(topics, validateOnly));
    if (validateOnly) return results;
    const created = [...results].filter(([, { error }]) => error.errorCode === Errors.NONE);
    const hasLeaders = ([topic, { partitionCount }]: [string, CreatedTopic]) =>
      isEveryPartition(partitionCount, (partition) => this.#hasLeader(topic, partition));
    await this.#wait(timeoutMs, deadlineMs, () => created.every(hasLeaders));
    for (const entry of created) {
      const [topic, result] = entry;
      if (timeoutMs <= 0 || !hasLeaders(entry)) results.set(topic, { ...result, error: REQUEST_TIMED_OUT });
    }
    return results;
  }

  /** @param timeoutMs as for createTopics */
  async deleteTopics(topics: readonly string[], timeoutMs: number): Promise<Map<string, ApiError>> {
    const deadlineMs = this.#deadline(timeoutMs);
    const results = await this.#oneAfterTheOther(() =>
      this.#each(
        topics,
        (topic) => topic,
        (topic) => this.#adminZkClient.deleteTopic(topic),
      ),
    );
    const marked = succeeded(results);
    const isGone = (topic: string) => !this.#metadataCache.containsTopic(topic);
    await this.#wait(timeoutMs, deadlineMs, () => marked.every(isGone));
    for (const topic of marked) if (timeoutMs <= 0 || !isGone(topic)) results.set(topic, REQUEST_TIMED_OUT);
    return results;
  }

  /** @param timeoutMs as for createTopics */
  async createPartitions(
    topics: readonly Decoded<CreatePartitionsTopic>[],
    { timeoutMs, validateOnly }: { timeoutMs: number; validateOnly: boolean },
  ): Promise<Map<string, ApiError>> {
    const deadlineMs = this.#deadline(timeoutMs);
    const results = await this.#oneAfterTheOther(() =>
      this.#each(
        topics,
        ({ name }) => name,
        (topic) => this.#createPartitions(topic, validateOnly),
      ),
    );
    if (validateOnly) return results;
    const counts = new Map(topics.map(({ name, count }) => [name, count]));
    const grown = succeeded(results);
    const hasLeaders = (topic: string) =>
      isEveryPartition(counts.get(topic) ?? 0, (partition) => this.#hasLeader(topic, partition));
    await this.#wait(timeoutMs, deadlineMs, () => grown.every(hasLeaders));
    for (const topic of grown) if (timeoutMs <= 0 || !hasLeaders(topic)) results.set(topic, REQUEST_TIMED_OUT);
    return results;
  }

  async #createEach(
    topics: readonly Decoded<CreatableTopic>[],
    validateOnly: boolean,
  ): Promise<Map<string, CreatedTopic>> {
    const results = new Map<string, CreatedTopic>();
    for (const topic of topics) {
      try {
        results.set(topic.name, await this.#create(topic, validateOnly));
      } catch (error) {
        const failed = { topicId: ZERO_UUID, partitionCount: -1, replicationFactor: -1, config: new Map() };
        results.set(topic.name, { ...failed, error: this.#apiError(error, topic.name) });
      }
    }
    return results;
  }

  async #create(topic: Decoded<CreatableTopic>, validateOnly: boolean): Promise<CreatedTopic> {
    const { name } = topic;
    if (this.#metadataCache.containsTopic(name)) {
      throw new KafkaError(Errors.TOPIC_ALREADY_EXISTS, `Topic '${name}' already exists.`);
    }
    const config = configOf(topic);
    const assignment = this.#assignmentOf(topic);
    await this.#adminZkClient.validateTopicCreate(name, assignment, config);
    const topicId = validateOnly
      ? ZERO_UUID
      : await this.#adminZkClient.createTopicWithAssignment(name, config, assignment);
    const replicationFactor = assignment.get(0)?.length ?? 0;
    return { error: NO_ERROR, topicId, partitionCount: assignment.size, replicationFactor, config };
  }

  #assignmentOf(topic: Decoded<CreatableTopic>): PartitionAssignment {
    const { defaults, random } = this.#options;
    if (topic.assignments.length > 0) {
      const assignment = givenAssignment(topic);
      this.#mustNameKnownBrokers(assignment);
      return assignment;
    }
    const partitionCount = topic.numPartitions === NO_NUM_PARTITIONS ? defaults.numPartitions : topic.numPartitions;
    mustNotBeExcessive(partitionCount);
    return assignReplicasToBrokers(this.#metadataCache.getAliveBrokers(), {
      partitionCount,
      replicationFactor:
        topic.replicationFactor === NO_REPLICATION_FACTOR ? defaults.replicationFactor : topic.replicationFactor,
      random,
    });
  }

  /** Kafka in ZooKeeper mode creates such a topic and lets the caller time out; in KRaft mode it refuses, and so do we. */
  #mustNameKnownBrokers(assignment: PartitionAssignment): void {
    for (const brokerId of [...assignment.values()].flat()) {
      if (this.#metadataCache.hasAliveBroker(brokerId)) continue;
      throw new KafkaError(
        Errors.INVALID_REPLICA_ASSIGNMENT,
        `The manual partition assignment includes broker ${brokerId}, but no such broker is registered.`,
      );
    }
  }

  async #createPartitions(topic: Decoded<CreatePartitionsTopic>, validateOnly: boolean): Promise<void> {
    const { name, count } = topic;
    const { zkClient } = this.#options;
    const existing = (await zkClient.getPartitionAssignmentForTopics([name])).get(name);
    if (existing === undefined || existing.size === 0) {
      throw new KafkaError(Errors.UNKNOWN_TOPIC_OR_PARTITION, `The topic '${name}' does not exist.`);
    }
    mustGrow(name, existing, count);
    const brokers = await this.#adminZkClient.getBrokerMetadatas();
    const wanted = wantedAssignment(topic, existing.size, new Set(brokers.map(({ id }) => id)));
    const added = this.#adminZkClient.createNewPartitionsAssignment(name, existing, brokers, count, wanted);
    if (!validateOnly) await this.#adminZkClient.createPartitionsWithAssignment(name, existing, added);
  }

  async #each<T>(
    topics: readonly T[],
    nameOf: (topic: T) => string,
    change: (topic: T) => Promise<void>,
  ): Promise<Map<string, ApiError>> {
    const results = new Map<string, ApiError>();
    for (const topic of topics) {
      const name = nameOf(topic);
      try {
        await change(topic);
        results.set(name, NO_ERROR);
      } catch (error) {
        results.set(name, this.#apiError(error, name));
      }
    }
    return results;
  }

  #oneAfterTheOther<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#changes.then(change);
    this.#changes = result.then(
      () => {},
      () => {},
    );
    return result;
  }

  #deadline(timeoutMs: number): number {
    return this.#options.clock.monotonicMs() + timeoutMs;
  }

  async #wait(timeoutMs: number, deadlineMs: number, condition: () => boolean): Promise<void> {
    const { clock } = this.#options;
    if (timeoutMs <= 0) return;
    await this.#metadataCache.waitUntil(condition, { clock, timeoutMs: deadlineMs - clock.monotonicMs() });
  }

  #hasLeader(topic: string, partition: number): boolean {
    const info = this.#metadataCache.getPartitionInfo(topic, partition);
    return info !== undefined && info.leader !== NO_LEADER;
  }

  #apiError(error: unknown, topic: string): ApiError {
    const { code, message, isExpected } = mapError(error);
    if (!isExpected) this.#options.logger.error('could not change a topic', { topic, error });
    return { errorCode: code, message: code === Errors.UNKNOWN_SERVER_ERROR ? null : message };
  }
}

function succeeded(results: ReadonlyMap<string, ApiError>): string[] {
  return [...results].filter(([, { errorCode }]) => errorCode === Errors.NONE).map(([topic]) => topic);
}

function isEveryPartition(count: number, holds: (partition: number) => boolean): boolean {
  for (let partition = 0; partition < count; partition++) if (!holds(partition)) return false;
  return true;
}

function configOf({ configs }: Decoded<CreatableTopic>): Map<string, string> {
  const config = new Map<string, string>();
  const withoutValue = configs.filter(({ value }) => value === null).map(({ name }) => name);
  if (withoutValue.length > 0) {
    throw new KafkaError(
      Errors.INVALID_CONFIG,
      `Null value not supported for topic configs: ${withoutValue.join(',')}`,
    );
  }
  for (const { name, value } of configs) if (value !== null) config.set(name, value);
  return config;
}

function givenAssignment(topic: Decoded<CreatableTopic>): PartitionAssignment {
  if (topic.numPartitions !== NO_NUM_PARTITIONS || topic.replicationFactor !== NO_REPLICATION_FACTOR) {
    throw new KafkaError(
      Errors.INVALID_REQUEST,
      'Both numPartitions or replicationFactor and replicasAssignments were set. Both cannot be used at the same time.',
    );
  }
  mustNotBeExcessive(topic.assignments.length);
  return new Map(topic.assignments.map(({ partitionIndex, brokerIds }) => [partitionIndex, brokerIds]));
}

function mustNotBeExcessive(partitionCount: number): void {
  if (partitionCount <= PARTITIONS_PER_REQUEST_MAX) return;
  throw new KafkaError(Errors.POLICY_VIOLATION, 'Excessively large number of partitions per request.');
}

function mustGrow(topic: string, existing: ReadonlyMap<number, ReplicaAssignment>, count: number): void {
  if ([...existing.values()].some(isBeingReassigned)) {
    throw new KafkaError(
      Errors.REASSIGNMENT_IN_PROGRESS,
      `A partition reassignment is in progress for the topic '${topic}'.`,
    );
  }
  if (count < existing.size) {
    throw new KafkaError(
      Errors.INVALID_PARTITIONS,
      `Topic currently has ${existing.size} partitions, which is higher than the requested ${count}.`,
    );
  }
  if (count === existing.size) {
    throw new KafkaError(Errors.INVALID_PARTITIONS, `Topic already has ${existing.size} partitions.`);
  }
  mustNotBeExcessive(count - existing.size);
}

function wantedAssignment(
  { count, assignments }: Decoded<CreatePartitionsTopic>,
  existingCount: number,
  brokerIds: ReadonlySet<number>,
): PartitionAssignment | undefined {
  if (assignments === null) return undefined;
  const unknown = new Set(assignments.flatMap((each) => each.brokerIds).filter((id) => !brokerIds.has(id)));
  if (unknown.size > 0) {
    throw new KafkaError(
      Errors.INVALID_REPLICA_ASSIGNMENT,
      `Unknown broker(s) in replica assignment: ${[...unknown].join(', ')}.`,
    );
  }
  if (assignments.length !== count - existingCount) {
    throw new KafkaError(
      Errors.INVALID_REPLICA_ASSIGNMENT,
      `Increasing the number of partitions by ${count - existingCount} but ${assignments.length} assignments provided.`,
    );
  }
  return new Map(assignments.map((each, i) => [existingCount + i, each.brokerIds]));
}
