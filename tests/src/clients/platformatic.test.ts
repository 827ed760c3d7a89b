// @platformatic/kafka: produces with every codec it has, reads by offset and in a group of two, and goes on after the broker was restarted.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import zlib from 'node:zlib';
import {
  Admin,
  Consumer,
  type MessagesStream,
  Producer,
  stringDeserializers,
  stringSerializers,
} from '@platformatic/kafka';
import { type RunningBroker, startBroker } from 'ottla';
import { eventually, numbered } from './eventually.ts';

const COUNT = 200;
/** Its zstd is Node's own, which came with 22.15. */
const CODECS = ['none', 'gzip', 'snappy', 'lz4', ...('zstdCompressSync' in zlib ? ['zstd' as const] : [])] as const;

type TextStream = MessagesStream<string, string, string, string>;

/** A group member and what it was given. */
class Member {
  readonly values: string[] = [];
  readonly #consumer: Consumer<string, string, string, string>;
  #stream: TextStream | undefined;
  #reading: Promise<void> = Promise.resolve();

  constructor(broker: RunningBroker, groupId: string) {
    this.#consumer = new Consumer({
      groupId,
      clientId: 'member',
      bootstrapBrokers: [broker.bootstrapServers],
      deserializers: stringDeserializers,
      heartbeatInterval: 300,
      sessionTimeout: 6000,
      rebalanceTimeout: 6000,
      maxWaitTime: 200,
    });
  }

  get assigned(): number[] {
    return (this.#consumer.assignments ?? []).flatMap(({ partitions }) => partitions);
  }

  async start(topic: string): Promise<void> {
    const stream = await this.#consumer.consume({
      topics: [topic],
      mode: 'committed',
      fallbackMode: 'earliest',
      autocommit: 100,
    });
    this.#stream = stream;
    this.#reading = this.#read(stream);
  }

  async #read(stream: TextStream): Promise<void> {
    for await (const message of stream) this.values.push(message.value);
  }

  async leave(): Promise<void> {
    await this.#stream?.close();
    await this.#reading;
    await this.#consumer.close(true);
  }
}

describe('@platformatic/kafka', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'ottla-platformatic-'));
  let broker: RunningBroker;

  before(() => start(0));
  after(async () => {
    await broker.close();
    rmSync(dataDir, { recursive: true });
  });

  async function start(port: number): Promise<void> {
    broker = await startBroker({ port, dataDir, config: { 'group.initial.rebalance.delay.ms': 0 } });
  }

  async function createTopic(topic: string, partitions: number): Promise<void> {
    const admin = new Admin({ clientId: 'admin', bootstrapBrokers: [broker.bootstrapServers] });
    await admin.createTopics({ topics: [topic], partitions, replicas: 1 });
    await admin.close();
  }

  async function produce(topic: string, values: readonly string[], compression: (typeof CODECS)[number] = 'none') {
    const producer = new Producer({
      clientId: 'producer',
      bootstrapBrokers: [broker.bootstrapServers],
      serializers: stringSerializers,
      idempotent: true,
    });
    const messages = values.map((value) => ({ topic, key: value, value, headers: { h: 'v' } }));
    await producer.send({ messages, compression });
    await producer.close();
  }

  test('reads what it produced with each of its codecs, in order', async () => {
    await createTopic('codecs', 1);
    const expected: string[] = [];
    for (const codec of CODECS) {
      const values = numbered(codec, COUNT);
      await produce('codecs', values, codec);
      expected.push(...values);
    }
    const member = new Member(broker, 'reads-codecs');
    await member.start('codecs');
    await eventually('all records were read', () => member.values.length >= expected.length);
    await member.leave();
    assert.deepEqual(member.values, expected);
  });

  test('a group of two shares the partitions, and one takes over when the other leaves', async () => {
    await createTopic('shared', 4);
    await produce('shared', numbered('shared', COUNT));
    const [first, second] = [new Member(broker, 'pair'), new Member(broker, 'pair')];
    await first.start('shared');
    await eventually('the first member has all partitions', () => first.assigned.length === 4);
    await second.start('shared');
    await eventually('the two share', () => first.assigned.length === 2 && second.assigned.length === 2);
    assert.deepEqual([...first.assigned, ...second.assigned].sort(), [0, 1, 2, 3]);
    await eventually('all is read', () => new Set([...first.values, ...second.values]).size === COUNT);
    await second.leave();
    await eventually('the first has all again', () => first.assigned.length === 4);
    await first.leave();
  });

  test('after a restart of the broker a group goes on where it committed', async () => {
    const { port } = broker;
    await broker.close();
    await start(port);
    await produce('shared', numbered('after', 10));
    const member = new Member(broker, 'pair');
    await member.start('shared');
    await eventually('the new records were read', () => member.values.length >= 10);
    await member.leave();
    assert.deepEqual(member.values.sort(), numbered('after', 10).sort());
  });
});
