// Metadata, log dirs, producers and markers through their handlers, on one broker.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type ErrorCode, Errors, errorName, type KafkaError, type TopicPartition, ZERO_UUID } from '@ottla/base';
import type { GroupCoordinator } from '../group/group-coordinator.ts';
import { batchOf } from '../replica/testing/batches.ts';
import { LOG_DIR, ReplicaScenario } from '../replica/testing/replica-scenario.ts';
import { produce } from './00-produce.ts';
import { metadata } from './03-metadata.ts';
import { writeTxnMarkers } from './27-write-txn-markers.ts';
import { alterReplicaLogDirs } from './34-alter-replica-log-dirs.ts';
import { describeLogDirs } from './35-describe-log-dirs.ts';
import { describeProducers } from './61-describe-producers.ts';
import { describeTopicPartitions } from './75-describe-topic-partitions.ts';

const ORDERS_ID = 'cHJvZHVjZS1hbmQtZmV0Yw';
const UNKNOWN_ID = 'bbbbbbbbbbbbbbbbbbbbbA';
const NOT_ASKED_FOR = -2147483648;

async function twoTopics(options: Parameters<typeof ReplicaScenario.start>[0] = {}): Promise<ReplicaScenario> {
  const scenario = await ReplicaScenario.start(options);
  await scenario.createTopic({ topic: 'orders', topicId: ORDERS_ID, partitionCount: 2 });
  await scenario.createTopic({ topic: '__consumer_offsets' });
  return scenario;
}

describe('Metadata', () => {
  const named = (...names: string[]) => names.map((name) => ({ name }));

  for (let version = 0; version <= 12; version++) {
    test(`of version ${version} shows the topic asked for`, async () => {
      const scenario = await twoTopics();
      const response = await scenario.answer(metadata, { topics: named('orders') }, version);
      const [topic] = response.topics;
      assert.deepEqual([topic?.errorCode, topic?.name, topic?.partitions.length], [Errors.NONE, 'orders', 2]);
      assert.equal(topic?.topicId, version >= 10 ? ORDERS_ID : ZERO_UUID);
      assert.deepEqual(
        response.brokers.map(({ nodeId, port }) => [nodeId, port]),
        [
          [0, 9092],
          [1, 9093],
          [2, 9094],
        ],
      );
      assert.equal(response.clusterId, version >= 2 ? 'test-cluster' : null);
    });
  }

  const lists: [string, { name: string | null }[] | null, number, string[]][] = [
    ['an empty list in version 0 means all topics', [], 0, ['orders', '__consumer_offsets']],
    ['an empty list in version 1 means none', [], 1, []],
    ['null means all topics', null, 1, ['orders', '__consumer_offsets']],
  ];
  for (const [what, topics, version, names] of lists) {
    test(what, async () => {
      const scenario = await twoTopics();
      const response = await scenario.answer(metadata, { topics }, version);
      assert.deepEqual(
        response.topics.map(({ name }) => name),
        names,
      );
      if (names.length > 0 && version >= 1) assert.equal(response.topics[1]?.isInternal, true);
      assert.deepEqual(scenario.createdTopics, []);
    });
  }

  const missing: [
    string,
    { allowAutoTopicCreation?: boolean; config?: Record<string, string> },
    string,
    string,
    string[],
  ][] = [
    ['is created, and to be asked for again', {}, 'new', 'LEADER_NOT_AVAILABLE', ['new']],
    [
      'is not created when the client says so',
      { allowAutoTopicCreation: false },
      'new',
      'UNKNOWN_TOPIC_OR_PARTITION',
      [],
    ],
    [
      'is not created when the broker says so',
      { config: { 'auto.create.topics.enable': 'false' } },
      'new',
      'UNKNOWN_TOPIC_OR_PARTITION',
      [],
    ],
    ['is not created under an illegal name', {}, 'a/b', 'INVALID_TOPIC_EXCEPTION', []],
  ];
  for (const [what, { allowAutoTopicCreation = true, config = {} }, name, error, created] of missing) {
    test(`a topic that does not exist ${what}`, async () => {
      const scenario = await twoTopics({ config });
      const response = await scenario.answer(metadata, { topics: named('orders', name), allowAutoTopicCreation }, 9);
      assert.deepEqual(
        response.topics.map((topic) => [topic.name, errorName(topic.errorCode)]),
        [
          ['orders', 'NONE'],
          [name, error],
        ],
      );
      assert.deepEqual(scenario.createdTopics, created);
    });
  }

  test('finds topics by id from version 12 on, and creates none', async () => {
    const scenario = await twoTopics();
    const topics = [
      { topicId: ORDERS_ID, name: null },
      { topicId: UNKNOWN_ID, name: null },
    ];
    const response = await scenario.answer(metadata, { topics }, 12);
    assert.deepEqual(
      response.topics.map((topic) => [topic.name, topic.topicId, errorName(topic.errorCode)]),
      [
        [null, UNKNOWN_ID, 'UNKNOWN_TOPIC_ID'],
        ['orders', ORDERS_ID, 'NONE'],
      ],
    );
    assert.deepEqual(scenario.createdTopics, []);
  });

  test('by id before version 12 is refused', async () => {
    const scenario = await twoTopics();
    const asked = scenario.ask(metadata, { topics: [{ topicId: ORDERS_ID, name: 'orders' }] }, 11);
    await assert.rejects(asked.response, (error) => (error as KafkaError).code === Errors.INVALID_REQUEST);
  });

  test('tells what the client may do when it asks', async () => {
    const scenario = await twoTopics();
    const asks = { includeClusterAuthorizedOperations: true, includeTopicAuthorizedOperations: true };
    const told = await scenario.answer(metadata, { topics: named('orders'), ...asks }, 8);
    assert.deepEqual([told.topics[0]?.topicAuthorizedOperations, told.clusterAuthorizedOperations], [3576, 8096]);
    const untold = await scenario.answer(metadata, { topics: named('orders') }, 8);
    assert.deepEqual(
      [untold.topics[0]?.topicAuthorizedOperations, untold.clusterAuthorizedOperations],
      [NOT_ASKED_FOR, NOT_ASKED_FOR],
    );
  });
});

