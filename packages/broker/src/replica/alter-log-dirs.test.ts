// Replicas that move between two log dirs of one broker, and log dirs that fail, seen by clients.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Errors, errorName, type MemoryFileSystem, type TopicPartition, yieldToEventLoop } from '@ottla/base';
import { produce } from '../handlers/00-produce.ts';
import { fetch } from '../handlers/01-fetch.ts';
import { listOffsets } from '../handlers/02-list-offsets.ts';
import { alterReplicaLogDirs } from '../handlers/34-alter-replica-log-dirs.ts';
import { describeLogDirs } from '../handlers/35-describe-log-dirs.ts';
import { batchOf, valuesIn } from './testing/batches.ts';
import { LOG_DIR, OTHER_LOG_DIR, ReplicaScenario, type ScenarioOptions } from './testing/replica-scenario.ts';

const TOPIC = { topic: 'orders', topicId: 'cHJvZHVjZS1hbmQtZmV0Yw' };
const OTHER_ID = 'bbbbbbbbbbbbbbbbbbbbbA';
const ORDERS: TopicPartition = { topic: 'orders', partition: 0 };
const logDirs = [LOG_DIR, OTHER_LOG_DIR];

/** Two dirs, the topic in the first. */
async function orders(options: ScenarioOptions = {}, fileSystem?: MemoryFileSystem): Promise<ReplicaScenario> {
  const scenario = await ReplicaScenario.start({ logDirs, ...options }, fileSystem);
  await scenario.createTopic(TOPIC);
  return scenario;
}

async function produceOne(scenario: ReplicaScenario, value: string, partition = 0): Promise<string> {
  const partitionData = [{ index: partition, records: batchOf([value]) }];
  const request = { acks: -1, timeoutMs: 1000, topicData: [{ name: 'orders', partitionData }] };
  const response = await scenario.answer(produce, request, 9);
  return errorName(response.responses[0]?.partitionResponses[0]?.errorCode ?? -1);
}

async function fetchAll(scenario: ReplicaScenario, partition = 0): Promise<string[] | string> {
  const partitions = [{ partition, fetchOffset: 0, logStartOffset: 0, partitionMaxBytes: 10_000_000 }];
  const request = { replicaId: -1, maxWaitMs: 0, minBytes: 1, topics: [{ topic: 'orders', partitions }] };
  const [answer] = (await scenario.answer(fetch, request, 12)).responses[0]?.partitions ?? [];
  assert.ok(answer);
  return answer.errorCode === Errors.NONE ? valuesIn(answer.records) : errorName(answer.errorCode);
}

async function listEnd(scenario: ReplicaScenario, partitionIndex: number): Promise<string | number> {
  const partitions = [{ partitionIndex, timestamp: -1 }];
  const request = { replicaId: -1, isolationLevel: 0, topics: [{ name: 'orders', partitions }] };
  const [answer] = (await scenario.answer(listOffsets, request, 5)).topics[0]?.partitions ?? [];
  assert.ok(answer);
  return answer.errorCode === Errors.NONE ? answer.offset : errorName(answer.errorCode);
}

async function alter(scenario: ReplicaScenario, path: string, topic = 'orders', partition = 0): Promise<string> {
  const dirs = [{ path, topics: [{ name: topic, partitions: [partition] }] }];
  const { results } = await scenario.answer(alterReplicaLogDirs, { dirs }, 2);
  return errorName(results[0]?.partitions[0]?.errorCode ?? -1);
}

/** `<dir> <future?> <lag>` of each log. */
async function whereabouts(scenario: ReplicaScenario): Promise<string[]> {
  const { results } = await scenario.answer(describeLogDirs, { topics: null }, 4);
  return results.flatMap(({ logDir, topics }) =>
    topics.flatMap(({ partitions }) =>
      partitions.map(({ isFutureKey, offsetLag }) => `${logDir} ${isFutureKey ? 'future' : 'current'} ${offsetLag}`),
    ),
  );
}

