// Record sets that Kafka's own code wrote, mutilated, their checksums put right again so that the damage gets past the first gate: a batch is
// taken or refused with a reason. What was taken can be read by new and old clients, by the broker's own recovery, and says the same afterwards.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { Errors, errorName, SeededRandom } from '@ottla/base';
import type { RequestClient } from '@ottla/network';
import { createTopics, fetch, produce } from '@ottla/protocol';
import { batchAt, type CompressionType, crc32c, type KafkaRecord, loadCompressionCodecs } from '@ottla/records';
import { unforeseenFailures } from './support/broker-output.ts';
import { projectRoot } from './support/broker-process.ts';
import { connectFor, RestartableBroker, testSeed } from './support/test-broker.ts';
import { connectTo, fetchFrom, offsetOf, readAll } from './support/wire.ts';

const vectors = join(process.env.KAFKA_FACTS ?? join(projectRoot, '../shared/kafka'), 'vectors/record-batches.jsonl');
const skip = existsSync(vectors) || process.env.CI === 'true' ? false : `no golden record sets at ${vectors}`;
/** Of each record set. */
const MUTANTS = Number(process.env.OTTLA_MUTANTS ?? 40);
/** Topic → its settings. */
const TOPICS = new Map([
  ['plain', {}],
  ['stamped', { 'message.timestamp.type': 'LogAppendTime' }],
  ['recompressed', { 'compression.type': 'lz4' }],
  ['compacted', { 'cleanup.policy': 'compact' }],
  ['small', { 'max.message.bytes': '300' }],
]);
/** Reasons to refuse a batch. Above all not: UNKNOWN_SERVER_ERROR. */
const REFUSALS = new Set<number>([
  Errors.CORRUPT_MESSAGE,
  Errors.INVALID_RECORD,
  Errors.INVALID_TIMESTAMP,
  Errors.INVALID_REQUEST,
  Errors.MESSAGE_TOO_LARGE,
  Errors.UNSUPPORTED_COMPRESSION_TYPE,
  Errors.UNSUPPORTED_FOR_MESSAGE_FORMAT,
  Errors.OUT_OF_ORDER_SEQUENCE_NUMBER,
  Errors.INVALID_PRODUCER_EPOCH,
  Errors.UNKNOWN_PRODUCER_ID,
  Errors.INVALID_TXN_STATE,
  Errors.INVALID_PRODUCER_ID_MAPPING,
  Errors.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
]);

/** The bytes after the size field that a checksum covers, and where it stands, by magic. */
function repairChecksums(bytes: Buffer): Buffer {
  for (let at = 0; at + 17 <= bytes.length; ) {
    const end = at + 12 + bytes.readInt32BE(at + 8);
    if (end <= at + 17 || end > bytes.length) break;
    if (bytes[at + 16] === 2) {
      if (end < at + 61) break;
      bytes.writeUInt32BE(crc32c(bytes, at + 21, end), at + 17);
    } else bytes.writeUInt32BE(crc32(bytes.subarray(at + 16, end)), at + 12);
    at = end;
  }
  return bytes;
}

function mutate(golden: Buffer, random: SeededRandom): Buffer {
  const bytes = Buffer.from(golden);
  for (let i = 1 + random.nextInt(3); i > 0; i--) {
    const at = random.nextInt(bytes.length);
    const extremes = [0x00, 0x7f, 0x80, 0xff, (bytes[at] ?? 0) ^ (1 << random.nextInt(8))];
    bytes[at] = extremes[random.nextInt(extremes.length)] ?? 0;
  }
  const whole = random.nextInt(10) === 0 ? bytes.subarray(0, random.nextInt(bytes.length)) : bytes;
  return random.nextInt(8) === 0 ? whole : repairChecksums(whole);
}

async function createAll(client: RequestClient): Promise<void> {
  const topics = [...TOPICS].map(([name, settings]) => ({
    name,
    numPartitions: 1,
    replicationFactor: 1,
    assignments: [],
    configs: Object.entries(settings).map(([key, value]) => ({ name: key, value: String(value) })),
  }));
  const answer = await client.send(createTopics, { topics, timeoutMs: 10_000, validateOnly: false }, 5);
  for (const { errorCode } of answer.topics) assert.equal(errorCode, Errors.NONE);
}

/** Sends mutants, over a new connection where the broker closed the one before. */
class Sender {
  readonly #port: number;
  #client: RequestClient | undefined;
  readonly tally = new Map<string, number>();

  constructor(port: number) {
    this.#port = port;
  }

