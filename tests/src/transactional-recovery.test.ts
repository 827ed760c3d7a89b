// What a broker that was killed must remember of transactions: one that is open goes on where it was, with its offsets; one whose producer
// never comes back is aborted in time; and a batch sent again after the crash is known.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Errors, errorName } from '@ottla/base';
import type { RequestClient } from '@ottla/network';
import { offsetFetch } from '@ottla/protocol';
import { connectFor, RestartableBroker } from './support/test-broker.ts';
import { TransactionalProducer, untilReady } from './support/transactions.ts';
import { batchOf, createTopicsOn, findCoordinatorOf, offsetOf, produceTo, readAll } from './support/wire.ts';

const TOPIC = 'recovered';
const GROUP = 'recoverers';
const [FIRST, SECOND, IDEMPOTENT] = [0, 1, 2].map((partition) => ({ topic: TOPIC, partition })) as [Tp, Tp, Tp];
interface Tp {
  readonly topic: string;
  readonly partition: number;
}
const SHORT_TIMEOUT_MS = 3000;
const CONFIG = {
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': '500',
  'transaction.state.log.num.partitions': '3',
  'offsets.topic.num.partitions': '3',
};

function mustBe(expected: number, actual: number, what: string): void {
  assert.equal(errorName(actual), errorName(expected), what);
}

async function valuesOf(client: RequestClient, tp: Tp, isolation: 'read_uncommitted' | 'read_committed') {
  return (await readAll(client, tp, isolation)).map(({ value }) => String(value));
}

/** What a consumer with read_committed asks before it starts (KIP-447). */
async function stableOffset(client: RequestClient): Promise<{ errorCode: number; offset: number }> {
  const groups = [{ groupId: GROUP, topics: [{ name: TOPIC, partitionIndexes: [0] }] }];
  const answer = await client.send(offsetFetch, { groupId: '', topics: [], groups, requireStable: true }, 8);
  const group = answer.groups[0];
  const partition = group?.topics[0]?.partitions[0];
  return { errorCode: group?.errorCode || (partition?.errorCode ?? -1), offset: partition?.committedOffset ?? -1 };
}

async function stableOffsetWhenLoaded(client: RequestClient): Promise<{ errorCode: number; offset: number }> {
  let answer = { errorCode: -1, offset: -1 };
  await untilReady(async () => {
    answer = await stableOffset(client);
    return answer.errorCode;
  });
  return answer;
}

