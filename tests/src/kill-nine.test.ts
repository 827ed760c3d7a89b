// kill -9 under load, again and again: what was acked is there, what is idempotent is there once, and groups keep their offsets.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Errors } from '@ottla/base';
import type { RequestClient } from '@ottla/network';
import { findCoordinator, initProducerId } from '@ottla/protocol';
import { type BrokerProcess, startBrokerProcess } from './support/broker-process.ts';
import {
  batchOf,
  commitOffset,
  committedOffset,
  connectTo,
  createTopicsOn,
  type Idempotence,
  produceTo,
  readAll,
} from './support/wire.ts';

const CYCLES = Number(process.env.OTTLA_KILL_CYCLES ?? 20);
const LOAD_MS = 400;
const RECORDS_PER_BATCH = 20;

/** Answers after which the same request is sent again. */
const RETRIABLE = new Set<number>([
  Errors.COORDINATOR_LOAD_IN_PROGRESS,
  Errors.COORDINATOR_NOT_AVAILABLE,
  Errors.NOT_COORDINATOR,
  Errors.NOT_LEADER_OR_FOLLOWER,
  Errors.LEADER_NOT_AVAILABLE,
  Errors.UNKNOWN_TOPIC_OR_PARTITION,
]);

/** Writes numbered records to one partition, one request at a time, and remembers which were acked. */
class Writer {
  readonly tp;
  readonly acked: string[] = [];
  readonly #acks: 1 | -1;
  readonly #producerId: number | undefined;
  #next = 0;
  /** Sent, and no answer came: only an idempotent producer may send it again. */
  #unanswered: string[] | undefined;

  constructor(topic: string, acks: 1 | -1, producerId?: number) {
    this.tp = { topic, partition: 0 };
    this.#acks = acks;
    this.#producerId = producerId;
  }

  /** Until the connection breaks. */
  async run(port: number): Promise<void> {
    const client = await connectTo(port);
    try {
      for (;;) await this.#writeOne(client);
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
    } finally {
      client.close();
    }
  }

  async #writeOne(client: RequestClient): Promise<void> {
    const isRepeat = this.#producerId !== undefined && this.#unanswered !== undefined;
    const values = isRepeat && this.#unanswered ? this.#unanswered : this.#numbered();
    this.#unanswered = values;
    const batch = batchOf(values, this.#idempotence(Number(values[0])));
    const { errorCode } = await produceTo(client, this.tp, batch, this.#acks);
    if (RETRIABLE.has(errorCode)) {
      // Refused, so not written: it may be sent again by anybody.
      if (this.#producerId === undefined) this.#next -= RECORDS_PER_BATCH;
      await sleep(20);
      return;
    }
    assert.equal(errorCode, Errors.NONE, `${this.tp.topic} answered ${errorCode}`);
    this.acked.push(...values);
    this.#unanswered = undefined;
  }

  #numbered(): string[] {
    return Array.from({ length: RECORDS_PER_BATCH }, () => String(this.#next++));
  }

  #idempotence(baseSequence: number): Idempotence | undefined {
    return this.#producerId === undefined
      ? undefined
      : { producerId: this.#producerId, producerEpoch: 0, baseSequence };
  }
}

/** Commits ever higher offsets for one group. */
class Committer {
  readonly groupId = 'killed-group';
  readonly tp = { topic: 'acks-1', partition: 0 };
  acked = -1;
  #sent = -1;

  get sent(): number {
    return this.#sent;
  }

  async run(port: number): Promise<void> {
    const client = await connectTo(port);
    try {
      for (;;) await this.#commitOne(client);
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
    } finally {
      client.close();
    }
  }

  async #commitOne(client: RequestClient): Promise<void> {
    const offset = ++this.#sent;
    const code = await commitOffset(client, this.groupId, this.tp, offset);
    if (code === Errors.NONE) this.acked = offset;
    else {
      assert.ok(RETRIABLE.has(code), `OffsetCommit answered ${code}`);
      await sleep(20);
    }
  }
}

async function newProducerId(client: RequestClient): Promise<number> {
  for (;;) {
    const answer = await client.send(initProducerId, { transactionalId: null, transactionTimeoutMs: 1000 }, 4);
    if (answer.errorCode === Errors.NONE) return answer.producerId;
    await sleep(50);
  }
}

test(`nothing acked is lost and nothing idempotent is doubled over ${CYCLES} times kill -9`, {
  timeout: 600_000,
}, async (t) => {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'ottla-kill-'));
  let broker: BrokerProcess | undefined;
  t.after(async () => {
    await broker?.end('SIGKILL');
    rmSync(dataDirectory, { recursive: true, force: true });
  });
  const config = { 'log.segment.bytes': String(1 << 20) };

  broker = await startBrokerProcess({ dataDirectory, config });
  const first = await connectTo(broker.port);
  await createTopicsOn(first, ['acks-1', 'acks-all', 'idempotent'], 1);
  const idempotent = new Writer('idempotent', -1, await newProducerId(first));
  // As in Kafka, asking for the coordinator is what creates __consumer_offsets.
  await first.send(findCoordinator, { key: 'killed-group', keyType: 0 }, 2);
  first.close();
  const writers = [new Writer('acks-1', 1), new Writer('acks-all', -1), idempotent];
  const committer = new Committer();

  for (let cycle = 0; cycle < CYCLES; cycle++) {
    const { port } = broker;
    const load = [...writers, committer].map((runner) => runner.run(port));
    await sleep(LOAD_MS + cycle * 7);
    await broker.end('SIGKILL');
    await Promise.all(load);
    broker = await startBrokerProcess({ dataDirectory, config });
  }

  const client = await connectTo(broker.port);
  for (const writer of writers) {
    const found = (await readAll(client, writer.tp)).map(({ value }) => String(value));
    const distinct = new Set(found);
    const lost = writer.acked.filter((value) => !distinct.has(value));
    t.diagnostic(`${writer.tp.topic}: ${writer.acked.length} acked, ${found.length} found, ${lost.length} lost`);
    assert.ok(writer.acked.length > CYCLES * RECORDS_PER_BATCH, `${writer.tp.topic}: hardly any load`);
    assert.deepEqual(lost, [], `${writer.tp.topic}: acked records are gone`);
    assert.equal(found.length, distinct.size, `${writer.tp.topic}: records are there twice`);
    if (writer === idempotent)
      assert.deepEqual(
        found,
        [...found].sort((a, b) => Number(a) - Number(b)),
        'out of order',
      );
  }
  const committed = await retry(() => committedOffset(client, committer.groupId, committer.tp));
  t.diagnostic(`offset commits: ${committer.acked} acked, ${committed} found`);
  assert.ok(committer.acked > CYCLES, 'hardly any commit');
  assert.ok(
    committed >= committer.acked && committed <= committer.sent,
    `offset ${committed} after ${committer.acked}`,
  );
  client.close();
  assert.equal(await broker.end('SIGTERM'), 0);
});

async function retry<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await sleep(50);
  }
  throw new Error('the coordinator did not become ready');
}
