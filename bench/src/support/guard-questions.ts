// The requests whose cost the guard knows, and proof that each is answered without an error: a refusal would be cheap.

import { type ApiCodec, createTopics, fetch, listOffsets, metadata, produce } from '@ottla/protocol';
import { type CompressionType, RecordsBuilder } from '@ottla/records';
import { encodeFrame, type InProcessBroker } from './in-process-broker.ts';

const TOPIC = 'guard';
const PARTITIONS = 100;
const ONE_TO_EACH = { recordCount: 1, valueBytes: 1024, partitions: PARTITIONS };
const PRODUCE_VERSION = 9;
const FETCH_VERSION = 11;
const METADATA_VERSION = 4;
const CREATE_TOPICS_VERSION = 4;
const LIST_OFFSETS_VERSION = 1;
const LATEST = -1;
/** What follows the session epoch of a request without topics: topics, forgotten topics, rack id, all empty. */
const BYTES_AFTER_EPOCH = 4 + 4 + 2;

export interface GuardQuestion {
  readonly name: string;
  readonly frame: Buffer;
  /** In one count. What they allocate must fit the young generation. */
  readonly requestCount: number;
  /** Makes the frame that was sent last the next one. */
  readonly advance?: (frame: Buffer) => void;
}

interface Ask {
  readonly name: string;
  readonly requestCount: number;
}

interface Batches {
  readonly partitions?: number;
  readonly recordCount: number;
  readonly valueBytes: number;
  readonly compressionType?: CompressionType;
}

/** Each is made when it is asked for, so that it finds the log as those before it left it. */
export async function* guardQuestions(broker: InProcessBroker): AsyncGenerator<GuardQuestion, void, void> {
  await createTopic(broker);
  yield* produceQuestions(broker);
  yield* fetchQuestions(broker);
}

async function* produceQuestions(broker: InProcessBroker): AsyncGenerator<GuardQuestion, void, void> {
  const ofRecords = (ask: Ask, batches: Batches) =>
    question(broker, ask, produce, produceRequest(batches), PRODUCE_VERSION);
  const large = { recordCount: 60, valueBytes: 1024 };
  yield ofRecords({ name: 'produce 1 × 100 B', requestCount: 1000 }, { recordCount: 1, valueBytes: 100 });
  yield ofRecords({ name: 'produce 60 × 1 KiB', requestCount: 200 }, large);
  yield ofRecords({ name: 'produce 1 × 1 KiB to each of 100 partitions', requestCount: 50 }, ONE_TO_EACH);
  for (const compressionType of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
    const ask = { name: `produce 60 × 1 KiB, ${compressionType}`, requestCount: 50 };
    yield ofRecords(ask, { ...large, compressionType });
  }
}

async function* fetchQuestions(broker: InProcessBroker): AsyncGenerator<GuardQuestion, void, void> {
  yield fetched(broker, { name: 'fetch 1 MiB', requestCount: 200 }, 1024 * 1024);
  yield fetched(broker, { name: 'fetch 1 KiB', requestCount: 1000 }, 1024);
  yield fetchedFromEach(broker, { name: 'fetch 1 KiB from each of 100 partitions', requestCount: 50 });
  yield idleSession(broker, { name: 'fetch of 100 partitions in a session, nothing new', requestCount: 100 });
}

