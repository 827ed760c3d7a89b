// A million offset commits lie in one partition of __consumer_offsets: a broker that starts on them answers for its groups within seconds,
// knows the last commit of each, and answers other clients while it loads.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ByteWriter, NodeFileSystem, SeededRandom, SystemClock, silentLogger } from '@ottla/base';
import type { RequestClient } from '@ottla/network';
import { apiVersions, offsetCommitKey, offsetCommitValue } from '@ottla/protocol';
import { RecordsBuilder } from '@ottla/records';
import { type Log, LogManager, parseLogConfig } from '@ottla/storage';
import { connectFor, RestartableBroker, testSeed } from './support/test-broker.ts';
import { untilReady } from './support/transactions.ts';
import { committedOffset, createTopicsOn, findCoordinatorOf } from './support/wire.ts';

const COMMITS = Number(process.env.OTTLA_COMMITS ?? 1_000_000);
const GROUPS = 500;
const TOPIC = 'consumed';
const PARTITIONS = 20;
/** As a consumer of five partitions commits. */
const COMMITS_PER_BATCH = 5;
/** What somebody waits for a coordinator without complaining is 5 s; this bound is for slow and busy machines. */
const LOAD_MS_MAX = 30_000;
const OFFSETS = { topic: '__consumer_offsets', partition: 0 };

function encodeKey(group: string, partition: number): Buffer {
  const writer = new ByteWriter();
  writer.writeInt16(1);
  offsetCommitKey.write(writer, { group, topic: TOPIC, partition }, 1);
  return writer.finishBuffer();
}

function encodeValue(offset: number, commitTimestamp: number): Buffer {
  const writer = new ByteWriter();
  writer.writeInt16(3);
  offsetCommitValue.write(writer, { offset, leaderEpoch: 0, metadata: '', commitTimestamp }, 3);
  return writer.finishBuffer();
}

/** Fills the partition behind the back of a broker that does not run. @returns the last offset of each group and partition */
async function fill(dataDirectory: string, random: SeededRandom): Promise<Map<string, number>> {
  const config = parseLogConfig(new Map([['cleanup.policy', 'compact']]));
  const options = { fileSystem: new NodeFileSystem(), clock: new SystemClock(), random, logger: silentLogger };
  const manager = new LogManager({
    ...options,
    logDirs: [dataDirectory],
    topicConfig: () => config,
    cleanerSettings: { enable: false },
  });
  await manager.start();
  try {
    return append(manager.getOrCreateLog(OFFSETS, { topicId: undefined, isNew: false, config }), random);
  } finally {
    await manager.close();
  }
}

function append(log: Log, random: SeededRandom): Map<string, number> {
  const last = new Map<string, number>();
  const keys = new Map<string, Buffer>();
  const nowMs = Date.now();
  for (let commit = 0; commit < COMMITS; commit += COMMITS_PER_BATCH) {
    const group = `group-${random.nextInt(GROUPS)}`;
    const first = random.nextInt(PARTITIONS);
    const builder = new RecordsBuilder({
      magic: 2,
      compressionType: 'none',
      timestampType: 'CreateTime',
      baseOffset: 0,
      baseSequence: 0,
    });
    for (let i = 0; i < COMMITS_PER_BATCH; i++) {
      const partition = (first + i) % PARTITIONS;
      const name = `${group}/${partition}`;
      const key = keys.get(name) ?? encodeKey(group, partition);
      keys.set(name, key);
      last.set(name, commit + i);
      builder.append({ timestamp: nowMs, key, value: encodeValue(commit + i, nowMs) });
    }
    log.appendAsLeader(builder.build(), { leaderEpoch: 0, origin: 'coordinator' });
  }
  return last;
}

/** The longest time that somebody who asks for nothing in particular has to wait. */
class Impatience {
  longestMs = 0;
  isOver = false;

  async run(client: RequestClient): Promise<void> {
    while (!this.isOver) {
      const askedMs = performance.now();
      await client.send(apiVersions, { clientSoftwareName: 'impatient', clientSoftwareVersion: '1' }, 3);
      this.longestMs = Math.max(this.longestMs, performance.now() - askedMs);
      await sleep(5);
    }
  }
}

async function firstAnswer(client: RequestClient): Promise<number> {
  const code = await untilReady(async () => {
    const offset = await committedOffset(client, 'group-0', { topic: TOPIC, partition: 0 });
    return offset === undefined ? findCoordinatorOf(client, 'group-0', 'group').then((found) => found || 14) : 0;
  });
  assert.equal(code, 0, 'the coordinator never became ready');
  return performance.now();
}

async function prepare(t: TestContext, random: SeededRandom) {
  const config = { 'offsets.topic.num.partitions': '1' };
  const broker = new RestartableBroker(t, { name: 'offsets', port: 0, config });
  await broker.start();
  const client = await connectFor(t, broker.port);
  await createTopicsOn(client, [TOPIC], PARTITIONS);
  await untilReady(() => findCoordinatorOf(client, 'group-0', 'group'));
  assert.equal(await broker.end('SIGTERM'), 0);
  return { broker, last: await fill(broker.dataDirectory, random) };
}

test(`answers for its groups soon after a start on ${COMMITS} commits`, { timeout: 300_000 }, async (t) => {
  const seed = testSeed();
  const beganMs = performance.now();
  const { broker, last } = await prepare(t, new SeededRandom(seed));
  t.diagnostic(
    `seed ${seed}: ${last.size} offsets of ${GROUPS} groups written in ${Math.round(performance.now() - beganMs)} ms`,
  );

  const startedMs = performance.now();
  await broker.start();
  const readyMs = performance.now();
  const impatience = new Impatience();
  const asking = impatience.run(await connectFor(t, broker.port));
  const client = await connectFor(t, broker.port);
  const answeredMs = await firstAnswer(client);
  impatience.isOver = true;
  await asking;
  t.diagnostic(
    `ready ${Math.round(readyMs - startedMs)} ms after the start, the coordinator ${Math.round(answeredMs - readyMs)} ms later; ` +
      `meanwhile nobody waited longer than ${Math.round(impatience.longestMs)} ms`,
  );
  assert.ok(answeredMs - startedMs < LOAD_MS_MAX);

  for (const [name, offset] of last) {
    const [group = '', partition] = name.split('/');
    assert.equal(await committedOffset(client, group, { topic: TOPIC, partition: Number(partition) }), offset, name);
  }
  assert.equal(await broker.end('SIGTERM'), 0);
});
