// SIGTERM under load loses nothing and leaves nothing to recover; a start that cannot succeed says why in one sentence and touches nothing.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Errors } from '@ottla/base';
import type { RequestClient } from '@ottla/network';
import { fetch, metadata } from '@ottla/protocol';
import { projectRoot, startBrokerProcess } from './support/broker-process.ts';
import { connectFor, freePort, RestartableBroker, temporaryDirectory } from './support/test-broker.ts';
import { untilReady } from './support/transactions.ts';
import {
  batchOf,
  commitOffset,
  committedOffset,
  connectTo,
  createTopicsOn,
  findCoordinatorOf,
  produceTo,
  readAll,
} from './support/wire.ts';

const TOPIC = 'stopped';
const PARTITIONS = [0, 1, 2, 3].map((partition) => ({ topic: TOPIC, partition }));
const GROUP = 'stoppers';
const CYCLES = 3;
const LOAD_MS = 600;
/** A broker that is asked to stop stops within this. */
const STOP_MS_MAX = 5_000;
/** Somebody waits that long for a record that never comes. */
const LONG_POLL_MS = 60_000;
const IDLE = 'idle';

class Load {
  readonly acked = new Map(PARTITIONS.map(({ partition }) => [partition, new Set<string>()]));
  readonly sent = new Map(PARTITIONS.map(({ partition }) => [partition, new Set<string>()]));
  committed = -1;
  polls = 0;
  #next = 0;

  /** Until the connections break. */
  run(port: number): Promise<unknown> {
    const writers = PARTITIONS.map((tp) => this.#untilGone(port, (client) => this.#write(client, tp)));
    const committer = this.#untilGone(port, (client) => this.#commit(client));
    const poller = this.#untilGone(port, (client) => this.#poll(client));
    return Promise.all([...writers, committer, poller]);
  }

  async #untilGone(port: number, act: (client: RequestClient) => Promise<void>): Promise<void> {
    const client = await connectTo(port);
    try {
      for (;;) await act(client);
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
    } finally {
      client.close();
    }
  }

  async #write(client: RequestClient, tp: (typeof PARTITIONS)[number]): Promise<void> {
    const values = Array.from({ length: 20 }, () => String(this.#next++));
    for (const value of values) this.sent.get(tp.partition)?.add(value);
    const { errorCode } = await produceTo(client, tp, batchOf(values), -1);
    // While it stops, a broker may say that it does not lead any more.
    if (errorCode === Errors.NOT_LEADER_OR_FOLLOWER) return void (await sleep(5));
    assert.equal(errorCode, Errors.NONE);
    for (const value of values) this.acked.get(tp.partition)?.add(value);
  }

  /** Answered when the broker stops, and not before. */
  async #poll(client: RequestClient): Promise<void> {
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1024 }];
    const bounds = { replicaId: -1, maxWaitMs: LONG_POLL_MS, minBytes: 1, maxBytes: 1024, isolationLevel: 0 };
    const request = { ...bounds, topics: [{ topic: IDLE, partitions }] };
    await client.send(fetch, request, 11, { requestTimeoutMs: LONG_POLL_MS * 2 });
    this.polls++;
  }

  async #commit(client: RequestClient): Promise<void> {
    const offset = this.committed + 1;
    const code = await commitOffset(client, GROUP, { topic: TOPIC, partition: 0 }, offset);
    if (code === Errors.NONE) this.committed = offset;
    else {
      await findCoordinatorOf(client, GROUP, 'group');
      await sleep(5);
    }
  }
}

async function topicNames(client: RequestClient): Promise<string[]> {
  const request = { topics: null, allowAutoTopicCreation: false, includeTopicAuthorizedOperations: false };
  const answer = await client.send(metadata, { ...request, includeClusterAuthorizedOperations: false }, 9);
  return answer.topics.map(({ name }) => name ?? '').sort();
}

