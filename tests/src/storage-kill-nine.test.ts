// kill -9 in the middle of everything a log manager does: it rolls, checkpoints, compacts, drops by retention and by DeleteRecords, moves replicas
// between two log dirs and deletes topics, all the time, since every interval and segment is tiny. What was acked is there, and after two
// starts there is no file that a running broker would not have.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Errors, errorName, SeededRandom, type TopicPartition } from '@ottla/base';
import type { RequestClient } from '@ottla/network';
import {
  alterReplicaLogDirs,
  createTopics,
  deleteRecords,
  deleteTopics,
  describeLogDirs,
  metadata,
} from '@ottla/protocol';
import { type KafkaRecord, RecordsBuilder } from '@ottla/records';
import { type BrokerProcess, startBrokerProcess } from './support/broker-process.ts';
import { temporaryDirectory, testSeed } from './support/test-broker.ts';
import { connectTo, offsetOf, produceTo, readAll } from './support/wire.ts';

const CYCLES = Number(process.env.OTTLA_STORAGE_KILL_CYCLES ?? 6);
const LOAD_MS = 500;
const RECORDS_PER_BATCH = 5;
const KEYS = 10;
const SETTLE_MS = 20_000;
const CONFIG = {
  'log.segment.bytes': '3000',
  'log.index.interval.bytes': '200',
  'log.segment.delete.delay.ms': '50',
  'log.initial.task.delay.ms': '20',
  'log.retention.check.interval.ms': '30',
  'log.flush.offset.checkpoint.interval.ms': '20',
  'log.flush.start.offset.checkpoint.interval.ms': '20',
  'log.flush.scheduler.interval.ms': '40',
  'log.flush.interval.ms': '40',
  'replica.high.watermark.checkpoint.interval.ms': '20',
  'log.cleaner.backoff.ms': '20',
  'log.cleaner.threads': '2',
  'log.cleaner.min.cleanable.ratio': '0.01',
};
/** May be answered while a topic is being made, or a replica changes its dir. */
const RETRIABLE: readonly number[] = [
  Errors.UNKNOWN_TOPIC_OR_PARTITION,
  Errors.NOT_LEADER_OR_FOLLOWER,
  Errors.LEADER_NOT_AVAILABLE,
];

/** By name, what may be missing of a topic's acked records. */
const TOPICS = {
  /** Moves between the log dirs. */
  whole: {},
  /** By two cleaners. */
  compacted: { 'cleanup.policy': 'compact' },
  alsoCompacted: { 'cleanup.policy': 'compact' },
  retained: { 'retention.bytes': '9000' },
  trimmed: {},
} as const;
type TopicName = keyof typeof TOPICS;
const NAMES: readonly TopicName[] = ['whole', 'compacted', 'alsoCompacted', 'retained', 'trimmed'];

interface Acked {
  readonly offset: number;
  readonly key: string;
  readonly value: string;
}

class World {
  readonly acked = new Map<TopicName, Acked[]>(NAMES.map((name) => [name, []]));
  readonly counts = { batches: 0, moves: 0, trims: 0, deletions: 0 };
  readonly #random: SeededRandom;
  readonly #logDirs: readonly string[];
  #nextValue = 0;
  #nextTopic = 0;

  constructor(seed: number, logDirs: readonly string[]) {
    this.#random = new SeededRandom(seed);
    this.#logDirs = logDirs;
  }