describe('DescribeLogDirs', () => {
  test('lists all partitions with their sizes, or those asked for', async () => {
    const scenario = await twoTopics();
    const records = batchOf(['a']);
    const partitionData = [{ index: 1, records }];
    await scenario.answer(produce, { acks: 1, timeoutMs: 1, topicData: [{ name: 'orders', partitionData }] }, 9);
    const all = await scenario.answer(describeLogDirs, { topics: null }, 4);
    const [logDir] = all.results;
    assert.deepEqual([logDir?.errorCode, logDir?.logDir, logDir?.topics.length], [Errors.NONE, LOG_DIR, 2]);
    assert.ok(Number(logDir?.totalBytes) > 0 && Number(logDir?.usableBytes) > 0);
    const one = await scenario.answer(describeLogDirs, { topics: [{ topic: 'orders', partitions: [1] }] }, 1);
    assert.deepEqual(one.results[0]?.topics, [
      {
        name: 'orders',
        partitions: [{ partitionIndex: 1, partitionSize: records.length, offsetLag: 0, isFutureKey: false }],
      },
    ]);
  });
});

describe('AlterReplicaLogDirs', () => {
  const cases: [string, string, TopicPartition, string][] = [
    ['a replica that is there', LOG_DIR, { topic: 'orders', partition: 0 }, 'NONE'],
    ['an unknown dir', '/nowhere', { topic: 'orders', partition: 0 }, 'LOG_DIR_NOT_FOUND'],
    ['a partition that does not exist', LOG_DIR, { topic: 'missing', partition: 0 }, 'UNKNOWN_TOPIC_OR_PARTITION'],
  ];
  for (const [what, path, { topic, partition }, error] of cases) {
    test(`with ${what} answers ${error}`, async () => {
      const scenario = await twoTopics();
      const dirs = [{ path, topics: [{ name: topic, partitions: [partition] }] }];
      const response = await scenario.answer(alterReplicaLogDirs, { dirs }, 2);
      assert.deepEqual(response.results, [
        { topicName: topic, partitions: [{ partitionIndex: partition, errorCode: Errors[error as 'NONE'] }] },
      ]);
    });
  }
});

