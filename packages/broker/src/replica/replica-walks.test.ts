// Produce, fetch and list offsets through their handlers, on one broker.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Errors, errorName, type KafkaError } from '@ottla/base';
import type { FetchRequest, FetchRequestFetchPartition } from '@ottla/protocol';
import { batchesIn, loadCompressionCodecs } from '@ottla/records';
import { produce } from '../handlers/00-produce.ts';
import { fetch } from '../handlers/01-fetch.ts';
import { listOffsets } from '../handlers/02-list-offsets.ts';
import { deleteRecords } from '../handlers/21-delete-records.ts';
import { batchOf, timestampOf, valuesIn } from './testing/batches.ts';
import { ReplicaScenario } from './testing/replica-scenario.ts';

await loadCompressionCodecs();

const ORDERS_ID = 'cHJvZHVjZS1hbmQtZmV0Yw';

async function ordersOn(options: Parameters<typeof ReplicaScenario.start>[0] = {}): Promise<ReplicaScenario> {
  const scenario = await ReplicaScenario.start(options);
  await scenario.createTopic({ topic: 'orders', topicId: ORDERS_ID, partitionCount: 2 });
  return scenario;
}

function toProduce(records: Buffer | null, options: { acks?: number; topic?: string; index?: number } = {}) {
  const { acks = -1, topic = 'orders', index = 0 } = options;
  return { acks, timeoutMs: 1000, topicData: [{ name: topic, partitionData: [{ index, records }] }] };
}

async function produceOne(
  scenario: ReplicaScenario,
  request: ReturnType<typeof toProduce> & { transactionalId?: string },
  version = 9,
  options = {},
) {
  const response = await scenario.answer(produce, request, version, options);
  const partition = response.responses[0]?.partitionResponses[0];
  assert.ok(partition);
  return { ...partition, error: errorName(partition.errorCode), nodeEndpoints: response.nodeEndpoints };
}

function toFetch(
  partitions: Partial<FetchRequestFetchPartition>[],
  request: Partial<FetchRequest> = {},
  topic: { topic?: string; topicId?: string } = { topic: 'orders' },
): FetchRequest {
  return {
    maxWaitMs: 0,
    minBytes: 1,
    topics: [
      {
        ...topic,
        partitions: partitions.map((one) => ({ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000_000, ...one })),
      },
    ],
    ...request,
  };
}

async function fetchOne(scenario: ReplicaScenario, request: FetchRequest, version = 12) {
  const response = await scenario.answer(fetch, request, version);
  const partition = response.responses[0]?.partitions[0];
  assert.ok(partition);
  return { ...partition, error: errorName(partition.errorCode), values: valuesIn(partition.records) };
}

