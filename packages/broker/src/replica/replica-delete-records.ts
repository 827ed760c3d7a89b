// Moves log start offsets forward because a client asks for it. Source: kafka.server.ReplicaManager.deleteRecords,
// Partition.deleteRecordsOnLeader; KIP-107.

import { type ErrorCode, Errors, KafkaError, type Logger } from '@ottla/base';
import { isInternalTopic } from '../admin/topic-names.ts';
import { mapError } from '../server/error-mapping.ts';
import { DelayedDeleteRecords, type DeleteRecordsResult, type PendingDeletion } from './delayed-delete-records.ts';
import type { DelayedOperations } from './delayed-operations.ts';
import type { HostedPartitions } from './hosted-partitions.ts';
import type { Partition } from './partition.ts';

/** As an offset to delete up to: the high watermark. */
export const HIGH_WATERMARK = -1;
const INVALID_LOW_WATERMARK = -1;

export interface DeleteRecordsEntry {
  readonly topic: string;
  readonly partition: number;
  /** Records below are deleted. */
  readonly offset: number;
}

export class ReplicaDeleteRecords {
  readonly #hosted: HostedPartitions;
  readonly #delayed: DelayedOperations;
  readonly #logger: Logger;

  constructor(parts: { hosted: HostedPartitions; delayed: DelayedOperations; logger: Logger }) {
    this.#hosted = parts.hosted;
    this.#delayed = parts.delayed;
    this.#logger = parts.logger;
  }

  /** One result for each entry, in order. @param timeoutMs how long to wait for followers to drop the records too */
  async deleteRecords(timeoutMs: number, entries: readonly DeleteRecordsEntry[]): Promise<DeleteRecordsResult[]> {
    const pending: PendingDeletion[] = [];
    const results = entries.map((entry) => this.#delete(entry, pending));
    if (pending.length > 0) {
      const delayed = new DelayedDeleteRecords(timeoutMs, pending);
      const partitions = pending.map(({ partition }) => partition);
      this.#delayed.deleteRecords.tryCompleteElseWatch(delayed, partitions);
      await delayed.result;
    }
    return results;
  }

  #delete(entry: DeleteRecordsEntry, pending: PendingDeletion[]): DeleteRecordsResult {
    try {
      if (isInternalTopic(entry.topic)) return failedDeletion(entry.partition, Errors.INVALID_TOPIC_EXCEPTION);
      const partition = this.#hosted.mustGet(entry.topic, entry.partition);
      const requestedOffset = deleteRecordsOnLeader(partition, entry.offset);
      const lowWatermark = partition.lowWatermark();
      const result = { partitionIndex: entry.partition, lowWatermark, errorCode: Errors.NONE };
      if (lowWatermark < requestedOffset) pending.push({ partition, requestedOffset, result });
      return result;
    } catch (error) {
      const { code, isExpected } = mapError(error);
      const { topic, partition } = entry;
      if (!isExpected) this.#logger.error('error processing delete records operation', { topic, partition, error });
      return failedDeletion(partition, code);
    }
  }
}

/** @returns the offset as a number that is one
 *  @throws KafkaError OFFSET_OUT_OF_RANGE, POLICY_VIOLATION, NOT_LEADER_OR_FOLLOWER */
function deleteRecordsOnLeader(partition: Partition, offset: number): number {
  const log = partition.logFor({ currentLeaderEpoch: -1, requireLeader: true });
  const name = `${partition.topic}-${partition.partition}`;
  if (!log.config.delete) {
    throw new KafkaError(
      Errors.POLICY_VIOLATION,
      `Records of partition ${name} can not be deleted due to the configured policy`,
    );
  }
  const requestedOffset = offset === HIGH_WATERMARK ? log.highWatermark : offset;
  if (requestedOffset < 0 || requestedOffset > log.highWatermark) {
    throw new KafkaError(
      Errors.OFFSET_OUT_OF_RANGE,
      `cannot delete up to ${requestedOffset} of partition ${name}: its high watermark is ${log.highWatermark}`,
    );
  }
  log.maybeIncrementLogStartOffset(requestedOffset);
  return requestedOffset;
}

/** The result of a deletion that did not happen. */
export function failedDeletion(partitionIndex: number, errorCode: ErrorCode): DeleteRecordsResult {
  return { partitionIndex, lowWatermark: INVALID_LOW_WATERMARK, errorCode };
}