describe('producers and their transactions', () => {
  const producer = { producerId: 7, producerEpoch: 1, baseSequence: 0, isTransactional: true };

  function toProduce(records: Buffer) {
    const topicData = [{ name: 'orders', partitionData: [{ index: 0, records }] }];
    return { transactionalId: 'tx', acks: -1, timeoutMs: 1000, topicData };
  }

  async function producersOf(scenario: ReplicaScenario, topic = 'orders') {
    const topics = [{ name: topic, partitionIndexes: [0] }];
    const [partition] = (await scenario.answer(describeProducers, { topics }, 0)).topics[0]?.partitions ?? [];
    assert.ok(partition);
    return partition;
  }

  test('DescribeProducers shows an open transaction, and its end', async () => {
    const scenario = await twoTopics();
    await scenario.answer(produce, toProduce(batchOf(['a', 'b'], producer)), 9);
    const [open] = (await producersOf(scenario)).activeProducers;
    assert.deepEqual(
      [open?.producerId, open?.producerEpoch, open?.lastSequence, open?.currentTxnStartOffset],
      [7, 1, 1, 0],
    );
    const topics = [{ name: 'orders', partitionIndexes: [0] }];
    const marker = { producerId: 7, producerEpoch: 1, transactionResult: true, coordinatorEpoch: 3, topics };
    const written = await scenario.answer(writeTxnMarkers, { markers: [marker] }, 1);
    assert.deepEqual(written.markers, [
      { producerId: 7, topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, errorCode: Errors.NONE }] }] },
    ]);
    const [ended] = (await producersOf(scenario)).activeProducers;
    assert.deepEqual([ended?.coordinatorEpoch, ended?.currentTxnStartOffset], [3, -1]);
    assert.equal((await producersOf(scenario, 'missing')).errorCode, Errors.UNKNOWN_TOPIC_OR_PARTITION);
  });

  test('a marker in __consumer_offsets makes the group coordinator end the transaction too', async () => {
    const ended: unknown[] = [];
    const onTransactionMarker = (...given: unknown[]) => ended.push(given);
    const groupCoordinator = { onTransactionMarker } as Partial<GroupCoordinator> as GroupCoordinator;
    const scenario = await twoTopics({ services: { groupCoordinator } });
    const topics = [
      { name: '__consumer_offsets', partitionIndexes: [0, 9] },
      { name: 'orders', partitionIndexes: [0] },
    ];
    const marker = { producerId: 7, producerEpoch: 1, transactionResult: false, coordinatorEpoch: 3, topics };
    const response = await scenario.answer(writeTxnMarkers, { markers: [marker] }, 1);
    assert.deepEqual(
      response.markers[0]?.topics.map(({ partitions }) => partitions.map(({ errorCode }) => errorName(errorCode))),
      [['NONE', 'UNKNOWN_TOPIC_OR_PARTITION'], ['NONE']],
    );
    assert.deepEqual(ended, [[0, 7, 'abort']]);
  });

  const verdicts: [ErrorCode, string, string | null][] = [
    [Errors.NONE, 'NONE', null],
    [Errors.INVALID_TXN_STATE, 'INVALID_TXN_STATE', 'Partition was not added to the transaction'],
    [
      Errors.CONCURRENT_TRANSACTIONS,
      'NOT_ENOUGH_REPLICAS',
      'Unable to verify the partition has been added to the transaction. Underlying error: CONCURRENT_TRANSACTIONS',
    ],
  ];
  for (const [verdict, error, message] of verdicts) {
    test(`a first batch that the coordinator judges ${errorName(verdict)} is answered ${error} (KIP-890)`, async () => {
      let asked = 0;
      const verify = () => {
        asked++;
        return Promise.resolve(verdict);
      };
      const scenario = await twoTopics({ transactionVerifier: { verify } });
      const response = await scenario.answer(produce, toProduce(batchOf(['a'], producer)), 9);
      const [result] = response.responses[0]?.partitionResponses ?? [];
      assert.deepEqual([errorName(result?.errorCode ?? -1), result?.errorMessage], [error, message]);
      if (verdict !== Errors.NONE) return;
      const second = batchOf(['b'], { ...producer, baseSequence: 1 });
      const again = await scenario.answer(produce, toProduce(second), 9);
      assert.equal(again.responses[0]?.partitionResponses[0]?.baseOffset, 1);
      assert.equal(asked, 1);
    });
  }
});

describe('DescribeTopicPartitions', () => {
  test('goes page by page through topics in order of their names', async () => {
    const scenario = await twoTopics();
    const first = await scenario.answer(describeTopicPartitions, { topics: [], responsePartitionLimit: 2 }, 0);
    assert.deepEqual(
      first.topics.map(({ name, partitions }) => [name, partitions.map(({ partitionIndex }) => partitionIndex)]),
      [
        ['__consumer_offsets', [0]],
        ['orders', [0]],
      ],
    );
    assert.deepEqual(first.nextCursor, { topicName: 'orders', partitionIndex: 1 });
    const rest = await scenario.answer(describeTopicPartitions, { topics: [], cursor: first.nextCursor }, 0);
    assert.deepEqual(
      rest.topics.map(({ name, partitions }) => [name, partitions.map(({ partitionIndex }) => partitionIndex)]),
      [['orders', [1]]],
    );
    assert.equal(rest.nextCursor, null);
  });

  test('says which of the topics asked for are not there', async () => {
    const scenario = await twoTopics();
    const topics = [{ name: 'orders' }, { name: 'missing' }, { name: 'a/b' }];
    const response = await scenario.answer(describeTopicPartitions, { topics }, 0);
    assert.deepEqual(
      response.topics.map(({ name, errorCode }) => [name, errorName(errorCode)]),
      [
        ['a/b', 'INVALID_TOPIC_EXCEPTION'],
        ['missing', 'UNKNOWN_TOPIC_OR_PARTITION'],
        ['orders', 'NONE'],
      ],
    );
  });
});
