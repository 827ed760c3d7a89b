// Topics through the tree: checks what is asked for and writes it; the controller takes it from there. Source: kafka.zk.AdminZkClient (3.9).

import { ConfigError, Errors, KafkaError, type Random, randomUuid, type Uuid } from '@ottla/base';
import { isTreeError, type KafkaZkClient, type ReplicaAssignment } from '@ottla/coordination';
import { assignReplicasToBrokers, type BrokerMetadata } from './assign-replicas-to-brokers.ts';
import { hasCollisionChars, unifyCollisionChars, validateTopicName } from './topic-names.ts';

export interface AdminZkClientOptions {
  readonly zkClient: KafkaZkClient;
  readonly random: Random;
  /** Are these settings allowed for a topic? @throws ConfigError, KafkaError */
  validateTopicConfig(config: ReadonlyMap<string, string>): void;
}

/** Partition → replicas. */
export type PartitionAssignment = ReadonlyMap<number, readonly number[]>;

export class AdminZkClient {
  readonly #zkClient: KafkaZkClient;
  readonly #options: AdminZkClientOptions;

  constructor(options: AdminZkClientOptions) {
    this.#options = options;
    this.#zkClient = options.zkClient;
  }

  /** By id. Racks count only when every broker has one.
   *  @throws KafkaError UNKNOWN_SERVER_ERROR when some have */
  async getBrokerMetadatas(): Promise<BrokerMetadata[]> {
    const brokers = (await this.#zkClient.getAllBrokersInCluster()).map(({ id, rack }) => ({ id, rack: rack ?? null }));
    const withRack = brokers.filter(({ rack }) => rack !== null);
    if (withRack.length > 0 && withRack.length < brokers.length) {
      throw new KafkaError(Errors.UNKNOWN_SERVER_ERROR, 'Not all brokers have rack information.');
    }
    return brokers.sort((a, b) => a.id - b.id);
  }

  /** @throws KafkaError INVALID_TOPIC_EXCEPTION, TOPIC_ALREADY_EXISTS, INVALID_REPLICA_ASSIGNMENT, INVALID_CONFIG */
  async validateTopicCreate(
    topic: string,
    assignment: PartitionAssignment,
    config: ReadonlyMap<string, string>,
  ): Promise<void> {
    validateTopicName(topic);
    await this.#mustBeFree(topic);
    mustBeRegular(assignment);
    try {
      this.#options.validateTopicConfig(config);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      throw new KafkaError(Errors.INVALID_CONFIG, error.message, { cause: error });
    }
  }

  async #mustBeFree(topic: string): Promise<void> {
    if (await this.#zkClient.isTopicMarkedForDeletion(topic)) {
      throw new KafkaError(Errors.TOPIC_ALREADY_EXISTS, `Topic '${topic}' is marked for deletion.`);
    }
    if (await this.#zkClient.topicExists(topic)) throw topicExists(topic);
    if (!hasCollisionChars(topic)) return;
    const unified = unifyCollisionChars(topic);
    const topics = await this.#zkClient.getAllTopicsInCluster();
    const colliding = topics.filter((other) => unifyCollisionChars(other) === unified);
    if (colliding.length === 0) return;
    throw new KafkaError(
      Errors.INVALID_TOPIC_EXCEPTION,
      `Topic '${topic}' collides with existing topics: ${colliding.join(', ')}`,
    );
  }

  /** Settings first, then the topic: when the controller hears of it they are there. @returns the topic's id
   *  @throws KafkaError TOPIC_ALREADY_EXISTS */
  async createTopicWithAssignment(
    topic: string,
    config: ReadonlyMap<string, string>,
    assignment: PartitionAssignment,
  ): Promise<Uuid> {
    const topicId = randomUuid(this.#options.random);
    await this.#zkClient.setOrCreateEntityConfigs('topics', topic, config);
    try {
      await this.#zkClient.createTopicAssignment(topic, topicId, assignment);
    } catch (error) {
      throw isTreeError(error, 'NODEEXISTS') ? topicExists(topic) : error;
    }
    return topicId;
  }

  /** Marks the topic for deletion; marking it twice is no error. @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION */
  async deleteTopic(topic: string): Promise<void> {
    if (!(await this.#zkClient.topicExists(topic))) {
      throw new KafkaError(Errors.UNKNOWN_TOPIC_OR_PARTITION, `Topic \`${topic}\` to delete does not exist`);
    }
    try {
      await this.#zkClient.createDeleteTopicPath(topic);
    } catch (error) {
      if (!isTreeError(error, 'NODEEXISTS')) throw error;
    }
  }

  /** Replicas of the partitions from the existing ones up to `partitionCount`.
   *  @param wanted by partition; chosen when absent
   *  @throws KafkaError INVALID_PARTITIONS, INVALID_REPLICA_ASSIGNMENT, BROKER_NOT_AVAILABLE, INVALID_REPLICATION_FACTOR */
  createNewPartitionsAssignment(
    topic: string,
    existing: ReadonlyMap<number, ReplicaAssignment>,
    brokers: readonly BrokerMetadata[],
    partitionCount: number,
    wanted: PartitionAssignment | undefined,
  ): PartitionAssignment {
    const firstReplicas = existing.get(0)?.replicas;
    if (firstReplicas === undefined) {
      throw new KafkaError(Errors.UNKNOWN_SERVER_ERROR, `Partition id 0 of topic '${topic}' is missing.`);
    }
    if (wanted !== undefined) {
      mustBeAssignable(wanted, firstReplicas.length, new Set(brokers.map(({ id }) => id)));
      return wanted;
    }
    const first = firstReplicas[0] ?? 0;
    return assignReplicasToBrokers(brokers, {
      partitionCount: partitionCount - existing.size,
      replicationFactor: firstReplicas.length,
      random: this.#options.random,
      fixedStartIndex: Math.max(
        0,
        brokers.findIndex(({ id }) => id >= first),
      ),
      startPartition: existing.size,
    });
  }

  async createPartitionsWithAssignment(
    topic: string,
    existing: ReadonlyMap<number, ReplicaAssignment>,
    added: PartitionAssignment,
  ): Promise<void> {
    const assignment = new Map(existing);
    for (const [partition, replicas] of added) {
      assignment.set(partition, { replicas, addingReplicas: [], removingReplicas: [] });
    }
    const topicId = (await this.#zkClient.getTopicIdsForTopics([topic])).get(topic);
    await this.#zkClient.setTopicAssignment({ topic, topicId, assignment });
  }
}

function topicExists(topic: string): KafkaError {
  return new KafkaError(Errors.TOPIC_ALREADY_EXISTS, `Topic '${topic}' already exists.`);
}

function invalidAssignment(message: string): KafkaError {
  return new KafkaError(Errors.INVALID_REPLICA_ASSIGNMENT, message);
}

function mustBeRegular(assignment: PartitionAssignment): void {
  const sizes = new Set([...assignment.values()].map((replicas) => replicas.length));
  if (sizes.size !== 1) throw invalidAssignment('All partitions should have the same number of replicas');
  if (sizes.has(0)) throw invalidAssignment('All partitions should have at least one replica');
  for (const replicas of assignment.values()) {
    if (new Set(replicas).size === replicas.length) continue;
    const all = [...assignment].map(([partition, ids]) => `${partition} -> ArrayBuffer(${ids.join(', ')})`);
    throw invalidAssignment(`Duplicate replica assignment found: HashMap(${all.join(', ')})`);
  }
  for (let partition = 0; partition < assignment.size; partition++) {
    if (!assignment.has(partition)) {
      throw invalidAssignment('partitions should be a consecutive 0-based integer sequence');
    }
  }
}

function mustBeAssignable(
  wanted: PartitionAssignment,
  replicationFactor: number,
  brokerIds: ReadonlySet<number>,
): void {
  for (const [partition, replicas] of wanted) {
    const listed = replicas.join(', ');
    if (replicas.length === 0) {
      throw invalidAssignment(`Cannot have replication factor of 0 for partition id ${partition}.`);
    }
    if (new Set(replicas).size !== replicas.length) {
      throw invalidAssignment(
        `Duplicate brokers not allowed in replica assignment: ${listed} for partition id ${partition}.`,
      );
    }
    if (!replicas.every((id) => brokerIds.has(id))) {
      throw new KafkaError(
        Errors.BROKER_NOT_AVAILABLE,
        `Some brokers specified for partition id ${partition} are not available. ` +
          `Specified brokers: ${listed}, available brokers: ${[...brokerIds].join(', ')}.`,
      );
    }
  }
  const odd = [...wanted].filter(([, replicas]) => replicas.length !== replicationFactor).sort(([a], [b]) => a - b);
  if (odd.length === 0) return;
  const partitions = odd.map(([partition]) => partition).join(', ');
  const factors = odd.map(([, replicas]) => replicas.length).join(', ');
  throw invalidAssignment(
    `Inconsistent replication factor between partitions, partition 0 has ${replicationFactor} while partitions ` +
      `[${partitions}] have replication factors [${factors}], respectively.`,
  );
}