test('a killed broker remembers open transactions, their offsets and the batches of idempotent producers', {
  timeout: 120_000,
}, async (t) => {
  const broker = new RestartableBroker(t, { name: 'recovery', port: 0, config: CONFIG });
  await broker.start();
  let client = await connectFor(t, broker.port);
  await createTopicsOn(client, [TOPIC], 3);
  await untilReady(() => findCoordinatorOf(client, GROUP, 'group'));
  await untilReady(async () => (await stableOffset(client)).errorCode);

  const faithful = new TransactionalProducer(client, 'faithful', 60_000);
  const lost = new TransactionalProducer(client, 'lost', SHORT_TIMEOUT_MS);
  mustBe(Errors.NONE, await untilReady(() => faithful.init()), 'InitProducerId');
  mustBe(Errors.NONE, await untilReady(() => lost.init()), 'InitProducerId');
  mustBe(Errors.NONE, await faithful.addPartitions([FIRST, SECOND]), 'AddPartitionsToTxn');
  mustBe(Errors.NONE, (await faithful.produce([{ tp: FIRST, values: ['a', 'b'] }]))[0]?.errorCode ?? -1, 'Produce');
  mustBe(Errors.NONE, await faithful.addOffsets(GROUP), 'AddOffsetsToTxn');
  mustBe(Errors.NONE, await faithful.commitOffset(GROUP, FIRST, 41), 'TxnOffsetCommit');
  mustBe(Errors.NONE, await lost.addPartitions([SECOND]), 'AddPartitionsToTxn');
  mustBe(Errors.NONE, (await lost.produce([{ tp: SECOND, values: ['x'] }]))[0]?.errorCode ?? -1, 'Produce');
  const batch = batchOf(['once'], { producerId: 77_000, producerEpoch: 0, baseSequence: 0 });
  const written = await produceTo(client, IDEMPOTENT, batch, -1);
  mustBe(Errors.NONE, written.errorCode, 'Produce');

  await t.test('nothing is visible after the crash, and everything is there', async () => {
    await broker.end('SIGKILL');
    await broker.start();
    client = await connectFor(t, broker.port);
    mustBe(Errors.UNSTABLE_OFFSET_COMMIT, (await stableOffsetWhenLoaded(client)).errorCode, 'OffsetFetch');
    assert.deepEqual(await valuesOf(client, FIRST, 'read_committed'), []);
    assert.deepEqual(await valuesOf(client, FIRST, 'read_uncommitted'), ['a', 'b']);
    assert.equal(await offsetOf(client, FIRST, -1, 'read_committed'), 0, 'last stable offset');
  });

  await t.test('a batch that is sent again is known, and one out of order is refused', async () => {
    const repeated = await produceTo(client, IDEMPOTENT, batch, -1);
    assert.deepEqual([repeated.errorCode, repeated.baseOffset], [Errors.NONE, written.baseOffset]);
    assert.deepEqual(await valuesOf(client, IDEMPOTENT, 'read_uncommitted'), ['once']);
    const later = batchOf(['late'], { producerId: 77_000, producerEpoch: 0, baseSequence: 5 });
    mustBe(Errors.OUT_OF_ORDER_SEQUENCE_NUMBER, (await produceTo(client, IDEMPOTENT, later, -1)).errorCode, 'Produce');
  });

  await t.test('the open transaction goes on and commits', async () => {
    faithful.reconnect(client);
    const [more] = await faithful.produce([{ tp: FIRST, values: ['c'] }]);
    mustBe(Errors.NONE, more?.errorCode ?? -1, 'Produce after the crash');
    mustBe(Errors.NONE, await untilReady(() => faithful.end(true)), 'EndTxn');
    await eventually(async () => (await offsetOf(client, FIRST, -1, 'read_committed')) === 4);
    assert.deepEqual(await valuesOf(client, FIRST, 'read_committed'), ['a', 'b', 'c']);
    await eventually(async () => (await stableOffset(client)).errorCode === Errors.NONE);
    assert.deepEqual(await stableOffset(client), { errorCode: Errors.NONE, offset: 41 });
  });

  await t.test('the transaction of a producer that is gone is aborted in time, and the producer fenced', async () => {
    await eventually(async () => (await offsetOf(client, SECOND, -1, 'read_committed')) > 1);
    assert.deepEqual(await valuesOf(client, SECOND, 'read_committed'), []);
    assert.deepEqual(await valuesOf(client, SECOND, 'read_uncommitted'), ['x']);
    lost.reconnect(client);
    mustBe(
      Errors.INVALID_PRODUCER_EPOCH,
      (await lost.produce([{ tp: SECOND, values: ['y'] }]))[0]?.errorCode ?? -1,
      'Produce',
    );
    mustBe(Errors.PRODUCER_FENCED, await lost.end(true), 'EndTxn');
  });

  await t.test('all of it is so after another crash', async () => {
    await broker.end('SIGKILL');
    await broker.start();
    client = await connectFor(t, broker.port);
    assert.deepEqual(await stableOffsetWhenLoaded(client), { errorCode: Errors.NONE, offset: 41 });
    assert.deepEqual(await valuesOf(client, FIRST, 'read_committed'), ['a', 'b', 'c']);
    assert.deepEqual(await valuesOf(client, SECOND, 'read_committed'), []);
    const repeated = await produceTo(client, IDEMPOTENT, batch, -1);
    assert.deepEqual([repeated.errorCode, repeated.baseOffset], [Errors.NONE, written.baseOffset]);
    faithful.reconnect(client);
    mustBe(Errors.NONE, await untilReady(() => faithful.init()), 'InitProducerId');
    assert.ok(faithful.producerEpoch > 0, 'the epoch did not grow');
  });
  assert.equal(await broker.end('SIGTERM'), 0);
});

async function eventually(isSo: () => Promise<boolean>): Promise<void> {
  const deadlineMs = Date.now() + 20_000;
  while (!(await isSo())) {
    assert.ok(Date.now() < deadlineMs, 'it never came to be');
    await sleep(50);
  }
}
