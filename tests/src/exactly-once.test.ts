// Read, process, write with Kafka's own TransactionalMessageCopier, while brokers and copiers are killed: every record comes out once,
// in order, whatever died when.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { type BrokerProcess, startBrokerProcess } from './support/broker-process.ts';
import { hasKafka, kafkaJars, skipUnless } from './support/foreign.ts';
import { freePort } from './support/test-broker.ts';
import { batchOf, connectTo, createTopicsOn, produceTo, readAll } from './support/wire.ts';

const KAFKA = '3.9.1';
const RECORDS_PER_PARTITION = 10_000;
const TRANSACTION_SIZE = 100;
const PARTITIONS = [0, 1];
/** Each copier is killed this often, after so many of its progress lines. */
const COPIER_KILLS = [10, 25, 15, 20, 12];
const BROKER_KILLS = 5;
const TRANSACTIONS_BETWEEN_BROKER_KILLS = 30;

/** Runs copiers for one input partition, one after the other, until one has come to the end. */
class Copier {
  readonly #partition: number;
  readonly #port: number;
  readonly #onTransaction: () => void;
  killCount = 0;

  constructor(partition: number, port: number, onTransaction: () => void) {
    this.#partition = partition;
    this.#port = port;
    this.#onTransaction = onTransaction;
  }

  async run(): Promise<void> {
    for (let attempt = 0; attempt < 30; attempt++) if (await this.#runOnce()) return;
    throw new Error(`the copier of partition ${this.#partition} never came to the end`);
  }

  /** @returns whether it finished by itself */
  async #runOnce(): Promise<boolean> {
    const child = this.#spawn();
    const exited = once(child, 'exit');
    const killAfter = COPIER_KILLS[this.killCount];
    let progressLines = 0;
    let isComplete = false;
    if (child.stdout) {
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (line.includes('ShutdownComplete')) isComplete = true;
        if (!line.includes('"consumed"')) return;
        this.#onTransaction();
        if (++progressLines === killAfter) {
          this.killCount++;
          child.kill('SIGKILL');
        }
      });
    }
    await exited;
    return isComplete;
  }

  #spawn(): ChildProcess {
    const options = {
      'broker-list': `127.0.0.1:${this.#port}`,
      'input-topic': 'input',
      'input-partition': this.#partition,
      'output-topic': 'output',
      'transactional-id': `copier-${this.#partition}`,
      'consumer-group': 'copiers',
      'transaction-size': TRANSACTION_SIZE,
      'transaction-timeout': 10_000,
      'max-messages': -1,
    };
    const flags = Object.entries(options).flatMap(([key, value]) => [`--${key}`, String(value)]);
    const java = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-Dorg.slf4j.simpleLogger.defaultLogLevel=error'];
    const main = 'org.apache.kafka.tools.TransactionalMessageCopier';
    return spawn('java', [...java, '-cp', `${kafkaJars(KAFKA)}/*`, main, ...flags], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  }
}

async function fillInput(port: number): Promise<void> {
  const client = await connectTo(port);
  await createTopicsOn(client, ['input', 'output'], PARTITIONS.length);
  for (const partition of PARTITIONS) {
    for (let first = 0; first < RECORDS_PER_PARTITION; first += 500) {
      const values = Array.from({ length: 500 }, (_, i) => `${partition}:${first + i}`);
      const { errorCode } = await produceTo(client, { topic: 'input', partition }, batchOf(values), -1);
      assert.equal(errorCode, 0);
    }
  }
  client.close();
}

test('copies 20,000 records exactly once while brokers and copiers are killed', {
  skip: skipUnless(hasKafka(KAFKA), `Java or Kafka ${KAFKA}`),
  timeout: 600_000,
}, async (t) => {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'ottla-eos-'));
  const port = await freePort();
  let broker: BrokerProcess = await startBrokerProcess({ dataDirectory, port });
  t.after(async () => {
    await broker.end('SIGKILL');
    rmSync(dataDirectory, { recursive: true, force: true });
  });
  await fillInput(port);

  let transactions = 0;
  let brokerKills = 0;
  let restarting: Promise<void> = Promise.resolve();
  const restart = async () => {
    await broker.end('SIGKILL');
    broker = await startBrokerProcess({ dataDirectory, port });
  };
  const onTransaction = () => {
    if (++transactions % TRANSACTIONS_BETWEEN_BROKER_KILLS !== 0 || brokerKills >= BROKER_KILLS) return;
    brokerKills++;
    restarting = restarting.then(restart);
  };
  const copiers = PARTITIONS.map((partition) => new Copier(partition, port, onTransaction));
  await Promise.all(copiers.map((copier) => copier.run()));
  await restarting;

  const client = await connectTo(port);
  for (const partition of PARTITIONS) {
    const output = await readAll(client, { topic: 'output', partition }, 'read_committed');
    const values = output.map(({ value }) => String(value));
    const expected = Array.from({ length: RECORDS_PER_PARTITION }, (_, i) => `${partition}:${i}`);
    assert.deepEqual(values, expected, `partition ${partition} differs`);
  }
  client.close();
  const copierKills = copiers.reduce((sum, { killCount }) => sum + killCount, 0);
  t.diagnostic(`${transactions} transactions, broker killed ${brokerKills} times, copiers ${copierKills} times`);
  assert.equal(brokerKills, BROKER_KILLS);
  assert.ok(copierKills >= 5, `copiers were killed only ${copierKills} times`);
});
