// Where replicas of new partitions go.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Errors, SeededRandom } from '@ottla/base';
import { assignReplicasToBrokers, type BrokerMetadata } from './assign-replicas-to-brokers.ts';

const random = new SeededRandom(42);

function brokers(racks: readonly (string | null)[]): BrokerMetadata[] {
  return racks.map((rack, id) => ({ id, rack }));
}

function assignment(racks: readonly (string | null)[], partitionCount: number, replicationFactor: number): number[][] {
  const options = { partitionCount, replicationFactor, random, fixedStartIndex: 0 };
  return [...assignReplicasToBrokers(brokers(racks), options).values()];
}

describe('assignment of replicas', () => {
  test('without racks is the one in the documentation of Kafka', () => {
    // AdminUtils: 10 partitions, 5 brokers, 3 replicas.
    assert.deepEqual(assignment([null, null, null, null, null], 10, 3), [
      [0, 1, 2],
      [1, 2, 3],
      [2, 3, 4],
      [3, 4, 0],
      [4, 0, 1],
      [0, 2, 3],
      [1, 3, 4],
      [2, 4, 0],
      [3, 0, 1],
      [4, 1, 2],
    ]);
  });

  test('with racks puts each replica on another rack and spreads leaders', () => {
    const racks = ['a', 'b', 'b', 'c', 'a', 'c'];
    for (const replicas of assignment(racks, 12, 3)) {
      assert.equal(new Set(replicas.map((id) => racks[id])).size, 3, String(replicas));
    }
    const leaders = assignment(racks, 12, 3).map(([leader]) => leader);
    for (let id = 0; id < 6; id++) assert.equal(leaders.filter((leader) => leader === id).length, 2);
  });

  test('with fewer racks than replicas uses every rack and no broker twice', () => {
    const racks = ['a', 'a', 'a', 'b'];
    for (const replicas of assignment(racks, 8, 3)) {
      assert.equal(new Set(replicas).size, 3);
      assert.equal(new Set(replicas.map((id) => racks[id])).size, 2);
    }
  });

  test('every broker can hold one replica each, one broker all partitions', () => {
    for (const replicas of assignment(['a', 'b', 'a'], 5, 3)) assert.deepEqual([...replicas].sort(), [0, 1, 2]);
    assert.deepEqual(assignment([null], 3, 1), [[0], [0], [0]]);
  });

  test('partitions that are added go on where the others ended', () => {
    const options = { partitionCount: 2, replicationFactor: 2, random, fixedStartIndex: 1, startPartition: 4 };
    assert.deepEqual(
      [...assignReplicasToBrokers(brokers([null, null, null]), options)],
      [
        [4, [2, 1]],
        [5, [0, 2]],
      ],
    );
  });

  const refusals: [string, (string | null)[], number, number, number][] = [
    ['no partitions', [null], 0, 1, Errors.INVALID_PARTITIONS],
    ['no replicas', [null], 1, 0, Errors.INVALID_REPLICATION_FACTOR],
    ['more replicas than brokers', [null, null], 1, 3, Errors.INVALID_REPLICATION_FACTOR],
    ['racks of some only', ['a', null], 1, 2, Errors.UNKNOWN_SERVER_ERROR],
  ];
  for (const [what, racks, partitionCount, replicationFactor, code] of refusals) {
    test(`refuses ${what}`, () => {
      assert.throws(() => assignment(racks, partitionCount, replicationFactor), { code });
    });
  }
});
