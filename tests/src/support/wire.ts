// Requests straight from the codecs, for tests that must know exactly what was asked and answered.

import { NodeSockets, SystemClock, type TopicPartition, topicPartitionKey } from '@ottla/base';
import { RequestClient } from '@ottla/network';
import { createTopics, fetch, findCoordinator, listOffsets, offsetCommit, offsetFetch, produce } from '@ottla/protocol';
import { batchesIn, type KafkaRecord, type RecordBatch, RecordsBuilder } from '@ottla/records';

const clock = new SystemClock();
const sockets = new NodeSockets(clock);
const TIMEOUT_MS = 10_000;

export function connectTo(port: number): Promise<RequestClient> {
  return RequestClient.connect({ sockets, clock, host: '127.0.0.1', port, requestTimeoutMs: TIMEOUT_MS });
}

/** Does `work` over a connection of its own. */
export async function connectedTo<Result>(
  port: number,
  work: (client: RequestClient) => Promise<Result>,
): Promise<Result> {
  const client = await connectTo(port);
  try {
    return await work(client);
  } finally {
    client.close();
  }
}

/** Creates `topics`, which must not exist yet. */
export async function createTopicsOn(
  client: RequestClient,
  topics: readonly string[],
  numPartitions: number,
): Promise<void> {
  const request = {
    topics: topics.map((name) => ({ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] })),
    timeoutMs: TIMEOUT_MS,
    validateOnly: false,
  };
  const answer = await client.send(createTopics, request, 5);
  for (const { name, errorCode } of answer.topics) {
    if (errorCode !== 0) throw new Error(`${name} was not created: error code ${errorCode}`);
  }
}

export interface Idempotence {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly isTransactional?: boolean;
}

/** One batch of `values`. */
export function batchOf(values: readonly string[], idempotence?: Idempotence): Buffer {
  const builder = new RecordsBuilder({
    magic: 2,
    compressionType: 'none',
    timestampType: 'CreateTime',
    baseOffset: 0,
    ...idempotence,
  });
  for (const value of values) builder.append({ timestamp: clock.nowMs(), key: null, value: Buffer.from(value) });
  return builder.build();
}

/** @returns the error code and base offset that the broker answered */
export async function produceTo(
  client: RequestClient,
  { topic, partition }: TopicPartition,
  records: Buffer,
  acks: 1 | -1,
): Promise<{ errorCode: number; baseOffset: number }> {
  const request = {
    acks,
    timeoutMs: TIMEOUT_MS,
    topicData: [{ name: topic, partitionData: [{ index: partition, records }] }],
  };
  const answer = await client.send(produce, request, 9);
  const result = answer.responses[0]?.partitionResponses[0];
  if (!result) throw new Error(`no answer for ${topicPartitionKey({ topic, partition })}`);
  return result;
}

/** Every record of a partition, from its start to its end: with `read_committed` to the last stable offset, and without what was aborted. */
export async function readAll(
  client: RequestClient,
  tp: TopicPartition,
  isolation: 'read_uncommitted' | 'read_committed' = 'read_uncommitted',
): Promise<KafkaRecord[]> {
  const endOffset = await offsetOf(client, tp, -1, isolation);
  const records: KafkaRecord[] = [];
  let fetchOffset = await offsetOf(client, tp, -2);
  while (fetchOffset < endOffset) {
    const answer = await fetchFrom(client, tp, fetchOffset, isolation);
    const aborted = new AbortedRanges(answer.abortedTransactions ?? []);
    for (const batch of batchesIn(answer.records as Buffer)) {
      batch.ensureValid();
      if (isolation === 'read_uncommitted' || !aborted.covers(batch)) collectRecords(batch, fetchOffset, records);
      fetchOffset = batch.nextOffset;
    }
  }
  return records;
}

/** The records of `batch` from `fetchOffset` on, but not control records. */
export function collectRecords(batch: RecordBatch, fetchOffset: number, into: KafkaRecord[]): void {
  if (batch.isControlBatch) return;
  for (const record of batch.records()) if (record.offset >= fetchOffset) into.push(record);
}