describe('a produce', () => {
  test('with acks=all on one replica is answered with its offset, and the records can be fetched', async () => {
    const scenario = await ordersOn();
    const first = await produceOne(scenario, toProduce(batchOf(['a', 'b'])));
    const second = await produceOne(scenario, toProduce(batchOf(['c']), { acks: 1 }));
    assert.deepEqual([first.error, first.baseOffset, first.logAppendTimeMs, first.logStartOffset], ['NONE', 0, -1, 0]);
    assert.equal(second.baseOffset, 2);
    const fetched = await fetchOne(scenario, toFetch([{}]));
    assert.deepEqual(fetched.values, ['0:a', '1:b', '2:c']);
    assert.deepEqual([fetched.highWatermark, fetched.lastStableOffset, fetched.logStartOffset], [3, 3, 0]);
    assert.equal(fetched.abortedTransactions, null);
  });

  for (let version = 0; version <= 11; version++) {
    test(`of version ${version} reaches the log`, async () => {
      const scenario = await ordersOn();
      const magic = version < 2 ? 0 : version < 3 ? 1 : 2;
      const produced = await produceOne(scenario, toProduce(batchOf(['a', 'b'], { magic })), version);
      assert.deepEqual([produced.error, produced.baseOffset], ['NONE', 0]);
      assert.deepEqual((await fetchOne(scenario, toFetch([{}]))).values, ['0:a', '1:b']);
    });
  }

  test('with acks=0 is not answered, and closes the connection when something is wrong', async () => {
    const scenario = await ordersOn();
    const good = scenario.ask(produce, toProduce(batchOf(['a']), { acks: 0 }), 9);
    assert.equal(await good.response, undefined);
    assert.deepEqual((await fetchOne(scenario, toFetch([{}]))).values, ['0:a']);
    const bad = scenario.ask(produce, toProduce(batchOf(['a']), { acks: 0, topic: 'missing' }), 9);
    await assert.rejects(bad.response, (error) => (error as KafkaError).code === Errors.UNKNOWN_TOPIC_OR_PARTITION);
    assert.equal(
      produce.errorResponse({ ...toProduce(null, { acks: 0 }), topicData: [], transactionalId: null }, 1, '', 9),
      undefined,
    );
  });

  const twoBatches = Buffer.concat([batchOf(['a']), batchOf(['b'])]);
  const damaged = batchOf(['a']);
  damaged.writeUInt8(damaged.readUInt8(damaged.length - 1) ^ 1, damaged.length - 1);
  const refusals: [string, ReturnType<typeof toProduce>, number, string][] = [
    ['acks of 2', toProduce(batchOf(['a']), { acks: 2 }), 9, 'INVALID_REQUIRED_ACKS'],
    ['an unknown topic', toProduce(batchOf(['a']), { topic: 'missing' }), 9, 'UNKNOWN_TOPIC_OR_PARTITION'],
    ['an unknown partition', toProduce(batchOf(['a']), { index: 7 }), 9, 'UNKNOWN_TOPIC_OR_PARTITION'],
    ['no batch', toProduce(Buffer.alloc(0)), 3, 'INVALID_RECORD'],
    ['null records', toProduce(null), 9, 'INVALID_RECORD'],
    ['two batches', toProduce(twoBatches), 3, 'INVALID_RECORD'],
    ['format 1 in version 3', toProduce(batchOf(['a'], { magic: 1 })), 3, 'INVALID_RECORD'],
    [
      'zstd before version 7',
      toProduce(batchOf(['a'], { compressionType: 'zstd' })),
      6,
      'UNSUPPORTED_COMPRESSION_TYPE',
    ],
    ['a checksum that does not hold', toProduce(damaged), 9, 'CORRUPT_MESSAGE'],
    ['a batch whose offsets do not begin at 0', toProduce(batchOf(['a'], { baseOffset: 5 })), 9, 'INVALID_RECORD'],
  ];
  for (const [what, request, version, error] of refusals) {
    test(`with ${what} is refused with ${error}`, async () => {
      const scenario = await ordersOn();
      const refused = await produceOne(scenario, request, version);
      assert.deepEqual([refused.error, refused.baseOffset], [error, -1]);
      assert.deepEqual((await fetchOne(scenario, toFetch([{}]))).values, []);
    });
  }

  test('to an internal topic is refused, unless the administration client sends it', async () => {
    const scenario = await ReplicaScenario.start();
    await scenario.createTopic({ topic: '__consumer_offsets' });
    const request = () => toProduce(batchOf(['a']), { topic: '__consumer_offsets' });
    assert.equal((await produceOne(scenario, request())).error, 'INVALID_TOPIC_EXCEPTION');
    assert.equal((await produceOne(scenario, request(), 9, { clientId: '__admin_client' })).error, 'NONE');
  });

  test('of a record without key to a compacted topic tells which record is at fault (KIP-467)', async () => {
    const scenario = await ordersOn({ topicConfig: { 'cleanup.policy': 'compact' } });
    const refused = await produceOne(scenario, toProduce(batchOf(['a', 'b'])));
    assert.equal(refused.error, 'INVALID_RECORD');
    assert.deepEqual(
      refused.recordErrors.map(({ batchIndex }) => batchIndex),
      [0, 1],
    );
    assert.match(refused.errorMessage ?? '', /One or more records have been rejected/);
    assert.equal(refused.logStartOffset, 0);
  });

  test('to a topic with LogAppendTime is told the time', async () => {
    const scenario = await ordersOn({ topicConfig: { 'message.timestamp.type': 'LogAppendTime' } });
    assert.equal((await produceOne(scenario, toProduce(batchOf(['a'])))).logAppendTimeMs, scenario.clock.nowMs());
  });

  test('of a transaction without a transactional id is refused as a whole', async () => {
    const scenario = await ordersOn();
    const records = batchOf(['a'], { producerId: 1, producerEpoch: 0, baseSequence: 0, isTransactional: true });
    const asked = scenario.ask(produce, toProduce(records), 9);
    await assert.rejects(
      asked.response,
      (error) => (error as KafkaError).code === Errors.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    );
  });

  test('that a producer repeats gets the offset it had the first time', async () => {
    const scenario = await ordersOn();
    const batch = () => batchOf(['a'], { producerId: 1, producerEpoch: 0, baseSequence: 0 });
    await produceOne(scenario, toProduce(batch()));
    const repeated = await produceOne(scenario, toProduce(batch()));
    assert.deepEqual([repeated.error, repeated.baseOffset], ['NONE', 0]);
    assert.deepEqual((await fetchOne(scenario, toFetch([{}]))).values, ['0:a']);
  });

  test('to a partition that another broker leads is told which one (KIP-951)', async () => {
    const scenario = await ReplicaScenario.start();
    scenario.announce({ topic: 'orders', leader: 2, leaderEpoch: 5, replicas: [2] });
    const refused = await produceOne(scenario, toProduce(batchOf(['a'])), 10);
    assert.equal(refused.error, 'NOT_LEADER_OR_FOLLOWER');
    assert.deepEqual(refused.currentLeader, { leaderId: 2, leaderEpoch: 5 });
    assert.deepEqual(refused.nodeEndpoints, [{ nodeId: 2, host: 'host2', port: 9094, rack: null }]);
    assert.deepEqual((await produceOne(scenario, toProduce(batchOf(['a'])), 9)).nodeEndpoints, []);
  });

  test('with flush.messages=1 is answered when the records are on the disk, or with an error when they cannot be', async () => {
    const scenario = await ordersOn({ topicConfig: { 'flush.messages': '1' } });
    assert.equal((await produceOne(scenario, toProduce(batchOf(['a'])))).error, 'NONE');
    scenario.fileSystem.failSyncOf = (path) => path.endsWith('.log');
    assert.equal((await produceOne(scenario, toProduce(batchOf(['b'])))).error, 'KAFKA_STORAGE_ERROR');
  });
});

