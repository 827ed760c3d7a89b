// What brokers and tools ask of the controller through the tree: deletions, reassignments, elections, changes of ISRs and log
// directories. Source: kafka.zk.KafkaZkClient.

import type { TopicPartition } from '@ottla/base';
import { TopicPartitionMap, TopicPartitionSet } from '@ottla/base';
import { ANY_VERSION, type TreeOperation } from '../tree-session.ts';
import {
  IsrChangeNotificationSequenceZNode,
  IsrChangeNotificationZNode,
  LogDirEventNotificationSequenceZNode,
  LogDirEventNotificationZNode,
  type ProducerIdBlock,
  ProducerIdBlockZNode,
} from '../znodes/controller-znodes.ts';
import { ZnodeFormatError } from '../znodes/json.ts';
import {
  DeleteTopicsTopicZNode,
  DeleteTopicsZNode,
  PreferredReplicaElectionZNode,
  ReassignPartitionsZNode,
} from '../znodes/topic-znodes.ts';
import { TopicZkClient } from './topic-zk-client.ts';

export abstract class AdminZkNodesClient extends TopicZkClient {
  /** Marks a topic for deletion. @throws TreeError NODEEXISTS when it is marked already */
  async createDeleteTopicPath(topic: string): Promise<void> {
    await this.createRecursive(DeleteTopicsTopicZNode.path(topic));
  }

  isTopicMarkedForDeletion(topic: string): Promise<boolean> {
    return this.pathExists(DeleteTopicsTopicZNode.path(topic));
  }

  getTopicDeletions(): Promise<string[]> {
    return this.getChildren(DeleteTopicsZNode.path);
  }

  /** @throws ControllerMovedError */
  deleteTopicDeletions(topics: Iterable<string>, expectedControllerEpochZkVersion: number): Promise<void> {
    return this.#deleteAll([...topics].map(DeleteTopicsTopicZNode.path), expectedControllerEpochZkVersion);
  }

  /** What a tool asked for; nothing when it wrote something unreadable. */
  async getPartitionReassignment(): Promise<TopicPartitionMap<readonly number[]>> {
    const found = await this.getDataAndStat(ReassignPartitionsZNode.path);
    if (found === undefined) return new TopicPartitionMap();
    try {
      return new TopicPartitionMap(ReassignPartitionsZNode.decode(found.data));
    } catch (error) {
      if (!(error instanceof ZnodeFormatError)) throw error;
      this.logger.warn('ignoring a partition reassignment that cannot be read', { error });
      return new TopicPartitionMap();
    }
  }

  /** @throws TreeError NODEEXISTS when one is under way */
  async createPartitionReassignment(reassignment: TopicPartitionMap<readonly number[]>): Promise<void> {
    await this.createRecursive(ReassignPartitionsZNode.path, ReassignPartitionsZNode.encode(reassignment));
  }

  /** @throws ControllerMovedError */
  async setOrCreatePartitionReassignment(
    reassignment: TopicPartitionMap<readonly number[]>,
    expectedControllerEpochZkVersion: number,
  ): Promise<void> {
    const { path } = ReassignPartitionsZNode;
    const data = ReassignPartitionsZNode.encode(reassignment);
    const set: TreeOperation = { type: 'set', path, data, expectedVersion: ANY_VERSION };
    const [outcome] = await this.writeAll([set], expectedControllerEpochZkVersion);
    if (outcome?.code === 'NONODE') {
      await this.writeAllOrThrow([{ type: 'create', path, data }], expectedControllerEpochZkVersion);
    } else if (outcome?.error !== undefined) throw outcome.error;
  }

  deletePartitionReassignment(expectedControllerEpochZkVersion: number): Promise<void> {
    return this.deletePath(ReassignPartitionsZNode.path, expectedControllerEpochZkVersion);
  }

  reassignPartitionsInProgress(): Promise<boolean> {
    return this.pathExists(ReassignPartitionsZNode.path);
  }

  /** @throws TreeError NODEEXISTS when one is under way */
  async createPreferredReplicaElection(partitions: Iterable<TopicPartition>): Promise<void> {
    await this.createRecursive(PreferredReplicaElectionZNode.path, PreferredReplicaElectionZNode.encode(partitions));
  }

  /** @throws ZnodeFormatError */
  async getPreferredReplicaElection(): Promise<TopicPartition[]> {
    const found = await this.getDataAndStat(PreferredReplicaElectionZNode.path);
    return found === undefined ? [] : PreferredReplicaElectionZNode.decode(found.data);
  }

  deletePreferredReplicaElection(expectedControllerEpochZkVersion: number): Promise<void> {
    return this.deletePath(PreferredReplicaElectionZNode.path, expectedControllerEpochZkVersion);
  }

