// Topics are made, grown, changed and deleted while the broker is killed. What was answered holds after every start, what was not answered
// holds wholly or not at all, every partition finds its leader, and no directory of a deleted topic stays.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Errors, errorName, SeededRandom } from '@ottla/base';
import type { RequestClient } from '@ottla/network';
import {
  createPartitions,
  createTopics,
  deleteTopics,
  describeConfigs,
  incrementalAlterConfigs,
  metadata,
} from '@ottla/protocol';
import { connectFor, RestartableBroker, testSeed } from './support/test-broker.ts';
import { batchOf, connectTo, produceTo, readAll } from './support/wire.ts';

const CYCLES = 6;
/** How long changes are made before a kill, at least; and how many, however busy the machine is. */
const LOAD_MS = 700;
const CHANGES_MIN = 12;
const NAMES = 12;
const SETTLE_MS = 15_000;
const TIMEOUT_MS = 10_000;

/** What is known of a topic. */
interface Topic {
  readonly partitions: number;
  readonly retentionMs: string | undefined;
}

/** By topic name: every state that it may be in; undefined: it does not exist. More than one where no answer came. */
type Model = Map<string, (Topic | undefined)[]>;

class Changer {
  readonly model: Model = new Map();
  readonly #random: SeededRandom;
  answered = 0;
  unanswered = 0;

  constructor(random: SeededRandom) {
    this.#random = random;
    for (let i = 0; i < NAMES; i++) this.model.set(`topic-${i}`, [undefined]);
  }

  /** Until the connection breaks. */
  async run(client: RequestClient): Promise<void> {
    try {
      for (;;) await this.#change(client);
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
    }
  }

  async #change(client: RequestClient): Promise<void> {
    const name = `topic-${this.#random.nextInt(NAMES)}`;
    const [state, ...others] = this.model.get(name) ?? [];
    assert.equal(others.length, 0, 'what it is was found out after the start');
    if (state === undefined) return this.#create(client, name);
    switch (this.#random.nextInt(4)) {
      case 0:
        return this.#delete(client, name, state);
      case 1:
        return this.#grow(client, name, state);
      case 2:
        return this.#configure(client, name, state);
      default:
        return this.#write(client, name, state);
    }
  }

  async #create(client: RequestClient, name: string): Promise<void> {
    const numPartitions = 1 + this.#random.nextInt(4);
    const retentionMs = this.#random.nextInt(2) === 0 ? String(this.#random.nextInt(1_000_000_000)) : undefined;
    const configs = retentionMs === undefined ? [] : [{ name: 'retention.ms', value: retentionMs }];
    const topics = [{ name, numPartitions, replicationFactor: 1, assignments: [], configs }];
    const after = { partitions: numPartitions, retentionMs };
    await this.#ask(name, undefined, after, async () => {
      const request = { topics, timeoutMs: TIMEOUT_MS, validateOnly: false };
      // As in Kafka, DeleteTopics is answered when nobody is told of the topic any more, which is before its znode is gone.
      for (const deadlineMs = Date.now() + SETTLE_MS; ; await sleep(5)) {
        const code = (await client.send(createTopics, request, 5)).topics[0]?.errorCode;
        if (code !== Errors.TOPIC_ALREADY_EXISTS || Date.now() > deadlineMs) return code;
      }
    });
  }

  #delete(client: RequestClient, name: string, before: Topic): Promise<void> {
    return this.#ask(name, before, undefined, async () => {
      const request = { topics: [], topicNames: [name], timeoutMs: TIMEOUT_MS };
      return (await client.send(deleteTopics, request, 5)).responses[0]?.errorCode;
    });
  }

  #grow(client: RequestClient, name: string, before: Topic): Promise<void> {
    const count = before.partitions + 1;
    return this.#ask(name, before, { ...before, partitions: count }, async () => {
      const request = { topics: [{ name, count, assignments: null }], timeoutMs: TIMEOUT_MS, validateOnly: false };
      return (await client.send(createPartitions, request, 3)).results[0]?.errorCode;
    });
  }

  #configure(client: RequestClient, name: string, before: Topic): Promise<void> {
    const retentionMs = String(this.#random.nextInt(1_000_000_000));
    return this.#ask(name, before, { ...before, retentionMs }, async () => {
      const configs = [{ name: 'retention.ms', configOperation: 0, value: retentionMs }];
      const request = { resources: [{ resourceType: 2, resourceName: name, configs }], validateOnly: false };
      return (await client.send(incrementalAlterConfigs, request, 1)).responses[0]?.errorCode;
    });
  }

  /** So that there are bytes that a deletion has to remove. */
  async #write(client: RequestClient, name: string, { partitions }: Topic): Promise<void> {
    const tp = { topic: name, partition: this.#random.nextInt(partitions) };
    const { errorCode } = await produceTo(client, tp, batchOf(['some', 'records']), 1);
    const isFine =
      errorCode === Errors.NONE ||
      errorCode === Errors.UNKNOWN_TOPIC_OR_PARTITION ||
      errorCode === Errors.NOT_LEADER_OR_FOLLOWER;
    assert.ok(isFine, `Produce answered ${errorName(errorCode)}`);
  }

  async #ask(
    name: string,
    before: Topic | undefined,
    after: Topic | undefined,
    ask: () => Promise<number | undefined>,
  ): Promise<void> {
    this.model.set(name, [before, after]);
    this.unanswered++;
    const code = await ask();
    assert.equal(
      errorName(code ?? -1),
      'NONE',
      `change of ${name} from ${JSON.stringify(before)} to ${JSON.stringify(after)}`,
    );
    this.unanswered--;
    this.answered++;
    this.model.set(name, [after]);
  }
}