async function groupOffset(client: RequestClient): Promise<number> {
  let offset: number | undefined;
  await untilReady(async () => {
    offset = await committedOffset(client, GROUP, { topic: TOPIC, partition: 0 });
    return offset === undefined ? Errors.COORDINATOR_LOAD_IN_PROGRESS : Errors.NONE;
  });
  return offset ?? -1;
}

test(`stops at SIGTERM under load, ${CYCLES} times, and loses nothing`, { timeout: 120_000 }, async (t) => {
  const broker = new RestartableBroker(t, { name: 'stop', port: 0 });
  const load = new Load();
  await broker.start();
  const first = await connectFor(t, broker.port);
  await createTopicsOn(first, [TOPIC], PARTITIONS.length);
  await createTopicsOn(first, [IDLE], 1);

  for (let cycle = 0; cycle < CYCLES; cycle++) {
    const running = load.run(broker.port);
    await sleep(LOAD_MS);
    const askedMs = Date.now();
    assert.equal(await broker.end('SIGTERM'), 0, 'exit code');
    const tookMs = Date.now() - askedMs;
    await running;
    assert.ok(tookMs < STOP_MS_MAX, `the stop took ${tookMs} ms`);
    assert.ok(existsSync(join(broker.dataDirectory, '.kafka_cleanshutdown')), 'no marker of a clean stop');
    await broker.start();
    assert.ok(!existsSync(join(broker.dataDirectory, '.kafka_cleanshutdown')), 'the marker is still there');
    const client = await connectFor(t, broker.port);
    assert.deepEqual(await topicNames(client), ['__consumer_offsets', IDLE, TOPIC]);
    const offset = await groupOffset(client);
    assert.ok(offset === load.committed || offset === load.committed + 1, `offset ${offset} after ${load.committed}`);
    load.committed = offset;
    t.diagnostic(`stopped after ${tookMs} ms; offset ${offset} is there`);
  }

  const client = await connectFor(t, broker.port);
  let total = 0;
  for (const tp of PARTITIONS) {
    const found = (await readAll(client, tp)).map(({ value }) => String(value));
    const acked = load.acked.get(tp.partition) ?? new Set();
    const distinct = new Set(found);
    assert.equal(distinct.size, found.length, 'records are there twice');
    assert.deepEqual(
      [...acked].filter((value) => !distinct.has(value)),
      [],
      'acked records are gone',
    );
    assert.deepEqual(
      found.filter((value) => !load.sent.get(tp.partition)?.has(value)),
      [],
      'records that nobody sent',
    );
    total += acked.size;
  }
  assert.ok(total > 1000, 'hardly any load');
  assert.ok(load.polls <= CYCLES, 'a long poll was answered early');
  t.diagnostic(`${total} acked records, none lost, none twice`);
  assert.equal(await broker.end('SIGTERM'), 0);
});

test('a second signal ends a broker at once, and what it acked is there', { timeout: 60_000 }, async (t) => {
  const dataDirectory = temporaryDirectory(t, 'twice');
  const tp = { topic: TOPIC, partition: 0 };
  const broker = await startBrokerProcess({ dataDirectory });
  t.after(() => broker.end('SIGKILL'));
  const client = await connectFor(t, broker.port);
  await createTopicsOn(client, [TOPIC], 1);
  assert.equal((await produceTo(client, tp, batchOf(['a', 'b']), -1)).errorCode, Errors.NONE);
  // The first may win the race against the second.
  const [exitCode] = await Promise.all([broker.end('SIGTERM'), broker.end('SIGTERM')]);
  assert.ok(exitCode === 0 || exitCode === 1, `exit code ${exitCode}`);
  const again = await startBrokerProcess({ dataDirectory });
  t.after(() => again.end('SIGKILL'));
  const found = await readAll(await connectFor(t, again.port), tp);
  assert.deepEqual(
    found.map(({ value }) => String(value)),
    ['a', 'b'],
  );
});