describe('a fetch', () => {
  const formats: [number, number][] = [
    [0, 0],
    [1, 0],
    [2, 1],
    [3, 1],
    [4, 2],
    [12, 2],
  ];
  for (const [version, magic] of formats) {
    test(`of version ${version} gets message format ${magic}`, async () => {
      const scenario = await ordersOn();
      await produceOne(scenario, toProduce(batchOf(['a', 'b'])));
      const fetched = await fetchOne(scenario, toFetch([{ fetchOffset: 1 }]), version);
      const [first] = batchesIn(fetched.records ?? Buffer.alloc(0));
      assert.equal(first?.magic, magic);
      assert.equal(fetched.values.at(-1), '1:b');
    });
  }

  test('before version 10 is not given zstd from a topic that is compressed with it', async () => {
    const scenario = await ordersOn({ topicConfig: { 'compression.type': 'zstd' } });
    await produceOne(scenario, toProduce(batchOf(['a'])));
    assert.equal((await fetchOne(scenario, toFetch([{}]), 9)).error, 'UNSUPPORTED_COMPRESSION_TYPE');
    assert.deepEqual((await fetchOne(scenario, toFetch([{}]), 10)).values, ['0:a']);
  });

  test('of a zstd batch by a client that needs an older format is refused', async () => {
    const scenario = await ordersOn();
    await produceOne(scenario, toProduce(batchOf(['a'], { compressionType: 'zstd' })));
    assert.equal((await fetchOne(scenario, toFetch([{}]), 3)).error, 'UNSUPPORTED_COMPRESSION_TYPE');
  });

  test('of an older format converts a part of a partition at a time, with other work in between', async () => {
    const scenario = await ordersOn();
    const value = 'x'.repeat(400_000);
    for (let i = 0; i < 5; i++) await produceOne(scenario, toProduce(batchOf([value])));
    const seen: number[] = [];
    for (let fetchOffset = 0; fetchOffset < 5; fetchOffset += seen.at(-1) ?? 5) {
      const asked = scenario.ask(fetch, toFetch([{ fetchOffset, partitionMaxBytes: 10_000_000 }]), 3);
      assert.equal(asked.isAnswered(), false);
      const answer = (await asked.response)?.responses[0]?.partitions[0];
      seen.push(valuesIn(answer?.records ?? null).length);
    }
    assert.deepEqual(seen, [3, 2]);
  });

  test('that would need conversion is refused where conversion is off', async () => {
    const scenario = await ordersOn({ topicConfig: { 'message.downconversion.enable': 'false' } });
    await produceOne(scenario, toProduce(batchOf(['a'])));
    assert.equal((await fetchOne(scenario, toFetch([{}]), 3)).error, 'UNSUPPORTED_VERSION');
  });

  test('with an isolation level that there is not is refused', async () => {
    const asked = (await ordersOn()).ask(fetch, toFetch([{}], { isolationLevel: 5 }), 12);
    await assert.rejects(asked.response, (error) => (error as KafkaError).code === Errors.UNKNOWN_SERVER_ERROR);
  });

  test('by topic id finds the topic, and tells an unknown one from a wrong one', async () => {
    const scenario = await ordersOn();
    await produceOne(scenario, toProduce(batchOf(['a'])));
    const known = await fetchOne(scenario, toFetch([{}], {}, { topicId: ORDERS_ID }), 13);
    assert.deepEqual(known.values, ['0:a']);
    const unknown = await fetchOne(scenario, toFetch([{}], {}, { topicId: 'AAAAAAAAAAAAAAAAAAAAAQ' }), 13);
    assert.equal(unknown.error, 'UNKNOWN_TOPIC_ID');
    scenario.announce({ topic: 'orders', topicId: 'bbbbbbbbbbbbbbbbbbbbbA' });
    const other = await fetchOne(scenario, toFetch([{}], {}, { topicId: 'bbbbbbbbbbbbbbbbbbbbbA' }), 13);
    assert.equal(other.error, 'INCONSISTENT_TOPIC_ID');
  });

  const errors: [string, Partial<FetchRequestFetchPartition>, string][] = [
    ['an offset beyond the end', { fetchOffset: 9 }, 'OFFSET_OUT_OF_RANGE'],
    ['an older leader epoch', { currentLeaderEpoch: 2 }, 'FENCED_LEADER_EPOCH'],
    ['a newer leader epoch', { currentLeaderEpoch: 4 }, 'UNKNOWN_LEADER_EPOCH'],
    ['an unknown partition', { partition: 5 }, 'UNKNOWN_TOPIC_OR_PARTITION'],
    ['a negative size', { partitionMaxBytes: -1 }, 'UNKNOWN_SERVER_ERROR'],
  ];
  for (const [what, partition, error] of errors) {
    test(`with ${what} is answered at once with ${error}`, async () => {
      const scenario = await ReplicaScenario.start();
      await scenario.createTopic({ topic: 'orders', leaderEpoch: 3 });
      const fetched = await fetchOne(scenario, toFetch([partition], { maxWaitMs: 10_000 }));
      assert.deepEqual([fetched.error, fetched.highWatermark, fetched.records?.length], [error, -1, 0]);
    });
  }

  test('returns the first batch although it is larger than every limit, and respects the limits after it', async () => {
    const scenario = await ordersOn();
    for (const index of [0, 1]) await produceOne(scenario, toProduce(batchOf(['x'.repeat(500)]), { index }));
    await produceOne(scenario, toProduce(batchOf(['y'])));
    const request = toFetch([{ partitionMaxBytes: 10 }, { partition: 1, partitionMaxBytes: 10 }], { maxBytes: 10 });
    const { responses } = await scenario.answer(fetch, request, 12);
    assert.deepEqual(
      responses[0]?.partitions.map(({ records }) => valuesIn(records).length),
      [1, 0],
    );
  });

  test('of version 2 never gets more than it asked for', async () => {
    const scenario = await ordersOn();
    await produceOne(scenario, toProduce(batchOf(['x'.repeat(500)])));
    const fetched = await fetchOne(scenario, toFetch([{ partitionMaxBytes: 10 }]), 2);
    assert.deepEqual([fetched.error, fetched.values], ['NONE', []]);
  });

  test('waits for records, and an append wakes it', async () => {
    const scenario = await ordersOn();
    const asked = scenario.ask(fetch, toFetch([{}, { partition: 1 }], { maxWaitMs: 500 }), 12);
    await scenario.clock.advance(499);
    assert.equal(asked.isAnswered(), false);
    await produceOne(scenario, toProduce(batchOf(['a']), { index: 1 }));
    const response = await asked.response;
    assert.deepEqual(valuesIn(response?.responses[0]?.partitions[1]?.records ?? null), ['0:a']);
    assert.equal(scenario.replicaManager.delayed.fetch.watchedCount, 0);
  });

  test('that finds nothing is answered empty when its time is up', async () => {
    const scenario = await ordersOn();
    const asked = scenario.ask(fetch, toFetch([{}], { maxWaitMs: 500 }), 12);
    await scenario.clock.advance(499);
    assert.equal(asked.isAnswered(), false);
    await scenario.clock.advance(1);
    assert.equal(asked.isAnswered(), true);
    const response = await asked.response;
    assert.equal(response?.responses[0]?.partitions[0]?.errorCode, Errors.NONE);
    assert.equal(scenario.replicaManager.delayed.fetch.delayedCount, 0);
  });

  test('with min.bytes waits until there is as much', async () => {
    const scenario = await ordersOn();
    const size = batchOf(['a']).length;
    const asked = scenario.ask(fetch, toFetch([{}], { maxWaitMs: 500, minBytes: 2 * size }), 12);
    await produceOne(scenario, toProduce(batchOf(['a'])));
    await scenario.clock.advance(1);
    assert.equal(asked.isAnswered(), false);
    await produceOne(scenario, toProduce(batchOf(['b'])));
    const response = await asked.response;
    assert.deepEqual(valuesIn(response?.responses[0]?.partitions[0]?.records ?? null), ['0:a', '1:b']);
  });

  test('that waits hears at once that the partition was deleted', async () => {
    const scenario = await ordersOn();
    const asked = scenario.ask(fetch, toFetch([{}], { maxWaitMs: 500 }), 12);
    await scenario.stop('orders', { deletePartition: true });
    const response = await asked.response;
    assert.equal(response?.responses[0]?.partitions[0]?.errorCode, Errors.NOT_LEADER_OR_FOLLOWER);
  });

  test('in a session is told only what changed', async () => {
    const scenario = await ordersOn();
    const first = await scenario.answer(fetch, toFetch([{}, { partition: 1 }], { sessionEpoch: 0 }), 12);
    assert.ok(first.sessionId > 0);
    const inSession = (sessionEpoch: number) => ({
      ...toFetch([], { sessionId: first.sessionId, sessionEpoch }),
      topics: [],
    });
    const quiet = await scenario.answer(fetch, inSession(1), 12);
    assert.deepEqual([quiet.errorCode, quiet.sessionId, quiet.responses], [Errors.NONE, first.sessionId, []]);
    await produceOne(scenario, toProduce(batchOf(['a']), { index: 1 }));
    const news = await scenario.answer(fetch, inSession(2), 12);
    assert.deepEqual(
      news.responses[0]?.partitions.map(({ partitionIndex }) => partitionIndex),
      [1],
    );
    const stale = await scenario.answer(fetch, inSession(2), 12);
    assert.deepEqual([stale.errorCode, stale.responses], [Errors.INVALID_FETCH_SESSION_EPOCH, []]);
  });

  test('of committed records stops before an open transaction, and is told of aborted ones', async () => {
    const scenario = await ordersOn();
    const producer = { producerId: 1, producerEpoch: 0, baseSequence: 0, isTransactional: true };
    await produceOne(scenario, toProduce(batchOf(['a'])));
    await produceOne(scenario, { ...toProduce(batchOf(['t'], producer)), transactionalId: 'tx' });
    await produceOne(scenario, toProduce(batchOf(['b'])));
    const committed = () => fetchOne(scenario, toFetch([{}], { isolationLevel: 1 }));
    const open = await committed();
    assert.deepEqual([open.values, open.lastStableOffset, open.highWatermark], [['0:a'], 1, 3]);
    const partitions = [
      { topic: 'orders', partition: 0 },
      { topic: 'missing', partition: 0 },
    ];
    const marker = { producerId: 1, producerEpoch: 0, coordinatorEpoch: 0, isCommit: false, partitions };
    assert.deepEqual(await scenario.replicaManager.writeTxnMarkers(marker, 1000), [
      Errors.NONE,
      Errors.UNKNOWN_TOPIC_OR_PARTITION,
    ]);
    const aborted = await committed();
    assert.deepEqual(aborted.values, ['0:a', '1:t', '2:b']);
    assert.deepEqual(aborted.abortedTransactions, [{ producerId: 1, firstOffset: 1 }]);
  });
});

