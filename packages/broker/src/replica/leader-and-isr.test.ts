// What the controller orders, and what becomes of partitions: epochs, leadership, high watermarks, disks.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Errors, errorName, type KafkaError, type TopicPartition } from '@ottla/base';
import type { FetchRequest } from '@ottla/protocol';
import { produce } from '../handlers/00-produce.ts';
import { fetch } from '../handlers/01-fetch.ts';
import { listOffsets } from '../handlers/02-list-offsets.ts';
import { offsetForLeaderEpoch } from '../handlers/23-offset-for-leader-epoch.ts';
import { batchOf, valuesIn } from './testing/batches.ts';
import { LOG_DIR, ReplicaScenario, type TopicSpec } from './testing/replica-scenario.ts';

const ORDERS_ID = 'cHJvZHVjZS1hbmQtZmV0Yw';
const OTHER_ID = 'bbbbbbbbbbbbbbbbbbbbbA';
const ORDERS: TopicPartition = { topic: 'orders', partition: 0 };
/** Led here, with two followers. */
const REPLICATED: TopicSpec = { topic: 'orders', topicId: ORDERS_ID, leaderEpoch: 1, replicas: [0, 1, 2] };

function toProduce(value: string, acks = -1) {
  return {
    acks,
    timeoutMs: 1000,
    topicData: [{ name: 'orders', partitionData: [{ index: 0, records: batchOf([value]) }] }],
  };
}

async function produceOne(scenario: ReplicaScenario, value: string, acks = -1): Promise<string> {
  const response = await scenario.answer(produce, toProduce(value, acks), 9);
  return errorName(response.responses[0]?.partitionResponses[0]?.errorCode ?? -1);
}

function followerFetch(replicaId: number, fetchOffset: number, over: Partial<FetchRequest> = {}, partition = {}) {
  const topics = [
    {
      topic: 'orders',
      partitions: [{ partition: 0, fetchOffset, logStartOffset: 0, partitionMaxBytes: 1000, ...partition }],
    },
  ];
  return { replicaId, maxWaitMs: 0, minBytes: 1, topics, ...over };
}

async function fetchOne(scenario: ReplicaScenario, request: FetchRequest) {
  const [partition] = (await scenario.answer(fetch, request, 12)).responses[0]?.partitions ?? [];
  assert.ok(partition);
  return { ...partition, error: errorName(partition.errorCode), values: valuesIn(partition.records) };
}

function errorIn(response: Awaited<ReturnType<ReplicaScenario['lead']>>): string {
  return errorName((response.topics?.[0] ?? response).partitionErrors?.[0]?.errorCode ?? response.errorCode);
}

