// The same records given to us and to Apache Kafka 3.9 are the same after both have compacted them: key, value and offset, without what was
// aborted, with tombstones. Then Kafka's own tool reads our compacted segments and their indexes.
// OTTLA_COMPACTION_RECORDS and OTTLA_COMPACTION_KEYS raise the counts (default 100,000 over 1,000).

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Errors, SeededRandom } from '@ottla/base';
import type { RequestClient } from '@ottla/network';
import { addPartitionsToTxn, createTopics, endTxn, findCoordinator, initProducerId, produce } from '@ottla/protocol';
import { batchesIn, controlRecordType, RecordsBuilder } from '@ottla/records';
import { startBrokerProcess } from './support/broker-process.ts';
import { kafkaTool, skipWithoutKafka, startKafka, startZooKeeper } from './support/reference-kafka.ts';
import { temporaryDirectory, testSeed } from './support/test-broker.ts';
import { connectTo, offsetOf, readAll } from './support/wire.ts';

const RECORDS = Number(process.env.OTTLA_COMPACTION_RECORDS ?? 100_000);
const KEYS = Number(process.env.OTTLA_COMPACTION_KEYS ?? 1_000);
const RECORDS_PER_BATCH = 500;
const TP = { topic: 'compacted', partition: 0 };
const TOPIC_CONFIG = {
  'cleanup.policy': 'compact',
  'min.cleanable.dirty.ratio': '0.01',
  'segment.bytes': String(1 << 20),
  'segment.ms': '3600000',
};
/** All cleaning threads look for work at once; internal topics small. */
const BROKER_CONFIG = {
  'log.cleaner.backoff.ms': '200',
  'offsets.topic.num.partitions': '1',
  'transaction.state.log.num.partitions': '1',
};

interface Batch {
  readonly pairs: readonly (readonly [key: string, value: string | null])[];
  /** undefined: not transactional. */
  readonly transaction: 'commit' | 'abort' | undefined;
  readonly compressionType: 'none' | 'gzip';
}

function* batches(seed: number): Generator<Batch> {
  const random = new SeededRandom(seed);
  for (let count = 0; count < RECORDS; count += RECORDS_PER_BATCH) {
    const pairs = Array.from({ length: RECORDS_PER_BATCH }, (_, index) => {
      const value = random.nextInt(20) === 0 ? null : `value-${count + index}-${'x'.repeat(random.nextInt(40))}`;
      return [`key-${random.nextInt(KEYS)}`, value] as const;
    });
    const kind = random.nextInt(8);
    const transaction = kind === 0 ? 'commit' : kind === 1 ? 'abort' : undefined;
    yield { pairs, transaction, compressionType: random.nextInt(3) === 0 ? 'gzip' : 'none' };
  }
  // One per key at the end, so that the rest of the log is decided; and something for the active segment.
  yield { pairs: [['last', 'one']], transaction: undefined, compressionType: 'none' };
}

class Feeder {
  readonly #client: RequestClient;
  #producer = { producerId: -1, producerEpoch: -1 };
  #sequence = 0;

  constructor(client: RequestClient) {
    this.#client = client;
  }

