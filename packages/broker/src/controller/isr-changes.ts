// In-sync sets that leaders changed: either they asked (AlterPartition, KIP-497) or they wrote it themselves and left a notification.
// Source: kafka.controller.KafkaController (processIsrChangeNotification, tryProcessAlterPartition), KIP-704, KIP-841.

import { type ErrorCode, Errors, type TopicPartition, TopicPartitionMap, ZERO_UUID } from '@ottla/base';
import type { LeaderAndIsr } from '@ottla/coordination';
import type { AlterPartitionRequest, AlterPartitionResponse, Decoded } from '@ottla/protocol';
import type { ControllerParts } from './controller-parts.ts';
import type { PartitionReassignments } from './partition-reassignments.ts';
import { isSameList } from './replica-assignment.ts';

/** From this version on topics have ids instead of names. */
const FIRST_VERSION_WITH_TOPIC_IDS = 2;
/** From this version on each replica comes with its broker epoch. */
const FIRST_VERSION_WITH_BROKER_EPOCHS = 3;

type Results = TopicPartitionMap<LeaderAndIsr | ErrorCode>;

export class IsrChanges {
  readonly #parts: ControllerParts;
  readonly #reassignments: PartitionReassignments;

  constructor(parts: ControllerParts, reassignments: PartitionReassignments) {
    this.#parts = parts;
    this.#reassignments = reassignments;
  }

  async processIsrChangeNotification(): Promise<void> {
    const { context, zkClient } = this.#parts;
    const sequenceNumbers = await zkClient.getAllIsrChangeNotifications();
    try {
      const partitions = await zkClient.getPartitionsFromIsrChangeNotifications(sequenceNumbers);
      if (partitions.size === 0) return;
      await this.updateLeaderAndIsrCache(partitions);
      this.#parts.sendUpdateMetadataRequest(context.liveOrShuttingDownBrokerIds(), partitions);
      for (const tp of partitions) await this.#reassignments.maybeCompleteReassignment(tp);
    } finally {
      await zkClient.deleteIsrChangeNotifications(context.epochZkVersion, sequenceNumbers);
    }
  }

  async updateLeaderAndIsrCache(partitions: Iterable<TopicPartition>): Promise<void> {
    const { context, zkClient } = this.#parts;
    for (const [tp, state] of await zkClient.getTopicPartitionStates(partitions)) {
      context.putPartitionLeadershipInfo(tp, state);
    }
  }

  /** The caller runs `finishAlterPartition` once the answer is on its way. */
  async processAlterPartition(
    request: Decoded<AlterPartitionRequest>,
    version: number,
  ): Promise<{ response: AlterPartitionResponse; altered: TopicPartition[] }> {
    const { context, zkClient } = this.#parts;
    if (context.brokerEpoch(request.brokerId) !== BigInt(request.brokerEpoch)) {
      const response = { throttleTimeMs: 0, errorCode: Errors.STALE_BROKER_EPOCH, topics: [] };
      return { response, altered: [] };
    }
    const { wanted, unknownTopics } = this.#wanted(request, version);
    const results: Results = new TopicPartitionMap();
    const updates = new TopicPartitionMap<LeaderAndIsr>();
    for (const [tp, leaderAndIsr] of wanted) {
      const verdict = this.#check(tp, leaderAndIsr, version);
      if (verdict === 'write') updates.set(tp, leaderAndIsr);
      else results.set(tp, verdict);
    }
    const written = await zkClient.updateLeaderAndIsr(updates, context.epoch, context.epochZkVersion);
    for (const [tp, result] of written.finishedPartitions) {
      results.set(tp, result instanceof Error ? Errors.UNKNOWN_SERVER_ERROR : result);
    }
    for (const tp of written.partitionsToRetry) results.set(tp, Errors.INVALID_UPDATE_VERSION);
    const altered = [...written.finishedPartitions]
      .filter(([, result]) => !(result instanceof Error))
      .map(([tp]) => tp);
    await this.updateLeaderAndIsrCache(altered);
    this.#parts.sendUpdateMetadataRequest(context.liveOrShuttingDownBrokerIds(), wanted.keys());
    return { response: this.#response(results, unknownTopics, version), altered };
  }

  /** A larger in-sync set may be what a reassignment waited for. */
  async finishAlterPartition(altered: readonly TopicPartition[]): Promise<void> {
    for (const tp of altered) await this.#reassignments.maybeCompleteReassignment(tp);
  }

  #wanted(request: Decoded<AlterPartitionRequest>, version: number) {
    const wanted = new TopicPartitionMap<LeaderAndIsr>();
    const unknownTopics: Decoded<AlterPartitionRequest>['topics'] = [];
    for (const topicRequest of request.topics) {
      const hasId = version >= FIRST_VERSION_WITH_TOPIC_IDS;
      const topic = hasId ? this.#parts.context.topicNames.get(topicRequest.topicId) : topicRequest.topicName;
      if (topic === undefined) {
        unknownTopics.push(topicRequest);
        continue;
      }
      for (const partition of topicRequest.partitions) {
        const hasEpochs = version >= FIRST_VERSION_WITH_BROKER_EPOCHS;
        wanted.set(
          { topic, partition: partition.partitionIndex },
          {
            leader: request.brokerId,
            leaderEpoch: partition.leaderEpoch,
            isr: hasEpochs ? partition.newIsrWithEpochs.map(({ brokerId }) => brokerId) : partition.newIsr,
            leaderRecoveryState: partition.leaderRecoveryState === 1 ? 1 : 0,
            partitionEpoch: partition.partitionEpoch,
          },
        );
      }
    }
    return { wanted, unknownTopics };
  }