describe('LeaderAndIsr', () => {
  test('makes a leader, creates its log, and names the topic by its id in the answer', async () => {
    const scenario = await ReplicaScenario.start();
    const response = await scenario.createTopic({ topic: 'orders', topicId: ORDERS_ID });
    assert.deepEqual(response, {
      errorCode: Errors.NONE,
      topics: [{ topicId: ORDERS_ID, partitionErrors: [{ partitionIndex: 0, errorCode: Errors.NONE }] }],
    });
    const partition = scenario.replicaManager.getPartition(ORDERS);
    assert.equal(partition?.isLeader, true);
    assert.equal(partition?.topicId, ORDERS_ID);
    assert.equal(scenario.metric('ReplicaManager', 'LeaderCount'), 1);
  });

  test('of an old version names topics by name', async () => {
    const scenario = await ReplicaScenario.start();
    const response = await scenario.lead({ topic: 'orders' }, { version: 4 });
    assert.deepEqual(response.partitionErrors, [{ topicName: 'orders', partitionIndex: 0, errorCode: Errors.NONE }]);
  });

  test('from an older controller is refused as a whole', async () => {
    const scenario = await ReplicaScenario.start();
    await scenario.lead({ topic: 'orders' }, { controllerEpoch: 5 });
    const response = await scenario.lead({ topic: 'payments' }, { controllerEpoch: 4 });
    assert.equal(response.errorCode, Errors.STALE_CONTROLLER_EPOCH);
    assert.equal(scenario.replicaManager.getPartition({ topic: 'payments', partition: 0 }), undefined);
  });

  const cases: [string, Partial<TopicSpec>, string, number][] = [
    [
      'of an older leader epoch is refused',
      { leaderEpoch: 2, leader: 1, replicas: [0, 1] },
      'STALE_CONTROLLER_EPOCH',
      3,
    ],
    [
      'of the same leader epoch is refused',
      { leaderEpoch: 3, leader: 1, replicas: [0, 1] },
      'STALE_CONTROLLER_EPOCH',
      3,
    ],
    ['with another topic id is refused', { leaderEpoch: 4, topicId: OTHER_ID }, 'INCONSISTENT_TOPIC_ID', 3],
    [
      'without this broker is refused',
      { leaderEpoch: 4, replicas: [1, 2], leader: 1 },
      'UNKNOWN_TOPIC_OR_PARTITION',
      3,
    ],
    ['of a newer leader epoch is obeyed', { leaderEpoch: 4 }, 'NONE', 4],
  ];
  for (const [what, spec, error, leaderEpoch] of cases) {
    test(what, async () => {
      const scenario = await ReplicaScenario.start();
      await scenario.createTopic({ topic: 'orders', topicId: ORDERS_ID, leaderEpoch: 3 });
      const response = await scenario.lead({ topic: 'orders', topicId: ORDERS_ID, ...spec });
      assert.equal(errorIn(response), error);
      const partition = scenario.replicaManager.getPartition(ORDERS);
      assert.deepEqual([partition?.leaderEpoch, partition?.isLeader], [leaderEpoch, true]);
    });
  }

  test('of the same epoch gives its id to a log that has none', async () => {
    const scenario = await ReplicaScenario.start();
    await scenario.createTopic({ topic: 'orders', leaderEpoch: 3 });
    const response = await scenario.lead({ topic: 'orders', topicId: ORDERS_ID, leaderEpoch: 3 });
    assert.equal(errorIn(response), 'NONE');
    assert.equal(scenario.replicaManager.topicIdOf(ORDERS), ORDERS_ID);
  });

  test('tells listeners who leads, who follows and what was given up', async () => {
    const scenario = await ReplicaScenario.start();
    const heard: string[] = [];
    scenario.replicaManager.addLeadershipListener({
      onLeadershipChange: (leaders, followers) => heard.push(`leads ${leaders.length}, follows ${followers.length}`),
      onReplicaStopped: ({ topic, partition }, { deleted, leaderEpoch }) =>
        heard.push(`stopped ${topic}-${partition} ${deleted} ${leaderEpoch}`),
    });
    await scenario.createTopic(REPLICATED);
    await scenario.lead({ ...REPLICATED, leader: 1, leaderEpoch: 2 });
    await scenario.stop('orders', { deletePartition: true, leaderEpoch: 3 });
    assert.deepEqual(heard, ['leads 1, follows 0', 'leads 0, follows 1', 'stopped orders-0 true 3']);
  });

  test('that ends the leadership ends the waits on it', async () => {
    const scenario = await ReplicaScenario.start();
    await scenario.createTopic(REPLICATED);
    const produced = scenario.ask(produce, toProduce('a'), 10);
    const fetched = scenario.ask(fetch, followerFetch(1, 1, { maxWaitMs: 500 }), 12);
    await scenario.clock.advance(1);
    assert.deepEqual([produced.isAnswered(), fetched.isAnswered()], [false, false]);
    await scenario.lead({ ...REPLICATED, leader: 1, leaderEpoch: 2 });
    const [partition] = (await produced.response)?.responses[0]?.partitionResponses ?? [];
    assert.equal(errorName(partition?.errorCode ?? 0), 'NOT_LEADER_OR_FOLLOWER');
    assert.deepEqual(partition?.currentLeader, { leaderId: 1, leaderEpoch: 2 });
    const [answered] = (await fetched.response)?.responses[0]?.partitions ?? [];
    assert.equal(errorName(answered?.errorCode ?? 0), 'NOT_LEADER_OR_FOLLOWER');
  });
});

