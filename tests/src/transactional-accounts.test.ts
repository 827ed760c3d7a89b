// Money moves between accounts in transactions while the broker is killed: none is made, none is lost, and nobody who reads committed
// records ever sees half a transfer that does not become a whole one.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Errors, errorName, SeededRandom, type TopicPartition } from '@ottla/base';
import type { RequestClient } from '@ottla/network';
import type { KafkaRecord } from '@ottla/records';
import { CommittedReader } from './support/committed-reader.ts';
import { connectEventually, freePort, RestartableBroker, testSeed } from './support/test-broker.ts';
import { TransactionalProducer, untilReady } from './support/transactions.ts';
import { connectTo, createTopicsOn, offsetOf } from './support/wire.ts';

const ACCOUNTS = 50;
const WRITERS = 20;
const TRANSFERS = Number(process.env.OTTLA_TRANSFERS ?? 20_000);
const KILLS = 3;
const ABORTED_PERCENT = 10;
const OPENING_BALANCE = 1000;
const TOPIC = 'accounts';
/** Times at which everybody holds still, so that the sum must be right to the cent; the end is one more. */
const QUIET_SNAPSHOTS = 8;

/** Small segments that roll, and a cleaner that never rests: what is recovered lies in many files. */
const CONFIG = {
  'log.segment.bytes': '50000',
  'log.index.interval.bytes': '1000',
  'transaction.state.log.num.partitions': '5',
  'transaction.state.log.segment.bytes': '400000',
  'log.cleaner.backoff.ms': '200',
  'log.cleaner.min.cleanable.ratio': '0.1',
};

type Outcome = 'committed' | 'aborted';

/** Work to be done, and the gate at which writers wait while somebody counts. */
class Bank {
  /** Transfers begun so far. */
  begun = 0;
  readonly outcomes = new Map<string, Outcome>();
  #holding: Promise<void> | undefined;
  #release: () => void = () => {};
  #working = 0;

  get isDone(): boolean {
    return this.begun >= TRANSFERS && this.#working === 0;
  }

  /** @returns false when there is no work left */
  async begin(): Promise<boolean> {
    while (this.#holding !== undefined) await this.#holding;
    if (this.begun >= TRANSFERS) return false;
    this.begun++;
    this.#working++;
    return true;
  }

  settle(id: string, outcome: Outcome): void {
    this.#working--;
    assert.ok(!this.outcomes.has(id));
    this.outcomes.set(id, outcome);
  }

  /** Resolves when no transfer is under way. */
  async hold(): Promise<void> {
    this.#holding = new Promise((resolve) => {
      this.#release = resolve;
    });
    while (this.#working > 0) await sleep(5);
  }

  goOn(): void {
    this.#holding = undefined;
    this.#release();
  }
}

interface WriterTally {
  readonly crashes: number;
  readonly unknown: number;
  readonly unknownCommitted: number;
}

/** Does one transfer after the other, whatever happens to its connection. */
class Writer {
  readonly #name: string;
  readonly #port: number;
  readonly #random: SeededRandom;
  readonly #bank: Bank;
  #client: RequestClient | undefined;
  #producer: TransactionalProducer | undefined;
  tally = { crashes: 0, unknown: 0, unknownCommitted: 0 };

  constructor(options: { name: string; port: number; random: SeededRandom; bank: Bank }) {
    this.#name = options.name;
    this.#port = options.port;
    this.#random = options.random;
    this.#bank = options.bank;
  }

  async run(): Promise<void> {
    for (let n = 0; await this.#bank.begin(); n++) {
      const id = `${this.#name}:${n}`;
      this.#bank.settle(id, await this.#transfer(id));
    }
    this.#client?.close();
  }

  close(): void {
    this.#client?.close();
  }

  /** Tries until the outcome is certain. */
  async #transfer(id: string): Promise<Outcome> {
    const from = this.#random.nextInt(ACCOUNTS);
    const to = (from + 1 + this.#random.nextInt(ACCOUNTS - 1)) % ACCOUNTS;
    const amount = 1 + this.#random.nextInt(100);
    const commit = this.#random.nextInt(100) >= ABORTED_PERCENT;
    /** Where the first half was written; commit was asked for, and no answer came. */
    let doubtful: { tp: TopicPartition; offset: number } | undefined;
    for (;;) {
      try {
        const producer = await this.#ready();
        if (doubtful) return await this.#findOut(id, doubtful);
        const writes = [
          { tp: { topic: TOPIC, partition: from }, values: [`${id} ${from} ${to} ${-amount}`] },
          { tp: { topic: TOPIC, partition: to }, values: [`${id} ${from} ${to} ${amount}`] },
        ];
        mustBeNone('AddPartitionsToTxn', await untilReady(() => producer.addPartitions(writes.map(({ tp }) => tp))));
        const results = await producer.produce(writes);
        for (const { errorCode } of results) mustBeNone('Produce', errorCode);
        if (commit) doubtful = { tp: { topic: TOPIC, partition: from }, offset: results[0]?.baseOffset ?? -1 };
        mustBeNone('EndTxn', await producer.end(commit));
        return commit ? 'committed' : 'aborted';
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
        this.tally.crashes++;
        if (doubtful) this.tally.unknown++;
        this.close();
        this.#producer = undefined;
        if (!commit) doubtful = undefined;
      }
    }
  }

