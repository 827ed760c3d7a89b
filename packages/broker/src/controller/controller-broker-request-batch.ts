// Gathers what one change of states has to tell brokers, then sends at most one LeaderAndIsr, one UpdateMetadata and one StopReplica request
// to each. A batch is used once. Source: kafka.controller.AbstractControllerBrokerRequestBatch.

import { type TopicPartition, TopicPartitionMap, ZERO_UUID } from '@ottla/base';
import {
  type BrokerInfo,
  LEADER_DURING_DELETE,
  type LeaderIsrAndControllerEpoch,
  type ReplicaAssignment,
} from '@ottla/coordination';
import type {
  Decoded,
  LeaderAndIsrRequest,
  LeaderAndIsrResponse,
  StopReplicaRequest,
  StopReplicaResponse,
  UpdateMetadataRequest,
  UpdateMetadataResponse,
} from '@ottla/protocol';
import type { ControllerChannelManager } from './controller-channel-manager.ts';
import type { ControllerContext } from './controller-context.ts';

type LeaderAndIsrPartition = Decoded<LeaderAndIsrRequest>['topicStates'][number]['partitionStates'][number];
type StopReplicaPartition = Decoded<StopReplicaRequest>['topicStates'][number]['partitionStates'][number];
type UpdateMetadataPartition = Decoded<UpdateMetadataRequest>['topicStates'][number]['partitionStates'][number];

const SECURITY_PROTOCOL_NUMBERS: ReadonlyMap<string, number> = new Map([
  ['PLAINTEXT', 0],
  ['SSL', 1],
  ['SASL_PLAINTEXT', 2],
  ['SASL_SSL', 3],
]);

/** What comes back. */
export interface ControllerResponses {
  onLeaderAndIsrResponse(brokerId: number, response: LeaderAndIsrResponse): void;
  onUpdateMetadataResponse(brokerId: number, response: UpdateMetadataResponse): void;
  /** Only for partitions that were to be deleted with their topic. @param errors by partition */
  onTopicDeletionStopReplicaResponse(
    brokerId: number,
    response: StopReplicaResponse,
    errors: TopicPartitionMap<number>,
  ): void;
}

export interface RequestBatchOptions {
  readonly controllerId: number;
  /** LeaderAndIsr names leaders by their address on it. */
  readonly interBrokerListenerName: string;
  readonly context: ControllerContext;
  readonly channelManager: ControllerChannelManager;
  readonly responses: ControllerResponses;
}

export class ControllerBrokerRequestBatch {
  readonly #options: RequestBatchOptions;
  readonly #leaderAndIsr = new Map<number, TopicPartitionMap<LeaderAndIsrPartition>>();
  readonly #stopReplica = new Map<number, TopicPartitionMap<StopReplicaPartition>>();
  readonly #updateMetadataBrokers = new Set<number>();
  readonly #updateMetadata = new TopicPartitionMap<UpdateMetadataPartition>();

  constructor(options: RequestBatchOptions) {
    this.#options = options;
  }

