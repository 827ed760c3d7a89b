// Orders that name many partitions: how long they keep others waiting, and what may happen between two of their slices.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type ErrorCode, Errors, errorName, KafkaError, yieldToEventLoop } from '@ottla/base';
import { parseLogConfig } from '@ottla/storage';
import { produce } from '../handlers/00-produce.ts';
import { updateMetadata } from '../handlers/06-update-metadata.ts';
import { alterReplicaLogDirs } from '../handlers/34-alter-replica-log-dirs.ts';
import type { Partition } from './partition.ts';
import { SLICE_MS } from './replica-state-changes.ts';
import { batchOf } from './testing/batches.ts';
import { DiskClock } from './testing/disk-clock.ts';
import { LOG_DIR, OTHER_LOG_DIR, ReplicaScenario, type ScenarioOptions } from './testing/replica-scenario.ts';

const PARTITION_COUNT = 200;
const MANY = { topic: 'many', partitionCount: PARTITION_COUNT };
/** More turns of the event loop than any of these orders needs. */
const TURNS_MAX = 10_000;

type Scenario = ReplicaScenario & { readonly clock: DiskClock };

async function start(options: ScenarioOptions = {}): Promise<Scenario> {
  const clock = new DiskClock();
  const scenario = await ReplicaScenario.start({ clock, ...options });
  clock.runs(scenario.fileSystem);
  return Object.assign(scenario, { clock });
}

function failLogDir(scenario: Scenario): void {
  scenario.clock.runs(scenario.fileSystem, (path) => path.startsWith(LOG_DIR));
}

/** The error of a produce to one partition. */
async function produceTo(scenario: Scenario, topic: string, index = 0): Promise<string> {
  const request = {
    acks: 1,
    timeoutMs: 1000,
    topicData: [{ name: topic, partitionData: [{ index, records: batchOf(['a']) }] }],
  };
  const response = await scenario.answer(produce, request, 9);
  return errorName(response.responses[0]?.partitionResponses[0]?.errorCode ?? -1);
}

function codesOf(response: Awaited<ReturnType<ReplicaScenario['lead']>>): ErrorCode[] {
  return response.topics?.flatMap(({ partitionErrors }) => partitionErrors.map(({ errorCode }) => errorCode)) ?? [];
}

/** What an order is refused with as a whole. */
function errorOf(order: Promise<unknown>): Promise<string> {
  return order.then(
    () => 'NONE',
    (error: unknown) => (error instanceof KafkaError ? errorName(error.code) : String(error)),
  );
}

function partitionsLed(scenario: ReplicaScenario, epoch = 0): number {
  return [...scenario.replicaManager.partitions()].filter((each) => each.isLeader && each.leaderEpoch >= epoch).length;
}

function partitionsInLogDir(scenario: ReplicaScenario): Partition[] {
  return [...scenario.replicaManager.partitions()].filter(({ log }) => log?.parentDirectory === LOG_DIR);
}

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < TURNS_MAX && !condition(); turn++) await yieldToEventLoop();
  assert.ok(condition(), `not within ${TURNS_MAX} turns`);
}

/** Resolves in the middle of an order that makes many partitions. */
async function untilHalfMade(scenario: ReplicaScenario): Promise<void> {
  const half = PARTITION_COUNT / 2;
  await until(() => partitionsLed(scenario) >= half);
  assert.ok(partitionsLed(scenario) < PARTITION_COUNT, 'the order is not done yet');
}

function isMany(name: string): boolean {
  return name.startsWith('many-');
}