async function createTopic(broker: InProcessBroker): Promise<void> {
  const topic = { name: TOPIC, numPartitions: PARTITIONS, replicationFactor: 1, assignments: [], configs: [] };
  mustSucceed(await broker.send(createTopics, { topics: [topic] }, CREATE_TOPICS_VERSION));
  for (let attempt = 0; attempt < 500; attempt++) {
    const [known] = (await broker.send(metadata, { topics: [{ name: TOPIC }] }, METADATA_VERSION)).topics;
    const led = known?.partitions.filter(({ errorCode, leaderId }) => errorCode === 0 && leaderId >= 0);
    if (led?.length === PARTITIONS) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${TOPIC} has no leaders`);
}

async function question<Request, Response>(
  broker: InProcessBroker,
  ask: Ask,
  api: ApiCodec<Request, Response>,
  request: Request,
  version: number,
): Promise<GuardQuestion> {
  mustSucceed(await broker.send(api, request, version));
  return { ...ask, frame: encodeFrame(api, request, version) };
}

function mustSucceed(response: unknown): void {
  if (JSON.stringify(response, withoutBytes).match(/"errorCode":-?[1-9]/)) {
    throw new Error(`an error in ${JSON.stringify(response, withoutBytes)}`);
  }
}

function withoutBytes(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  const isBuffer = typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer';
  return isBuffer ? undefined : value;
}

function produceRequest(batches: Batches) {
  const { partitions = 1, recordCount, valueBytes, compressionType = 'none' } = batches;
  const builder = new RecordsBuilder({ magic: 2, compressionType, timestampType: 'CreateTime', baseOffset: 0 });
  for (let i = 0; i < recordCount; i++) builder.append({ timestamp: 1e12, key: null, value: textOf(i, valueBytes) });
  const records = builder.build();
  const partitionData = Array.from({ length: partitions }, (_, index) => ({ index, records }));
  return { transactionalId: null, acks: 1, timeoutMs: 1000, topicData: [{ name: TOPIC, partitionData }] };
}

/** Words and numbers: compresses about as well as JSON. */
function textOf(seed: number, bytes: number): Buffer {
  let text = '';
  for (let n = seed + 1; text.length < bytes; n = (n * 48_271) % 0x7fffffff) text += `field${n % 40} ${n % 100_000} `;
  return Buffer.from(text.slice(0, bytes));
}

interface Session {
  readonly sessionId: number;
  readonly sessionEpoch: number;
  readonly maxWaitMs: number;
}

const NO_SESSION: Session = { sessionId: 0, sessionEpoch: -1, maxWaitMs: 500 };

/** @param offsets where to read which partitions */
function fetchRequest(maxBytes: number, session: Session, offsets: ReadonlyMap<number, number>) {
  const partitions = [...offsets].map(([partition, fetchOffset]) => ({
    partition,
    currentLeaderEpoch: -1,
    fetchOffset,
    logStartOffset: -1,
    partitionMaxBytes: maxBytes,
  }));
  return {
    replicaId: -1,
    minBytes: 1,
    maxBytes: maxBytes * Math.max(1, offsets.size),
    isolationLevel: 0,
    ...session,
    topics: partitions.length === 0 ? [] : [{ topic: TOPIC, partitions }],
    forgottenTopicsData: [],
    rackId: '',
  };
}

function fetched(broker: InProcessBroker, ask: Ask, maxBytes: number): Promise<GuardQuestion> {
  return question(broker, ask, fetch, fetchRequest(maxBytes, NO_SESSION, new Map([[0, 0]])), FETCH_VERSION);
}

/** The last batch of each, as a consumer does that keeps up. */
async function fetchedFromEach(broker: InProcessBroker, ask: Ask): Promise<GuardQuestion> {
  const last = await endOffsets(broker);
  mustSucceed(await broker.send(produce, produceRequest(ONE_TO_EACH), PRODUCE_VERSION));
  return question(broker, ask, fetch, fetchRequest(2 * 1024, NO_SESSION, last), FETCH_VERSION);
}

/** All partitions are asked for from an offset where nothing is yet, and the answer may not wait for it. */
async function idleSession(broker: InProcessBroker, ask: Ask): Promise<GuardQuestion> {
  const first = fetchRequest(1024, { sessionId: 0, sessionEpoch: 0, maxWaitMs: 0 }, await endOffsets(broker));
  const opened = await broker.send(fetch, first, FETCH_VERSION);
  mustSucceed(opened);
  const { sessionId } = opened;
  if (sessionId === 0) throw new Error('the broker opened no fetch session');
  const next = await question(
    broker,
    ask,
    fetch,
    fetchRequest(1024, { sessionId, sessionEpoch: 1, maxWaitMs: 0 }, new Map()),
    FETCH_VERSION,
  );
  const advance = (frame: Buffer) => {
    const at = frame.length - BYTES_AFTER_EPOCH - 4;
    frame.writeInt32BE(frame.readInt32BE(at) + 1, at);
  };
  return { ...next, advance };
}

async function endOffsets(broker: InProcessBroker): Promise<Map<number, number>> {
  const partitions = Array.from({ length: PARTITIONS }, (_, i) => ({ partitionIndex: i, timestamp: LATEST }));
  const request = { replicaId: -1, topics: [{ name: TOPIC, partitions }] };
  const answer = await broker.send(listOffsets, request, LIST_OFFSETS_VERSION);
  mustSucceed(answer);
  return new Map(answer.topics[0]?.partitions.map(({ partitionIndex, offset }) => [partitionIndex, offset]));
}