  /** Everybody hears of the partition through UpdateMetadata too.
   *  @param isNew the replica may be made anew, in any log directory */
  addLeaderAndIsrRequestForBrokers(
    brokerIds: readonly number[],
    tp: TopicPartition,
    state: LeaderIsrAndControllerEpoch,
    assignment: ReplicaAssignment,
    isNew: boolean,
  ): void {
    for (const brokerId of brokerIds) {
      if (brokerId < 0) continue;
      const partitions = partitionsOf(this.#leaderAndIsr, brokerId);
      const wasNew = partitions.get(tp)?.isNew === true;
      partitions.set(tp, leaderAndIsrPartition(tp, state, assignment, isNew || wasNew));
    }
    this.addUpdateMetadataRequestForBrokers(this.#options.context.liveOrShuttingDownBrokerIds(), [tp]);
  }

  addStopReplicaRequestForBrokers(brokerIds: readonly number[], tp: TopicPartition, deletePartition: boolean): void {
    const leaderEpoch = this.#options.context.leaderEpoch(tp);
    for (const brokerId of brokerIds) {
      if (brokerId < 0) continue;
      const partitions = partitionsOf(this.#stopReplica, brokerId);
      const wasDelete = partitions.get(tp)?.deletePartition === true;
      const isDelete = deletePartition || wasDelete;
      partitions.set(tp, { partitionIndex: tp.partition, leaderEpoch, deletePartition: isDelete });
    }
  }

  /** Partitions without leader are left out: there is nothing to tell yet. */
  addUpdateMetadataRequestForBrokers(brokerIds: readonly number[], partitions: Iterable<TopicPartition>): void {
    const { context } = this.#options;
    for (const brokerId of brokerIds) if (brokerId >= 0) this.#updateMetadataBrokers.add(brokerId);
    for (const tp of partitions) {
      const state = context.partitionLeadershipInfo(tp);
      if (state !== undefined) this.#updateMetadata.set(tp, updateMetadataPartition(context, tp, state));
    }
  }

  sendRequestsToBrokers(): void {
    this.#sendLeaderAndIsrRequests();
    this.#sendUpdateMetadataRequests();
    this.#sendStopReplicaRequests();
  }

  #sendLeaderAndIsrRequests(): void {
    const { context, channelManager, responses } = this.#options;
    for (const [brokerId, partitions] of this.#leaderAndIsr) {
      const header = this.#header(brokerId);
      if (header === undefined) continue;
      const request: Decoded<LeaderAndIsrRequest> = {
        ...header,
        type: 0,
        ungroupedPartitionStates: [],
        topicStates: [...byTopic(partitions)].map(([topicName, partitionStates]) => ({
          topicName,
          topicId: context.topicIds.get(topicName) ?? ZERO_UUID,
          partitionStates,
        })),
        liveLeaders: this.#liveLeaders(partitions),
      };
      channelManager.sendRequest(
        brokerId,
        (channel) => channel.leaderAndIsr(brokerId, request),
        (response) => responses.onLeaderAndIsrResponse(brokerId, response),
      );
    }
  }

  #liveLeaders(partitions: TopicPartitionMap<LeaderAndIsrPartition>): Decoded<LeaderAndIsrRequest>['liveLeaders'] {
    const leaderIds = new Set([...partitions.values()].map(({ leader }) => leader));
    return this.#options.context.liveOrShuttingDownBrokers().flatMap((broker) => {
      if (!leaderIds.has(broker.id)) return [];
      const endPoint = broker.endPoints.find(
        ({ listenerName }) => listenerName === this.#options.interBrokerListenerName,
      );
      return endPoint === undefined ? [] : [{ brokerId: broker.id, hostName: endPoint.host, port: endPoint.port }];
    });
  }

  #sendUpdateMetadataRequests(): void {
    const { context, channelManager, responses } = this.#options;
    const topicStates = [...byTopic(this.#updateMetadata)].map(([topicName, partitionStates]) => ({
      topicName,
      topicId: context.topicIds.get(topicName) ?? ZERO_UUID,
      partitionStates,
    }));
    const liveBrokers = context.liveOrShuttingDownBrokers().map(updateMetadataBroker);
    for (const brokerId of this.#updateMetadataBrokers) {
      const header = this.#header(brokerId);
      if (header === undefined) continue;
      const request: Decoded<UpdateMetadataRequest> = {
        ...header,
        type: 0,
        ungroupedPartitionStates: [],
        topicStates,
        liveBrokers,
      };
      channelManager.sendRequest(
        brokerId,
        (channel) => channel.updateMetadata(brokerId, request),
        (response) => responses.onUpdateMetadataResponse(brokerId, response),
      );
    }
  }

  #sendStopReplicaRequests(): void {
    for (const [brokerId, partitions] of this.#stopReplica) {
      const header = this.#header(brokerId);
      if (header === undefined) continue;
      const request: Decoded<StopReplicaRequest> = {
        ...header,
        deletePartitions: false,
        ungroupedPartitions: [],
        topics: [],
        topicStates: [...byTopic(partitions)].map(([topicName, partitionStates]) => ({ topicName, partitionStates })),
      };
      this.#options.channelManager.sendRequest(
        brokerId,
        (channel) => channel.stopReplica(brokerId, request),
        (response) => this.#onStopReplicaResponse(brokerId, partitions, response),
      );
    }
  }

  #onStopReplicaResponse(
    brokerId: number,
    partitions: TopicPartitionMap<StopReplicaPartition>,
    response: StopReplicaResponse,
  ): void {
    const { context, responses } = this.#options;
    const errors = new TopicPartitionMap<number>();
    for (const { topicName, partitionIndex, errorCode } of response.partitionErrors) {
      const tp = { topic: topicName, partition: partitionIndex };
      const isDeleted = partitions.get(tp)?.deletePartition === true;
      if (isDeleted && context.isTopicDeletionInProgress(topicName)) errors.set(tp, errorCode);
    }
    if (errors.size > 0) responses.onTopicDeletionStopReplicaResponse(brokerId, response, errors);
  }

  /** undefined: the broker is not there. */
  #header(brokerId: number) {
    const { context, controllerId } = this.#options;
    const brokerEpoch = context.brokerEpoch(brokerId);
    if (brokerEpoch === undefined) return undefined;
    return { controllerId, isKRaftController: false, controllerEpoch: context.epoch, brokerEpoch };
  }
}