function directories(scenario: ReplicaScenario): string[] {
  return logDirs.flatMap((path) =>
    scenario.fileSystem
      .readDirectorySync(path)
      .filter((name) => name.startsWith('orders'))
      .map((name) => `${path}/${name.replace(/[0-9a-f]{32}/, '*')}`),
  );
}

describe('AlterReplicaLogDirs', () => {
  test('moves a replica while it is written to and read from', async () => {
    const scenario = await orders();
    for (let i = 0; i < 5; i++) await produceOne(scenario, `${i}`);
    assert.equal(await alter(scenario, OTHER_LOG_DIR), 'NONE');
    assert.deepEqual(await whereabouts(scenario), [`${LOG_DIR} current 0`, `${OTHER_LOG_DIR} future 5`]);
    for (let i = 5; i < 30; i++) {
      assert.equal(await produceOne(scenario, `${i}`), 'NONE');
      await yieldToEventLoop();
      assert.equal((await fetchAll(scenario)).length, i + 1);
    }
    await scenario.replicaManager.alterLogDirs.idle();
    assert.deepEqual(await whereabouts(scenario), [`${OTHER_LOG_DIR} current 0`]);
    assert.equal(await produceOne(scenario, 'last'), 'NONE');
    assert.deepEqual((await fetchAll(scenario)).at(-1), '30:last');
    assert.deepEqual(directories(scenario), [`${LOG_DIR}/orders-0.*-delete`, `${OTHER_LOG_DIR}/orders-0`]);
    await scenario.clock.advance(60_000);
    assert.deepEqual(directories(scenario), [`${OTHER_LOG_DIR}/orders-0`]);
  });

  test('waits for space in the other dir and goes on', async () => {
    const scenario = await orders();
    for (let i = 0; i < 5; i++) await produceOne(scenario, `${i}`);
    assert.equal(await alter(scenario, OTHER_LOG_DIR), 'NONE');
    scenario.fileSystem.refuseSpaceOf = (path) => path.startsWith(OTHER_LOG_DIR);
    await scenario.clock.advance(5000);
    assert.deepEqual(await whereabouts(scenario), [`${LOG_DIR} current 0`, `${OTHER_LOG_DIR} future 5`]);
    assert.equal(await produceOne(scenario, '5'), 'NONE');
    scenario.fileSystem.refuseSpaceOf = () => false;
    await scenario.clock.advance(1000);
    await scenario.replicaManager.alterLogDirs.idle();
    assert.deepEqual(await whereabouts(scenario), [`${OTHER_LOG_DIR} current 0`]);
    assert.equal((await fetchAll(scenario)).length, 6);
    assert.deepEqual(scenario.failedLogDirs, []);
  });

  test('with flush.messages=1 moves a replica whose every append is synced', async () => {
    const scenario = await orders({ topicConfig: { 'flush.messages': '1' } });
    await produceOne(scenario, 'a');
    await alter(scenario, OTHER_LOG_DIR);
    const writing = Array.from({ length: 20 }, (_, i) => produceOne(scenario, `${i}`));
    await scenario.replicaManager.alterLogDirs.idle();
    assert.ok((await Promise.all(writing)).every((error) => error === 'NONE'));
    assert.deepEqual(await whereabouts(scenario), [`${OTHER_LOG_DIR} current 0`]);
    assert.equal((await fetchAll(scenario)).length, 21);
    const after = await orders({}, scenario.fileSystem.losePower());
    assert.equal((await fetchAll(after)).length, 21);
  });

  test('wakes a fetch that waits, with what comes after the move', async () => {
    const scenario = await orders();
    await produceOne(scenario, 'a');
    const partitions = [{ partition: 0, fetchOffset: 1, logStartOffset: 0, partitionMaxBytes: 1000 }];
    const request = { replicaId: -1, maxWaitMs: 500, minBytes: 1, topics: [{ topic: 'orders', partitions }] };
    const waiting = scenario.ask(fetch, request, 12);
    await alter(scenario, OTHER_LOG_DIR);
    await scenario.replicaManager.alterLogDirs.idle();
    await produceOne(scenario, 'b');
    const [answer] = (await waiting.response)?.responses[0]?.partitions ?? [];
    assert.deepEqual(valuesIn(answer?.records ?? null), ['1:b']);
  });

  test('for the dir the replica is in ends the move', async () => {
    const scenario = await orders();
    await produceOne(scenario, 'a');
    await alter(scenario, OTHER_LOG_DIR);
    assert.equal(await alter(scenario, LOG_DIR), 'NONE');
    await scenario.replicaManager.alterLogDirs.idle();
    assert.deepEqual(await whereabouts(scenario), [`${LOG_DIR} current 0`]);
    assert.deepEqual(directories(scenario), [`${LOG_DIR}/orders-0`, `${OTHER_LOG_DIR}/orders-0.*-delete`]);
  });

  test('again for the same dir changes nothing', async () => {
    const scenario = await orders();
    await alter(scenario, OTHER_LOG_DIR);
    assert.equal(await alter(scenario, OTHER_LOG_DIR), 'NONE');
    await scenario.replicaManager.alterLogDirs.idle();
    assert.deepEqual(directories(scenario), [`${LOG_DIR}/orders-0.*-delete`, `${OTHER_LOG_DIR}/orders-0`]);
    assert.equal(await alter(scenario, OTHER_LOG_DIR), 'NONE');
    assert.deepEqual(await whereabouts(scenario), [`${OTHER_LOG_DIR} current 0`]);
  });

  test('for a replica that is still to be made decides where', async () => {
    const scenario = await ReplicaScenario.start({ logDirs });
    scenario.announce(TOPIC);
    assert.equal(await alter(scenario, OTHER_LOG_DIR), 'REPLICA_NOT_AVAILABLE');
    await scenario.lead(TOPIC);
    assert.deepEqual(await whereabouts(scenario), [`${OTHER_LOG_DIR} current 0`]);
  });

  test('refuses as Kafka does', async () => {
    const scenario = await orders();
    assert.equal(await alter(scenario, '/nowhere'), 'LOG_DIR_NOT_FOUND');
    assert.equal(await alter(scenario, OTHER_LOG_DIR, 'missing'), 'UNKNOWN_TOPIC_OR_PARTITION');
    assert.equal(await alter(scenario, OTHER_LOG_DIR, 'x'.repeat(214)), 'INVALID_TOPIC_EXCEPTION');
    assert.equal(await alter(scenario, OTHER_LOG_DIR, 'x'.repeat(213)), 'UNKNOWN_TOPIC_OR_PARTITION');
  });

  test('keeps to replica.alter.log.dirs.io.max.bytes.per.second', async () => {
    const scenario = await orders({ alterLogDirsBytesPerSecond: () => 100_000 });
    for (let i = 0; i < 3; i++) await produceOne(scenario, 'x'.repeat(500_000));
    await alter(scenario, OTHER_LOG_DIR);
    await scenario.replicaManager.alterLogDirs.idle();
    assert.deepEqual(await whereabouts(scenario), [`${LOG_DIR} current 0`, `${OTHER_LOG_DIR} future 1`]);
    await scenario.clock.advance(10_486);
    await scenario.replicaManager.alterLogDirs.idle();
    assert.deepEqual(await whereabouts(scenario), [`${LOG_DIR} current 0`, `${OTHER_LOG_DIR} future 0`]);
    await scenario.clock.advance(10_000);
    await scenario.replicaManager.alterLogDirs.idle();
    assert.deepEqual(await whereabouts(scenario), [`${OTHER_LOG_DIR} current 0`]);
  });

  test('feels a limit that is raised within a second', async () => {
    let bytesPerSecond = 1;
    const scenario = await orders({ alterLogDirsBytesPerSecond: () => bytesPerSecond });
    for (let i = 0; i < 3; i++) await produceOne(scenario, 'x'.repeat(500_000));
    await alter(scenario, OTHER_LOG_DIR);
    await scenario.replicaManager.alterLogDirs.idle();
    await scenario.clock.advance(60_000);
    assert.equal((await whereabouts(scenario)).length, 2, 'a megabyte at a byte a second');
    bytesPerSecond = Number.MAX_SAFE_INTEGER;
    await scenario.clock.advance(1000);
    await scenario.replicaManager.alterLogDirs.idle();
    assert.deepEqual(await whereabouts(scenario), [`${OTHER_LOG_DIR} current 0`]);
  });

  for (const ending of ['close', 'restart', 'losePower'] as const) {
    test(`goes on after a ${ending} in the middle`, async () => {
      const first = await orders({ alterLogDirsBytesPerSecond: () => 1 });
      for (let i = 0; i < 3; i++) await produceOne(first, `${i}${'x'.repeat(500_000)}`);
      await alter(first, OTHER_LOG_DIR);
      await first.replicaManager.alterLogDirs.idle();
      if (ending === 'close') await first.close();
      else await first.replicaManager.getPartition(ORDERS)?.log?.flush();
      const fileSystem = ending === 'close' ? first.fileSystem : first.fileSystem[ending]();
      const second = await orders({}, fileSystem);
      assert.equal((await whereabouts(second)).length, 2);
      await second.replicaManager.alterLogDirs.idle();
      assert.deepEqual(await whereabouts(second), [`${OTHER_LOG_DIR} current 0`]);
      assert.equal((await fetchAll(second)).length, 3);
    });
  }

  test('does not go on with the copy of an older topic of the same name', async () => {
    const first = await orders({ alterLogDirsBytesPerSecond: () => 1 });
    await produceOne(first, 'x'.repeat(1000));
    await alter(first, OTHER_LOG_DIR);
    await first.replicaManager.alterLogDirs.idle();
    await first.close();
    first.fileSystem.removeDirectorySync(`${LOG_DIR}/orders-0`);
    const second = await ReplicaScenario.start({ logDirs }, first.fileSystem);
    await second.createTopic({ ...TOPIC, topicId: OTHER_ID });
    await second.replicaManager.alterLogDirs.idle();
    assert.deepEqual(await whereabouts(second), [`${LOG_DIR} current 0`]);
    assert.deepEqual(await fetchAll(second), []);
    assert.deepEqual(directories(second), [`${LOG_DIR}/orders-0`, `${OTHER_LOG_DIR}/orders-0.*-delete`]);
  });

  test('a topic that is deleted while it moves leaves nothing', async () => {
    const scenario = await orders();
    await produceOne(scenario, 'a');
    await alter(scenario, OTHER_LOG_DIR);
    await scenario.stop('orders', { deletePartition: true });
    await scenario.replicaManager.alterLogDirs.idle();
    await scenario.clock.advance(60_000);
    assert.deepEqual(directories(scenario), []);
  });

  test('the replica stays when the other dir fails, and no move begins while a dir is away', async () => {
    const scenario = await orders();
    await produceOne(scenario, 'a');
    await alter(scenario, OTHER_LOG_DIR);
    scenario.fileSystem.failAllOf = (path) => path.startsWith(OTHER_LOG_DIR);
    await scenario.replicaManager.alterLogDirs.idle();
    assert.deepEqual(scenario.failedLogDirs, [OTHER_LOG_DIR]);
    assert.equal(await produceOne(scenario, 'b'), 'NONE');
    assert.deepEqual(await whereabouts(scenario), [`${LOG_DIR} current 0`]);
    assert.equal(await alter(scenario, OTHER_LOG_DIR), 'KAFKA_STORAGE_ERROR');
  });

  test('a move ends with the dir it comes from', async () => {
    const scenario = await orders();
    await produceOne(scenario, 'a');
    await alter(scenario, OTHER_LOG_DIR);
    scenario.fileSystem.failAllOf = (path) => path.startsWith(LOG_DIR);
    await scenario.replicaManager.alterLogDirs.idle();
    assert.deepEqual(scenario.failedLogDirs, [LOG_DIR]);
    assert.equal(await fetchAll(scenario), 'KAFKA_STORAGE_ERROR');
    assert.equal(await alter(scenario, OTHER_LOG_DIR), 'KAFKA_STORAGE_ERROR');
  });
});