/** What the broker says there is. @returns undefined while a partition has no leader */
async function actual(client: RequestClient): Promise<Map<string, Topic> | undefined> {
  const request = { topics: null, allowAutoTopicCreation: false, includeTopicAuthorizedOperations: false };
  const answer = await client.send(metadata, { ...request, includeClusterAuthorizedOperations: false }, 9);
  const found = new Map<string, Topic>();
  for (const { name, errorCode, partitions } of answer.topics) {
    if (errorCode !== Errors.NONE || partitions.some((each) => each.errorCode !== Errors.NONE)) return undefined;
    const retentionMs = await retentionOf(client, name ?? '');
    found.set(name ?? '', { partitions: partitions.length, retentionMs });
  }
  return found;
}

async function retentionOf(client: RequestClient, topic: string): Promise<string | undefined> {
  const resources = [{ resourceType: 2, resourceName: topic, configurationKeys: ['retention.ms'] }];
  const answer = await client.send(describeConfigs, { resources, includeSynonyms: false }, 3);
  const config = answer.results[0]?.configs[0];
  // 1: set for the topic itself.
  return config?.configSource === 1 ? (config.value ?? undefined) : undefined;
}

function difference(found: Map<string, Topic>, model: Model): string | undefined {
  for (const name of found.keys()) if (!model.has(name)) return `${name} is there, and nobody made it`;
  for (const [name, possible] of model) {
    const text = JSON.stringify(found.get(name));
    if (!possible.some((each) => JSON.stringify(each) === text)) {
      return `${name} is ${text}, and may only be ${possible.map((each) => JSON.stringify(each)).join(' or ')}`;
    }
  }
  return undefined;
}

/** Waits until the broker says what the model says, and narrows the model to it. */
async function settle(client: RequestClient, model: Model): Promise<void> {
  const deadlineMs = Date.now() + SETTLE_MS;
  for (;;) {
    const found = await actual(client);
    const problem = found === undefined ? 'a partition has no leader' : difference(found, model);
    if (found !== undefined && problem === undefined) {
      for (const name of model.keys()) model.set(name, [found.get(name)]);
      return;
    }
    assert.ok(Date.now() < deadlineMs, problem);
    await sleep(100);
  }
}

function partitionsOf(model: Model): string[] {
  return [...model].flatMap(([name, [topic]]) => {
    return Array.from({ length: topic?.partitions ?? 0 }, (_, partition) => `${name}-${partition}`);
  });
}

/** Every partition takes a record and gives it back. */
async function assertUsable(client: RequestClient, model: Model): Promise<void> {
  for (const [topic, [state]] of model) {
    for (let partition = 0; partition < (state?.partitions ?? 0); partition++) {
      const { errorCode } = await produceTo(client, { topic, partition }, batchOf(['usable']), -1);
      assert.equal(errorName(errorCode), 'NONE', `${topic}-${partition}`);
      const records = await readAll(client, { topic, partition });
      assert.equal(String(records.at(-1)?.value), 'usable');
    }
  }
}

async function assertNoLeftovers(directory: string, model: Model): Promise<void> {
  const deadlineMs = Date.now() + SETTLE_MS;
  const expected = new Set(partitionsOf(model));
  const leftovers = () => readdirSync(directory).filter((name) => /^topic-/.test(name) && !expected.has(name));
  while (leftovers().length > 0) {
    assert.ok(Date.now() < deadlineMs, `directories stayed: ${leftovers()}`);
    await sleep(100);
  }
}

/** The end may come in the midst of any change. */
async function enoughChanges(changer: Changer, loadMs: number): Promise<void> {
  const enough = changer.answered + CHANGES_MIN;
  const deadlineMs = Date.now() + SETTLE_MS;
  await sleep(loadMs);
  while (changer.answered < enough && Date.now() < deadlineMs) await sleep(5);
}

test(`changes of topics hold over ${CYCLES} times kill -9`, { timeout: 240_000 }, async (t) => {
  const seed = testSeed();
  t.diagnostic(`seed ${seed}`);
  // A deleted partition's directory goes soon.
  const config = { 'log.segment.delete.delay.ms': '100' };
  const broker = new RestartableBroker(t, { name: 'topics', port: 0, config });
  const changer = new Changer(new SeededRandom(seed));
  await broker.start();
  for (let cycle = 0; cycle < CYCLES; cycle++) {
    const client = await connectTo(broker.port);
    t.after(() => client.close());
    const killing = enoughChanges(changer, LOAD_MS + cycle * 13).then(() => broker.end('SIGKILL'));
    await Promise.all([changer.run(client), killing]);
    await broker.start();
    const checker = await connectFor(t, broker.port);
    await settle(checker, changer.model);
    await assertUsable(checker, changer.model);
    checker.close();
  }
  await assertNoLeftovers(broker.dataDirectory, changer.model);
  const { answered, unanswered } = changer;
  t.diagnostic(
    `${answered} changes answered, ${unanswered} cut off; ${partitionsOf(changer.model).length} partitions in the end`,
  );
  assert.ok(answered >= CYCLES * CHANGES_MIN, 'hardly any change');
  assert.equal(await broker.end('SIGTERM'), 0);
});
