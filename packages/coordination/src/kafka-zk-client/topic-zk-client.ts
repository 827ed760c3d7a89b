// Topics, their assignments and the states of their partitions in the tree. Source: kafka.zk.KafkaZkClient.

import { type TopicPartition, TopicPartitionMap, type Uuid } from '@ottla/base';
import { ANY_VERSION, type TreeOperation } from '../tree-session.ts';
import {
  type LeaderAndIsr,
  type LeaderIsrAndControllerEpoch,
  type ReplicaAssignment,
  type TopicIdReplicaAssignment,
  TopicPartitionStateZNode,
  TopicPartitionsZNode,
  TopicPartitionZNode,
  TopicsZNode,
  TopicZNode,
} from '../znodes/topic-znodes.ts';
import { BrokerZkClient } from './broker-zk-client.ts';
import type { PartitionOutcome } from './zk-primitives.ts';

/** What became of a batch of conditional updates. */
export interface UpdateLeaderAndIsrResult {
  /** Written (with the new partition epoch), or refused for good. */
  readonly finishedPartitions: TopicPartitionMap<LeaderAndIsr | Error>;
  /** Another writer was faster: read the state and try again. */
  readonly partitionsToRetry: TopicPartition[];
}

export abstract class TopicZkClient extends BrokerZkClient {
  /** @param registerWatch hear of new topics through the handler of /brokers/topics */
  async getAllTopicsInCluster(registerWatch = false): Promise<string[]> {
    return this.getChildren(TopicsZNode.path, registerWatch);
  }

  topicExists(topic: string): Promise<boolean> {
    return this.pathExists(TopicZNode.path(topic));
  }

  /** @throws TreeError NODEEXISTS */
  async createTopicAssignment(
    topic: string,
    topicId: Uuid | undefined,
    assignment: ReadonlyMap<number, readonly number[]>,
  ): Promise<void> {
    const full = new Map<number, ReplicaAssignment>();
    for (const [partition, replicas] of assignment) {
      full.set(partition, { replicas, addingReplicas: [], removingReplicas: [] });
    }
    await this.createRecursive(TopicZNode.path(topic), TopicZNode.encode({ topicId, assignment: full }));
  }

  /** @throws ControllerMovedError, TreeError NONODE */
  async setTopicAssignment(
    { topic, topicId, assignment }: TopicIdReplicaAssignment,
    expectedControllerEpochZkVersion = ANY_VERSION,
  ): Promise<void> {
    const data = TopicZNode.encode({ topicId, assignment });
    const operation: TreeOperation = { type: 'set', path: TopicZNode.path(topic), data, expectedVersion: ANY_VERSION };
    await this.writeAllOrThrow([operation], expectedControllerEpochZkVersion);
  }

  /** Gives each topic that has no id one. @returns the assignments with ids. @throws ControllerMovedError */
  async setTopicIds(
    assignments: readonly TopicIdReplicaAssignment[],
    newTopicId: () => Uuid,
    expectedControllerEpochZkVersion: number,
  ): Promise<TopicIdReplicaAssignment[]> {
    const updated = assignments.map((assignment) => ({ ...assignment, topicId: newTopicId() }));
    for (const assignment of updated) await this.setTopicAssignment(assignment, expectedControllerEpochZkVersion);
    return updated;
  }

