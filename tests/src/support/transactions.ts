// A transactional producer whose every request and answer the test sees. One connection, no retries but those that are asked for.

import { setTimeout as sleep } from 'node:timers/promises';
import { Errors, type TopicPartition } from '@ottla/base';
import type { RequestClient } from '@ottla/network';
import { addOffsetsToTxn, addPartitionsToTxn, endTxn, initProducerId, produce, txnOffsetCommit } from '@ottla/protocol';
import { batchOf, findCoordinatorOf } from './wire.ts';

const PRODUCE_TIMEOUT_MS = 10_000;
const RETRY_PAUSE_MS = 3;

/** The coordinator is not ready, or busy with the transaction before. */
const NOT_YET = new Set<number>([
  Errors.COORDINATOR_LOAD_IN_PROGRESS,
  Errors.COORDINATOR_NOT_AVAILABLE,
  Errors.NOT_COORDINATOR,
  Errors.CONCURRENT_TRANSACTIONS,
]);

/** The leader is not there yet, after a start. */
const NO_LEADER_YET = new Set<number>([
  Errors.NOT_LEADER_OR_FOLLOWER,
  Errors.LEADER_NOT_AVAILABLE,
  Errors.UNKNOWN_TOPIC_OR_PARTITION,
]);

/** Asks again while the answer says that it is too early. @returns the first other answer; the last one after half a minute */
export async function untilReady(
  ask: () => Promise<number>,
  onRetry: () => void | Promise<void> = () => {},
): Promise<number> {
  const deadlineMs = Date.now() + 30_000;
  for (;;) {
    const code = await ask();
    if (!(NOT_YET.has(code) || NO_LEADER_YET.has(code)) || Date.now() > deadlineMs) return code;
    await onRetry();
    await sleep(RETRY_PAUSE_MS);
  }
}

export interface Write {
  readonly tp: TopicPartition;
  readonly values: readonly string[];
}

export interface WriteResult {
  readonly errorCode: number;
  readonly baseOffset: number;
}

/** Methods answer with Kafka's error code, the first one that is not NONE. */
export class TransactionalProducer {
  readonly transactionalId: string;
  readonly #timeoutMs: number;
  #client: RequestClient;
  #producerId = -1;
  #producerEpoch = -1;
  /** Of the current epoch, by partition: the next sequence number. */
  readonly #sequences = new Map<string, number>();

  constructor(client: RequestClient, transactionalId: string, timeoutMs = 60_000) {
    this.#client = client;
    this.transactionalId = transactionalId;
    this.#timeoutMs = timeoutMs;
  }

  get producerId(): number {
    return this.#producerId;
  }

  get producerEpoch(): number {
    return this.#producerEpoch;
  }

  /** Goes on over another connection. */
  reconnect(client: RequestClient): void {
    this.#client = client;
  }

  async init(): Promise<number> {
    const { transactionalId } = this;
    const request = { transactionalId, transactionTimeoutMs: this.#timeoutMs };
    const answer = await this.#client.send(initProducerId, request, 4);
    // Asking for the coordinator is what makes the topic of the transactions.
    if (answer.errorCode === Errors.NOT_COORDINATOR)
      await findCoordinatorOf(this.#client, transactionalId, 'transaction');
    if (answer.errorCode === Errors.NONE) {
      this.#producerId = answer.producerId;
      this.#producerEpoch = answer.producerEpoch;
      this.#sequences.clear();
    }
    return answer.errorCode;
  }

  async addPartitions(tps: readonly TopicPartition[]): Promise<number> {
    const topics = [...new Set(tps.map(({ topic }) => topic))].map((name) => ({
      name,
      partitions: tps.filter(({ topic }) => topic === name).map(({ partition }) => partition),
    }));
    const request = {
      transactions: [],
      v3AndBelowTransactionalId: this.transactionalId,
      v3AndBelowProducerId: this.#producerId,
      v3AndBelowProducerEpoch: this.#producerEpoch,
      v3AndBelowTopics: topics,
    };
    const answer = await this.#client.send(addPartitionsToTxn, request, 3);
    const codes = answer.resultsByTopicV3AndBelow.flatMap(({ resultsByPartition }) =>
      resultsByPartition.map(({ partitionErrorCode }) => partitionErrorCode),
    );
    return firstFailure(codes);
  }

  /** Sequence numbers go on only where the broker took the batch. @returns one result per write, in their order */
  async produce(writes: readonly Write[]): Promise<WriteResult[]> {
    const topicData = writes.map(({ tp, values }) => ({
      name: tp.topic,
      partitionData: [{ index: tp.partition, records: this.#batch(tp, values) }],
    }));
    const { transactionalId } = this;
    const request = { transactionalId, acks: -1, timeoutMs: PRODUCE_TIMEOUT_MS, topicData };
    const answer = await this.#client.send(produce, request, 9);
    return writes.map(({ tp, values }) => {
      const result = answer.responses
        .filter(({ name }) => name === tp.topic)
        .flatMap(({ partitionResponses }) => partitionResponses)
        .find(({ index }) => index === tp.partition);
      if (!result) throw new Error(`Produce did not answer for ${tp.topic}-${tp.partition}`);
      if (result.errorCode === Errors.NONE) this.#advance(tp, values.length);
      return result;
    });
  }

  async addOffsets(groupId: string): Promise<number> {
    const request = { ...this.#identity(), groupId };
    return (await this.#client.send(addOffsetsToTxn, request, 3)).errorCode;
  }

  async commitOffset(groupId: string, tp: TopicPartition, offset: number): Promise<number> {
    const partitions = [{ partitionIndex: tp.partition, committedOffset: offset, committedMetadata: '' }];
    const request = { ...this.#identity(), groupId, topics: [{ name: tp.topic, partitions }] };
    const answer = await this.#client.send(txnOffsetCommit, request, 3);
    return firstFailure(answer.topics.flatMap((topic) => topic.partitions.map(({ errorCode }) => errorCode)));
  }

  async end(committed: boolean): Promise<number> {
    return (await this.#client.send(endTxn, { ...this.#identity(), committed }, 3)).errorCode;
  }

  #identity() {
    const { transactionalId } = this;
    return { transactionalId, producerId: this.#producerId, producerEpoch: this.#producerEpoch };
  }

  #batch(tp: TopicPartition, values: readonly string[]): Buffer {
    return batchOf(values, {
      producerId: this.#producerId,
      producerEpoch: this.#producerEpoch,
      baseSequence: this.#sequences.get(keyOf(tp)) ?? 0,
      isTransactional: true,
    });
  }

  #advance(tp: TopicPartition, count: number): void {
    this.#sequences.set(keyOf(tp), (this.#sequences.get(keyOf(tp)) ?? 0) + count);
  }
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}

function firstFailure(codes: readonly number[]): number {
  if (codes.length === 0) throw new Error('the answer names no partition');
  return codes.find((code) => code !== Errors.NONE) ?? Errors.NONE;
}