describe('one of two log dirs', () => {
  async function two(options: ScenarioOptions = {}): Promise<ReplicaScenario> {
    const scenario = await ReplicaScenario.start({ logDirs, ...options });
    await scenario.createTopic({ ...TOPIC, partitionCount: 4 });
    return scenario;
  }

  test('gets every second partition', async () => {
    assert.deepEqual(directories(await two()), [
      `${LOG_DIR}/orders-0`,
      `${LOG_DIR}/orders-2`,
      `${OTHER_LOG_DIR}/orders-1`,
      `${OTHER_LOG_DIR}/orders-3`,
    ]);
  });

  test('that dies takes its partitions along; the others are served, and new ones go there', async () => {
    const scenario = await two();
    scenario.fileSystem.failAllOf = (path) => path.startsWith(OTHER_LOG_DIR);
    assert.equal(await produceOne(scenario, 'a', 1), 'KAFKA_STORAGE_ERROR');
    assert.deepEqual(scenario.failedLogDirs, [OTHER_LOG_DIR]);
    for (const partition of [1, 3]) {
      assert.equal(await produceOne(scenario, 'a', partition), 'KAFKA_STORAGE_ERROR');
      assert.equal(await fetchAll(scenario, partition), 'KAFKA_STORAGE_ERROR');
      assert.equal(await listEnd(scenario, partition), 'KAFKA_STORAGE_ERROR');
    }
    for (const partition of [0, 2]) {
      assert.equal(await produceOne(scenario, 'a', partition), 'NONE');
      assert.deepEqual(await fetchAll(scenario, partition), ['0:a']);
      assert.equal(await listEnd(scenario, partition), 1);
    }
    await scenario.createTopic({ topic: 'later', partitionCount: 2 });
    assert.ok(scenario.fileSystem.statSync(`${LOG_DIR}/later-1`) !== undefined);
    assert.equal(scenario.metric('ReplicaManager', 'OfflineReplicaCount'), 2);
  });

  test('that fails one sync never acknowledges again, though it syncs again', async () => {
    const scenario = await two({ topicConfig: { 'flush.messages': '1' } });
    scenario.fileSystem.failSyncOf = (path) => path.startsWith(`${OTHER_LOG_DIR}/orders-1/`) && path.endsWith('.log');
    assert.equal(await produceOne(scenario, 'a', 1), 'KAFKA_STORAGE_ERROR');
    scenario.fileSystem.failSyncOf = () => false;
    for (const partition of [1, 3]) assert.equal(await produceOne(scenario, 'b', partition), 'KAFKA_STORAGE_ERROR');
    assert.equal(await produceOne(scenario, 'b', 0), 'NONE');
    await scenario.clock.advance(120_000);
    assert.equal(await produceOne(scenario, 'c', 1), 'KAFKA_STORAGE_ERROR');
    await scenario.close();
    assert.equal(scenario.fileSystem.statSync(`${OTHER_LOG_DIR}/.kafka_cleanshutdown`), undefined);
  });

  test('that is away at a restart leaves the others to be served; its partitions are not made anew', async () => {
    const first = await two();
    for (const partition of [0, 1]) await produceOne(first, 'a', partition);
    await first.close();
    first.fileSystem.failAllOf = (path) => path.startsWith(OTHER_LOG_DIR);
    const second = await ReplicaScenario.start({ logDirs }, first.fileSystem);
    second.announce({ ...TOPIC, partitionCount: 4 });
    await second.lead({ ...TOPIC, partitionCount: 4, leaderEpoch: 1, isNew: false });
    assert.deepEqual(await fetchAll(second, 0), ['0:a']);
    assert.equal(await fetchAll(second, 1), 'KAFKA_STORAGE_ERROR');
    const { results } = await second.answer(describeLogDirs, { topics: null }, 4);
    assert.deepEqual(
      results.map(({ logDir, errorCode }) => [logDir, errorName(errorCode)]),
      [
        [LOG_DIR, 'NONE'],
        [OTHER_LOG_DIR, 'KAFKA_STORAGE_ERROR'],
      ],
    );
  });
});
