// What a broker knows after the controller's UpdateMetadata requests.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Errors, FakeClock, ZERO_UUID } from '@ottla/base';
import type { Decoded, UpdateMetadataRequest } from '@ottla/protocol';
import { MetadataCache } from './metadata-cache.ts';

type Request = Decoded<UpdateMetadataRequest>;
type Partition = Request['topicStates'][number]['partitionStates'][number];

const ID = 'q6hBu1XfSeGYNm5tkkU4Kg';

function partition(partitionIndex: number, fields: Partial<Partition> = {}): Partition {
  return {
    topicName: '',
    partitionIndex,
    controllerEpoch: 1,
    leader: 1,
    leaderEpoch: 3,
    isr: [1, 2],
    zkVersion: 0,
    replicas: [1, 2],
    offlineReplicas: [],
    ...fields,
  };
}

function broker(id: number, listeners: readonly string[] = ['PLAINTEXT']): Request['liveBrokers'][number] {
  const endpoints = listeners.map((listener) => ({ host: `h${id}`, port: 9092, listener, securityProtocol: 0 }));
  return { id, v0Host: '', v0Port: 0, endpoints, rack: null };
}

function request(fields: Partial<Request> = {}): Request {
  return {
    controllerId: 1,
    isKRaftController: false,
    type: 0,
    controllerEpoch: 1,
    brokerEpoch: 0n,
    ungroupedPartitionStates: [],
    topicStates: [],
    liveBrokers: [broker(1), broker(2)],
    ...fields,
  };
}

function topic(topicName: string, partitions: Partition[], topicId = ID): Request['topicStates'][number] {
  return { topicName, topicId, partitionStates: partitions };
}