describe('an order for many partitions', () => {
  /** What one turn of the event loop took at most while `order` was carried out, and how many turns there were. */
  async function turnsOf(scenario: Scenario, order: () => Promise<unknown>) {
    let isDone = false;
    let longestMs = 0;
    let count = 0;
    const ordered = order().then(() => {
      isDone = true;
    });
    for (; !isDone && count < TURNS_MAX; count++) {
      const startMs = scenario.clock.workedMs;
      await yieldToEventLoop();
      longestMs = Math.max(longestMs, scenario.clock.workedMs - startMs);
      assert.equal(await produceTo(scenario, 'orders'), 'NONE');
    }
    await ordered;
    return { longestMs, count };
  }

  test('keeps others waiting for a slice and one partition at most', async () => {
    const scenario = await start();
    await scenario.createTopic({ topic: 'orders' });
    const oneMs = scenario.clock.workedMs;
    const orders: (readonly [string, () => Promise<unknown>])[] = [
      ['new logs', () => scenario.lead(MANY)],
      ['new epochs', () => scenario.lead({ ...MANY, leaderEpoch: 1 })],
      ['deletions', () => scenario.stop('many', { deletePartition: true, partitionCount: PARTITION_COUNT })],
    ];
    for (const [what, order] of orders) {
      const startMs = scenario.clock.workedMs;
      const { longestMs, count } = await turnsOf(scenario, order);
      const workMs = scenario.clock.workedMs - startMs;
      assert.ok(longestMs <= SLICE_MS + oneMs, `${what}: ${longestMs} ms in one turn`);
      assert.ok(workMs > 4 * SLICE_MS && count >= 4, `${what}: ${workMs} ms of work in ${count} turns`);
    }
  });

  test('is answered when all is done, for each partition', async () => {
    const scenario = await start();
    const codes = codesOf(await scenario.lead(MANY));
    assert.deepEqual(codes, new Array(PARTITION_COUNT).fill(Errors.NONE));
    assert.equal(partitionsLed(scenario), PARTITION_COUNT);
  });

  test('for few is done in the turn it came in', async () => {
    const scenario = await start();
    let isNextTurn = false;
    const next = yieldToEventLoop().then(() => {
      isNextTurn = true;
    });
    await scenario.lead({ topic: 'few', partitionCount: 3 });
    await scenario.stop('few', { deletePartition: true, partitionCount: 3 });
    assert.equal(isNextTurn, false);
    await next;
  });

  test('shows a partition as it was until it is whole', async () => {
    const scenario = await start();
    const last = PARTITION_COUNT - 1;
    assert.equal(await produceTo(scenario, 'many', last), 'UNKNOWN_TOPIC_OR_PARTITION');
    const made = scenario.createTopic(MANY);
    await untilHalfMade(scenario);
    assert.equal(await produceTo(scenario, 'many', 0), 'NONE');
    assert.equal(await produceTo(scenario, 'many', last), 'NOT_LEADER_OR_FOLLOWER');
    for (const { isLeader, log } of scenario.replicaManager.partitions()) assert.equal(isLeader, log !== undefined);
    await made;
    assert.equal(await produceTo(scenario, 'many', last), 'NONE');
  });
});

describe('orders at once', () => {
  test('a deletion waits for the order before it, and leaves nothing of what that made', async () => {
    const scenario = await start();
    const answered: string[] = [];
    await Promise.all([
      scenario.lead(MANY).then(() => answered.push(`led ${partitionsLed(scenario)}`)),
      scenario
        .stop('many', { deletePartition: true, partitionCount: PARTITION_COUNT })
        .then(() => answered.push(`stopped ${partitionsLed(scenario)}`)),
    ]);
    assert.deepEqual(answered, [`led ${PARTITION_COUNT}`, 'stopped 0']);
    await scenario.clock.advance(60_000);
    assert.deepEqual(scenario.fileSystem.readDirectorySync(LOG_DIR).filter(isMany), []);
  });

  test('a newer controller is obeyed after the older one, which is refused from then on', async () => {
    const scenario = await start();
    const lead = (leaderEpoch: number, controllerEpoch: number) =>
      scenario.lead({ ...MANY, leaderEpoch }, { controllerEpoch });
    const answers = await Promise.all([lead(0, 1), lead(1, 2), lead(2, 1)]);
    assert.deepEqual(
      answers.map(({ errorCode }) => errorCode),
      [Errors.NONE, Errors.NONE, Errors.STALE_CONTROLLER_EPOCH],
    );
    const epochs = new Set(Array.from(scenario.replicaManager.partitions(), ({ leaderEpoch }) => leaderEpoch));
    assert.deepEqual([...epochs], [1]);
  });

  test('metadata waits for the order before it, and is refused when its controller is older', async () => {
    const scenario = await start();
    const state = { controllerEpoch: 3, leader: 0, leaderEpoch: 0, isr: [0], zkVersion: 0, replicas: [0] };
    const topicStates = [{ topicName: 'news', partitionStates: [{ partitionIndex: 0, ...state }] }];
    const update = (controllerEpoch: number) =>
      errorOf(scenario.answer(updateMetadata, { controllerId: 0, controllerEpoch, topicStates, liveBrokers: [] }, 7));
    const made = scenario.lead(MANY, { controllerEpoch: 2 });
    const answers = Promise.all([update(1), update(3), update(2)]);
    await untilHalfMade(scenario);
    assert.equal(scenario.metadataCache.containsTopic('news'), false);
    await made;
    assert.deepEqual(await answers, ['STALE_CONTROLLER_EPOCH', 'NONE', 'STALE_CONTROLLER_EPOCH']);
    assert.equal(scenario.metadataCache.containsTopic('news'), true);
    assert.equal(
      (await scenario.lead({ topic: 'orders' }, { controllerEpoch: 2 })).errorCode,
      Errors.STALE_CONTROLLER_EPOCH,
    );
  });

  test('a move waits for the order before it, and finds the replicas that made', async () => {
    const scenario = await start({ logDirs: [LOG_DIR, OTHER_LOG_DIR] });
    const made = scenario.createTopic(MANY);
    const last = PARTITION_COUNT - 1;
    const dirs = [LOG_DIR, OTHER_LOG_DIR].map((path) => ({ path, topics: [{ name: 'many', partitions: [last] }] }));
    const moves = scenario.answer(alterReplicaLogDirs, { dirs }, 2);
    await made;
    const codes = (await moves).results.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode));
    assert.deepEqual(codes, [Errors.NONE, Errors.NONE]);
    await scenario.replicaManager.alterLogDirs.idle();
    const log = scenario.replicaManager.getPartition({ topic: 'many', partition: last })?.log;
    assert.equal(log?.parentDirectory, OTHER_LOG_DIR);
  });

  test('are done when those are that were asked for as soon as one was answered', async () => {
    const scenario = await start();
    const answered: string[] = [];
    const lead = (topic: string) => scenario.lead({ ...MANY, topic }).then(() => answered.push(topic));
    void lead('many').then(() => lead('more'));
    await scenario.replicaManager.stateChangesDone();
    assert.deepEqual(answered, ['many', 'more']);
  });

  test('an order that fails as a whole does not hold up the next', async () => {
    const scenario = await start();
    scenario.failTopicConfigOf = 'many';
    const [made, next] = await Promise.allSettled([scenario.lead(MANY), scenario.lead({ topic: 'orders' })]);
    assert.deepEqual([made.status, next.status], ['rejected', 'fulfilled']);
    assert.equal(partitionsLed(scenario), 1);
  });
});

