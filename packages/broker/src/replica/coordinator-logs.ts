// The coordinators' doors to their logs, over the replicas of this broker. Source: kafka.coordinator.group.GroupMetadataManager
// (appendForGroup, doLoadGroupsAndOffsets).

import { mustBePresent, readFully, type TopicPartition, yieldToEventLoop } from '@ottla/base';
import { batchesIn, type RecordBatch } from '@ottla/records';
import type { Log } from '@ottla/storage';
import type { PartitionAppender, PartitionAppendResult, PartitionLoader } from '../partition-ports.ts';
import type { HostedPartitions } from './hosted-partitions.ts';
import type { ReplicaAppend } from './replica-append.ts';

/** How much is read between two turns of the event loop. */
const LOAD_BYTES = 1024 * 1024;

export class ReplicaPartitionAppender implements PartitionAppender {
  readonly #append: ReplicaAppend;

  constructor(append: ReplicaAppend) {
    this.#append = append;
  }

  async append(
    { topic, partition }: TopicPartition,
    records: Buffer,
    options: { origin: 'coordinator'; requiredAcks: -1; timeoutMs: number },
  ): Promise<PartitionAppendResult> {
    const entries = [{ topic, partition, records }];
    const [result] = await this.#append.appendRecords({ ...options, internalTopicsAllowed: true, entries });
    const { errorCode, baseOffset } = mustBePresent(result, 'the result of an append');
    return { errorCode, baseOffset };
  }
}

export class ReplicaPartitionLoader implements PartitionLoader {
  readonly #hosted: HostedPartitions;

  constructor(hosted: HostedPartitions) {
    this.#hosted = hosted;
  }

  /** Rejects with KafkaError when the partition is not here, is lost on the way, or cannot be read. */
  async load(
    { topic, partition }: TopicPartition,
    onBatch: (batch: RecordBatch) => void,
    _options: { from: 'logStart' },
  ): Promise<{ endOffset: number }> {
    const { logStartOffset } = this.#mustLead(topic, partition);
    let offset = logStartOffset;
    for (;;) {
      const log = this.#mustLead(topic, partition);
      if (offset >= log.logEndOffset) return { endOffset: offset };
      const nextOffset = loadPiece(log, Math.max(offset, log.logStartOffset), onBatch);
      if (nextOffset === undefined) return { endOffset: offset };
      offset = nextOffset;
      await yieldToEventLoop();
    }
  }

  #mustLead(topic: string, partition: number): Log {
    return this.#hosted.mustGet(topic, partition).logFor({ currentLeaderEpoch: -1, requireLeader: true });
  }
}

/** @returns where to go on; undefined when there was nothing to read */
function loadPiece(log: Log, startOffset: number, onBatch: (batch: RecordBatch) => void): number | undefined {
  const { records } = log.read({ startOffset, maxBytes: LOAD_BYTES, isolation: 'logEnd', minOneMessage: true });
  let nextOffset: number | undefined;
  for (const batch of batchesIn(readFully(records))) {
    onBatch(batch);
    nextOffset = batch.nextOffset;
  }
  return nextOffset;
}