describe('list offsets', () => {
  async function list(scenario: ReplicaScenario, timestamp: number, version = 9, over = {}) {
    const partitions = [{ partitionIndex: 0, timestamp, ...over }];
    const response = await scenario.answer(
      listOffsets,
      { replicaId: -1, topics: [{ name: 'orders', partitions }] },
      version,
    );
    const [partition] = response.topics[0]?.partitions ?? [];
    assert.ok(partition);
    return { ...partition, error: errorName(partition.errorCode) };
  }

  async function withThree(): Promise<ReplicaScenario> {
    const scenario = await ordersOn();
    await produceOne(scenario, toProduce(batchOf(['a', 'b', 'c'])));
    return scenario;
  }

  const cases: [string, number, number, number, number][] = [
    ['the latest', -1, 3, -1, 0],
    ['the earliest', -2, 0, -1, 0],
    ['that of the largest timestamp', -3, 2, timestampOf(2), 0],
    ['the earliest local one', -4, 0, -1, 0],
    ['no tiered one', -5, -1, -1, -1],
    ['the first at or after a time', timestampOf(1), 1, timestampOf(1), 0],
    ['none after the last', timestampOf(3), -1, -1, -1],
  ];
  for (const [what, timestamp, offset, found, leaderEpoch] of cases) {
    test(`finds ${what}`, async () => {
      const listed = await list(await withThree(), timestamp);
      assert.deepEqual(
        [listed.error, listed.offset, listed.timestamp, listed.leaderEpoch],
        ['NONE', offset, found, leaderEpoch],
      );
    });
  }

  test('refuses special timestamps that the version does not know', async () => {
    const scenario = await withThree();
    assert.equal((await list(scenario, -3, 6)).error, 'UNSUPPORTED_VERSION');
    assert.equal((await list(scenario, -4, 7)).error, 'UNSUPPORTED_VERSION');
    assert.equal((await list(scenario, -5, 8)).error, 'UNSUPPORTED_VERSION');
    assert.equal((await list(scenario, -6, 9)).error, 'UNSUPPORTED_VERSION');
  });

  test('of version 0 answers with segment boundaries, newest first', async () => {
    const scenario = await withThree();
    assert.deepEqual((await list(scenario, -1, 0, { maxNumOffsets: 5 })).oldStyleOffsets, [3, 0]);
    assert.deepEqual((await list(scenario, -1, 0, { maxNumOffsets: 1 })).oldStyleOffsets, [3]);
    assert.deepEqual((await list(scenario, -2, 0, { maxNumOffsets: 5 })).oldStyleOffsets, [0]);
    assert.deepEqual((await list(scenario, 1, 0, { maxNumOffsets: 5 })).oldStyleOffsets, []);
  });

  test('refuses a partition that is asked for twice', async () => {
    const scenario = await withThree();
    const partitions = [0, 0].map((partitionIndex) => ({ partitionIndex, timestamp: -1 }));
    const response = await scenario.answer(listOffsets, { replicaId: -1, topics: [{ name: 'orders', partitions }] }, 1);
    assert.deepEqual(
      response.topics[0]?.partitions.map(({ errorCode }) => errorCode),
      [Errors.INVALID_REQUEST, Errors.INVALID_REQUEST],
    );
  });

  test('checks the leader epoch', async () => {
    const scenario = await withThree();
    assert.equal((await list(scenario, -1, 9, { currentLeaderEpoch: 7 })).error, 'UNKNOWN_LEADER_EPOCH');
  });
});