describe('metadata cache', () => {
  test('keeps partitions that a request does not name, replaces brokers as a whole', () => {
    const cache = new MetadataCache();
    cache.updateMetadata(request({ topicStates: [topic('a', [partition(0), partition(1)])] }));
    cache.updateMetadata(
      request({ topicStates: [topic('a', [partition(1, { leader: 2 })])], liveBrokers: [broker(2)] }),
    );
    assert.equal(cache.getPartitionInfo('a', 0)?.leader, 1);
    assert.equal(cache.getPartitionInfo('a', 1)?.leader, 2);
    assert.deepEqual(cache.getAliveBrokerNodes('PLAINTEXT'), [{ id: 2, host: 'h2', port: 9092, rack: null }]);
  });

  test('a snapshot taken before an update stays as it was', () => {
    const cache = new MetadataCache();
    cache.updateMetadata(request({ topicStates: [topic('a', [partition(0)])] }));
    const { snapshot } = cache;
    cache.updateMetadata(request({ topicStates: [topic('a', [partition(0, { leader: 2 }), partition(1)])] }));
    assert.equal(snapshot.partitionStates.get('a')?.size, 1);
    assert.equal(snapshot.partitionStates.get('a')?.get(0)?.leader, 1);
  });

  test('leader −2 deletes a partition, and the topic with its last one', () => {
    const cache = new MetadataCache();
    cache.updateMetadata(request({ topicStates: [topic('a', [partition(0), partition(1)])] }));
    const deleted = cache.updateMetadata(request({ topicStates: [topic('a', [partition(1, { leader: -2 })])] }));
    assert.deepEqual(deleted, [{ topic: 'a', partition: 1 }]);
    assert.equal(cache.getTopicName(ID), 'a');
    cache.updateMetadata(request({ topicStates: [topic('a', [partition(0, { leader: -2 })])] }));
    assert.equal(cache.containsTopic('a'), false);
    assert.equal(cache.getTopicId('a'), ZERO_UUID);
    assert.equal(cache.getTopicName(ID), undefined);
  });

  test('requests of versions before 5 group nothing, of version 0 name one address', () => {
    const cache = new MetadataCache();
    const partitions = [partition(0, { topicName: 'a' }), partition(0, { topicName: '__proto__' })];
    const old = { id: 1, v0Host: 'old', v0Port: 1, endpoints: [], rack: null };
    cache.updateMetadata(request({ ungroupedPartitionStates: partitions, liveBrokers: [old] }));
    assert.deepEqual(cache.getAllTopics(), ['a', '__proto__']);
    assert.equal(cache.getAliveBrokerNode(1, 'PLAINTEXT')?.host, 'old');
  });

  test('partitions come in order, with what versions can be told of missing leaders and replicas', () => {
    const cache = new MetadataCache();
    cache.updateMetadata(
      request({
        topicStates: [
          topic('a', [
            partition(2),
            partition(0, { leader: 9 }),
            partition(1, { leader: 2, replicas: [2, 9], isr: [2] }),
          ]),
          topic('__consumer_offsets', [partition(0)], ZERO_UUID),
        ],
        liveBrokers: [broker(1, ['PLAINTEXT', 'SSL']), broker(2)],
      }),
    );
    const errors = (listener: string, options = {}) =>
      cache.getTopicMetadata(['a'], listener, options)[0]?.partitions.map(({ errorCode }) => errorCode);
    assert.deepEqual(errors('PLAINTEXT'), [Errors.LEADER_NOT_AVAILABLE, Errors.NONE, Errors.NONE]);
    assert.deepEqual(errors('PLAINTEXT', { errorUnavailableEndpoints: true }), [
      Errors.LEADER_NOT_AVAILABLE,
      Errors.REPLICA_NOT_AVAILABLE,
      Errors.NONE,
    ]);
    assert.deepEqual(errors('SSL', { errorUnavailableListeners: true }), [
      Errors.LEADER_NOT_AVAILABLE,
      Errors.LISTENER_NOT_FOUND,
      Errors.NONE,
    ]);
    assert.deepEqual(errors('SSL'), [Errors.LEADER_NOT_AVAILABLE, Errors.LEADER_NOT_AVAILABLE, Errors.NONE]);
    const [offsets] = cache.getTopicMetadata(['__consumer_offsets', 'unknown'], 'PLAINTEXT');
    assert.deepEqual([offsets?.isInternal, offsets?.topicId], [true, ZERO_UUID]);
  });

  test('descriptions stop at the limit and say where to go on', () => {
    const cache = new MetadataCache();
    const three = [partition(0), partition(1), partition(2)];
    cache.updateMetadata(request({ topicStates: [topic('a', three), topic('b', three, ZERO_UUID)] }));
    const describe = (firstPartition: number, partitionCountMax: number, topics = ['a', 'b']) => {
      const query = {
        topics,
        listenerName: 'PLAINTEXT',
        firstPartition,
        partitionCountMax,
        ignoreUnknownTopics: false,
      };
      const { topics: found, nextCursor } = cache.describeTopicPartitions(query);
      return [found.map(({ name, partitions }) => [name, partitions.map((p) => p.partitionIndex)]), nextCursor];
    };
    assert.deepEqual(describe(0, 2), [[['a', [0, 1]]], { topicName: 'a', partitionIndex: 2 }]);
    assert.deepEqual(describe(2, 2), [
      [
        ['a', [2]],
        ['b', [0]],
      ],
      { topicName: 'b', partitionIndex: 1 },
    ]);
    assert.deepEqual(describe(0, 3), [[['a', [0, 1, 2]]], { topicName: 'b', partitionIndex: 0 }]);
    assert.deepEqual(describe(0, 9, ['x']), [[['x', []]], null]);
  });

  test('whoever waits hears of the update, or of the end of time', async () => {
    const clock = new FakeClock();
    const cache = new MetadataCache();
    const waits = cache.waitUntil(() => cache.containsTopic('a'), { clock, timeoutMs: 100 });
    const waitsInVain = cache.waitUntil(() => cache.containsTopic('b'), { clock, timeoutMs: 100 });
    cache.updateMetadata(request({ topicStates: [topic('a', [partition(0)])] }));
    assert.equal(await waits, true);
    await clock.advance(100);
    assert.equal(await waitsInVain, false);
    assert.equal(clock.pendingCount, 0);
  });
});
