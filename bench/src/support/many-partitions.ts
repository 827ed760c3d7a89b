// Many partitions of several segments each, made and asked about over the wire: the same for every system.

import { NodeSockets, SystemClock } from '@ottla/base';
import { RequestClient } from '@ottla/network';
import { createTopics, listOffsets, metadata, produce } from '@ottla/protocol';
import { RecordsBuilder } from '@ottla/records';

const PARTITIONS_PER_TOPIC = 100;
const VALUE_BYTES = 1000;
const BATCHES_PER_SEGMENT = 3;
/** Three batches fit, a fourth does not. */
const SEGMENT_BYTES = 4096;
const TIMEOUT_MS = 120_000;
const LATEST = -1;

const clock = new SystemClock();
const sockets = new NodeSockets(clock);

export interface ManyPartitions {
  readonly partitions: number;
  readonly segments: number;
}

/** Creates the topics and fills every partition. */
export async function makePartitions(port: number, wanted: ManyPartitions): Promise<void> {
  const client = await connectTo(port);
  try {
    for (const topic of topicsOf(wanted)) {
      await createTopic(client, topic);
      await untilAllLead(client, [topic], 0);
      for (let i = 0; i < endOffsetOf(wanted); i++) await produceToEach(client, topic);
    }
  } finally {
    client.close();
  }
}

/** Resolves when every partition has a leader and answers with its end. */
export async function untilAllAnswer(port: number, wanted: ManyPartitions): Promise<void> {
  const client = await connectTo(port);
  try {
    await untilAllLead(client, topicsOf(wanted), endOffsetOf(wanted));
  } finally {
    client.close();
  }
}

interface Topic {
  readonly name: string;
  readonly partitionCount: number;
}

function topicsOf({ partitions }: ManyPartitions): Topic[] {
  const topics: Topic[] = [];
  for (let left = partitions; left > 0; left -= PARTITIONS_PER_TOPIC) {
    topics.push({ name: `bench-${topics.length}`, partitionCount: Math.min(left, PARTITIONS_PER_TOPIC) });
  }
  return topics;
}

function endOffsetOf({ segments }: ManyPartitions): number {
  return segments * BATCHES_PER_SEGMENT;
}

function connectTo(port: number): Promise<RequestClient> {
  return RequestClient.connect({ sockets, clock, host: '127.0.0.1', port, requestTimeoutMs: TIMEOUT_MS });
}

async function createTopic(client: RequestClient, { name, partitionCount }: Topic): Promise<void> {
  const configs = [{ name: 'segment.bytes', value: String(SEGMENT_BYTES) }];
  const topics = [{ name, numPartitions: partitionCount, replicationFactor: 1, assignments: [], configs }];
  const answer = await client.send(createTopics, { topics, timeoutMs: TIMEOUT_MS, validateOnly: false }, 5);
  const errorCode = answer.topics[0]?.errorCode;
  if (errorCode !== 0) throw new Error(`${name} was not created: error code ${errorCode}`);
}

async function produceToEach(client: RequestClient, { name, partitionCount }: Topic): Promise<void> {
  const partitionData = indexes(partitionCount).map((index) => ({ index, records: batch() }));
  const answer = await client.send(
    produce,
    { acks: 1, timeoutMs: TIMEOUT_MS, topicData: [{ name, partitionData }] },
    9,
  );
  for (const { index, errorCode } of answer.responses[0]?.partitionResponses ?? []) {
    if (errorCode !== 0) throw new Error(`${name}-${index} took no records: error code ${errorCode}`);
  }
}

function batch(): Buffer {
  const builder = new RecordsBuilder({
    magic: 2,
    compressionType: 'none',
    timestampType: 'CreateTime',
    baseOffset: 0,
  });
  builder.append({ timestamp: clock.nowMs(), key: null, value: Buffer.alloc(VALUE_BYTES, 'v') });
  return builder.build();
}

async function untilAllLead(client: RequestClient, topics: readonly Topic[], endOffset: number): Promise<void> {
  const deadlineMs = clock.monotonicMs() + TIMEOUT_MS;
  while (!(await doAllLead(client, topics)) || !(await haveAllEnds(client, topics, endOffset))) {
    if (clock.monotonicMs() > deadlineMs) throw new Error('not every partition has a leader within two minutes');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
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
