// log.dirs of a real Kafka broker, taken over: every record that a consumer of that broker read is read here, and they are still there after
// another start.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Kafka, logLevel } from 'kafkajs';
import { type RunningBroker, startBroker } from 'ottla';
import { eventually } from './clients/eventually.ts';
import { projectRoot } from './support/broker-process.ts';

const facts = join(process.env.KAFKA_FACTS ?? join(projectRoot, '../shared/kafka'), 'log-dirs');
const skip = existsSync(facts) || process.env.CI === 'true' ? false : `no golden log dirs in ${facts}`;
/** With codecs that kafkajs has. */
const TOPICS = ['plain', 'gzip', 'appendtime', 'compacted', 'trimmed'];
/** As the directories were written; their records are from 2023. */
const CONFIG = { 'log.retention.ms': -1, 'offsets.topic.num.partitions': 4, 'transaction.state.log.num.partitions': 4 };

type GoldenRecord = [offset: number, timestamp: number, key: string | null, value: string | null];
type Expected = Record<string, Record<string, { records: GoldenRecord[] }>>;

async function consumeAll(broker: RunningBroker, groupId: string, count: number): Promise<Map<string, GoldenRecord[]>> {
  const kafka = new Kafka({ brokers: [broker.bootstrapServers], logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 50 });
  const read = new Map<string, GoldenRecord[]>();
  let total = 0;
  await consumer.connect();
  await consumer.subscribe({ topics: TOPICS, fromBeginning: true });
  await consumer.run({
    eachMessage: ({ topic, partition, message: { offset, timestamp, key, value } }) => {
      const records = read.get(`${topic}-${partition}`) ?? [];
      records.push([Number(offset), Number(timestamp), key?.toString() ?? null, value?.toString() ?? null]);
      read.set(`${topic}-${partition}`, records);
      total++;
      return Promise.resolve();
    },
  });
  await eventually(`${count} records of ${TOPICS}`, () => total >= count);
  await consumer.disconnect();
  return read;
}

for (const [version, archive] of [
  ['2.8', 'kafka-2.8-clean-shutdown'],
  ['3.9', 'kafka-3.9-clean-shutdown'],
] as const) {
  test(`directories of Kafka ${version} become topics with all their records`, { skip }, async () => {
    const scratch = mkdtempSync(join(tmpdir(), 'ottla-adopt-'));
    try {
      execFileSync('tar', ['xzf', join(facts, `${archive}.tgz`), '-C', scratch]);
      const dataDir = join(scratch, readdirSync(scratch)[0] ?? '');
      const golden: Expected = JSON.parse(readFileSync(join(facts, `expected-${version}.json`), 'utf8'));
      const expected = new Map(
        Object.entries(golden.read_committed ?? {})
          .filter(([name]) => TOPICS.includes(name.slice(0, name.lastIndexOf('-'))))
          .map(([name, { records }]) => [name, records.map((record) => record.slice(0, 4))]),
      );
      const count = [...expected.values()].reduce((sum, records) => sum + records.length, 0);
      assert(count > 1000, `${count} golden records`);
      for (const adoptLogDirs of [true, false]) {
        const broker = await startBroker({ dataDir, adoptLogDirs, config: CONFIG });
        try {
          assert.equal(broker.brokerId, 1);
          const read = await consumeAll(broker, `reader-${adoptLogDirs}`, count);
          for (const [name, records] of expected) assert.deepEqual(read.get(name), records, name);
        } finally {
          await broker.close();
        }
      }
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  });
}
