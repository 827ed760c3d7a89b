// Two producers share one transactional id and take it from each other, a thousand times. Whoever lost it is refused whatever it tries, and
// not a byte of what it tried is in a log (KIP-98, KIP-360; KIP-890 for partitions that do not know the new epoch yet).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Errors, errorName, SeededRandom } from '@ottla/base';
import type { RequestClient } from '@ottla/network';
import { connectFor, testBrokerPort, testSeed } from './support/test-broker.ts';
import { TransactionalProducer, untilReady } from './support/transactions.ts';
import { commitOffset, committedOffset, createTopicsOn, findCoordinatorOf, offsetOf, readAll } from './support/wire.ts';

const TAKEOVERS = Number(process.env.OTTLA_TAKEOVERS ?? 1000);
const RUN = process.pid;
const GROUP = `fencing-${RUN}`;
const TOPIC = `fencing-${RUN}`;
const PARTITIONS = [0, 1, 2].map((partition) => ({ topic: TOPIC, partition }));
const OFFSETS = { topic: '__consumer_offsets', partition: 0 };

/** What Apache Kafka 3.9 answers to a producer that lost its id. */
const REFUSALS: Readonly<Record<string, readonly number[]>> = {
  Produce: [Errors.INVALID_PRODUCER_EPOCH],
  AddPartitionsToTxn: [Errors.PRODUCER_FENCED],
  AddOffsetsToTxn: [Errors.PRODUCER_FENCED],
  TxnOffsetCommit: [Errors.INVALID_PRODUCER_EPOCH],
  EndTxn: [Errors.PRODUCER_FENCED],
};

/** What the log must hold in the end. */
class Ledger {
  /** Acked by Produce. */
  readonly written = new Set<string>();
  readonly committed = new Set<string>();
  committedOffset = -1;
}

/** One of the two, with the transaction it may have open. */
class Side {
  readonly producer: TransactionalProducer;
  readonly #random: SeededRandom;
  readonly #ledger: Ledger;
  readonly name: string;
  /** Partitions that this side added to the transaction that is open. */
  #added: (typeof PARTITIONS)[number][] = [];
  #values: string[] = [];
  #offset: number | undefined;
  #count = 0;

  constructor(name: string, client: RequestClient, random: SeededRandom, ledger: Ledger) {
    this.name = name;
    this.producer = new TransactionalProducer(client, `fencing-${RUN}`);
    this.#random = random;
    this.#ledger = ledger;
  }

  get isOpen(): boolean {
    return this.#added.length > 0;
  }

  /** Takes the id. What was open before, here or there, is gone. */
  async take(): Promise<void> {
    this.#forget();
    assert.equal(await untilReady(() => this.producer.init()), Errors.NONE, `${this.name} could not take the id`);
  }

