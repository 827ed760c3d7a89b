// Log directories that Apache Kafka 2.8 and 3.9 wrote, after a clean stop and copied from under a running broker: taken over, they answer a
// client what Kafka answered, record by record and in both isolation levels, and so they do after another start.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ByteReader, type TopicPartition } from '@ottla/base';
import type { RequestClient } from '@ottla/network';
import { describeProducers, initProducerId, metadata, offsetCommitKey, offsetCommitValue } from '@ottla/protocol';
import { batchesIn, type KafkaRecord, loadCompressionCodecs } from '@ottla/records';
import { projectRoot, startBrokerProcess } from './support/broker-process.ts';
import { connectFor, temporaryDirectory } from './support/test-broker.ts';
import { untilReady } from './support/transactions.ts';
import { committedOffset, findCoordinatorOf, offsetOf, readAll } from './support/wire.ts';

const facts = join(process.env.KAFKA_FACTS ?? join(projectRoot, '../shared/kafka'), 'log-dirs');
const skip = existsSync(facts) || process.env.CI === 'true' ? false : `no golden log dirs in ${facts}`;
const CONFIG = {
  'log.retention.ms': '-1',
  'offsets.topic.num.partitions': '4',
  'transaction.state.log.num.partitions': '4',
};
const ISOLATIONS = ['read_uncommitted', 'read_committed'] as const;

interface ExpectedPartition {
  readonly start: number;
  readonly end: number;
  /** [offset, timestamp, key, value, …headers] */
  readonly records: readonly (number | string | null)[][];
}
type Expected = Record<(typeof ISOLATIONS)[number], Record<string, ExpectedPartition>>;

interface CommittedOffset {
  readonly group: string;
  readonly tp: TopicPartition;
  readonly offset: number;
}

function unpack(t: TestContext, archive: string): string {
  const scratch = temporaryDirectory(t, 'golden');
  execFileSync('tar', ['xzf', join(facts, `${archive}.tgz`), '-C', scratch]);
  return join(scratch, archive);
}

/** What the groups' log says, read without the broker. */
function offsetsIn(directory: string): CommittedOffset[] {
  const found = new Map<string, CommittedOffset>();
  for (const name of readdirSync(directory).filter((each) => each.startsWith('__consumer_offsets-'))) {
    for (const file of readdirSync(join(directory, name)).filter((each) => each.endsWith('.log'))) {
      for (const batch of batchesIn(readFileSync(join(directory, name, file)))) {
        for (const { key, value } of batch.records()) if (key && value) noteOffset(key, value, found);
      }
    }
  }
  return [...found.values()];
}

function noteOffset(key: Buffer, value: Buffer, into: Map<string, CommittedOffset>): void {
  if (key.readInt16BE(0) > 1) return;
  const { group, topic, partition } = offsetCommitKey.read(new ByteReader(key.subarray(2)), key.readInt16BE(0));
  const { offset } = offsetCommitValue.read(new ByteReader(value.subarray(2)), value.readInt16BE(0));
  into.set(key.toString('hex'), { group, tp: { topic, partition }, offset });
}

function toExpected({ offset, timestamp, key, value, headers }: KafkaRecord): (number | string | null)[] {
  const text = headers.map((header) => `${header.key}=${header.value}`);
  return [offset, timestamp, key?.toString() ?? null, value?.toString() ?? null, ...text];
}

function toTopicPartition(name: string): TopicPartition {
  const dash = name.lastIndexOf('-');
  return { topic: name.slice(0, dash), partition: Number(name.slice(dash + 1)) };
}

async function assertRecords(client: RequestClient, expected: Expected): Promise<number> {
  let count = 0;
  for (const isolation of ISOLATIONS) {
    for (const [name, { start, end, records }] of Object.entries(expected[isolation])) {
      const tp = toTopicPartition(name);
      assert.equal(await offsetOf(client, tp, -2), start, `${name} starts`);
      assert.equal(await offsetOf(client, tp, -1, isolation), end, `${name} ends, ${isolation}`);
      assert.deepEqual((await readAll(client, tp, isolation)).map(toExpected), records, `${name}, ${isolation}`);
      count += records.length;
    }
  }
  return count;
}

