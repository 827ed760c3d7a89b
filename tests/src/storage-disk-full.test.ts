// A real disk that fills up under producers: a tmpfs of 64 MiB. What was acked is there, nothing is there by half, and with space the broker is
// back. Needs root and the right to mount. OTTLA_DISK_FULL_CYCLES raises the count (default 3).

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Errors } from '@ottla/base';
import { type BrokerProcess, startBrokerProcess } from './support/broker-process.ts';
import { skipUnless } from './support/foreign.ts';
import { batchOf, connectTo, createTopicsOn, produceTo, readAll } from './support/wire.ts';

const CYCLES = Number(process.env.OTTLA_DISK_FULL_CYCLES ?? 3);
const DISK_BYTES = 64 << 20;
const RECORDS_PER_BATCH = 20;
const PADDING = 'x'.repeat(2000);

function mount(path: string): boolean {
  mkdirSync(path, { recursive: true });
  return spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', path]).status === 0;
}

function canMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  const path = join('/tmp', `ottla-mount-${process.pid}`);
  const isMounted = mount(path);
  if (isMounted) spawnSync('umount', [path]);
  rmSync(path, { recursive: true, force: true });
  return isMounted;
}

/** Writes until the broker refuses. @returns the error code, or undefined when the connection broke */
async function produceUntilRefused(
  port: number,
  topic: string,
  acked: string[],
  from: string,
): Promise<number | undefined> {
  const client = await connectTo(port);
  try {
    for (let batch = 0; ; batch++) {
      const values = Array.from({ length: RECORDS_PER_BATCH }, (_, index) => `${from}-${batch}-${index}-${PADDING}`);
      const { errorCode } = await produceTo(client, { topic, partition: 0 }, batchOf(values), 1);
      if (errorCode !== Errors.NONE) return errorCode;
      acked.push(...values);
    }
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
    return undefined;
  } finally {
    client.close();
  }
}

test(`a disk fills up under two producers ${CYCLES} times`, {
  skip: skipUnless(canMount(), 'the right to mount a tmpfs'),
  timeout: 600_000,
}, async (t) => {
  const scratch = mkdtempSync(join(tmpdir(), 'ottla-disk-full-'));
  const dataDirectory = join(scratch, 'disk');
  assert.ok(mount(dataDirectory));
  let broker: BrokerProcess | undefined;
  t.after(async () => {
    await broker?.end('SIGKILL');
    spawnSync('umount', ['-l', dataDirectory]);
    rmSync(scratch, { recursive: true, force: true });
  });
  const config = { 'log.segment.bytes': String(1 << 20), 'log.dirs': join(dataDirectory, 'logs') };
  const topics = ['first', 'second'];
  const acked = new Map<string, string[]>(topics.map((topic) => [topic, []]));
  const ballast = join(dataDirectory, 'ballast');
  let codes: (number | undefined)[] = [];

  broker = await startBrokerProcess({ dataDirectory, config });
  const client = await connectTo(broker.port);
  await createTopicsOn(client, topics, 1);
  client.close();
  for (let cycle = 0; cycle < CYCLES; cycle++) {
    const { bavail, bsize } = statfsSync(dataDirectory);
    // Leaves 4 MiB for the producers to fill.
    writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - (4 << 20))));
    const { port } = broker;
    codes = await Promise.all(
      topics.map((topic) => produceUntilRefused(port, topic, acked.get(topic) ?? [], `${cycle}`)),
    );
    for (const code of codes) {
      // With its only log dir a broker ends, as Kafka's does: then the connection breaks instead.
      const isExpected =
        code === undefined || code === Errors.KAFKA_STORAGE_ERROR || code === Errors.NOT_LEADER_OR_FOLLOWER;
      assert.ok(isExpected, `cycle ${cycle}: Produce answered ${code}`);
    }
    await broker.end('SIGTERM');
    assert.equal(
      existsSync(join(dataDirectory, 'logs', '.kafka_cleanshutdown')),
      false,
      'a clean marker over a failure',
    );
    rmSync(ballast);
    broker = await startBrokerProcess({ dataDirectory, config });
    const reader = await connectTo(broker.port);
    for (const topic of topics) {
      const found = (await readAll(reader, { topic, partition: 0 })).map(({ value }) => String(value));
      const known = acked.get(topic) ?? [];
      const lost = known.filter((value, index) => index >= found.length && !found.includes(value));
      assert.deepEqual(lost, [], `cycle ${cycle}: acked records of ${topic} are gone`);
      assert.equal(new Set(found).size, found.length, 'records are there twice');
      assert.ok(
        found.every((value) => value.endsWith(PADDING)),
        'half a record',
      );
      assert.equal(found.length % RECORDS_PER_BATCH, 0, 'half a batch');
      acked.set(topic, found);
      const again = Array.from({ length: RECORDS_PER_BATCH }, (_, index) => `again-${cycle}-${index}-${PADDING}`);
      const answer = await produceTo(reader, { topic, partition: 0 }, batchOf(again), 1);
      assert.equal(answer.errorCode, Errors.NONE, 'the service is back');
      acked.get(topic)?.push(...again);
    }
    reader.close();
  }
  const total = [...acked.values()].flat().length;
  t.diagnostic(
    `${CYCLES} times full, ${total} records acked and there, last answers ${codes.map((code) => code ?? 'closed')}`,
  );
});
