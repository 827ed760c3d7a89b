// A cluster for tests of the controller: a tree in memory, brokers that note what they are told and answer, a clock to turn.

import {
  ByteReader,
  ByteWriter,
  Errors,
  FakeClock,
  MetricsRegistry,
  SeededRandom,
  silentLogger,
  type TopicPartition,
} from '@ottla/base';
import { type BrokerInfo, EmbeddedTree, KafkaZkClient, ZooKeeperClient } from '@ottla/coordination';
import {
  type Decoded,
  type LeaderAndIsrRequest,
  type LeaderAndIsrResponse,
  leaderAndIsr,
  type MessageCodec,
  type StopReplicaRequest,
  type StopReplicaResponse,
  stopReplica,
  type UpdateMetadataRequest,
  type UpdateMetadataResponse,
  updateMetadata,
} from '@ottla/protocol';
import { MetadataCache } from '../metadata/metadata-cache.ts';
import type { ControllerChannel } from './controller-channel-manager.ts';
import type { ControllerSettings } from './controller-parts.ts';
import { KafkaController } from './kafka-controller.ts';

/** What a broker was told. */
export type Told =
  | { readonly api: 'LeaderAndIsr'; readonly request: Decoded<LeaderAndIsrRequest> }
  | { readonly api: 'UpdateMetadata'; readonly request: Decoded<UpdateMetadataRequest> }
  | { readonly api: 'StopReplica'; readonly request: Decoded<StopReplicaRequest> };

/** A broker that only notes and answers. */
export class ScenarioBroker {
  readonly told: Told[] = [];
  readonly metadataCache = new MetadataCache();
  /** What it answers for a replica. */
  errorOf: (tp: TopicPartition) => number = () => Errors.NONE;
  isUnreachable = false;

  leaderAndIsr(request: Decoded<LeaderAndIsrRequest>): LeaderAndIsrResponse {
    this.told.push({ api: 'LeaderAndIsr', request });
    const topics = request.topicStates.map(({ topicName, topicId, partitionStates }) => ({
      topicId,
      partitionErrors: partitionStates.map(({ partitionIndex }) => ({
        partitionIndex,
        errorCode: this.errorOf({ topic: topicName, partition: partitionIndex }),
      })),
    }));
    return { errorCode: Errors.NONE, topics };
  }

  updateMetadata(request: Decoded<UpdateMetadataRequest>): UpdateMetadataResponse {
    this.told.push({ api: 'UpdateMetadata', request });
    this.metadataCache.updateMetadata(request);
    return { errorCode: Errors.NONE };
  }

  stopReplica(request: Decoded<StopReplicaRequest>): StopReplicaResponse {
    this.told.push({ api: 'StopReplica', request });
    const partitionErrors = request.topicStates.flatMap(({ topicName, partitionStates }) =>
      partitionStates.map(({ partitionIndex }) => ({
        topicName,
        partitionIndex,
        errorCode: this.errorOf({ topic: topicName, partition: partitionIndex }),
      })),
    );
    return { errorCode: Errors.NONE, partitionErrors };
  }

  get leaderAndIsrRequests(): Decoded<LeaderAndIsrRequest>[] {
    return this.told.flatMap((told) => (told.api === 'LeaderAndIsr' ? [told.request] : []));
  }

  get stopReplicaRequests(): Decoded<StopReplicaRequest>[] {
    return this.told.flatMap((told) => (told.api === 'StopReplica' ? [told.request] : []));
  }

  /** Partitions of LeaderAndIsr requests so far, the newest state of each: `orders-0` → leader, isr, replicas. */
  hosted(): Map<string, { leader: number; leaderEpoch: number; isr: number[]; replicas: number[]; isNew: boolean }> {
    const hosted = new Map();
    for (const { api, request } of this.told) {
      if (api !== 'LeaderAndIsr') continue;
      for (const { topicName, partitionStates } of request.topicStates) {
        for (const { partitionIndex, leader, leaderEpoch, isr, replicas, isNew } of partitionStates) {
          hosted.set(`${topicName}-${partitionIndex}`, { leader, leaderEpoch, isr, replicas, isNew });
        }
      }
    }
    return hosted;
  }
}

/** Sends through the codecs, as over the wire. */
class ScenarioChannel implements ControllerChannel {
  readonly #brokers: ReadonlyMap<number, ScenarioBroker>;

  constructor(brokers: ReadonlyMap<number, ScenarioBroker>) {
    this.#brokers = brokers;
  }

  async leaderAndIsr(brokerId: number, request: LeaderAndIsrRequest): Promise<LeaderAndIsrResponse> {
    const response = this.#reach(brokerId).leaderAndIsr(throughCodec(leaderAndIsr.request, request, 7));
    return throughCodec(leaderAndIsr.response, response, 7);
  }

  async updateMetadata(brokerId: number, request: UpdateMetadataRequest): Promise<UpdateMetadataResponse> {
    const response = this.#reach(brokerId).updateMetadata(throughCodec(updateMetadata.request, request, 8));
    return throughCodec(updateMetadata.response, response, 8);
  }

  async stopReplica(brokerId: number, request: StopReplicaRequest): Promise<StopReplicaResponse> {
    const response = this.#reach(brokerId).stopReplica(throughCodec(stopReplica.request, request, 4));
    return throughCodec(stopReplica.response, response, 4);
  }