describe('delete records', () => {
  async function deleteUpTo(scenario: ReplicaScenario, offset: number, topic = 'orders') {
    const request = { timeoutMs: 1000, topics: [{ name: topic, partitions: [{ partitionIndex: 0, offset }] }] };
    const [partition] = (await scenario.answer(deleteRecords, request, 2)).topics[0]?.partitions ?? [];
    assert.ok(partition);
    return [errorName(partition.errorCode), partition.lowWatermark];
  }

  test('moves the log start offset, and what is below can no longer be fetched', async () => {
    const scenario = await ordersOn();
    for (const value of ['a', 'b', 'c']) await produceOne(scenario, toProduce(batchOf([value])));
    assert.deepEqual(await deleteUpTo(scenario, 2), ['NONE', 2]);
    assert.equal((await fetchOne(scenario, toFetch([{ fetchOffset: 1 }]))).error, 'OFFSET_OUT_OF_RANGE');
    assert.deepEqual((await fetchOne(scenario, toFetch([{ fetchOffset: 2 }]))).values, ['2:c']);
    assert.deepEqual(await deleteUpTo(scenario, 1), ['NONE', 2]);
    assert.deepEqual(await deleteUpTo(scenario, -1), ['NONE', 3]);
  });

  test('refuses what is not there, not allowed or not sensible', async () => {
    const scenario = await ordersOn();
    assert.deepEqual(await deleteUpTo(scenario, 1), ['OFFSET_OUT_OF_RANGE', -1]);
    assert.deepEqual(await deleteUpTo(scenario, -2), ['OFFSET_OUT_OF_RANGE', -1]);
    assert.deepEqual(await deleteUpTo(scenario, 0, 'missing'), ['UNKNOWN_TOPIC_OR_PARTITION', -1]);
    await scenario.createTopic({ topic: '__consumer_offsets' });
    assert.deepEqual(await deleteUpTo(scenario, 0, '__consumer_offsets'), ['INVALID_TOPIC_EXCEPTION', -1]);
    const compacted = await ordersOn({ topicConfig: { 'cleanup.policy': 'compact' } });
    assert.deepEqual(await deleteUpTo(compacted, 0), ['POLICY_VIOLATION', -1]);
  });
});