  /** 'write', or the answer as it stands. */
  #check(tp: TopicPartition, wanted: LeaderAndIsr, version: number): 'write' | LeaderAndIsr | ErrorCode {
    const current = this.#parts.context.partitionLeadershipInfo(tp)?.leaderAndIsr;
    if (current === undefined) return Errors.UNKNOWN_TOPIC_OR_PARTITION;
    // The leader knows of a later state: this is no controller any more, though it has not heard yet.
    if (wanted.partitionEpoch > current.partitionEpoch || wanted.leaderEpoch > current.leaderEpoch) {
      return Errors.NOT_CONTROLLER;
    }
    if (wanted.leaderEpoch < current.leaderEpoch) return Errors.FENCED_LEADER_EPOCH;
    // Before the version is compared, so that a repeated request gets the same answer.
    if (isSameState(wanted, current)) return current;
    if (wanted.partitionEpoch < current.partitionEpoch) return Errors.INVALID_UPDATE_VERSION;
    if (wanted.leaderRecoveryState === 1 && wanted.isr.length > 1) return Errors.INVALID_REQUEST;
    if (current.leaderRecoveryState === 0 && wanted.leaderRecoveryState === 1) return Errors.INVALID_REQUEST;
    if (wanted.isr.every((replica) => this.#parts.context.isLiveBroker(replica))) return 'write';
    return version >= FIRST_VERSION_WITH_TOPIC_IDS ? Errors.INELIGIBLE_REPLICA : Errors.OPERATION_NOT_ATTEMPTED;
  }

  #response(
    results: Results,
    unknownTopics: Decoded<AlterPartitionRequest>['topics'],
    version: number,
  ): AlterPartitionResponse {
    const byTopic = new Map<string, NonNullable<AlterPartitionResponse['topics']>[number]>();
    for (const [tp, result] of results) {
      const topicId = this.#parts.context.topicIds.get(tp.topic) ?? ZERO_UUID;
      const named = version >= FIRST_VERSION_WITH_TOPIC_IDS ? { topicName: '', topicId } : { topicName: tp.topic };
      const topic = byTopic.get(tp.topic) ?? { ...named, partitions: [] };
      byTopic.set(tp.topic, topic);
      topic.partitions.push(partitionResponse(tp.partition, result));
    }
    const unknown = unknownTopics.map(({ topicId, partitions }) => ({
      topicName: '',
      topicId,
      partitions: partitions.map(({ partitionIndex }) => partitionResponse(partitionIndex, Errors.UNKNOWN_TOPIC_ID)),
    }));
    return { throttleTimeMs: 0, errorCode: Errors.NONE, topics: [...unknown, ...byTopic.values()] };
  }
}

function partitionResponse(partitionIndex: number, result: LeaderAndIsr | ErrorCode) {
  if (typeof result === 'number') {
    const nothing = { leaderId: 0, leaderEpoch: 0, isr: [], leaderRecoveryState: 0, partitionEpoch: 0 };
    return { partitionIndex, errorCode: result, ...nothing };
  }
  const { leader, leaderEpoch, isr, leaderRecoveryState, partitionEpoch } = result;
  const state = { leaderId: leader, leaderEpoch, isr: [...isr], leaderRecoveryState, partitionEpoch };
  return { partitionIndex, errorCode: Errors.NONE, ...state };
}

/** Whatever the partition epoch. */
function isSameState(a: LeaderAndIsr, b: LeaderAndIsr): boolean {
  return (
    a.leader === b.leader &&
    a.leaderEpoch === b.leaderEpoch &&
    a.leaderRecoveryState === b.leaderRecoveryState &&
    isSameList(a.isr, b.isr)
  );
}