  /** Until the connection breaks. */
  async load(port: number): Promise<void> {
    const tasks = [
      ...NAMES.map((name) => (client: RequestClient) => this.#write(client, name)),
      (client: RequestClient) => this.#move(client),
      (client: RequestClient) => this.#trim(client),
      (client: RequestClient) => this.#createAndDelete(client),
    ];
    await Promise.all(tasks.map((task) => this.#untilBroken(port, task)));
  }

  async #untilBroken(port: number, task: (client: RequestClient) => Promise<void>): Promise<void> {
    const client = await connectTo(port);
    try {
      for (;;) await task(client);
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
    } finally {
      client.close();
    }
  }

  async #write(client: RequestClient, name: TopicName): Promise<void> {
    const pairs = Array.from({ length: RECORDS_PER_BATCH }, () => {
      const value = this.#nextValue++;
      return { key: `k${value % KEYS}`, value: `${value}-${'x'.repeat(this.#random.nextInt(60))}` };
    });
    const { errorCode, baseOffset } = await produceTo(client, tpOf(name), keyed(pairs), 1);
    if (RETRIABLE.includes(errorCode)) return sleep(10);
    assert.equal(errorName(errorCode), 'NONE', name);
    for (const [index, pair] of pairs.entries()) {
      this.acked.get(name)?.push({ offset: baseOffset + index, ...pair });
    }
    this.counts.batches++;
  }

  async #move(client: RequestClient): Promise<void> {
    await sleep(this.#random.nextInt(40));
    const [path = ''] = this.#logDirs.slice(this.#random.nextInt(this.#logDirs.length));
    const dirs = [{ path, topics: [{ name: 'whole', partitions: [0] }] }];
    const { results } = await client.send(alterReplicaLogDirs, { dirs }, 2);
    const errorCode = results[0]?.partitions[0]?.errorCode ?? -1;
    assert.equal(errorName(errorCode), 'NONE', 'a move');
    this.counts.moves++;
  }

  async #trim(client: RequestClient): Promise<void> {
    await sleep(this.#random.nextInt(40));
    const [last] = this.acked.get('trimmed')?.slice(-20) ?? [];
    if (last === undefined) return;
    const topics = [{ name: 'trimmed', partitions: [{ partitionIndex: 0, offset: last.offset }] }];
    const answer = await client.send(deleteRecords, { topics, timeoutMs: 1000 }, 2);
    const errorCode = answer.topics[0]?.partitions[0]?.errorCode ?? -1;
    if (!RETRIABLE.includes(errorCode)) assert.equal(errorName(errorCode), 'NONE', 'DeleteRecords');
    this.counts.trims++;
  }

  async #createAndDelete(client: RequestClient): Promise<void> {
    const name = `gone-${this.#nextTopic++}`;
    await create(client, name, {});
    await produceTo(client, { topic: name, partition: 0 }, keyed([{ key: 'k', value: 'v' }]), 1);
    const request = { topics: [], topicNames: [name], timeoutMs: 10_000 };
    const code = (await client.send(deleteTopics, request, 5)).responses[0]?.errorCode ?? -1;
    assert.equal(errorName(code), 'NONE', 'DeleteTopics');
    this.counts.deletions++;
  }
}

function tpOf(topic: string): TopicPartition {
  return { topic, partition: 0 };
}

function keyed(pairs: readonly { key: string; value: string }[]): Buffer {
  const builder = new RecordsBuilder({ magic: 2, compressionType: 'none', timestampType: 'CreateTime', baseOffset: 0 });
  const timestamp = Date.now();
  for (const { key, value } of pairs) builder.append({ timestamp, key: Buffer.from(key), value: Buffer.from(value) });
  return builder.build();
}

async function create(client: RequestClient, name: string, settings: Readonly<Record<string, string>>): Promise<void> {
  const configs = Object.entries(settings).map(([key, value]) => ({ name: key, value }));
  const topics = [{ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs }];
  const answer = await client.send(createTopics, { topics, timeoutMs: 10_000, validateOnly: false }, 5);
  assert.equal(errorName(answer.topics[0]?.errorCode ?? -1), 'NONE', name);
}

/** Retention may take away what is being read. */
async function readRetained(
  client: RequestClient,
  tp: TopicPartition,
): Promise<{ start: number; records: KafkaRecord[] }> {
  for (let attempt = 0; ; attempt++) {
    try {
      const records = await readAll(client, tp);
      return { start: await offsetOf(client, tp, -2), records };
    } catch (error) {
      if (attempt === 50) throw error;
      await sleep(20);
    }
  }
}

async function mustHold(client: RequestClient, name: TopicName, acked: readonly Acked[]): Promise<void> {
  const { start, records } = await readRetained(client, tpOf(name));
  const found = new Map(records.map(({ offset, value }) => [offset, String(value)]));
  const newest = new Map(acked.map(({ key, offset }) => [key, offset]));
  const written = new Map(records.map(({ key, offset }) => [String(key), offset]));
  for (const { offset, key, value } of acked) {
    const there = found.get(offset);
    if (there !== undefined) assert.equal(there, value, `${name} at ${offset}`);
    else if ('cleanup.policy' in TOPICS[name]) {
      // A newer one that was not acked may have replaced it.
      const isReplaced = newest.get(key) !== offset || (written.get(key) ?? -1) > offset;
      assert.ok(isReplaced, `the newest of ${key} is gone: ${offset}`);
    } else assert.ok(name !== 'whole' && offset < start, `${name}: ${offset} is gone, the log starts at ${start}`);
  }
}

const FILES = /^(\d{20}\.(log|index|timeindex|txnindex|snapshot)|leader-epoch-checkpoint|partition\.metadata)$/;

