// A real disk that is full while topics are compacted by the real threads: a tmpfs of 48 MiB. Nothing is lost and nothing replaced by half,
// also when the process is killed at it; both topics are compacted by themselves once there is space, and no file is left that
// should not be. Needs root and the right to mount.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Errors, errorName } from '@ottla/base';
import type { RequestClient } from '@ottla/network';
import { incrementalAlterConfigs } from '@ottla/protocol';
import { RecordsBuilder } from '@ottla/records';
import { type BrokerProcess, startBrokerProcess } from './support/broker-process.ts';
import { SmallDisk, skipWithoutMount } from './support/small-disk.ts';
import { connectedTo, createTopicsOn, produceTo, readAll } from './support/wire.ts';

const MIB = 1 << 20;
const TOPICS = ['one', 'two'];
const BACKOFF_MS = 100;
const CONFIG = {
  'log.cleaner.backoff.ms': String(BACKOFF_MS),
  'log.cleaner.threads': '2',
  'log.segment.bytes': String(2 * MIB),
  'log.segment.delete.delay.ms': '50',
};
const VALUE_BYTES = 4096;
/** 8 MiB a topic. Of the first four everything stays, so that already the first copy takes more than is left of the disk. */
const RECORDS = 2048;
const KEPT_RECORDS = RECORDS / 2;
/** Of the others. */
const KEYS = 256;
const RECORDS_PER_BATCH = 32;
const LEFT_BYTES = MIB;
/** Tries to compact, at least: one a round. */
const TRIES_MS = 20 * BACKOFF_MS;
const SETTLE_MS = 30_000;
const FILES = /^(\d{20}\.(log|index|timeindex|txnindex|snapshot)|leader-epoch-checkpoint|partition\.metadata)$/;
const SET = 0;

/** By topic, what was acked: `offset key value`, and which of them is the newest of its key. */
interface Acked {
  readonly lines: Set<string>;
  readonly newest: Map<string, string>;
}

class CompactedDisk {
  readonly space: SmallDisk;
  readonly acked = new Map<string, Acked>(TOPICS.map((topic) => [topic, { lines: new Set(), newest: new Map() }]));
  #broker: BrokerProcess | undefined;

