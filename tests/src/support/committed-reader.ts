// Follows many partitions with read_committed, each from where it stopped, as a consumer does.

import { Errors, type TopicPartition } from '@ottla/base';
import type { RequestClient } from '@ottla/network';
import { fetch } from '@ottla/protocol';
import { batchesIn, type KafkaRecord } from '@ottla/records';
import { AbortedRanges, collectRecords } from './wire.ts';

const RESPONSE_BYTES_MAX = 16 << 20;
const PARTITION_BYTES_MAX = 256 << 10;

export class CommittedReader {
  readonly #topic: string;
  /** By partition: the next offset to read. */
  readonly #positions: number[];

  constructor(topic: string, partitionCount: number) {
    this.#topic = topic;
    this.#positions = Array.from({ length: partitionCount }, () => 0);
  }

  position(partition: number): number {
    return this.#positions[partition] ?? 0;
  }

  seek(partition: number, offset: number): void {
    this.#positions[partition] = offset;
  }

  /** Reads on until nothing more comes. @throws Error for what is not NONE and not a leader that is not there yet */
  async readToEnd(client: RequestClient, onRecord: (tp: TopicPartition, record: KafkaRecord) => void): Promise<void> {
    for (;;) {
      const before = this.#total();
      await this.#readOnce(client, onRecord);
      if (this.#total() === before) return;
    }
  }

  async #readOnce(client: RequestClient, onRecord: (tp: TopicPartition, record: KafkaRecord) => void): Promise<void> {
    const partitions = this.#positions.map((fetchOffset, partition) => ({
      partition,
      fetchOffset,
      partitionMaxBytes: PARTITION_BYTES_MAX,
    }));
    const topics = [{ topic: this.#topic, partitions }];
    const bounds = { replicaId: -1, maxWaitMs: 0, minBytes: 0, maxBytes: RESPONSE_BYTES_MAX };
    const answer = await client.send(fetch, { ...bounds, isolationLevel: 1, topics }, 11);
    for (const { partitionIndex, errorCode, records, abortedTransactions } of answer.responses[0]?.partitions ?? []) {
      if (errorCode === Errors.NOT_LEADER_OR_FOLLOWER || errorCode === Errors.UNKNOWN_TOPIC_OR_PARTITION) continue;
      if (errorCode !== Errors.NONE) throw new Error(`fetch of ${this.#topic}-${partitionIndex} answered ${errorCode}`);
      if (!Buffer.isBuffer(records)) continue;
      const aborted = new AbortedRanges(abortedTransactions ?? []);
      this.#take({ topic: this.#topic, partition: partitionIndex }, records, aborted, onRecord);
    }
  }

  #take(
    tp: TopicPartition,
    bytes: Buffer,
    aborted: AbortedRanges,
    onRecord: (tp: TopicPartition, record: KafkaRecord) => void,
  ): void {
    for (const batch of batchesIn(bytes)) {
      batch.ensureValid();
      const records: KafkaRecord[] = [];
      if (!aborted.covers(batch)) collectRecords(batch, this.position(tp.partition), records);
      this.#positions[tp.partition] = batch.nextOffset;
      for (const record of records) onRecord(tp, record);
    }
  }

  #total(): number {
    return this.#positions.reduce((sum, position) => sum + position, 0);
  }
}