  /** Tells the controller that these partitions' ISRs changed. */
  async propagateIsrChanges(partitions: Iterable<TopicPartition>): Promise<void> {
    const data = IsrChangeNotificationSequenceZNode.encode(partitions);
    await this.createSequentialPersistentPath(IsrChangeNotificationSequenceZNode.path(), data);
  }

  /** Sequence numbers. Watches when a handler is registered. */
  async getAllIsrChangeNotifications(): Promise<string[]> {
    const names = await this.getChildren(IsrChangeNotificationZNode.path);
    return names.map((name) => sequenceNumber(name, IsrChangeNotificationSequenceZNode.prefix));
  }

  /** Notifications that cannot be read are left out: one broker's garbage must not stop the controller. */
  async getPartitionsFromIsrChangeNotifications(sequenceNumbers: readonly string[]): Promise<TopicPartitionSet> {
    const paths = sequenceNumbers.map((number) => IsrChangeNotificationSequenceZNode.path(number));
    const partitions = new TopicPartitionSet();
    for (const found of await this.#readAll(paths, IsrChangeNotificationSequenceZNode.decode)) {
      for (const tp of found) partitions.add(tp);
    }
    return partitions;
  }

  /** @throws ControllerMovedError */
  async deleteIsrChangeNotifications(
    expectedControllerEpochZkVersion: number,
    sequenceNumbers?: readonly string[],
  ): Promise<void> {
    const numbers = sequenceNumbers ?? (await this.getAllIsrChangeNotifications());
    const paths = numbers.map((number) => IsrChangeNotificationSequenceZNode.path(number));
    await this.#deleteAll(paths, expectedControllerEpochZkVersion);
  }

  /** Tells the controller that a log directory of the broker failed. */
  async propagateLogDirEvent(brokerId: number): Promise<void> {
    const data = LogDirEventNotificationSequenceZNode.encode(brokerId);
    await this.createSequentialPersistentPath(LogDirEventNotificationSequenceZNode.path(), data);
  }

  /** Sequence numbers. Watches when a handler is registered. */
  async getAllLogDirEventNotifications(): Promise<string[]> {
    const names = await this.getChildren(LogDirEventNotificationZNode.path);
    return names.map((name) => sequenceNumber(name, LogDirEventNotificationSequenceZNode.prefix));
  }

  /** Each broker once. */
  async getBrokerIdsFromLogDirEvents(sequenceNumbers: readonly string[]): Promise<number[]> {
    const paths = sequenceNumbers.map((number) => LogDirEventNotificationSequenceZNode.path(number));
    return [...new Set(await this.#readAll(paths, LogDirEventNotificationSequenceZNode.decode))];
  }

  /** @throws ControllerMovedError */
  async deleteLogDirEventNotifications(
    expectedControllerEpochZkVersion: number,
    sequenceNumbers?: readonly string[],
  ): Promise<void> {
    const numbers = sequenceNumbers ?? (await this.getAllLogDirEventNotifications());
    const paths = numbers.map((number) => LogDirEventNotificationSequenceZNode.path(number));
    await this.#deleteAll(paths, expectedControllerEpochZkVersion);
  }

  /** The newest block of producer ids that was handed out; block is undefined when none was. */
  async getProducerIdBlock(): Promise<{ block: ProducerIdBlock | undefined; zkVersion: number }> {
    const { data, version } = await this.getDataAndVersion(ProducerIdBlockZNode.path);
    const isEmpty = data === undefined || data === null || data.length === 0;
    return { block: isEmpty ? undefined : ProducerIdBlockZNode.decode(data), zkVersion: version };
  }

  /** @returns the node's new version; undefined when another broker was faster */
  setProducerIdBlock(block: ProducerIdBlock, expectedZkVersion: number): Promise<number | undefined> {
    return this.conditionalUpdatePath(ProducerIdBlockZNode.path, ProducerIdBlockZNode.encode(block), expectedZkVersion);
  }

  async #readAll<T>(paths: readonly string[], decode: (data: Buffer | null) => T): Promise<T[]> {
    const read: T[] = [];
    for (const found of await Promise.all(paths.map((path) => this.getDataAndStat(path)))) {
      if (found === undefined) continue;
      try {
        read.push(decode(found.data));
      } catch (error) {
        if (!(error instanceof ZnodeFormatError)) throw error;
        this.logger.warn('ignoring a notification that cannot be read', { error });
      }
    }
    return read;
  }

  async #deleteAll(paths: readonly string[], expectedControllerEpochZkVersion: number): Promise<void> {
    const operations = paths.map((path): TreeOperation => ({ type: 'delete', path, expectedVersion: ANY_VERSION }));
    await this.writeAllOrThrow(operations, expectedControllerEpochZkVersion, 'NONODE');
  }
}

function sequenceNumber(name: string, prefix: string): string {
  return name.slice(name.lastIndexOf(prefix) + prefix.length);
}
