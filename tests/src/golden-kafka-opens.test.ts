// The log directories that Apache Kafka 2.8 and 3.9 wrote, taken over and appended to by us, in every codec, by idempotent and transactional
// producers, with offsets of groups; then stopped or killed. A real Kafka opens them, with the ZooKeeper tree it had or with ours in its place,
// and finds nothing wrong: its console consumer reads old and new records in both isolation levels, and its coordinators go on with our groups,
// producers and transactions. Then they come back to us.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Errors } from '@ottla/base';
import type { RequestClient } from '@ottla/network';
import { loadCompressionCodecs } from '@ottla/records';
import { startBrokerProcess } from './support/broker-process.ts';
import { consumeWithKafka } from './support/console-consumer.ts';
import { assertCleanDump } from './support/dump-log-segments.ts';
import {
  assertOffsets,
  GOLDEN_CONFIG,
  type GoldenArchive,
  type GoldenVersion,
  ISOLATIONS,
  type Isolation,
  offsetsIn,
  type Row,
  readExpected,
  readGoldenZnodes,
  skipWithoutGoldenLogDirs,
  toRow,
  toTopicPartition,
  unpack,
} from './support/golden-log-dirs.ts';
import { GoldenWriter } from './support/golden-writer.ts';
import {
  type KafkaVersion,
  type ReferenceProcess,
  skipWithoutKafka,
  startKafka,
  startZooKeeper,
} from './support/reference-kafka.ts';
import { connectFor, temporaryDirectory } from './support/test-broker.ts';
import { untilReady } from './support/transactions.ts';
import { leaderErrorOf, readAll } from './support/wire.ts';
import { afterElections, broughtUpToDate, createZnodes, znodesOf } from './support/zookeeper-tree.ts';

interface Way {
  readonly golden: GoldenVersion;
  readonly archive: GoldenArchive;
  /** How our broker ends. */
  readonly signal: 'SIGTERM' | 'SIGKILL';
  readonly kafka: KafkaVersion;
  /** What ZooKeeper holds when Kafka starts: what it held when it stopped, brought up to date, or what our broker kept. */
  readonly tree: 'theirs' | 'ours';
}

const WAYS: readonly Way[] = [
  { golden: '2.8', archive: 'kafka-2.8-clean-shutdown', signal: 'SIGTERM', kafka: '2.8.2', tree: 'theirs' },
  { golden: '2.8', archive: 'kafka-2.8-no-shutdown', signal: 'SIGKILL', kafka: '2.8.2', tree: 'ours' },
  { golden: '2.8', archive: 'kafka-2.8-no-shutdown', signal: 'SIGKILL', kafka: '3.9.1', tree: 'theirs' },
  { golden: '3.9', archive: 'kafka-3.9-clean-shutdown', signal: 'SIGTERM', kafka: '3.9.1', tree: 'ours' },
  { golden: '3.9', archive: 'kafka-3.9-clean-shutdown', signal: 'SIGKILL', kafka: '3.9.1', tree: 'theirs' },
];

/** Small segments, so that both brokers roll. */
const CONFIG = { ...GOLDEN_CONFIG, 'log.segment.bytes': '10000', 'log.index.interval.bytes': '300' };
/** Kafka shows what we left, before it compacts or deletes. */
const KAFKA_CONFIG = { ...CONFIG, 'log.cleaner.enable': 'false', 'group.initial.rebalance.delay.ms': '0' };
const SHOWN = ['timestamp', 'partition', 'offset', 'headers', 'key'].flatMap((each) => [
  '--property',
  `print.${each}=true`,
]);

/** By isolation level and partition. */
type Rows = Readonly<Record<Isolation, ReadonlyMap<string, readonly Row[]>>>;

function goldenRows(version: GoldenVersion): Rows {
  const expected = readExpected(version);
  const of = (isolation: Isolation): Map<string, readonly Row[]> =>
    new Map(Object.entries(expected[isolation]).map(([name, { records }]) => [name, records]));
  return { read_uncommitted: of('read_uncommitted'), read_committed: of('read_committed') };
}

async function readRows(client: RequestClient, partitions: readonly string[]): Promise<Rows> {
  const rows = { read_uncommitted: new Map<string, Row[]>(), read_committed: new Map<string, Row[]>() };
  for (const name of partitions) {
    const tp = toTopicPartition(name);
    assert.equal(await untilReady(() => leaderErrorOf(client, tp)), Errors.NONE, name);
    for (const isolation of ISOLATIONS) rows[isolation].set(name, (await readAll(client, tp, isolation)).map(toRow));
  }
  return rows;
}

/** What was there `before` is there still, with more behind it. */
function assertBegins(after: Rows, before: Rows): void {
  for (const isolation of ISOLATIONS) {
    for (const [name, rows] of before[isolation]) {
      assert.deepEqual(after[isolation].get(name)?.slice(0, rows.length), rows, `${name}, ${isolation}`);
    }
  }
}

/** Behind what was there `before` are the values that were added, and nothing else. */
function assertAdded(after: Rows, before: Rows, added: GoldenWriter['added']): void {
  for (const isolation of ISOLATIONS) {
    for (const [name, rows] of after[isolation]) {
      const values = rows.slice(before[isolation].get(name)?.length).map((row) => row[3]);
      assert.deepEqual(values, added[isolation].get(name) ?? [], `added to ${name}, ${isolation}`);
    }
  }
}