  /** Some transactions, of which the last one may stay open. */
  async work(): Promise<void> {
    for (let rounds = this.#random.nextInt(3); rounds > 0; rounds--) {
      await this.#begin();
      await this.#end(this.#random.nextInt(4) !== 0);
    }
    if (this.#random.nextInt(3) !== 0) await this.#begin();
  }

  /** Writes and commits while the other one takes the id: either the commit counts, or nothing of it does. */
  async race(): Promise<{ wrote: number; ended: number }> {
    const [writing, ending] = [this.#write(), this.producer.end(true)];
    const [wrote, ended] = await Promise.all([writing, ending]);
    if (ended === Errors.NONE) this.#noteCommit();
    this.#forget();
    return { wrote, ended };
  }

  /** What a producer that lost the id may still try, in any order. @returns API → error code */
  async attempts(): Promise<[api: string, code: number][]> {
    const tp = this.#pick();
    const tries: [string, () => Promise<number>][] = [
      ['Produce', async () => (await this.producer.produce([{ tp, values: ['of the loser'] }]))[0]?.errorCode ?? -1],
      ['AddPartitionsToTxn', () => this.producer.addPartitions([tp])],
      ['AddOffsetsToTxn', () => this.producer.addOffsets(GROUP)],
      ['TxnOffsetCommit', () => this.producer.commitOffset(GROUP, tp, 999_999)],
      ['EndTxn', () => this.producer.end(this.#random.nextInt(2) === 0)],
    ];
    const results: [string, number][] = [];
    while (tries.length > 0) {
      const [next] = tries.splice(this.#random.nextInt(tries.length), 1);
      if (next) results.push([next[0], await next[1]()]);
    }
    return results;
  }

  async #begin(): Promise<void> {
    const tp = this.#pick();
    this.#added = [tp];
    assert.equal(await untilReady(() => this.producer.addPartitions([tp])), Errors.NONE);
    if (this.#random.nextInt(4) !== 0) assert.equal(await this.#write(), Errors.NONE);
    if (this.#random.nextInt(3) === 0) await this.#commitOffset(tp);
  }

  async #write(): Promise<number> {
    const tp = this.#added[0] ?? this.#pick();
    const value = `${this.name}-${this.#count++}`;
    const [result] = await this.producer.produce([{ tp, values: [value] }]);
    if (result?.errorCode === Errors.NONE) {
      this.#ledger.written.add(value);
      this.#values.push(value);
    }
    return result?.errorCode ?? -1;
  }

  async #commitOffset(tp: (typeof PARTITIONS)[number]): Promise<void> {
    const offset = this.#count;
    assert.equal(await untilReady(() => this.producer.addOffsets(GROUP)), Errors.NONE);
    assert.equal(
      await untilReady(() => this.producer.commitOffset(GROUP, { ...tp, partition: 0 }, offset)),
      Errors.NONE,
    );
    this.#offset = offset;
  }

  async #end(committed: boolean): Promise<void> {
    assert.equal(await this.producer.end(committed), Errors.NONE);
    if (committed) this.#noteCommit();
    this.#forget();
  }

  #noteCommit(): void {
    for (const value of this.#values) this.#ledger.committed.add(value);
    if (this.#offset !== undefined) this.#ledger.committedOffset = this.#offset;
  }

  #forget(): void {
    this.#added = [];
    this.#values = [];
    this.#offset = undefined;
  }

  #pick(): (typeof PARTITIONS)[number] {
    const tp = PARTITIONS[this.#random.nextInt(PARTITIONS.length)];
    assert.ok(tp);
    return tp;
  }
}

test(`refuses whoever lost a transactional id, over ${TAKEOVERS} take-overs`, { timeout: 300_000 }, async (t) => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  const port = await testBrokerPort(t, 'fencing', { 'offsets.topic.num.partitions': '1' });
  const [reader, ...clients] = await Promise.all([connectFor(t, port), connectFor(t, port), connectFor(t, port)]);
  await createTopicsOn(reader, [TOPIC], PARTITIONS.length);
  await coordinatorIsThere(reader);
  const ledger = new Ledger();
  const sides = clients.map((client, i) => new Side(`side${i}`, client, random, ledger));
  const [left, right] = sides;
  assert.ok(left && right);
  await left.take();
  await left.work();

  const tally = new Map<string, number>();
  const races = { count: 0, won: 0, refused: 0 };
  for (let takeover = 0; takeover < TAKEOVERS; takeover++) {
    const [loser, winner] = takeover % 2 === 0 ? [left, right] : [right, left];
    if (loser.isOpen && random.nextInt(4) === 0) {
      const isWinnerFirst = random.nextInt(2) === 0;
      const early = isWinnerFirst ? winner.take() : undefined;
      const [{ wrote, ended }] = await Promise.all([loser.race(), early ?? winner.take()]);
      races.count++;
      if (ended === Errors.NONE) races.won++;
      if (wrote !== Errors.NONE) races.refused++;
      assert.ok(!(ended === Errors.NONE && wrote === Errors.INVALID_PRODUCER_EPOCH), 'committed after it was fenced');
    } else await winner.take();
    await assertRefused(loser, reader, tally);
    await winner.work();
  }
  await left.take();

  await assertLedger(ledger, reader);
  t.diagnostic(
    `seed ${seed}: ${TAKEOVERS} take-overs, ${ledger.written.size} records written, ${ledger.committed.size} committed`,
  );
  t.diagnostic(`${races.count} commits raced a take-over: ${races.won} counted, ${races.refused} could not even write`);
  for (const [answer, count] of [...tally].sort()) t.diagnostic(`${answer}: ${count} times`);
});

/** The first question for a group's coordinator makes the topic of the offsets. */
async function coordinatorIsThere(client: RequestClient): Promise<void> {
  const code = await untilReady(
    () => commitOffset(client, GROUP, { topic: TOPIC, partition: 0 }, 0),
    async () => {
      await findCoordinatorOf(client, GROUP, 'group');
    },
  );
  assert.equal(code, Errors.NONE);
}

async function assertRefused(loser: Side, reader: RequestClient, tally: Map<string, number>): Promise<void> {
  const before = await endOffsets(reader);
  for (const [api, code] of await loser.attempts()) {
    const key = `${api} ${errorName(code)}`;
    tally.set(key, (tally.get(key) ?? 0) + 1);
    assert.ok(REFUSALS[api]?.includes(code), `${api} of the loser answered ${errorName(code)}`);
  }
  assert.deepEqual(await endOffsets(reader), before, 'something of the loser is in a log');
}

function endOffsets(reader: RequestClient): Promise<number[]> {
  return Promise.all([...PARTITIONS, OFFSETS].map((tp) => offsetOf(reader, tp, -1)));
}

async function assertLedger(ledger: Ledger, reader: RequestClient): Promise<void> {
  const read = async (isolation: 'read_uncommitted' | 'read_committed') => {
    const all = await Promise.all(PARTITIONS.map((tp) => readAll(reader, tp, isolation)));
    return all.flatMap((records) => records.map(({ value }) => String(value))).sort();
  };
  assert.deepEqual(await read('read_uncommitted'), [...ledger.written].sort());
  assert.deepEqual(await read('read_committed'), [...ledger.committed].sort());
  assert.equal(await committedOffset(reader, GROUP, { topic: TOPIC, partition: 0 }), ledger.committedOffset);
  assert.ok(ledger.committed.size > TAKEOVERS / 4 && ledger.committed.size < ledger.written.size, 'hardly any load');
}