  /** Topics without a znode are left out. Watches those that have a handler. */
  async getReplicaAssignmentAndTopicIdForTopics(topics: Iterable<string>): Promise<TopicIdReplicaAssignment[]> {
    const found = await Promise.all([...topics].map((topic) => this.#getTopic(topic)));
    return found.filter((topic) => topic !== undefined);
  }

  async #getTopic(topic: string): Promise<TopicIdReplicaAssignment | undefined> {
    const found = await this.getDataAndStat(TopicZNode.path(topic));
    return found && TopicZNode.decode(topic, found.data);
  }

  async getTopicIdsForTopics(topics: Iterable<string>): Promise<Map<string, Uuid>> {
    const ids = new Map<string, Uuid>();
    for (const { topic, topicId } of await this.getReplicaAssignmentAndTopicIdForTopics(topics)) {
      if (topicId !== undefined) ids.set(topic, topicId);
    }
    return ids;
  }

  async getFullReplicaAssignmentForTopics(topics: Iterable<string>): Promise<TopicPartitionMap<ReplicaAssignment>> {
    const all = new TopicPartitionMap<ReplicaAssignment>();
    for (const { topic, assignment } of await this.getReplicaAssignmentAndTopicIdForTopics(topics)) {
      for (const [partition, replicas] of assignment) all.set({ topic, partition }, replicas);
    }
    return all;
  }

  async getPartitionAssignmentForTopics(
    topics: Iterable<string>,
  ): Promise<Map<string, ReadonlyMap<number, ReplicaAssignment>>> {
    const found = await this.getReplicaAssignmentAndTopicIdForTopics(topics);
    return new Map(found.map(({ topic, assignment }) => [topic, assignment]));
  }

  /** undefined: no such topic. */
  async getTopicPartitionCount(topic: string): Promise<number | undefined> {
    return (await this.#getTopic(topic))?.assignment.size;
  }

  /** Deletes the topic's own node and its partitions. @throws ControllerMovedError */
  async deleteTopicZNode(topic: string, expectedControllerEpochZkVersion: number): Promise<void> {
    await this.deleteRecursive(TopicZNode.path(topic), expectedControllerEpochZkVersion);
  }

  /** Partitions without a state are left out. @throws ZnodeFormatError */
  async getTopicPartitionStates(
    partitions: Iterable<TopicPartition>,
  ): Promise<TopicPartitionMap<LeaderIsrAndControllerEpoch>> {
    const wanted = [...partitions];
    const found = await Promise.all(wanted.map((tp) => this.getTopicPartitionState(tp)));
    const states = new TopicPartitionMap<LeaderIsrAndControllerEpoch>();
    wanted.forEach((tp, i) => {
      const state = found[i];
      if (state !== undefined) states.set(tp, state);
    });
    return states;
  }

  async getTopicPartitionState(tp: TopicPartition): Promise<LeaderIsrAndControllerEpoch | undefined> {
    const found = await this.getDataAndStat(TopicPartitionStateZNode.path(tp));
    return found && TopicPartitionStateZNode.decode(found.data, found.stat.version);
  }

  /** Creates the states of new partitions, and their parents. Outcomes in the order of `states`. @throws ControllerMovedError */
  async createTopicPartitionStatesRaw(
    states: TopicPartitionMap<LeaderIsrAndControllerEpoch>,
    expectedControllerEpochZkVersion: number,
  ): Promise<PartitionOutcome[]> {
    const topics = new Set([...states.keys()].map(({ topic }) => topic));
    const partitions = [...states.keys()];
    const creates = (paths: string[]) => paths.map((path): TreeOperation => ({ type: 'create', path, data: null }));
    await this.writeAll(creates([...topics].map(TopicPartitionsZNode.path)), expectedControllerEpochZkVersion);
    await this.writeAll(creates(partitions.map(TopicPartitionZNode.path)), expectedControllerEpochZkVersion);
    const operations = [...states].map(
      ([tp, state]): TreeOperation => ({
        type: 'create',
        path: TopicPartitionStateZNode.path(tp),
        data: TopicPartitionStateZNode.encode(state),
      }),
    );
    return withPartitions(partitions, await this.writeAll(operations, expectedControllerEpochZkVersion));
  }

  /** Sets each state if its partition epoch still holds. Outcomes in the order of `states`. @throws ControllerMovedError */
  async setTopicPartitionStatesRaw(
    states: TopicPartitionMap<LeaderIsrAndControllerEpoch>,
    expectedControllerEpochZkVersion: number,
  ): Promise<PartitionOutcome[]> {
    const operations = [...states].map(
      ([tp, state]): TreeOperation => ({
        type: 'set',
        path: TopicPartitionStateZNode.path(tp),
        data: TopicPartitionStateZNode.encode(state),
        expectedVersion: state.leaderAndIsr.partitionEpoch,
      }),
    );
    return withPartitions([...states.keys()], await this.writeAll(operations, expectedControllerEpochZkVersion));
  }

  /** @throws ControllerMovedError */
  async updateLeaderAndIsr(
    leaderAndIsrs: TopicPartitionMap<LeaderAndIsr>,
    controllerEpoch: number,
    expectedControllerEpochZkVersion: number,
  ): Promise<UpdateLeaderAndIsrResult> {
    const states = new TopicPartitionMap<LeaderIsrAndControllerEpoch>();
    for (const [tp, leaderAndIsr] of leaderAndIsrs) states.set(tp, { leaderAndIsr, controllerEpoch });
    const finishedPartitions = new TopicPartitionMap<LeaderAndIsr | Error>();
    const partitionsToRetry: TopicPartition[] = [];
    for (const outcome of await this.setTopicPartitionStatesRaw(states, expectedControllerEpochZkVersion)) {
      const leaderAndIsr = leaderAndIsrs.get(outcome.tp);
      if (outcome.error?.code === 'BADVERSION') partitionsToRetry.push(outcome.tp);
      else if (outcome.error !== undefined) finishedPartitions.set(outcome.tp, outcome.error);
      else if (leaderAndIsr !== undefined && outcome.stat !== undefined) {
        finishedPartitions.set(outcome.tp, { ...leaderAndIsr, partitionEpoch: outcome.stat.version });
      }
    }
    return { finishedPartitions, partitionsToRetry };
  }
}

function withPartitions(
  partitions: readonly TopicPartition[],
  outcomes: readonly Omit<PartitionOutcome, 'tp'>[],
): PartitionOutcome[] {
  return outcomes.flatMap((outcome, i) => {
    const tp = partitions[i];
    return tp === undefined ? [] : [{ ...outcome, tp }];
  });
}