  async createTopic(): Promise<void> {
    const configs = Object.entries(TOPIC_CONFIG).map(([name, value]) => ({ name, value }));
    const topic = { name: TP.topic, numPartitions: 1, replicationFactor: 1, assignments: [], configs };
    await this.#retry('CreateTopics', async () => {
      const answer = await this.#client.send(
        createTopics,
        { topics: [topic], timeoutMs: 10_000, validateOnly: false },
        5,
      );
      const errorCode = answer.topics[0]?.errorCode ?? -1;
      // A try before this one succeeded, but its answer came too late.
      return errorCode === Errors.TOPIC_ALREADY_EXISTS ? Errors.NONE : errorCode;
    });
  }

  async begin(): Promise<void> {
    await this.#retry('FindCoordinator', async () => {
      const request = { key: 'compactor', keyType: 1, coordinatorKeys: [] };
      return (await this.#client.send(findCoordinator, request, 2)).errorCode;
    });
    await this.#retry('InitProducerId', async () => {
      const request = { transactionalId: 'compactor', transactionTimeoutMs: 60_000 };
      const { errorCode, producerId, producerEpoch } = await this.#client.send(initProducerId, request, 2);
      this.#producer = { producerId, producerEpoch };
      return errorCode;
    });
  }

  async feed(batch: Batch): Promise<void> {
    const { transaction } = batch;
    if (transaction === undefined) return this.#produce(batch);
    await this.#retry('AddPartitionsToTxn', async () => {
      const v3AndBelowTopics = [{ name: TP.topic, partitions: [TP.partition] }];
      const request = { v3AndBelowTransactionalId: 'compactor', ...v3Producer(this.#producer), v3AndBelowTopics };
      const answer = await this.#client.send(addPartitionsToTxn, request, 2);
      return answer.resultsByTopicV3AndBelow[0]?.resultsByPartition[0]?.partitionErrorCode ?? -1;
    });
    await this.#produce(batch);
    await this.#retry('EndTxn', async () => {
      const request = { transactionalId: 'compactor', ...this.#producer, committed: transaction === 'commit' };
      return (await this.#client.send(endTxn, request, 2)).errorCode;
    });
    // EndTxn is answered before its marker is written: what is sent next must not overtake it.
    for (let attempt = 0; attempt < 500; attempt++) {
      const stable = await offsetOf(this.#client, TP, -1, 'read_committed');
      if (stable === (await offsetOf(this.#client, TP, -1))) return;
      await sleep(10);
    }
    assert.fail('the transaction is never decided');
  }

  async #produce(batch: Batch): Promise<void> {
    const isTransactional = batch.transaction !== undefined;
    const builder = new RecordsBuilder({
      magic: 2,
      compressionType: batch.compressionType,
      timestampType: 'CreateTime',
      baseOffset: 0,
      ...(isTransactional ? { ...this.#producer, baseSequence: this.#sequence, isTransactional } : {}),
    });
    const timestamp = Date.now();
    for (const [key, value] of batch.pairs) {
      builder.append({ timestamp, key: Buffer.from(key), value: value === null ? null : Buffer.from(value) });
    }
    const records = builder.build();
    const request = {
      transactionalId: isTransactional ? 'compactor' : null,
      acks: -1,
      timeoutMs: 10_000,
      topicData: [{ name: TP.topic, partitionData: [{ index: TP.partition, records }] }],
    };
    await this.#retry('Produce', async () => {
      const answer = await this.#client.send(produce, request, 9);
      return answer.responses[0]?.partitionResponses[0]?.errorCode ?? -1;
    });
    if (isTransactional) this.#sequence += batch.pairs.length;
  }

  async #retry(what: string, ask: () => Promise<number>): Promise<void> {
    const retriable: readonly number[] = [
      Errors.UNKNOWN_TOPIC_OR_PARTITION,
      Errors.LEADER_NOT_AVAILABLE,
      Errors.NOT_LEADER_OR_FOLLOWER,
      Errors.COORDINATOR_LOAD_IN_PROGRESS,
      Errors.COORDINATOR_NOT_AVAILABLE,
      Errors.NOT_COORDINATOR,
      Errors.INVALID_REPLICATION_FACTOR,
      Errors.CONCURRENT_TRANSACTIONS,
    ];
    for (let attempt = 0; attempt < 600; attempt++) {
      const errorCode = await ask();
      if (errorCode === Errors.NONE) return;
      assert.ok(retriable.includes(errorCode), `${what} answered ${errorCode}`);
      await sleep(20);
    }
    assert.fail(`${what} was refused again and again`);
  }
}

function v3Producer(producer: { producerId: number; producerEpoch: number }) {
  return { v3AndBelowProducerId: producer.producerId, v3AndBelowProducerEpoch: producer.producerEpoch };
}

async function feedAll(port: number, seed: number): Promise<void> {
  const client = await connectTo(port);
  try {
    const feeder = new Feeder(client);
    await feeder.createTopic();
    await feeder.begin();
    for (const batch of batches(seed)) await feeder.feed(batch);
  } finally {
    client.close();
  }
}

/** `offset key=value` of every record, as a reader of committed records sees them. */
async function shown(client: RequestClient, isolation: 'read_committed' | 'read_uncommitted'): Promise<string[]> {
  return (await readAll(client, TP, isolation)).map(({ offset, key, value }) => `${offset} ${key}=${value}`);
}

/** Waits until two looks, a few cleaner passes apart, are alike and no key is there twice below `endOffset`. @returns the records */
async function compacted(port: number, endOffset: number): Promise<string[]> {
  const client = await connectTo(port);
  try {
    let before: string[] = [];
    for (let look = 0; look < 100; look++) {
      await sleep(1500);
      const found = await shown(client, 'read_committed');
      if (below(found, endOffset).length <= KEYS && found.length === before.length) return found;
      before = found;
    }
    throw new Error(`not compacted: ${below(before, endOffset).length} records below ${endOffset}`);
  } finally {
    client.close();
  }
}

/** Offset and producer of each transaction marker below `endOffset`, from the files. */
function markers(directory: string, endOffset: number): string[] {
  const found: string[] = [];
  for (const path of logFiles(directory, '.log').sort()) {
    for (const batch of batchesIn(readFileSync(path))) {
      if (!batch.isControlBatch || batch.lastOffset >= endOffset) continue;
      for (const record of batch.records()) found.push(`${record.offset} ${controlRecordType(record)}`);
    }
  }
  return found;
}

function below(records: readonly string[], offset: number): string[] {
  return records.filter((record) => Number.parseInt(record, 10) < offset);
}

function logFiles(directory: string, ...suffixes: string[]): string[] {
  const path = join(directory, 'compacted-0');
  return readdirSync(path)
    .filter((name) => suffixes.some((suffix) => name.endsWith(suffix)))
    .map((name) => join(path, name));
}

/** Where the active segment begins: below, everything is cleaned. */
function activeBase(directory: string): number {
  return Math.max(...logFiles(directory, '.log').map((path) => Number.parseInt(path.slice(-24), 10)));
}

test(`${RECORDS} records over ${KEYS} keys, compacted by us and by Kafka 3.9, are the same`, {
  skip: skipWithoutKafka('3.9.1'),
  timeout: 900_000,
}, async (t) => {
  const seed = testSeed();
  const scratch = temporaryDirectory(t, 'compaction');
  const [theirs, ours] = [join(scratch, 'kafka'), join(scratch, 'ottla')];
  const zooKeeper = await startZooKeeper(t, { directory: join(scratch, 'zk') });
  const options = { version: '3.9.1', directory: theirs, zooKeeper, config: BROKER_CONFIG } as const;
  const kafka = await startKafka(t, options);
  const broker = await startBrokerProcess({ dataDirectory: ours, config: BROKER_CONFIG });
  t.after(() => broker.end('SIGKILL'));

  await feedAll(kafka.port, seed);
  await feedAll(broker.port, seed);
  const cleanBelow = activeBase(theirs);
  assert.equal(activeBase(ours), cleanBelow, 'segments begin alike');
  const reference = below(await compacted(kafka.port, cleanBelow), cleanBelow);
  const found = below(await compacted(broker.port, cleanBelow), cleanBelow);
  assert.ok(cleanBelow > RECORDS / 2, `segments below ${cleanBelow} only are cleaned`);
  const [missing, extra] = [reference, found].map((records, i) => {
    const others = new Set(i === 0 ? found : reference);
    return records.filter((record) => !others.has(record)).slice(0, 5);
  });
  assert.deepEqual({ missing, extra }, { missing: [], extra: [] }, `seed ${seed}: ${missing}; ${extra}`);
  assert.equal(found.length, reference.length);

  const ends = [];
  for (const { port } of [kafka, broker]) {
    const client = await connectTo(port);
    ends.push(await offsetOf(client, TP, -1), (await shown(client, 'read_uncommitted')).length);
    client.close();
  }
  assert.equal(ends[2], ends[0], 'the logs end alike');
  const tombstones = reference.filter((record) => record.endsWith('=null')).length;
  t.diagnostic(`${found.length} records below ${cleanBelow}, ${tombstones} tombstones, seed ${seed}`);
  t.diagnostic(`uncommitted: ${ends[1]} records in Kafka, ${ends[3]} here`);

  assert.equal(await broker.end('SIGTERM'), 0);
  await kafka.stop();
  const [theirMarkers, ourMarkers] = [markers(theirs, cleanBelow), markers(ours, cleanBelow)];
  t.diagnostic(`${theirMarkers.length} transaction markers in Kafka, ${ourMarkers.length} here`);
  assert.deepEqual(ourMarkers, theirMarkers);
  const dump = (...flags: string[]): Promise<string> => kafkaTool('3.9.1', 'kafka.tools.DumpLogSegments', ...flags);
  const deep = await dump('--deep-iteration', '--files', logFiles(ours, '.log').join(','));
  assert.doesNotMatch(deep, /isvalid: false|Found invalid|non-consecutive|Exception/i);
  const indexes = await dump('--index-sanity-check', '--files', logFiles(ours, '.index', '.timeindex').join(','));
  assert.match(indexes, /passed sanity check/);
  assert.doesNotMatch(indexes, /Mismatch|should be|not found|Exception/i);
  t.diagnostic(`DumpLogSegments read ${logFiles(ours, '.log').length} compacted segments and their indexes`);
});