  constructor(t: TestContext) {
    t.after(() => this.#broker?.end('SIGKILL'));
    this.space = new SmallDisk(t, 48 * MIB);
  }

  get broker(): BrokerProcess {
    assert.ok(this.#broker !== undefined);
    return this.#broker;
  }

  async start(): Promise<void> {
    const { logDir } = this.space;
    this.#broker = await startBrokerProcess({ dataDirectory: logDir, config: { ...CONFIG, 'log.dirs': logDir } });
  }

  connected<Result>(work: (client: RequestClient) => Promise<Result>): Promise<Result> {
    return connectedTo(this.broker.port, work);
  }

  async fill(client: RequestClient, topic: string): Promise<void> {
    for (let next = 0; next < RECORDS; next += RECORDS_PER_BATCH) await this.#produce(client, topic, next);
  }

  async #produce(client: RequestClient, topic: string, first: number): Promise<void> {
    const records = Array.from({ length: RECORDS_PER_BATCH }, (_, index) => first + index).map((number) => ({
      key: `k${number < KEPT_RECORDS ? number : KEPT_RECORDS + (number % KEYS)}`,
      value: `${number}-`.padEnd(VALUE_BYTES, 'x'),
    }));
    const { errorCode, baseOffset } = await produceTo(client, { topic, partition: 0 }, batchOf(records), 1);
    assert.equal(errorName(errorCode), 'NONE');
    for (const [index, { key, value }] of records.entries()) {
      const line = `${baseOffset + index} ${key} ${value}`;
      this.acked.get(topic)?.lines.add(line);
      this.acked.get(topic)?.newest.set(key, line);
    }
  }

  /** @returns how many records each topic has; all are acked ones, in order, the newest of every key among them */
  async verified(when: string): Promise<number[]> {
    return this.connected(async (client) => {
      const counts = [];
      for (const [topic, { lines, newest }] of this.acked) {
        const records = await readAll(client, { topic, partition: 0 });
        const found = new Set(records.map(({ offset, key, value }) => `${offset} ${key} ${value}`));
        const isAscending = records.every(({ offset }, index) => offset > (records[index - 1]?.offset ?? -1));
        const strange = [...found].filter((line) => !lines.has(line));
        const lost = [...newest.values()].filter((line) => !found.has(line));
        const shown = [...strange, ...lost].map((line) => line.slice(0, 20));
        assert.deepEqual([shown, isAscending, found.size], [[], true, records.length], `${topic} ${when}`);
        counts.push(records.length);
      }
      return counts;
    });
  }

  /** Files that are there only while a log is compacted. */
  strays(): string[] {
    const { logDir } = this.space;
    const temporary = readdirSync(logDir).filter((name) => name.endsWith('.tmp'));
    const files = TOPICS.flatMap((topic) => readdirSync(join(logDir, `${topic}-0`)));
    return [...temporary, ...files.filter((name) => !FILES.test(name))];
  }

  /** Waits until it is so. */
  async eventually(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
    for (const deadlineMs = Date.now() + SETTLE_MS; !(await isSo()); ) {
      assert.ok(Date.now() < deadlineMs, `never: ${what}; the broker said:\n${this.broker.output().slice(-3000)}`);
      await sleep(20);
    }
  }

  /** A thread found no space, and that was all that went wrong. */
  async triedInVain(): Promise<void> {
    const noSpaceOfCopy = /no space left.*\.cleaned/;
    await this.eventually('a copy finds no space', () => noSpaceOfCopy.test(this.broker.output()));
    await sleep(TRIES_MS);
    this.nothingElseIsWrong();
  }

  nothingElseIsWrong(): void {
    assert.doesNotMatch(this.broker.output(), /left alone|offline|thread died|cannot be started|cleaner failed/);
  }
}

function batchOf(records: readonly { key: string; value: string }[]): Buffer {
  const builder = new RecordsBuilder({ magic: 2, compressionType: 'none', timestampType: 'CreateTime', baseOffset: 0 });
  const timestamp = Date.now();
  for (const { key, value } of records) builder.append({ timestamp, key: Buffer.from(key), value: Buffer.from(value) });
  return builder.build();
}

async function allowCompaction(client: RequestClient): Promise<void> {
  const settings = { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0.01' };
  const configs = Object.entries(settings).map(([name, value]) => ({ name, configOperation: SET, value }));
  const resources = TOPICS.map((resourceName) => ({ resourceType: 2, resourceName, configs }));
  const answer = await client.send(incrementalAlterConfigs, { resources, validateOnly: false }, 1);
  for (const { errorCode } of answer.responses) assert.equal(errorCode, Errors.NONE);
}

test('threads that find no space for their copies lose nothing, and compact when there is some', {
  skip: skipWithoutMount(),
  timeout: 300_000,
}, async (t) => {
  const disk = new CompactedDisk(t);
  await disk.start();
  await disk.connected(async (client) => {
    await createTopicsOn(client, TOPICS, 1);
    for (const topic of TOPICS) await disk.fill(client, topic);
    disk.space.shrinkTo(LEFT_BYTES);
    await allowCompaction(client);
  });
  await disk.triedInVain();
  assert.deepEqual(await disk.verified('while the disk is full'), [RECORDS, RECORDS]);
  await disk.eventually('no file is left', () => disk.strays().length === 0);

  await disk.broker.end('SIGKILL');
  await disk.start();
  await disk.triedInVain();
  assert.deepEqual(await disk.verified('after a kill on the full disk'), [RECORDS, RECORDS]);
  await disk.eventually('no file is left after a kill', () => disk.strays().length === 0);

  disk.space.giveBack();
  // And what is in the active segment.
  const isCompacted = (count: number): boolean => count < KEPT_RECORDS + 2 * KEYS;
  await disk.eventually('both are compacted', async () => (await disk.verified('then')).every(isCompacted));
  await disk.eventually('no file is left at last', () => disk.strays().length === 0);
  const compacted = await disk.verified('compacted');
  disk.nothingElseIsWrong();
  assert.equal(await disk.broker.end('SIGTERM'), 0);
  await disk.start();
  assert.deepEqual(await disk.verified('after a restart'), compacted);
  assert.deepEqual(disk.strays(), []);
  t.diagnostic(`${RECORDS} records a topic, compacted ${compacted}`);
});