  /** After a crash InitProducerId ends what was open, one way or the other. */
  async #ready(): Promise<TransactionalProducer> {
    if (this.#producer) return this.#producer;
    this.#client = await connectEventually(this.#port);
    const producer = new TransactionalProducer(this.#client, this.#name);
    mustBeNone('InitProducerId', await untilReady(() => producer.init()));
    this.#producer = producer;
    return producer;
  }

  /** Reads the log at the place of the first half, once it is stable there. */
  async #findOut(id: string, { tp, offset }: { tp: TopicPartition; offset: number }): Promise<Outcome> {
    assert.ok(this.#client);
    const client = this.#client;
    while ((await offsetOf(client, tp, -1, 'read_committed')) <= offset) await sleep(10);
    const reader = new CommittedReader(TOPIC, ACCOUNTS);
    reader.seek(tp.partition, offset);
    let isThere = false;
    await reader.readToEnd(client, (found, record) => {
      if (found.partition === tp.partition && String(record.value).startsWith(`${id} `)) isThere = true;
    });
    if (isThere) this.tally.unknownCommitted++;
    return isThere ? 'committed' : 'aborted';
  }
}

function mustBeNone(api: string, code: number): void {
  assert.equal(code, Errors.NONE, `${api} answered ${errorName(code)}`);
}

/** Keeps the books by what it reads. */
class Auditor {
  readonly balances = Array.from({ length: ACCOUNTS }, () => 0);
  /** Transfers of which one half was seen: what the other half must bring. */
  readonly halves = new Map<string, number>();
  readonly seen = new Set<string>();
  readonly #reader = new CommittedReader(TOPIC, ACCOUNTS);

