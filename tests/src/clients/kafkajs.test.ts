// kafkajs 2.2.4: produces with the codecs it has, reads by topic, shares a group of two, and goes on after the broker was restarted.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { CompressionTypes, type Consumer, Kafka, logLevel } from 'kafkajs';
import { type RunningBroker, startBroker } from 'ottla';
import { eventually, numbered } from './eventually.ts';

const COUNT = 200;

/** A group member and what it was given. */
class Member {
  readonly values: string[] = [];
  assigned: number[] = [];
  readonly #consumer: Consumer;

  constructor(kafka: Kafka, groupId: string) {
    this.#consumer = kafka.consumer({ groupId, heartbeatInterval: 300, sessionTimeout: 6000, maxWaitTimeInMs: 100 });
    this.#consumer.on('consumer.group_join', ({ payload }) => {
      this.assigned = Object.values(payload.memberAssignment).flat();
    });
  }

  async start(topic: string): Promise<void> {
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topics: [topic], fromBeginning: true });
    await this.#consumer.run({
      eachMessage: async ({ message }) => {
        this.values.push(message.value?.toString() ?? '');
      },
    });
  }

  /** Commits what it was given. */
  leave(): Promise<void> {
    return this.#consumer.disconnect();
  }
}

describe('kafkajs', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'ottla-kafkajs-'));
  let broker: RunningBroker;
  let kafka: Kafka;

  before(() => start(0));
  after(async () => {
    await broker.close();
    rmSync(dataDir, { recursive: true });
  });

  async function start(port: number): Promise<void> {
    broker = await startBroker({ port, dataDir, config: { 'group.initial.rebalance.delay.ms': 0 } });
    kafka = new Kafka({ brokers: [broker.bootstrapServers], logLevel: logLevel.NOTHING });
  }

  async function createTopic(topic: string, numPartitions: number): Promise<void> {
    const admin = kafka.admin();
    await admin.connect();
    assert.equal(await admin.createTopics({ topics: [{ topic, numPartitions }], waitForLeaders: true }), true);
    await admin.disconnect();
  }

  async function produce(topic: string, values: readonly string[], compression = CompressionTypes.None): Promise<void> {
    const producer = kafka.producer({ idempotent: true });
    await producer.connect();
    const messages = values.map((value) => ({ key: value, value, headers: { h: 'v' } }));
    await producer.send({ topic, messages, compression });
    await producer.disconnect();
  }

  test('reads what it produced with each of its codecs, in order', async () => {
    await createTopic('codecs', 1);
    const expected = [...numbered('none', COUNT), ...numbered('gzip', COUNT)];
    await produce('codecs', expected.slice(0, COUNT));
    await produce('codecs', expected.slice(COUNT), CompressionTypes.GZIP);
    const member = new Member(kafka, 'reads-codecs');
    await member.start('codecs');
    await eventually('all records were read', () => member.values.length >= expected.length);
    await member.leave();
    assert.deepEqual(member.values, expected);
  });

  test('a group of two shares the partitions, and one takes over when the other leaves', async () => {
    await createTopic('shared', 4);
    await produce('shared', numbered('shared', COUNT));
    const [first, second] = [new Member(kafka, 'pair'), new Member(kafka, 'pair')];
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
    const member = new Member(kafka, 'pair');
    await member.start('shared');
    await eventually('the new records were read', () => member.values.length >= 10);
    await member.leave();
    assert.deepEqual(member.values.sort(), numbered('after', 10).sort());
  });

  test('a transaction is seen when it commits, and never when it aborts', async () => {
    await createTopic('transactions', 1);
    const producer = kafka.producer({ idempotent: true, transactionalId: 'kafkajs', maxInFlightRequests: 1 });
    await producer.connect();
    for (const [value, isCommitted] of [
      ['one', true],
      ['never', false],
      ['two', true],
    ] as const) {
      const transaction = await producer.transaction();
      await transaction.send({ topic: 'transactions', messages: [{ value }] });
      await (isCommitted ? transaction.commit() : transaction.abort());
    }
    await producer.disconnect();
    const member = new Member(kafka, 'reads-committed');
    await member.start('transactions');
    await eventually('both were read', () => member.values.length >= 2);
    await member.leave();
    assert.deepEqual(member.values, ['one', 'two']);
  });
});