/** One fetch, in the version of a client that knows every codec. @returns the partition's part of the answer */
export async function fetchFrom(
  client: RequestClient,
  { topic, partition }: TopicPartition,
  fetchOffset: number,
  isolation: 'read_uncommitted' | 'read_committed' = 'read_uncommitted',
) {
  const request = {
    replicaId: -1,
    maxWaitMs: 500,
    minBytes: 1,
    maxBytes: 50 << 20,
    isolationLevel: isolation === 'read_committed' ? 1 : 0,
    topics: [{ topic, partitions: [{ partition, fetchOffset, partitionMaxBytes: 1 << 20 }] }],
  };
  const answer = (await client.send(fetch, request, 11)).responses[0]?.partitions[0];
  if (answer?.errorCode !== 0) throw new Error(`fetch answered ${answer?.errorCode}`);
  return answer;
}

/** Follows the batches of one answer and tells which belong to aborted transactions, as a consumer does. */
export class AbortedRanges {
  readonly #pending: { producerId: number; firstOffset: number }[];
  readonly #open = new Set<number>();

  constructor(aborted: readonly { producerId: number; firstOffset: number }[]) {
    this.#pending = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset);
  }

  covers(batch: RecordBatch): boolean {
    while (this.#pending[0] && this.#pending[0].firstOffset <= batch.lastOffset) {
      this.#open.add(this.#pending[0].producerId);
      this.#pending.shift();
    }
    if (!batch.isTransactional || !this.#open.has(batch.producerId)) return false;
    if (batch.isControlBatch) this.#open.delete(batch.producerId);
    return true;
  }
}

/** @param timestamp −1 the end, −2 the start */
export async function offsetOf(
  client: RequestClient,
  { topic, partition }: TopicPartition,
  timestamp: number,
  isolation: 'read_uncommitted' | 'read_committed' = 'read_uncommitted',
): Promise<number> {
  const isolationLevel = isolation === 'read_committed' ? 1 : 0;
  const partitions = [{ partitionIndex: partition, timestamp }];
  const request = { replicaId: -1, isolationLevel, topics: [{ name: topic, partitions }] };
  const answer = (await client.send(listOffsets, request, 5)).topics[0]?.partitions[0];
  if (answer?.errorCode !== 0) throw new Error(`ListOffsets answered ${answer?.errorCode}`);
  return answer.offset;
}

/** Is there a leader here? @returns the error code that says no */
export async function leaderErrorOf(client: RequestClient, { topic, partition }: TopicPartition): Promise<number> {
  const partitions = [{ partitionIndex: partition, timestamp: -1 }];
  const request = { replicaId: -1, isolationLevel: 0, topics: [{ name: topic, partitions }] };
  return (await client.send(listOffsets, request, 5)).topics[0]?.partitions[0]?.errorCode ?? -1;
}

/** @returns the error code */
export async function findCoordinatorOf(
  client: RequestClient,
  key: string,
  kind: 'group' | 'transaction',
): Promise<number> {
  const keyType = kind === 'group' ? 0 : 1;
  return (await client.send(findCoordinator, { key, keyType, coordinatorKeys: [] }, 2)).errorCode;
}

/** @returns the error code */
export async function commitOffset(
  client: RequestClient,
  groupId: string,
  tp: TopicPartition,
  offset: number,
): Promise<number> {
  const request = {
    groupId,
    topics: [
      {
        name: tp.topic,
        partitions: [{ partitionIndex: tp.partition, committedOffset: offset, committedMetadata: '' }],
      },
    ],
  };
  const answer = await client.send(offsetCommit, request, 7);
  return answer.topics[0]?.partitions[0]?.errorCode ?? -1;
}

/** @returns the offset, −1 when there is none, or undefined while the coordinator is not ready */
export async function committedOffset(
  client: RequestClient,
  groupId: string,
  tp: TopicPartition,
): Promise<number | undefined> {
  const request = { groupId, topics: [{ name: tp.topic, partitionIndexes: [tp.partition] }] };
  const answer = await client.send(offsetFetch, request, 5);
  const partition = answer.topics[0]?.partitions[0];
  return answer.errorCode === 0 && partition?.errorCode === 0 ? partition.committedOffset : undefined;
}