describe('StopReplica', () => {
  test('deletes the log, and the partition can be made anew', async () => {
    const scenario = await ReplicaScenario.start();
    await scenario.createTopic({ topic: 'orders', topicId: ORDERS_ID });
    await produceOne(scenario, 'a');
    const response = await scenario.stop('orders', { deletePartition: true });
    assert.deepEqual(response.partitionErrors, [{ topicName: 'orders', partitionIndex: 0, errorCode: Errors.NONE }]);
    assert.equal(scenario.logManager.getLog(ORDERS), undefined);
    await scenario.createTopic({ topic: 'orders', topicId: OTHER_ID });
    assert.equal(scenario.replicaManager.getPartition(ORDERS)?.log?.logEndOffset, 0);
  });

  test('without deletion leaves everything', async () => {
    const scenario = await ReplicaScenario.start();
    await scenario.createTopic({ topic: 'orders' });
    await scenario.stop('orders', { deletePartition: false });
    assert.ok(scenario.logManager.getLog(ORDERS));
  });

  test('of an older epoch or an older controller is refused', async () => {
    const scenario = await ReplicaScenario.start();
    await scenario.createTopic({ topic: 'orders', leaderEpoch: 3 });
    const fenced = await scenario.stop('orders', { deletePartition: true, leaderEpoch: 2 });
    assert.equal(fenced.partitionErrors[0]?.errorCode, Errors.FENCED_LEADER_EPOCH);
    const stale = await scenario.stop('orders', { deletePartition: true, controllerEpoch: 0 });
    assert.equal(stale.errorCode, Errors.STALE_CONTROLLER_EPOCH);
    assert.ok(scenario.replicaManager.getPartition(ORDERS));
  });
});