  async read(client: RequestClient): Promise<void> {
    await this.#reader.readToEnd(client, (tp, record) => this.#book(tp, record));
    // What is in half transfers is under way between two accounts.
    assert.equal(this.#sum() + [...this.halves.values()].reduce((sum, due) => sum + due, 0), this.#openingSum);
  }

  /** @throws AssertionError unless every transfer is whole and the sum is what it was in the beginning */
  async close(client: RequestClient): Promise<void> {
    await this.read(client);
    for (let partition = 0; partition < ACCOUNTS; partition++) {
      const end = await offsetOf(client, { topic: TOPIC, partition }, -1);
      assert.equal(this.#reader.position(partition), end, `account ${partition} has an open transaction`);
    }
    assert.deepEqual([...this.halves], [], 'half transfers');
    assert.equal(this.#sum(), ACCOUNTS * OPENING_BALANCE);
  }

  #openingSum = 0;

  #sum(): number {
    return this.balances.reduce((sum, balance) => sum + balance, 0);
  }

  #book({ partition }: TopicPartition, { value }: KafkaRecord): void {
    const [id = '', from, to, text] = String(value).split(' ');
    const amount = Number(text);
    assert.ok(Number.isSafeInteger(amount) && partition === Number(amount < 0 ? from : to), `${value} in ${partition}`);
    this.balances[partition] = (this.balances[partition] ?? 0) + amount;
    if (id === 'opening') {
      this.#openingSum += amount;
      return;
    }
    const due = this.halves.get(id);
    if (due === undefined) {
      assert.ok(!this.seen.has(id), `${id} was booked twice`);
      this.seen.add(id);
      this.halves.set(id, -amount);
    } else {
      assert.equal(amount, due, `the halves of ${id} differ`);
      this.halves.delete(id);
    }
  }
}

/** Every account gets its money in one transaction. */
async function open(port: number): Promise<void> {
  const client = await connectTo(port);
  await createTopicsOn(client, [TOPIC], ACCOUNTS);
  const producer = new TransactionalProducer(client, 'opening');
  mustBeNone('InitProducerId', await untilReady(() => producer.init()));
  const writes = Array.from({ length: ACCOUNTS }, (_, partition) => ({
    tp: { topic: TOPIC, partition },
    values: [`opening ${partition} ${partition} ${OPENING_BALANCE}`],
  }));
  mustBeNone('AddPartitionsToTxn', await producer.addPartitions(writes.map(({ tp }) => tp)));
  for (const { errorCode } of await producer.produce(writes)) mustBeNone('Produce', errorCode);
  mustBeNone('EndTxn', await producer.end(true));
  client.close();
}

/** Counts while transfers run, and at times while they stand still. @returns how often it did which */
async function audit(bank: Bank, auditor: Auditor, port: number): Promise<{ running: number; quiet: number }> {
  const counts = { running: 0, quiet: 0 };
  let nextQuiet = TRANSFERS / (QUIET_SNAPSHOTS + 1);
  let client = await connectEventually(port);
  while (!bank.isDone) {
    try {
      if (bank.begun >= nextQuiet) {
        await bank.hold();
        await whenStable(() => auditor.close(client), client);
        nextQuiet += TRANSFERS / (QUIET_SNAPSHOTS + 1);
        counts.quiet++;
      } else {
        await auditor.read(client);
        counts.running++;
      }
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      client.close();
      client = await connectEventually(port);
    } finally {
      bank.goOn();
    }
    await sleep(50);
  }
  client.close();
  return counts;
}

/** Markers of the last transactions may still be on their way for a moment after EndTxn was answered. */
async function whenStable(check: () => Promise<void>, client: RequestClient): Promise<void> {
  const deadlineMs = Date.now() + 10_000;
  const isStable = async () => {
    for (let partition = 0; partition < ACCOUNTS; partition++) {
      const tp = { topic: TOPIC, partition };
      if ((await offsetOf(client, tp, -1, 'read_committed')) !== (await offsetOf(client, tp, -1))) return false;
    }
    return true;
  };
  while (!(await isStable()) && Date.now() < deadlineMs) await sleep(10);
  await check();
}

async function killNowAndThen(t: TestContext, broker: RestartableBroker, bank: Bank): Promise<number> {
  let kills = 0;
  while (kills < KILLS) {
    while (bank.begun < ((kills + 1) * TRANSFERS) / (KILLS + 1) && !bank.isDone) await sleep(5);
    await broker.end('SIGKILL');
    const beganMs = Date.now();
    await broker.start();
    t.diagnostic(`killed after ${bank.begun} transfers, back after ${Date.now() - beganMs} ms`);
    kills++;
  }
  return kills;
}

test(`keeps the sum of ${ACCOUNTS} accounts over ${TRANSFERS} transfers and ${KILLS} times kill -9`, {
  timeout: 400_000,
}, async (t) => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  t.diagnostic(`seed ${seed}`);
  const port = await freePort();
  const broker = new RestartableBroker(t, { name: 'accounts', port, config: CONFIG });
  await broker.start();
  await open(port);

  const bank = new Bank();
  const auditor = new Auditor();
  const writers = Array.from({ length: WRITERS }, (_, i) => {
    return new Writer({ name: `writer-${i}`, port, random: new SeededRandom(random.nextUint32()), bank });
  });
  t.after(() => {
    for (const writer of writers) writer.close();
  });
  const beganMs = Date.now();
  const [counts, kills] = await Promise.all([
    audit(bank, auditor, port),
    killNowAndThen(t, broker, bank),
    ...writers.map((writer) => writer.run()),
  ]);
  const seconds = (Date.now() - beganMs) / 1000;

  const client = await connectTo(port);
  t.after(() => client.close());
  await whenStable(() => auditor.close(client), client);
  const outcomes = [...bank.outcomes];
  const committed = outcomes.filter(([, outcome]) => outcome === 'committed').map(([id]) => id);
  assert.deepEqual([...auditor.seen].sort(), committed.sort(), 'what is in the log is not what was answered');
  assert.equal(outcomes.length, TRANSFERS);
  assert.equal(kills, KILLS);
  assert.ok(committed.length < TRANSFERS && committed.length > TRANSFERS / 2);
  assert.ok(counts.quiet > 0 && counts.running > 0);

  const sum = (pick: (tally: WriterTally) => number) => writers.reduce((total, { tally }) => total + pick(tally), 0);
  t.diagnostic(`${committed.length} committed, ${TRANSFERS - committed.length} aborted in ${seconds.toFixed(1)} s`);
  t.diagnostic(
    `${sum(({ crashes }) => crashes)} broken attempts; ${sum(({ unknown }) => unknown)} commits without an answer, ` +
      `of which ${sum(({ unknownCommitted }) => unknownCommitted)} counted`,
  );
  t.diagnostic(`sum held at ${counts.running} snapshots under way, ${counts.quiet} at rest, and at the end`);
  assert.equal(await broker.end('SIGTERM'), 0);
});