/** A directory with a topic and some records, its broker stopped. */
async function usedDirectory(t: TestContext): Promise<string> {
  const broker = new RestartableBroker(t, { name: 'used', port: 0 });
  await broker.start();
  const client = await connectFor(t, broker.port);
  await createTopicsOn(client, [TOPIC], 2);
  await produceTo(client, { topic: TOPIC, partition: 0 }, batchOf(['kept']), -1);
  assert.equal(await broker.end('SIGTERM'), 0);
  return broker.dataDirectory;
}

/** Path → digest of every file below. */
function fingerprint(directory: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const entry of readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort()) {
    const path = join(directory, entry);
    const isFile = statSync(path).isFile();
    files.set(entry, isFile ? createHash('sha256').update(readFileSync(path)).digest('hex') : 'directory');
  }
  return files;
}

interface FailedStart {
  readonly exitCode: number | null;
  readonly sentence: string;
}

function failToStart(overrides: Readonly<Record<string, string>>): FailedStart {
  const main = join(projectRoot, 'packages/ottla/dist/main.js');
  const flags = Object.entries(overrides).flatMap(([key, value]) => ['--override', `${key}=${value}`]);
  const child = spawnSync(process.execPath, [main, 'start', ...flags], { encoding: 'utf8', timeout: 20_000 });
  return { exitCode: child.status, sentence: child.stderr };
}

function assertSentence({ exitCode, sentence }: FailedStart, pattern: RegExp): void {
  assert.equal(exitCode, 1, sentence);
  assert.match(sentence, /^ottla: [^\n]+\n$/, 'not one sentence');
  assert.match(sentence, pattern);
}

test('a start that cannot succeed says why in one sentence and leaves every byte as it was', {
  timeout: 120_000,
}, async (t) => {
  const directory = await usedDirectory(t);
  const before = fingerprint(directory);
  const unchanged = (what: string) => assert.deepEqual(fingerprint(directory), before, `${what} left traces`);
  const good = { listeners: 'PLAINTEXT://127.0.0.1:0', 'log.dirs': directory };

  await t.test('the port is taken', async () => {
    const squatter = createServer().listen(0, '127.0.0.1');
    await once(squatter, 'listening');
    const address = squatter.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    assertSentence(failToStart({ ...good, listeners: `PLAINTEXT://127.0.0.1:${port}` }), new RegExp(String(port)));
    squatter.close();
    unchanged('a taken port');
  });

  await t.test('another broker.id', () => {
    assertSentence(failToStart({ ...good, 'broker.id': '77' }), /77/);
    unchanged('another broker.id');
  });

  for (const [key, value] of [
    ['num.partitions', 'many'],
    ['log.segment.bytes', '1'],
    ['listeners', 'nonsense'],
    ['log.retention.ms', '99999999999999999999'],
    ['log.cleanup.policy', 'burn'],
  ] as const) {
    await t.test(`${key}=${value}`, () => {
      assertSentence(failToStart({ ...good, [key]: value }), new RegExp(key.replaceAll('.', '\\.')));
      unchanged(`${key}=${value}`);
    });
  }

  await t.test('another cluster wrote it', async () => {
    const other = temporaryDirectory(t, 'other');
    const broker = await startBrokerProcess({ dataDirectory: other });
    assert.equal(await broker.end('SIGTERM'), 0);
    const otherBefore = fingerprint(other);
    assertSentence(failToStart({ ...good, 'log.dirs': `${directory},${other}` }), /cluster/);
    unchanged('another cluster');
    assert.deepEqual(fingerprint(other), otherBefore, 'the other directory changed');
  });

  await t.test('another process holds it', async () => {
    const broker = await startBrokerProcess({ dataDirectory: directory, port: await freePort() });
    t.after(() => broker.end('SIGKILL'));
    const held = fingerprint(directory);
    assertSentence(failToStart(good), /lock|in use|used|another/i);
    assert.deepEqual(fingerprint(directory), held, 'a second broker left traces');
    const client = await connectFor(t, broker.port);
    const found = await readAll(client, { topic: TOPIC, partition: 0 });
    assert.deepEqual(
      found.map(({ value }) => String(value)),
      ['kept'],
    );
    assert.equal(await broker.end('SIGTERM'), 0);
  });
});