describe('a partition with followers', () => {
  test('shows consumers what every replica in sync has, and acknowledges it then', async () => {
    const scenario = await ReplicaScenario.start();
    await scenario.createTopic(REPLICATED);
    const asked = scenario.ask(produce, toProduce('a'), 9);
    const consumer = () => fetchOne(scenario, followerFetch(-1, 0));
    assert.deepEqual((await consumer()).values, []);
    assert.deepEqual((await fetchOne(scenario, followerFetch(1, 0))).values, ['0:a']);
    await fetchOne(scenario, followerFetch(1, 1));
    assert.equal(asked.isAnswered(), false);
    await fetchOne(scenario, followerFetch(2, 1));
    const response = await asked.response;
    assert.equal(response?.responses[0]?.partitionResponses[0]?.errorCode, Errors.NONE);
    assert.deepEqual((await consumer()).values, ['0:a']);
    assert.equal(scenario.replicaManager.delayed.produce.watchedCount, 0);
  });

  test('tells the producer when the replicas do not get it in time', async () => {
    const scenario = await ReplicaScenario.start();
    await scenario.createTopic(REPLICATED);
    const asked = scenario.ask(produce, toProduce('a'), 9);
    await scenario.clock.advance(1000);
    const response = await asked.response;
    assert.equal(response?.responses[0]?.partitionResponses[0]?.errorCode, Errors.REQUEST_TIMED_OUT);
  });

  test('refuses acks=all while too few replicas are in sync, and does not move its high watermark', async () => {
    const scenario = await ReplicaScenario.start({ topicConfig: { 'min.insync.replicas': '2' } });
    await scenario.createTopic({ ...REPLICATED, isr: [0] });
    assert.equal(await produceOne(scenario, 'a'), 'NOT_ENOUGH_REPLICAS');
    assert.equal(await produceOne(scenario, 'b', 1), 'NONE');
    const partition = scenario.replicaManager.getPartition(ORDERS);
    assert.deepEqual([partition?.isUnderMinIsr, partition?.log?.highWatermark], [true, 0]);
  });

  test('takes min.insync.replicas as the replica count where it asks for more', async () => {
    const scenario = await ReplicaScenario.start({ topicConfig: { 'min.insync.replicas': '2' } });
    await scenario.createTopic({ topic: 'orders' });
    assert.equal(await produceOne(scenario, 'a'), 'NONE');
  });

  test('refuses fetches of brokers that are no replicas, and of followers where it does not lead', async () => {
    const scenario = await ReplicaScenario.start();
    await scenario.createTopic({ ...REPLICATED, replicas: [0, 1] });
    assert.equal((await fetchOne(scenario, followerFetch(2, 0))).error, 'NOT_LEADER_OR_FOLLOWER');
    const withEpoch = followerFetch(2, 0, {}, { currentLeaderEpoch: 1 });
    assert.equal((await fetchOne(scenario, withEpoch)).error, 'UNKNOWN_LEADER_EPOCH');
    await scenario.lead({ ...REPLICATED, replicas: [0, 1], leader: 1, leaderEpoch: 2 });
    assert.equal((await fetchOne(scenario, followerFetch(1, 0))).error, 'NOT_LEADER_OR_FOLLOWER');
  });

  test('tells a follower where its log diverges (KIP-595)', async () => {
    const scenario = await ReplicaScenario.start();
    await scenario.createTopic({ topic: 'orders', leaderEpoch: 1, replicas: [0, 1] });
    await produceOne(scenario, 'a', 1);
    await scenario.lead({ topic: 'orders', leaderEpoch: 5, replicas: [0, 1] });
    await produceOne(scenario, 'b', 1);
    const diverging = await fetchOne(scenario, followerFetch(1, 2, {}, { lastFetchedEpoch: 3 }));
    assert.deepEqual(diverging.divergingEpoch, { epoch: 1, endOffset: 1 });
    assert.deepEqual(diverging.values, []);
    const inStep = await fetchOne(scenario, followerFetch(1, 1, {}, { lastFetchedEpoch: 1 }));
    assert.deepEqual([inStep.divergingEpoch.epoch, inStep.values], [-1, ['1:b']]);
  });

  test('as a new leader does not tell consumers the end before it knows what is committed', async () => {
    const scenario = await ReplicaScenario.start();
    await scenario.createTopic({ topic: 'orders', leaderEpoch: 1, replicas: [0, 1] });
    await produceOne(scenario, 'a', 1);
    await scenario.lead({ topic: 'orders', leaderEpoch: 2, replicas: [0, 1] });
    const latest = async (version: number, replicaId = -1) => {
      const topics = [{ name: 'orders', partitions: [{ partitionIndex: 0, timestamp: -1 }] }];
      const response = await scenario.answer(listOffsets, { replicaId, topics }, version);
      return errorName(response.topics[0]?.partitions[0]?.errorCode ?? 0);
    };
    assert.equal(await latest(5), 'OFFSET_NOT_AVAILABLE');
    assert.equal(await latest(4), 'LEADER_NOT_AVAILABLE');
    assert.equal(await latest(5, 1), 'NONE');
    await fetchOne(scenario, followerFetch(1, 1));
    assert.equal(await latest(5), 'NONE');
  });
});

describe('OffsetForLeaderEpoch', () => {
  async function endOf(scenario: ReplicaScenario, leaderEpoch: number, currentLeaderEpoch = -1, partition = 0) {
    const topics = [{ topic: 'orders', partitions: [{ partition, currentLeaderEpoch, leaderEpoch }] }];
    const response = await scenario.answer(offsetForLeaderEpoch, { replicaId: -1, topics }, 4);
    const [end] = response.topics[0]?.partitions ?? [];
    assert.ok(end);
    return [errorName(end.errorCode), end.leaderEpoch, end.endOffset];
  }

  test('says where epochs end', async () => {
    const scenario = await ReplicaScenario.start();
    await scenario.createTopic({ topic: 'orders', leaderEpoch: 1 });
    await produceOne(scenario, 'a');
    await scenario.lead({ topic: 'orders', leaderEpoch: 4 });
    await produceOne(scenario, 'b');
    assert.deepEqual(await endOf(scenario, 1), ['NONE', 1, 1]);
    assert.deepEqual(await endOf(scenario, 3), ['NONE', 1, 1]);
    assert.deepEqual(await endOf(scenario, 4), ['NONE', 4, 2]);
    assert.deepEqual(await endOf(scenario, 9), ['NONE', -1, -1]);
    assert.deepEqual(await endOf(scenario, 1, 3), ['FENCED_LEADER_EPOCH', -1, -1]);
    assert.deepEqual(await endOf(scenario, 1, 5), ['UNKNOWN_LEADER_EPOCH', -1, -1]);
    assert.deepEqual(await endOf(scenario, 1, -1, 7), ['UNKNOWN_TOPIC_OR_PARTITION', -1, -1]);
  });
});

