// Topics of many partitions, made, filled and asked about over the wire: the same for every system.

import { NodeSockets, SystemClock } from '@ottla/base';
import { RequestClient } from '@ottla/network';
import { createTopics, listOffsets, metadata, produce } from '@ottla/protocol';
import { RecordsBuilder } from '@ottla/records';

const TIMEOUT_MS = 120_000;
const LATEST = -1;

const clock = new SystemClock();
const sockets = new NodeSockets(clock);

export interface Topic {
  readonly name: string;
  readonly partitionCount: number;
}

/** Does `work` with a connection to the broker at `port`. */
export async function connected<T>(port: number, work: (client: RequestClient) => Promise<T>): Promise<T> {
  const client = await RequestClient.connect({
    sockets,
    clock,
    host: '127.0.0.1',
    port,
    requestTimeoutMs: TIMEOUT_MS,
  });
  try {
    return await work(client);
  } finally {
    client.close();
  }
}

/** Resolves when its partitions have leaders. */
export async function createTopic(client: RequestClient, topic: Topic, segmentBytes: number): Promise<void> {
  const { name, partitionCount: numPartitions } = topic;
  const configs = [{ name: 'segment.bytes', value: String(segmentBytes) }];
  const topics = [{ name, numPartitions, replicationFactor: 1, assignments: [], configs }];
  const answer = await client.send(createTopics, { topics, timeoutMs: TIMEOUT_MS, validateOnly: false }, 5);
  const errorCode = answer.topics[0]?.errorCode;
  if (errorCode !== 0) throw new Error(`${name} was not created: error code ${errorCode}`);
  await untilAllLead(client, [topic], 0);
}

/** One batch of `count` records to each partition. */
export async function produceToEach(
  client: RequestClient,
  { name, partitionCount }: Topic,
  records: { count: number; valueBytes: number },
): Promise<void> {
  const partitionData = indexes(partitionCount).map((index) => ({ index, records: batchOf(records) }));
  const topicData = [{ name, partitionData }];
  const answer = await client.send(produce, { acks: 1, timeoutMs: TIMEOUT_MS, topicData }, 9);
  for (const { index, errorCode } of answer.responses[0]?.partitionResponses ?? []) {
    if (errorCode !== 0) throw new Error(`${name}-${index} took no records: error code ${errorCode}`);
  }
}

/** Resolves when every partition has a leader that answers `endOffset` for its end. @throws Error when one ends elsewhere */
export async function untilAllLead(client: RequestClient, topics: readonly Topic[], endOffset: number): Promise<void> {
  const deadlineMs = clock.monotonicMs() + TIMEOUT_MS;
  while (!(await doAllLead(client, topics)) || !(await haveAllEnds(client, topics, endOffset))) {
    if (clock.monotonicMs() > deadlineMs) throw new Error('not every partition has a leader within two minutes');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function batchOf({ count, valueBytes }: { count: number; valueBytes: number }): Buffer {
  const builder = new RecordsBuilder({
    magic: 2,
    compressionType: 'none',
    timestampType: 'CreateTime',
    baseOffset: 0,
  });
  const value = Buffer.alloc(valueBytes, 'v');
  for (let i = 0; i < count; i++) builder.append({ timestamp: clock.nowMs(), key: null, value });
  return builder.build();
}

async function doAllLead(client: RequestClient, topics: readonly Topic[]): Promise<boolean> {
  const request = { topics: topics.map(({ name }) => ({ name })), allowAutoTopicCreation: false };
  const answer = await client.send(metadata, request, 8);
  const counts = new Map(topics.map(({ name, partitionCount }) => [name, partitionCount]));
  return answer.topics.every(
    ({ name, errorCode, partitions }) =>
      errorCode === 0 &&
      partitions.length === counts.get(name ?? '') &&
      partitions.every((partition) => partition.errorCode === 0 && partition.leaderId >= 0),
  );
}

async function haveAllEnds(client: RequestClient, topics: readonly Topic[], endOffset: number): Promise<boolean> {
  const request = {
    replicaId: -1,
    isolationLevel: 0,
    topics: topics.map(({ name, partitionCount }) => ({
      name,
      partitions: indexes(partitionCount).map((partitionIndex) => ({ partitionIndex, timestamp: LATEST })),
    })),
  };
  const answer = await client.send(listOffsets, request, 5);
  for (const { name, partitions } of answer.topics) {
    for (const { partitionIndex, errorCode, offset } of partitions) {
      if (errorCode !== 0) return false;
      if (offset !== endOffset) throw new Error(`${name}-${partitionIndex} ends at ${offset}, expected ${endOffset}`);
    }
  }
  return true;
}

function indexes(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
