// Log directories that Apache Kafka 2.8 and 3.9 wrote, after a clean stop and copied from under a running broker: taken over, they answer a
// client what Kafka answered, record by record and in both isolation levels, and so they do after another start.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { RequestClient } from '@ottla/network';
import { describeConfigs, describeProducers, initProducerId, metadata } from '@ottla/protocol';
import { loadCompressionCodecs } from '@ottla/records';
import { projectRoot, startBrokerProcess } from './support/broker-process.ts';
import {
  assertOffsets,
  type Expected,
  GOLDEN_CONFIG,
  GOLDEN_LOG_DIRS,
  ISOLATIONS,
  offsetsIn,
  readExpected,
  skipWithoutGoldenLogDirs,
  toRow,
  toTopicPartition,
  unpack,
} from './support/golden-log-dirs.ts';
import { connectFor } from './support/test-broker.ts';
import { untilReady } from './support/transactions.ts';
import { offsetOf, readAll } from './support/wire.ts';

async function assertRecords(client: RequestClient, expected: Expected): Promise<number> {
  let count = 0;
  for (const isolation of ISOLATIONS) {
    for (const [name, { start, end, records }] of Object.entries(expected[isolation])) {
      const tp = toTopicPartition(name);
      assert.equal(await offsetOf(client, tp, -2), start, `${name} starts`);
      assert.equal(await offsetOf(client, tp, -1, isolation), end, `${name} ends, ${isolation}`);
      assert.deepEqual((await readAll(client, tp, isolation)).map(toRow), records, `${name}, ${isolation}`);
      count += records.length;
    }
  }
  return count;
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

async function cleanupPolicyOf(client: RequestClient, topic: string): Promise<string | null | undefined> {
  const resources = [{ resourceType: 2, resourceName: topic, configurationKeys: ['cleanup.policy'] }];
  const answer = await client.send(describeConfigs, { resources, includeSynonyms: false }, 3);
  return answer.results[0]?.configs[0]?.value;
}

/** What `--adopt-log-dirs --dry-run` prints: the row of each partition, and all of it. */
function dryRun(dataDirectory: string): { rows: Map<string, string>; text: string } {
  const main = join(projectRoot, 'packages/ottla/dist/main.js');
  const overrides = ['--override', `log.dirs=${dataDirectory}`];
  const flags = ['start', '--adopt-log-dirs', '--dry-run', ...overrides];
  const text = execFileSync(process.execPath, [main, ...flags], { encoding: 'utf8' });
  return { rows: new Map(text.split('\n').map((line) => [line.split(' ')[0] ?? '', line])), text };
}

/** `[150, 300)` → 150, 300 */
function offsetsOfRow(row: string | undefined): number[] {
  return (
    /\[(\d+), (\d+)\)/
      .exec(row ?? '')
      ?.slice(1)
      .map(Number) ?? []
  );
}

/** Where files and their bytes are the same, nothing was written. */
function listing(directory: string): string {
  return execFileSync('sh', ['-c', 'find . -type f | sort | xargs sha256sum'], { cwd: directory, encoding: 'utf8' });
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

for (const [version, archive] of GOLDEN_LOG_DIRS) {
  test(`serves ${archive} as Kafka did`, { skip: skipWithoutGoldenLogDirs, timeout: 120_000 }, async (t) => {
    await loadCompressionCodecs();
    const dataDirectory = unpack(t, archive);
    const expected = readExpected(version);
    const offsets = offsetsIn(dataDirectory);
    const ids = writtenTopicIds(dataDirectory);
    assert.ok(offsets.length > 0);
    assert.equal(ids.length > 0, version === '3.9');
    for (const flags of [['--adopt-log-dirs'], []]) {
      const broker = await startBrokerProcess({ dataDirectory, config: GOLDEN_CONFIG, flags });
      t.after(() => broker.end('SIGKILL'));
      const client = await connectFor(t, broker.port);
      const count = await assertRecords(client, expected);
      assert.ok(count > 5000);
      await assertOffsets(client, offsets);
      assert.equal(await cleanupPolicyOf(client, 'compacted'), 'compact');
      assert.equal(await cleanupPolicyOf(client, 'plain'), 'delete');
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

for (const [version, archive] of GOLDEN_LOG_DIRS) {
  test(`${archive} can be tried first, whole and damaged`, {
    skip: skipWithoutGoldenLogDirs,
    timeout: 120_000,
  }, async (t) => {
    await loadCompressionCodecs();
    const dataDirectory = unpack(t, archive);
    const expected = readExpected(version);
    const files = listing(dataDirectory);
    const whole = dryRun(dataDirectory);
    assert.equal(listing(dataDirectory), files, 'a dry run writes nothing');
    for (const [name, { start, end }] of Object.entries(expected.read_uncommitted)) {
      assert.deepEqual(offsetsOfRow(whole.rows.get(name)), [start, end], name);
    }
    assert.match(whole.text, /, 0 damaged\n/);
    if (version === '2.8') {
      for (const format of [0, 1])
        assert.match(whole.rows.get(`format-v${format}-0`) ?? '', new RegExp(` delete +${format} `));
    }

    const segment = (topic: string) => join(dataDirectory, `${topic}-0`, '00000000000000000000.log');
    truncateSync(segment('gzip'), readFileSync(segment('gzip')).length - 5);
    const flipped = readFileSync(segment('snappy'));
    flipped[flipped.length >> 1] = (flipped[flipped.length >> 1] ?? 0) ^ 1;
    writeFileSync(segment('snappy'), flipped);
    rmSync(join(dataDirectory, 'lz4-0', '00000000000000000000.index'));
    writeFileSync(join(dataDirectory, 'recovery-point-offset-checkpoint'), '0\n1\nwhat');
    const damaged = dryRun(dataDirectory);
    assert.match(damaged.text, /, 2 damaged\n/);
    assert.match(damaged.rows.get('gzip-0') ?? '', /the last batch is not whole/);
    assert.match(damaged.rows.get('snappy-0') ?? '', /\.log: \d+ bytes from byte \d+ on, offset \d+: /);
    assert.match(damaged.rows.get('lz4-0') ?? '', /indexes to build anew: /);
    assert.match(damaged.text, /malformed checkpoint .*recovery-point-offset-checkpoint/);

    const broker = await startBrokerProcess({ dataDirectory, config: GOLDEN_CONFIG, flags: ['--adopt-log-dirs'] });
    t.after(() => broker.end('SIGKILL'));
    const client = await connectFor(t, broker.port);
    // The end of a log is looked at at every start; the middle only when nobody closed it.
    const cut = archive.endsWith('no-shutdown') ? ['gzip-0', 'snappy-0'] : ['gzip-0'];
    for (const name of cut) {
      const [, end] = offsetsOfRow(damaged.rows.get(name));
      assert.equal(await offsetOf(client, toTopicPartition(name), -1), end, `${name} ends where the table says`);
    }
    for (const isolation of ISOLATIONS) {
      for (const name of [...cut, 'snappy-0']) delete expected[isolation][name];
    }
    const count = await assertRecords(client, expected);
    assert.equal(await broker.end('SIGTERM'), 0);
    t.diagnostic(`${count} records of undamaged partitions as in Kafka`);
  });
}