/** What no running broker would have when it has nothing to do. @param topics that there are */
function strays(logDirs: readonly string[], topics: readonly string[]): string[] {
  const partitions = logDirs.flatMap((path) =>
    readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('__'))
      .map(({ name }) => ({ name, path: join(path, name) })),
  );
  const known = new Set(topics.map((name) => `${name}-0`));
  const isTwin = (name: string) => partitions.filter((each) => each.name === name).length > 1;
  return [
    ...partitions.filter(({ name }) => !known.has(name) || isTwin(name)).map(({ path }) => path),
    ...partitions.flatMap(({ path }) => filesIn(path).filter((name) => !FILES.test(name) && !isFresh(name))),
    ...logDirs.flatMap((path) => readdirSync(path).filter((name) => name.endsWith('.tmp'))),
  ];
}

/** None when the directory went since it was listed: the broker is at work. */
function filesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

/** Retention and the cleaner never rest. */
function isFresh(name: string): boolean {
  return name.endsWith('.deleted') || name.endsWith('.tmp');
}

async function copiesOf(client: RequestClient): Promise<string[]> {
  const { results } = await client.send(describeLogDirs, { topics: null }, 4);
  return results.flatMap(({ logDir, topics }) =>
    topics
      .filter(({ partitions }) => partitions.some((each) => each.isFutureKey))
      .map(({ name }) => `${name} in ${logDir}`),
  );
}

/** A topic that was to be deleted next is there. */
async function topicsOf(client: RequestClient): Promise<string[]> {
  const request = { topics: null, allowAutoTopicCreation: false, includeTopicAuthorizedOperations: false };
  const answer = await client.send(metadata, { ...request, includeClusterAuthorizedOperations: false }, 9);
  return answer.topics.map(({ name }) => name ?? '');
}

/** @param find what should not be there */
async function eventuallyNone(what: string, find: () => Promise<readonly string[]>): Promise<void> {
  let found = await find();
  for (const deadlineMs = Date.now() + SETTLE_MS; found.length > 0; found = await find()) {
    assert.ok(Date.now() < deadlineMs, `${what}: ${found}`);
    await sleep(50);
  }
}

async function start(t: TestContext, logDirs: readonly string[]): Promise<BrokerProcess> {
  const config = { ...CONFIG, 'log.dirs': logDirs.join(',') };
  const broker = await startBrokerProcess({ dataDirectory: logDirs[0] ?? '', config });
  t.after(() => broker.end('SIGKILL'));
  return broker;
}

/** Until there is something to interrupt, however slow the machine is. */
async function underLoad(world: World, cycle: number): Promise<void> {
  await sleep(LOAD_MS + cycle * 17);
  for (const deadlineMs = Date.now() + SETTLE_MS; !isLoadFor(cycle + 1, world) && Date.now() < deadlineMs; ) {
    await sleep(20);
  }
}

function isLoadFor(kills: number, { counts }: World): boolean {
  const { batches, moves, trims, deletions } = counts;
  return batches > kills * 20 && moves > kills && trims > kills && deletions > kills / 2;
}

test(`logs that roll, move, are compacted, trimmed and deleted survive ${CYCLES} times kill -9`, {
  timeout: 600_000,
}, async (t) => {
  const seed = testSeed();
  const scratch = temporaryDirectory(t, 'storage-kill');
  const logDirs = ['one', 'two'].map((name) => join(scratch, name));
  const world = new World(seed, logDirs);
  let broker = await start(t, logDirs);
  const first = await connectTo(broker.port);
  for (const name of NAMES) await create(first, name, TOPICS[name]);
  first.close();

  for (let cycle = 0; cycle < CYCLES; cycle++) {
    const { port, output } = broker;
    const load = world.load(port).catch((error: unknown) => {
      throw new Error(`${error}, seed ${seed}; the broker said:\n${output().slice(-5000)}`);
    });
    await Promise.race([load, underLoad(world, cycle)]);
    await broker.end('SIGKILL');
    await load;
    broker = await start(t, logDirs);
    const client = await connectTo(broker.port);
    for (const name of NAMES) await mustHold(client, name, world.acked.get(name) ?? []);
    assert.doesNotMatch(broker.output(), /ERROR|offline/, `seed ${seed}`);
    client.close();
  }

  // Two starts and nothing to do: what was begun is finished.
  for (let starts = 0; starts < 2; starts++) {
    const client = await connectTo(broker.port);
    await eventuallyNone('copies', () => copiesOf(client));
    await eventuallyNone('strays', async () => strays(logDirs, await topicsOf(client)));
    for (const name of NAMES) await mustHold(client, name, world.acked.get(name) ?? []);
    client.close();
    assert.equal(await broker.end('SIGTERM'), 0);
    if (starts === 0) broker = await start(t, logDirs);
  }
  const { batches, moves, trims, deletions } = world.counts;
  t.diagnostic(
    `${CYCLES} kills: ${batches} batches acked, ${moves} moves, ${trims} trims, ${deletions} topics deleted, seed ${seed}`,
  );
  assert.ok(isLoadFor(CYCLES, world), 'hardly any load');
});
