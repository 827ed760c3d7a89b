// A log dir goes from Apache Kafka to us and back again: its topics are made there, both brokers append, and in the end Kafka's own consumer reads
// every record of both. Kafka 2.8.2 (all message formats) and 3.9.1, in ZooKeeper mode.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Errors } from '@ottla/base';
import type { RequestClient } from '@ottla/network';
import { startBrokerProcess } from './support/broker-process.ts';
import {
  type KafkaVersion,
  kafkaTool,
  type ReferenceProcess,
  skipWithoutKafka,
  startKafka,
  startZooKeeper,
} from './support/reference-kafka.ts';
import { temporaryDirectory } from './support/test-broker.ts';
import { batchOf, connectTo, createTopicsOn, produceTo, readAll } from './support/wire.ts';

const TOPICS = ['plain', 'many'];
const RECORDS_PER_BATCH = 10;
const BATCHES = Number(process.env.OTTLA_OPEN_BATCHES ?? 20);
const CONSUMERS = {
  '2.8.2': 'kafka.tools.ConsoleConsumer',
  '3.9.1': 'org.apache.kafka.tools.consumer.ConsoleConsumer',
};
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
async function createTopics(port: number): Promise<void> {
  const client = await connectTo(port);
  try {
    for (let attempt = 0; ; attempt++) {
      try {
        return await createTopicsOn(client, TOPICS, 1);
      } catch (error) {
        if (attempt === 100 || !String(error).includes(`error code ${Errors.INVALID_REPLICATION_FACTOR}`)) throw error;
        await sleep(100);
      }
    }
  } finally {
    client.close();
  }
}

async function fill(port: number, who: string): Promise<void> {
  const client = await connectTo(port);
  try {
    for (const topic of TOPICS) {
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

/** What Kafka's own consumer prints. */
function consumed(version: KafkaVersion, port: number, topic: string, count: number): string[] {
  const options = [
    '--bootstrap-server',
    `127.0.0.1:${port}`,
    '--topic',
    topic,
    '--partition',
    '0',
    '--offset',
    'earliest',
  ];
  const limits = ['--max-messages', String(count), '--timeout-ms', '20000'];
  return kafkaTool(version, CONSUMERS[version], ...options, ...limits)
    .trim()
    .split('\n');
}

for (const [version, base] of [
  ['2.8.2', 19_600],
  ['3.9.1', 19_610],
] as const) {
  test(`Kafka ${version} goes on with a log dir that we appended to`, {
    skip: skipWithoutKafka(version, '3.9.1'),
    timeout: 300_000,
  }, async (t) => {
    const scratch = temporaryDirectory(t, 'kafka-opens');
    const directory = join(scratch, 'logs');
    const zooKeeper = await startZooKeeper(t, { port: base, directory: join(scratch, 'zk') });
    const kafka = (): Promise<ReferenceProcess> =>
      startKafka(t, { version, port: base + 1, directory, zooKeeper, config: CONFIG });

    const first = await kafka();
    await createTopics(first.port);
    await fill(first.port, 'kafka');
    await first.stop();

    const ours = await startBrokerProcess({ dataDirectory: directory, config: CONFIG, flags: ['--adopt-log-dirs'] });
    await fill(ours.port, 'ottla');
    assert.equal(await ours.end('SIGTERM'), 0);

    const again = await kafka();
    await fill(again.port, 'again');
    const expected = written('kafka', 'ottla', 'again');
    for (const topic of TOPICS)
      assert.deepEqual(consumed(version, again.port, topic, expected.length), expected, topic);
    await again.stop();

    // And back once more: Kafka's recovery points, snapshots and epochs over our segments.
    const back = await startBrokerProcess({ dataDirectory: directory, config: CONFIG });
    const reader = await connectTo(back.port);
    for (const topic of TOPICS) {
      const found = (await readAll(reader, { topic, partition: 0 })).map(({ value }) => String(value));
      assert.deepEqual(found, expected, topic);
    }
    reader.close();
    assert.equal(await back.end('SIGTERM'), 0);
    t.diagnostic(
      `${TOPICS.length * expected.length} records of both read by the consumer of Kafka ${version} and by us`,
    );
  });
}