/** The console consumer reads all topics at once. It does not print their names, but no two records are alike in everything else. */
async function assertConsumed(kafka: KafkaVersion, port: number, isolation: Isolation, rows: Rows): Promise<number> {
  const expected = [...rows[isolation]].flatMap(([name, each]) => each.map((row) => lineOf(name, row)));
  const topics = [kafka === '2.8.2' ? '--whitelist' : '--include', '[^_].*', '--from-beginning'];
  const flags = [...topics, '--isolation-level', isolation, ...SHOWN];
  const lines = await consumeWithKafka(kafka, port, { count: expected.length, flags });
  const found = new Set(lines.map((line) => line.replace(/^(Create|LogAppend)Time:/, '')));
  assert.deepEqual(expected.filter((line) => !found.has(line)).slice(0, 5), [], `missing, ${isolation}`);
  assert.equal(found.size, expected.length, isolation);
  return found.size;
}

/** As the console consumer prints it, but for the type of the timestamp. */
function lineOf(name: string, [offset, timestamp, key, value, ...headers]: Row): string {
  const { partition } = toTopicPartition(name);
  const when = timestamp === -1 ? 'NO_TIMESTAMP' : timestamp;
  const pairs = headers.map((header) => String(header).replace('=', ':')).join(',') || 'NO_HEADERS';
  return [when, `Partition:${partition}`, `Offset:${offset}`, pairs, String(key), String(value)].join('\t');
}

/** The tree's directory is none of Kafka's: it may make an index for it, and says so. Where its topics are to have an old format, it drops the
 *  leader epochs of what we appended. In everything else it finds nothing wrong. */
function assertNoComplaint(kafka: ReferenceProcess): void {
  assert.match(kafka.output(), /^INFO kafka.server.KafkaServer .* started/m, 'Kafka is heard');
  const complaints = kafka.output().match(/^(WARN|ERROR|FATAL) .*/gm) ?? [];
  const foreseen = /__ottla_tree-0|Deleting non-empty leader epoch cache|message\.format\.version/;
  assert.deepEqual(
    complaints.filter((line) => !foreseen.test(line)),
    [],
  );
}

async function takeThere(t: TestContext, way: Way, zooKeeper: ReferenceProcess, chroot: string): Promise<void> {
  const golden = goldenRows(way.golden);
  const partitions = [...golden.read_uncommitted.keys()];
  const directory = unpack(t, way.archive);
  const offsets = offsetsIn(directory);

  const ours = await startBrokerProcess({ dataDirectory: directory, config: CONFIG, flags: ['--adopt-log-dirs'] });
  t.after(() => ours.end('SIGKILL'));
  const client = await connectFor(t, ours.port);
  const writer = new GoldenWriter(client);
  await writer.begin(partitions);
  const served = await readRows(client, partitions);
  assert.equal(await ours.end(way.signal), way.signal === 'SIGTERM' ? 0 : null);

  const kept = await znodesOf(t, directory);
  const tree = afterElections(way.tree === 'ours' ? kept : broughtUpToDate(readGoldenZnodes(way.golden), kept));
  const [files] = await Promise.all([assertCleanDump(way.kafka, directory), createZnodes(zooKeeper, chroot, tree)]);

  const kafka = await startKafka(t, { version: way.kafka, directory, zooKeeper, chroot, config: KAFKA_CONFIG });
  const again = await connectFor(t, kafka.port);
  await writer.finish(again);
  const rows = await readRows(again, partitions);
  assertBegins(rows, golden);
  assertBegins(rows, served);
  assertAdded(rows, golden, writer.added);
  const counts = await Promise.all(ISOLATIONS.map((each) => assertConsumed(way.kafka, kafka.port, each, rows)));
  await assertOffsets(again, [...offsets, ...writer.offsets]);
  await kafka.stop();
  assertNoComplaint(kafka);
  await comeBack(t, directory, rows, writer);
  const read = `${counts.join(' + ')} records read by its consumers`;
  t.diagnostic(`${read}, ${offsets.length + writer.offsets.length} offsets of groups; ${files} files dumped`);
}

/** Where our tree waited meanwhile, and Kafka led with later epochs. */
async function comeBack(t: TestContext, directory: string, rows: Rows, writer: GoldenWriter): Promise<void> {
  const ours = await startBrokerProcess({ dataDirectory: directory, config: CONFIG, flags: ['--adopt-log-dirs'] });
  t.after(() => ours.end('SIGKILL'));
  const client = await connectFor(t, ours.port);
  await writer.goOn(client);
  assertBegins(await readRows(client, [...rows.read_uncommitted.keys()]), rows);
  await assertOffsets(client, writer.offsets);
  assert.equal(await ours.end('SIGTERM'), 0);
}

const skip = skipWithoutKafka('2.8.2', '3.9.1') || skipWithoutGoldenLogDirs;

/** Much of a way is waiting for a Java that starts. */
const options = { skip, timeout: 600_000, concurrency: 2 };

test('Kafka goes on with what it wrote and we appended to', options, async (t) => {
  await loadCompressionCodecs();
  const zooKeeper = await startZooKeeper(t, { directory: join(temporaryDirectory(t, 'zookeeper'), 'data') });
  const tests = WAYS.map((way, i) => {
    const name = `${way.archive}, ${way.signal}, Kafka ${way.kafka}, ${way.tree === 'ours' ? 'our' : 'its own'} tree`;
    return t.test(name, (each) => takeThere(each, way, zooKeeper, `/way-${i}`));
  });
  await Promise.all(tests);
});