describe('high watermarks', () => {
  test('are checkpointed at the interval, and a restart finds them', async () => {
    const scenario = await ReplicaScenario.start();
    await scenario.createTopic(REPLICATED);
    await produceOne(scenario, 'a', 1);
    await produceOne(scenario, 'b', 1);
    for (const replicaId of [1, 2]) await fetchOne(scenario, followerFetch(replicaId, 1));
    await scenario.clock.advance(5000);
    const checkpoint = scenario.fileSystem.readFileSync(`${LOG_DIR}/replication-offset-checkpoint`).toString();
    assert.match(checkpoint, /^orders 0 1$/m);
    await scenario.close();
    const restarted = await ReplicaScenario.start({}, scenario.fileSystem);
    await restarted.createTopic({ ...REPLICATED, leaderEpoch: 2 });
    const log = restarted.replicaManager.getPartition(ORDERS)?.log;
    assert.deepEqual([log?.highWatermark, log?.logEndOffset], [1, 2]);
  });
});

describe('a log dir that fails', () => {
  test('takes its partitions offline, answers whoever waits, and is told', async () => {
    const scenario = await ReplicaScenario.start();
    await scenario.createTopic({ topic: 'orders' });
    await produceOne(scenario, 'a');
    const waiting = scenario.ask(fetch, followerFetch(-1, 1, { maxWaitMs: 500 }), 12);
    await scenario.clock.advance(1);
    scenario.fileSystem.failAllOf = () => true;
    assert.equal(await produceOne(scenario, 'b'), 'KAFKA_STORAGE_ERROR');
    const [woken] = (await waiting.response)?.responses[0]?.partitions ?? [];
    assert.equal(errorName(woken?.errorCode ?? 0), 'KAFKA_STORAGE_ERROR');
    assert.deepEqual(scenario.failedLogDirs, [LOG_DIR]);
    assert.equal(scenario.metric('ReplicaManager', 'OfflineReplicaCount'), 1);
    assert.equal((await fetchOne(scenario, followerFetch(-1, 0))).error, 'KAFKA_STORAGE_ERROR');
    assert.equal(errorIn(await scenario.lead({ topic: 'orders', leaderEpoch: 2 })), 'KAFKA_STORAGE_ERROR');
    const [logDir] = scenario.replicaManager.describeLogDirs(() => true);
    assert.deepEqual([logDir?.errorCode, logDir?.topics], [Errors.KAFKA_STORAGE_ERROR, []]);
  });
});