async function assertOffsets(client: RequestClient, offsets: readonly CommittedOffset[]): Promise<void> {
  for (const { group, tp, offset } of offsets) {
    let found: number | undefined;
    await untilReady(async () => {
      found = await committedOffset(client, group, tp);
      return found === undefined ? findCoordinatorOf(client, group, 'group').then((code) => code || 15) : 0;
    });
    assert.equal(found, offset, `${group} at ${tp.topic}-${tp.partition}`);
  }
}

/** The open transaction of the golden topic is open still, and its producer is known. @returns producers of transactions that are open */
async function openTransactions(client: RequestClient): Promise<number[]> {
  const request = { topics: [{ name: 'txn', partitionIndexes: [0] }] };
  const [partition] = (await client.send(describeProducers, request, 0)).topics[0]?.partitions ?? [];
  assert.equal(partition?.errorCode, 0);
  return partition.activeProducers
    .filter(({ currentTxnStartOffset }) => currentTxnStartOffset >= 0)
    .map(({ producerId }) => producerId);
}

/** A new producer must not get the id of one whose batches are in the logs. */
async function newProducerId(client: RequestClient): Promise<number> {
  let producerId = -1;
  const code = await untilReady(async () => {
    const request = { transactionalId: null, transactionTimeoutMs: 1000 };
    const answer = await client.send(initProducerId, request, 4);
    producerId = answer.producerId;
    return answer.errorCode;
  });
  assert.equal(code, 0);
  return producerId;
}

async function topicIds(client: RequestClient): Promise<Map<string, string>> {
  const request = { topics: null, allowAutoTopicCreation: false, includeTopicAuthorizedOperations: false };
  const answer = await client.send(metadata, { ...request, includeClusterAuthorizedOperations: false }, 10);
  return new Map(answer.topics.map(({ name, topicId }) => [name ?? '', topicId]));
}

/** Of directories that have them. */
function writtenTopicIds(directory: string): [topic: string, id: string][] {
  return readdirSync(directory)
    .filter((name) => existsSync(join(directory, name, 'partition.metadata')))
    .map((name) => {
      const text = readFileSync(join(directory, name, 'partition.metadata'), 'utf8');
      return [toTopicPartition(name).topic, /topic_id: (.*)/.exec(text)?.[1] ?? ''];
    });
}

for (const [version, archive] of [
  ['2.8', 'kafka-2.8-clean-shutdown'],
  ['2.8', 'kafka-2.8-no-shutdown'],
  ['3.9', 'kafka-3.9-clean-shutdown'],
] as const) {
  test(`serves ${archive} as Kafka did`, { skip, timeout: 120_000 }, async (t) => {
    await loadCompressionCodecs();
    const dataDirectory = unpack(t, archive);
    const expected: Expected = JSON.parse(readFileSync(join(facts, `expected-${version}.json`), 'utf8'));
    const offsets = offsetsIn(dataDirectory);
    const ids = writtenTopicIds(dataDirectory);
    assert.ok(offsets.length > 0);
    assert.equal(ids.length > 0, version === '3.9');
    for (const flags of [['--adopt-log-dirs'], []]) {
      const broker = await startBrokerProcess({ dataDirectory, config: CONFIG, flags });
      t.after(() => broker.end('SIGKILL'));
      const client = await connectFor(t, broker.port);
      const count = await assertRecords(client, expected);
      assert.ok(count > 5000);
      await assertOffsets(client, offsets);
      const served = await topicIds(client);
      for (const [topic, id] of ids) assert.equal(served.get(topic), id, `the id of ${topic}`);
      const open = await openTransactions(client);
      assert.equal(open.length, 1);
      assert.ok((await newProducerId(client)) > Math.max(...open), 'a producer id is given twice');
      assert.equal(await broker.end('SIGTERM'), 0);
      t.diagnostic(`${flags.join(' ') || 'started again'}: ${count} records and ${offsets.length} offsets as in Kafka`);
    }
  });
}
