// A log dir goes from Apache Kafka to us and back again: its topics are made there, both brokers append, and in the end Kafka's own consumer reads
// every record of both. Kafka 2.8.2 (all message formats) and 3.9.1, in ZooKeeper mode.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Errors } from '@ottla/base';
import type { RequestClient } from '@ottla/network';
import { createTopics } from '@ottla/protocol';
import { batchesIn, loadCompressionCodecs } from '@ottla/records';
import { startBrokerProcess } from './support/broker-process.ts';
import { consumeWithKafka } from './support/console-consumer.ts';
import {
  type KafkaVersion,
  type ReferenceProcess,
  skipWithoutKafka,
  startKafka,
  startZooKeeper,
} from './support/reference-kafka.ts';
import { temporaryDirectory } from './support/test-broker.ts';
import { batchOf, connectTo, produceTo, readAll } from './support/wire.ts';

/** By name, the settings they have in Kafka. Formats 0 and 1 are written by 2.8 only; what we append to them is format 2. */
const TOPICS: Record<KafkaVersion, Record<string, Record<string, string>>> = {
  '2.8.2': {
    plain: {},
    gzip: { 'compression.type': 'gzip' },
    'format-v0': { 'message.format.version': '0.9.0' },
    'format-v0-gzip': { 'message.format.version': '0.9.0', 'compression.type': 'gzip' },
    'format-v1': { 'message.format.version': '0.10.2' },
    'format-v1-lz4': { 'message.format.version': '0.10.2', 'compression.type': 'lz4' },
  },
  '3.9.1': { plain: {}, gzip: { 'compression.type': 'gzip' }, zstd: { 'compression.type': 'zstd' } },
};
const RECORDS_PER_BATCH = 10;
const BATCHES = Number(process.env.OTTLA_OPEN_BATCHES ?? 20);
/** Small segments, so that both brokers roll. */
const CONFIG = { 'log.segment.bytes': '4000', 'log.index.interval.bytes': '300', 'offsets.topic.num.partitions': '2' };

async function eventuallyProduce(client: RequestClient, topic: string, values: readonly string[]): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const { errorCode } = await produceTo(client, { topic, partition: 0 }, batchOf(values), 1);
    if (errorCode === 0) return;
    // 3 and 6: the partition has no leader yet.
    assert.ok(errorCode === 3 || errorCode === 5 || errorCode === 6, `Produce answered ${errorCode}`);
    await sleep(50);
  }
  assert.fail(`${topic} got no leader`);
}

/** The broker answers before it is registered; then there is nobody to put a replica on. */
async function createTopicsOf(version: KafkaVersion, port: number): Promise<void> {
  const client = await connectTo(port);
  try {
    for (const [name, settings] of Object.entries(TOPICS[version])) await createTopic(client, name, settings);
  } finally {
    client.close();
  }
}

async function createTopic(client: RequestClient, name: string, settings: Record<string, string>): Promise<void> {
  const configs = Object.entries(settings).map(([key, value]) => ({ name: key, value }));
  const topics = [{ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs }];
  for (let attempt = 0; attempt < 100; attempt++) {
    const answer = await client.send(createTopics, { topics, timeoutMs: 10_000, validateOnly: false }, 5);
    const errorCode = answer.topics[0]?.errorCode;
    if (errorCode === Errors.NONE) return;
    assert.equal(errorCode, Errors.INVALID_REPLICATION_FACTOR, name);
    await sleep(100);
  }
  assert.fail(`${name} cannot be created`);
}

/** Formats of the batches on disk. */
function formatsIn(directory: string, topic: string): number[] {
  const partition = join(directory, `${topic}-0`);
  const formats = new Set<number>();
  for (const name of readdirSync(partition).filter((each) => each.endsWith('.log'))) {
    for (const batch of batchesIn(readFileSync(join(partition, name)))) formats.add(batch.magic);
  }
  return [...formats].sort();
}

async function fill(port: number, topics: readonly string[], who: string): Promise<void> {
  const client = await connectTo(port);
  try {
    for (const topic of topics) {
      for (let batch = 0; batch < BATCHES; batch++) {
        const values = Array.from(
          { length: RECORDS_PER_BATCH },
          (_, index) => `${who}-${batch * RECORDS_PER_BATCH + index}`,
        );
        await eventuallyProduce(client, topic, values);
      }
    }
  } finally {
    client.close();
  }
}

function written(...who: string[]): string[] {
  return who.flatMap((name) => Array.from({ length: BATCHES * RECORDS_PER_BATCH }, (_, index) => `${name}-${index}`));
}

for (const version of ['2.8.2', '3.9.1'] as const) {
  test(`Kafka ${version} goes on with a log dir that we appended to`, {
    skip: skipWithoutKafka(version, '3.9.1'),
    timeout: 300_000,
  }, async (t) => {
    await loadCompressionCodecs();
    const topics = Object.keys(TOPICS[version]);
    const scratch = temporaryDirectory(t, 'kafka-opens');
    const directory = join(scratch, 'logs');
    const zooKeeper = await startZooKeeper(t, { directory: join(scratch, 'zk') });
    const kafka = (): Promise<ReferenceProcess> => startKafka(t, { version, directory, zooKeeper, config: CONFIG });

    const first = await kafka();
    await createTopicsOf(version, first.port);
    await fill(first.port, topics, 'kafka');
    await first.stop();

    const ours = await startBrokerProcess({ dataDirectory: directory, config: CONFIG, flags: ['--adopt-log-dirs'] });
    await fill(ours.port, topics, 'ottla');
    assert.equal(await ours.end('SIGTERM'), 0);
    for (const topic of topics) {
      const format = Number(/^format-v(\d)/.exec(topic)?.[1] ?? 2);
      assert.deepEqual(formatsIn(directory, topic), [...new Set([format, 2])], topic);
    }

    const again = await kafka();
    await fill(again.port, topics, 'again');
    const expected = written('kafka', 'ottla', 'again');
    for (const topic of topics) {
      const flags = ['--topic', topic, '--partition', '0', '--offset', 'earliest'];
      assert.deepEqual(await consumeWithKafka(version, again.port, { count: expected.length, flags }), expected, topic);
    }
    await again.stop();

    // And back once more: Kafka's recovery points, snapshots and epochs over our segments.
    const back = await startBrokerProcess({ dataDirectory: directory, config: CONFIG });
    const reader = await connectTo(back.port);
    for (const topic of topics) {
      const found = (await readAll(reader, { topic, partition: 0 })).map(({ value }) => String(value));
      assert.deepEqual(found, expected, topic);
    }
    reader.close();
    assert.equal(await back.end('SIGTERM'), 0);
    t.diagnostic(
      `${topics.length * expected.length} records of both read by the consumer of Kafka ${version} and by us`,
    );
  });
}
