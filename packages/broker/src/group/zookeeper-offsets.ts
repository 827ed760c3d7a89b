// Offsets in the tree of znodes, where OffsetCommit 0 and OffsetFetch 0 keep them.
// Source: Kafka 3.9 KafkaZkClient.getConsumerOffset, setOrCreateConsumerOffset.
//
//   /consumers/GROUP/offsets/TOPIC/PARTITION   the offset as decimal text

import { type ErrorCode, Errors, type Logger, type TopicPartition } from '@ottla/base';
import type { KafkaZkClient } from '@ottla/coordination';
import { type FetchedOffset, noOffset } from './offset-results.ts';

/** Sets a node whatever its version. */
const ANY_VERSION = -1;

export type ConsumerOffsetNodes = Pick<KafkaZkClient, 'getDataAndStat' | 'conditionalUpdatePath' | 'createRecursive'>;

export class ZooKeeperOffsets {
  readonly #nodes: ConsumerOffsetNodes;
  readonly #logger: Logger;

  constructor(nodes: ConsumerOffsetNodes, logger: Logger) {
    this.#nodes = nodes;
    this.#logger = logger;
  }

  async commit(groupId: string, tp: TopicPartition, offset: number): Promise<ErrorCode> {
    const path = pathOf(groupId, tp);
    if (path === undefined) return Errors.INVALID_GROUP_ID;
    const data = Buffer.from(String(offset));
    try {
      if ((await this.#nodes.conditionalUpdatePath(path, data, ANY_VERSION)) === undefined)
        await this.#nodes.createRecursive(path, data);
      return Errors.NONE;
    } catch (error) {
      this.#logger.error('could not store an offset in the tree', { groupId, ...tp, error });
      return Errors.UNKNOWN_SERVER_ERROR;
    }
  }

  /** UNKNOWN_TOPIC_OR_PARTITION when nothing was committed, as this version has it. */
  async fetch(groupId: string, tp: TopicPartition): Promise<FetchedOffset> {
    const path = pathOf(groupId, tp);
    if (path === undefined) return noOffset(Errors.INVALID_GROUP_ID);
    try {
      const offset = Number((await this.#nodes.getDataAndStat(path))?.data?.toString() || undefined);
      if (!Number.isSafeInteger(offset)) return noOffset(Errors.UNKNOWN_TOPIC_OR_PARTITION);
      return { ...noOffset(), offset };
    } catch (error) {
      this.#logger.error('could not read an offset from the tree', { groupId, ...tp, error });
      return noOffset(Errors.UNKNOWN_SERVER_ERROR);
    }
  }
}

/** undefined for a group id that would lead to another place of the tree. Topic and partition exist, so their names are sound. */
function pathOf(groupId: string, { topic, partition }: TopicPartition): string | undefined {
  const isSound = groupId !== '' && groupId !== '.' && groupId !== '..' && !/[/\0]/.test(groupId);
  return isSound ? `/consumers/${groupId}/offsets/${topic}/${partition}` : undefined;
}