  disconnect(): void {}

  #reach(brokerId: number): ScenarioBroker {
    const broker = this.#brokers.get(brokerId);
    if (broker === undefined || broker.isUnreachable) throw new Error(`broker ${brokerId} cannot be reached`);
    return broker;
  }
}

function throughCodec<T>(codec: MessageCodec<T>, value: T, version: number): Decoded<T> {
  const writer = new ByteWriter();
  codec.write(writer, value, version);
  const chunks = writer.finish().map((chunk) => {
    if (!Buffer.isBuffer(chunk)) throw new Error('a control request holds no records');
    return chunk;
  });
  return codec.read(new ByteReader(Buffer.concat(chunks)), version);
}

/** One broker's session, client and controller. */
export interface ScenarioNode {
  readonly client: ZooKeeperClient;
  readonly zkClient: KafkaZkClient;
  readonly controller: KafkaController;
  readonly broker: ScenarioBroker;
  readonly metrics: MetricsRegistry;
}

export class ControllerScenario {
  readonly clock = new FakeClock();
  readonly random = new SeededRandom(7);
  readonly tree = new EmbeddedTree({ clock: this.clock });
  readonly nodes = new Map<number, ScenarioNode>();
  readonly #brokers = new Map<number, ScenarioBroker>();
  readonly #settings: Partial<ControllerSettings>;

  constructor(settings: Partial<ControllerSettings> = {}) {
    this.#settings = settings;
  }

  /** A cluster of these brokers; the first is the controller. */
  static async start(
    brokerIds: readonly number[],
    settings: Partial<ControllerSettings> = {},
  ): Promise<ControllerScenario> {
    const scenario = new ControllerScenario(settings);
    await scenario.tree.start();
    for (const id of brokerIds) await scenario.startBroker(id);
    await scenario.settle();
    return scenario;
  }

  async startBroker(id: number): Promise<ScenarioNode> {
    const { clock, random, tree } = this;
    const client = new ZooKeeperClient({ connector: tree, clock });
    await client.start();
    const zkClient = new KafkaZkClient({ client, clock });
    await zkClient.createTopLevelPaths();
    const broker = this.#brokers.get(id) ?? new ScenarioBroker();
    this.#brokers.set(id, broker);
    const info = brokerInfo(id);
    const brokerEpoch = await zkClient.registerBroker(info);
    const settings = { ...DEFAULT_SETTINGS, ...this.#settings, brokerId: id };
    const channel = new ScenarioChannel(this.#brokers);
    const metrics = new MetricsRegistry(clock);
    const controller = new KafkaController({
      settings,
      zkClient,
      channel,
      brokerInfo: info,
      brokerEpoch,
      clock,
      random,
      logger: silentLogger,
      metrics,
    });
    const node = { metrics, client, zkClient, controller, broker };
    this.nodes.set(id, node);
    await controller.start();
    return node;
  }

  /** The process ends without a word; its session is gone at once. */
  async killBroker(id: number): Promise<void> {
    const node = this.node(id);
    this.nodes.delete(id);
    node.broker.isUnreachable = true;
    await node.controller.close();
    await node.client.close();
    await this.settle();
  }

  node(id: number): ScenarioNode {
    const node = this.nodes.get(id);
    if (node === undefined) throw new Error(`no broker ${id}`);
    return node;
  }

  broker(id: number): ScenarioBroker {
    return this.node(id).broker;
  }

  get controller(): ScenarioNode {
    for (const node of this.nodes.values()) if (node.controller.isActive) return node;
    throw new Error('no controller');
  }

  async createTopic(
    topic: string,
    assignment: readonly (readonly number[])[],
    topicId: string | undefined = undefined,
  ): Promise<void> {
    const { zkClient } = this.controller;
    const byPartition = new Map(assignment.map((replicas, partition) => [partition, replicas]));
    await zkClient.createTopicAssignment(topic, topicId, byPartition);
    await this.settle();
  }

  async state(topic: string, partition = 0) {
    const state = await this.controller.zkClient.getTopicPartitionState({ topic, partition });
    return state?.leaderAndIsr;
  }

  /** Lets everything that is on its way arrive. Time stands still. */
  async settle(): Promise<void> {
    for (let i = 0; i < 60; i++) await this.clock.advance(0);
  }

  async close(): Promise<void> {
    for (const { controller, client } of this.nodes.values()) {
      await controller.close();
      await client.close();
    }
    await this.tree.close();
  }
}

const DEFAULT_SETTINGS: ControllerSettings = {
  brokerId: 0,
  interBrokerListenerName: 'PLAINTEXT',
  autoLeaderRebalanceEnable: true,
  leaderImbalancePerBrokerPercentage: 10,
  leaderImbalanceCheckIntervalSeconds: 300,
  deleteTopicEnable: true,
  uncleanLeaderElectionEnable: false,
};

function brokerInfo(id: number): BrokerInfo {
  const endPoints = [{ listenerName: 'PLAINTEXT', securityProtocol: 'PLAINTEXT', host: `h${id}`, port: 9092 }];
  return { id, endPoints, rack: `r${id % 2}`, features: new Map(), version: 5, jmxPort: -1, timestampMs: 1 };
}