describe('a log dir without space', () => {
  test('refuses a produce alone: fetches are answered, and with space so is the next produce', async () => {
    const scenario = await ReplicaScenario.start();
    await scenario.createTopic({ topic: 'orders' });
    assert.equal(await produceOne(scenario, 'a'), 'NONE');
    scenario.fileSystem.refuseSpaceOf = () => true;
    for (const acks of [1, -1]) assert.equal(await produceOne(scenario, 'b', acks), 'KAFKA_STORAGE_ERROR');
    const waiting = scenario.ask(fetch, followerFetch(-1, 1, { maxWaitMs: 500 }), 12);
    assert.deepEqual((await fetchOne(scenario, followerFetch(-1, 0))).values, ['0:a']);
    assert.equal(waiting.isAnswered(), false);
    scenario.fileSystem.refuseSpaceOf = () => false;
    assert.equal(await produceOne(scenario, 'c'), 'NONE');
    assert.deepEqual((await fetchOne(scenario, followerFetch(-1, 0))).values, ['0:a', '1:c']);
    const [woken] = (await waiting.response)?.responses[0]?.partitions ?? [];
    assert.deepEqual(valuesIn(woken?.records ?? null), ['1:c']);
    assert.deepEqual(scenario.failedLogDirs, []);
  });

  test('makes the log of a new partition when there is some: until then nobody leads it', async () => {
    const scenario = await ReplicaScenario.start();
    const heard: number[] = [];
    scenario.replicaManager.addLeadershipListener({
      onLeadershipChange: (leaders) => heard.push(leaders.length),
      onReplicaStopped: () => {},
    });
    scenario.fileSystem.refuseSpaceOf = (path) => path.includes('orders');
    assert.equal(errorIn(await scenario.createTopic({ topic: 'orders' })), 'NONE');
    assert.equal(await produceOne(scenario, 'a'), 'NOT_LEADER_OR_FOLLOWER');
    await scenario.clock.advance(5000);
    assert.deepEqual(
      heard.filter((count) => count > 0),
      [],
    );
    scenario.fileSystem.refuseSpaceOf = () => false;
    await scenario.clock.advance(1000);
    assert.deepEqual(
      heard.filter((count) => count > 0),
      [1],
    );
    assert.equal(await produceOne(scenario, 'a'), 'NONE');
    await scenario.close();
  });

  test('forgets the log that was to be made when the partition is deleted or led by another meanwhile', async () => {
    const scenario = await ReplicaScenario.start();
    scenario.fileSystem.refuseSpaceOf = (path) => path.includes('orders') || path.includes('payments');
    await scenario.createTopic({ topic: 'orders' });
    await scenario.createTopic({ topic: 'payments', leaderEpoch: 1, replicas: [0, 1] });
    await scenario.stop('orders', { deletePartition: true, leaderEpoch: 1 });
    await scenario.lead({ topic: 'payments', leader: 1, leaderEpoch: 2, replicas: [0, 1] });
    scenario.fileSystem.refuseSpaceOf = () => false;
    await scenario.clock.advance(2000);
    assert.equal(scenario.fileSystem.statSync(`${LOG_DIR}/orders-0`), undefined);
    const payments = scenario.replicaManager.getPartition({ topic: 'payments', partition: 0 });
    assert.deepEqual([payments?.leaderId, payments?.leaderEpoch, payments?.log?.name], [1, 2, 'payments-0']);
    await scenario.close();
  });
});

describe('the coordinators’ doors', () => {
  test('an append is in the log and a load reads it back, batch by batch', async () => {
    const scenario = await ReplicaScenario.start();
    const tp = { topic: '__consumer_offsets', partition: 0 };
    await scenario.createTopic({ topic: tp.topic });
    const { appender, loader } = scenario.replicaManager;
    const options = { origin: 'coordinator', requiredAcks: -1, timeoutMs: 1000 } as const;
    assert.deepEqual(await appender.append(tp, batchOf(['a', 'b']), options), { errorCode: 0, baseOffset: 0 });
    assert.deepEqual(await appender.append(tp, batchOf(['x'.repeat(2_000_000)]), options), {
      errorCode: Errors.MESSAGE_TOO_LARGE,
      baseOffset: -1,
    });
    for (let i = 0; i < 3; i++) await appender.append(tp, batchOf(['x'.repeat(600_000)]), options);
    const baseOffsets: number[] = [];
    const loaded = await loader.load(tp, (batch) => baseOffsets.push(batch.baseOffset), { from: 'logStart' });
    assert.deepEqual([baseOffsets, loaded.endOffset], [[0, 2, 3, 4], 5]);
  });

  test('a load of a partition that is not led here is refused', async () => {
    const scenario = await ReplicaScenario.start();
    const load = scenario.replicaManager.loader.load(ORDERS, () => {}, { from: 'logStart' });
    await assert.rejects(load, (error) => (error as KafkaError).code === Errors.UNKNOWN_TOPIC_OR_PARTITION);
  });
});