describe('metrics', () => {
  test('count what goes in, what goes out, what is refused and what waits', async () => {
    const scenario = await ordersOn({ topicConfig: { 'max.message.bytes': '1000' } });
    const records = batchOf(['a', 'b']);
    await produceOne(scenario, toProduce(records));
    const tooLarge = batchOf(['x'.repeat(2000)]);
    assert.equal((await produceOne(scenario, toProduce(tooLarge))).error, 'MESSAGE_TOO_LARGE');
    await fetchOne(scenario, toFetch([{}]));
    const orders = { topic: 'orders' };
    for (const tags of [undefined, orders]) {
      const of = (name: string) => scenario.metric('BrokerTopicMetrics', name, tags);
      assert.deepEqual(
        [of('MessagesInPerSec'), of('BytesInPerSec'), of('BytesOutPerSec')],
        [2, records.length, records.length],
      );
      assert.deepEqual([of('BytesRejectedPerSec'), of('TotalProduceRequestsPerSec')], [tooLarge.length, 2]);
    }
    const asked = scenario.ask(fetch, toFetch([{ fetchOffset: 2 }], { maxWaitMs: 500 }), 12);
    const waiting = () =>
      scenario.metric('DelayedOperationPurgatory', 'NumDelayedOperations', { delayedOperation: 'Fetch' });
    assert.equal(waiting(), 1);
    await scenario.close();
    await asked.response;
    assert.equal(waiting(), undefined);
  });

  test('of a topic go with its last replica', async () => {
    const scenario = await ReplicaScenario.start();
    await scenario.createTopic({ topic: 'orders' });
    await produceOne(scenario, toProduce(batchOf(['a'])));
    await scenario.stop('orders', { deletePartition: true });
    assert.equal(scenario.metric('BrokerTopicMetrics', 'MessagesInPerSec', { topic: 'orders' }), undefined);
    assert.equal(scenario.metric('BrokerTopicMetrics', 'MessagesInPerSec'), 1);
  });
});