describe('in the middle of an order', () => {
  test('a broker that closes breaks it off: nothing more is made, nobody is told, a start makes it all', async () => {
    const scenario = await start();
    const heard: string[] = [];
    scenario.replicaManager.addLeadershipListener({
      onLeadershipChange: (leaders) => heard.push(`leads ${leaders.length}`),
      onReplicaStopped: () => heard.push('stopped'),
    });
    const made = errorOf(scenario.lead(MANY));
    const queued = errorOf(scenario.lead({ topic: 'orders' }));
    await untilHalfMade(scenario);
    const madeCount = partitionsLed(scenario);
    await scenario.close();
    assert.deepEqual([await made, await queued], ['BROKER_NOT_AVAILABLE', 'BROKER_NOT_AVAILABLE']);
    assert.equal(await errorOf(scenario.lead({ topic: 'orders' })), 'BROKER_NOT_AVAILABLE');
    assert.equal(scenario.fileSystem.readDirectorySync(LOG_DIR).filter(isMany).length, madeCount);
    assert.deepEqual(heard, []);
    scenario.fileSystem.failAllOf = () => false;
    const restarted = await ReplicaScenario.start({}, scenario.fileSystem);
    await restarted.lead({ ...MANY, leaderEpoch: 1 });
    assert.equal(partitionsLed(restarted, 1), PARTITION_COUNT);
  });

  test('a log dir that fails takes what it had, and the rest is made in the other', async () => {
    const scenario = await start({ logDirs: [LOG_DIR, OTHER_LOG_DIR] });
    const made = scenario.createTopic(MANY);
    await untilHalfMade(scenario);
    const lostCount = partitionsInLogDir(scenario).length;
    failLogDir(scenario);
    assert.equal(await produceTo(scenario, 'many', 0), 'KAFKA_STORAGE_ERROR');
    assert.equal(scenario.metric('ReplicaManager', 'OfflineReplicaCount'), lostCount);
    assert.deepEqual(codesOf(await made), new Array(PARTITION_COUNT).fill(Errors.NONE));
    assert.deepEqual(scenario.failedLogDirs, [LOG_DIR]);
    const places = Array.from(scenario.replicaManager.partitions(), ({ log }) => log?.parentDirectory);
    assert.deepEqual(places, new Array(PARTITION_COUNT - lostCount).fill(OTHER_LOG_DIR));
  });

  test('a log dir that fails is the answer for its partitions whose turn had not come', async () => {
    const scenario = await start({ logDirs: [LOG_DIR, OTHER_LOG_DIR] });
    await scenario.createTopic(MANY);
    const changed = scenario.lead({ ...MANY, leaderEpoch: 1 });
    await until(() => partitionsLed(scenario, 1) >= PARTITION_COUNT / 2);
    const inLogDir = partitionsInLogDir(scenario);
    const unchangedCount = inLogDir.filter(({ leaderEpoch }) => leaderEpoch < 1).length;
    assert.ok(unchangedCount > 0, 'the order is not done yet');
    failLogDir(scenario);
    assert.equal(await produceTo(scenario, 'many', 0), 'KAFKA_STORAGE_ERROR');
    const failedCount = codesOf(await changed).filter((code) => code === Errors.KAFKA_STORAGE_ERROR).length;
    assert.equal(failedCount, unchangedCount);
    assert.equal(scenario.metric('ReplicaManager', 'OfflineReplicaCount'), inLogDir.length);
    assert.equal(partitionsLed(scenario, 1), PARTITION_COUNT - inLogDir.length);
  });

  test('settings that change hold for the logs that were made and for those to come', async () => {
    const scenario = await start();
    const made = scenario.createTopic(MANY);
    await untilHalfMade(scenario);
    assert.deepEqual([...scenario.replicaManager.localTopics()], ['many']);
    scenario.replicaManager.updateTopicConfig('many', parseLogConfig(new Map([['retention.ms', '1234']])));
    await made;
    const settings = new Set(Array.from(scenario.logManager.allLogs(), ({ config }) => config.retentionMs));
    assert.deepEqual([...settings], [1234]);
  });
});