  async send(topic: string, records: Buffer, version: number): Promise<void> {
    this.#client = this.#client && !this.#client.isClosed ? this.#client : await connectTo(this.#port);
    const request = {
      transactionalId: null,
      acks: -1,
      timeoutMs: 10_000,
      topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
    };
    let outcome = 'closed';
    try {
      const answer = await this.#client.send(produce, request, version);
      const code = answer.responses[0]?.partitionResponses[0]?.errorCode ?? -1;
      outcome = errorName(code);
      assert.ok(code === Errors.NONE || REFUSALS.has(code), `${outcome} for ${records.toString('hex')}`);
    } catch (error) {
      if (!this.#client.isClosed) throw error;
    }
    this.tally.set(outcome, (this.tally.get(outcome) ?? 0) + 1);
  }

  close(): void {
    this.#client?.close();
  }
}

function readGolden(): { name: string; bytes: Buffer }[] {
  const lines = readFileSync(vectors, 'utf8').trim().split('\n');
  return lines.map((line) => {
    const { name, hex } = JSON.parse(line);
    return { name, bytes: Buffer.from(hex, 'hex') };
  });
}

/** What the topics hold, as text. */
async function contents(client: RequestClient): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  for (const topic of TOPICS.keys()) {
    const records = await readAll(client, { topic, partition: 0 });
    found.set(topic, records.map(toText));
  }
  return found;
}

function toText({ offset, timestamp, key, value, headers }: KafkaRecord): string {
  const named = headers.map((header) => `${header.key}=${header.value?.toString('hex')}`);
  return [offset, timestamp, key?.toString('hex'), value?.toString('hex'), ...named].join(' ');
}

/** As a client of long ago does: the broker converts to format 0 or 1, which have no zstd. */
async function readByOldClient(client: RequestClient, topic: string, version: number): Promise<void> {
  const end = await offsetOf(client, { topic, partition: 0 }, -1);
  for (let fetchOffset = 0; fetchOffset < end; fetchOffset += 37) {
    const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 20_000 }];
    const request = { replicaId: -1, maxWaitMs: 0, minBytes: 0, topics: [{ topic, partitions }] };
    const answer = await client.send(fetch, { ...request, maxBytes: 1 << 20 }, version);
    const code = answer.responses[0]?.partitions[0]?.errorCode ?? -1;
    if (code === Errors.UNSUPPORTED_COMPRESSION_TYPE) {
      assert.equal(await codecAt(client, topic, fetchOffset), 'zstd', `the codec of ${topic} at ${fetchOffset}`);
    } else {
      assert.equal(errorName(code), 'NONE', `Fetch ${version} of ${topic} at ${fetchOffset}`);
    }
  }
}

async function codecAt(client: RequestClient, topic: string, offset: number): Promise<CompressionType | undefined> {
  const { records } = await fetchFrom(client, { topic, partition: 0 }, offset);
  return batchAt(records as Buffer, 0)?.compressionType;
}

test('takes or refuses mutilated record sets, and can read what it took', { skip, timeout: 240_000 }, async (t) => {
  await loadCompressionCodecs();
  const seed = testSeed();
  const random = new SeededRandom(seed);
  t.diagnostic(`seed ${seed}`);
  const broker = new RestartableBroker(t, { name: 'batches', port: 0 });
  await broker.start();
  const client = await connectFor(t, broker.port);
  await createAll(client);
  const sender = new Sender(broker.port);
  t.after(() => sender.close());
  const topics = [...TOPICS.keys()];
  for (const { name, bytes } of readGolden()) {
    const usual = name.startsWith('magic0') || name.startsWith('magic1') ? 2 : 9;
    for (let i = 0; i < MUTANTS; i++) {
      const topic = topics[random.nextInt(topics.length)] ?? '';
      const version = random.nextInt(10) === 0 ? ([0, 1, 2, 3, 5, 7, 9][random.nextInt(7)] ?? usual) : usual;
      await sender.send(topic, i === 0 ? bytes : mutate(bytes, random), version);
    }
  }
  for (const [outcome, count] of [...sender.tally].sort()) t.diagnostic(`${outcome}: ${count} times`);
  assert.deepEqual(unforeseenFailures(broker.output()), []);

  const taken = await contents(client);
  for (const topic of topics) for (const version of [0, 3, 5]) await readByOldClient(client, topic, version);
  assert.deepEqual(unforeseenFailures(broker.output()), []);
  await broker.end('SIGKILL');
  await broker.start();
  assert.deepEqual(await contents(await connectFor(t, broker.port)), taken);
  t.diagnostic(
    `${[...taken.values()].reduce((sum, records) => sum + records.length, 0)} records were taken and are the same after kill -9`,
  );
  assert.equal(await broker.end('SIGTERM'), 0);
});