function partitionsOf<V>(byBroker: Map<number, TopicPartitionMap<V>>, brokerId: number): TopicPartitionMap<V> {
  const partitions = byBroker.get(brokerId) ?? new TopicPartitionMap<V>();
  byBroker.set(brokerId, partitions);
  return partitions;
}

function byTopic<V>(partitions: TopicPartitionMap<V>): Map<string, V[]> {
  const topics = new Map<string, V[]>();
  for (const [{ topic }, value] of partitions) {
    const values = topics.get(topic);
    if (values === undefined) topics.set(topic, [value]);
    else values.push(value);
  }
  return topics;
}

function leaderAndIsrPartition(
  tp: TopicPartition,
  { leaderAndIsr, controllerEpoch }: LeaderIsrAndControllerEpoch,
  assignment: ReplicaAssignment,
  isNew: boolean,
): LeaderAndIsrPartition {
  return {
    topicName: tp.topic,
    partitionIndex: tp.partition,
    controllerEpoch,
    leader: leaderAndIsr.leader,
    leaderEpoch: leaderAndIsr.leaderEpoch,
    isr: [...leaderAndIsr.isr],
    partitionEpoch: leaderAndIsr.partitionEpoch,
    replicas: [...assignment.replicas],
    addingReplicas: [...assignment.addingReplicas],
    removingReplicas: [...assignment.removingReplicas],
    isNew,
    leaderRecoveryState: leaderAndIsr.leaderRecoveryState,
  };
}

/** Of a topic that is being deleted, brokers hear that it has no leader any more and forget it. */
function updateMetadataPartition(
  context: ControllerContext,
  tp: TopicPartition,
  { leaderAndIsr, controllerEpoch }: LeaderIsrAndControllerEpoch,
): UpdateMetadataPartition {
  const isBeingDeleted = context.isTopicQueuedUpForDeletion(tp.topic);
  const replicas = context.partitionReplicaAssignment(tp);
  return {
    topicName: tp.topic,
    partitionIndex: tp.partition,
    controllerEpoch,
    leader: isBeingDeleted ? LEADER_DURING_DELETE : leaderAndIsr.leader,
    leaderEpoch: isBeingDeleted ? 0 : leaderAndIsr.leaderEpoch,
    isr: [...leaderAndIsr.isr],
    zkVersion: isBeingDeleted ? 0 : leaderAndIsr.partitionEpoch,
    replicas: [...replicas],
    offlineReplicas: replicas.filter((replica) => !context.isReplicaOnline(replica, tp)),
  };
}

function updateMetadataBroker(broker: BrokerInfo): Decoded<UpdateMetadataRequest>['liveBrokers'][number] {
  const endpoints = broker.endPoints.map(({ listenerName, host, port, securityProtocol }) => ({
    port,
    host,
    listener: listenerName,
    securityProtocol: SECURITY_PROTOCOL_NUMBERS.get(securityProtocol) ?? 0,
  }));
  return { id: broker.id, v0Host: '', v0Port: 0, endpoints, rack: broker.rack ?? null };
}
