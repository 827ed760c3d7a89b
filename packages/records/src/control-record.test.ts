import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  batchAt,
  controlRecordType,
  endTransactionMarker,
  InvalidRecordError,
  type KafkaRecord,
  readEndTransactionMarker,
} from './index.ts';

const OPTIONS = { producerId: 5, producerEpoch: 1, timestamp: 1_000, coordinatorEpoch: 12 };

test('a marker is a transactional control batch of one record', () => {
  const batch = batchAt(endTransactionMarker({ ...OPTIONS, type: 'abort' }), 0);
  assert.ok(batch?.isControlBatch && batch.isTransactional);
  assert.deepEqual([batch.producerId, batch.producerEpoch, batch.baseSequence, batch.recordCount], [5, 1, -1, 1]);
  const [record] = [...batch.records()] as [KafkaRecord];
  assert.equal(controlRecordType(record), 'abort');
  assert.deepEqual(readEndTransactionMarker(record), { type: 'abort', coordinatorEpoch: 12 });
});

test('types of control records go by their number', () => {
  const types = ['abort', 'commit', 'leaderChange', 'snapshotHeader', 'snapshotFooter', 'kraftVersion', 'kraftVoters'];
  for (const [id, type] of [...types, 'unknown'].entries()) {
    assert.equal(controlRecordType({ key: Buffer.from([0, 0, 0, id]) }), type);
  }
  assert.equal(controlRecordType({ key: Buffer.from([0, 0, 0xff, 0xff]) }), 'unknown');
  assert.equal(controlRecordType({ key: Buffer.from([0, 9, 0, 1, 7]) }), 'commit', 'a key of a later version');
});

test('what is no marker is refused', () => {
  const commit = Buffer.from([0, 0, 0, 1]);
  for (const record of [
    { key: null, value: null },
    { key: Buffer.alloc(3), value: Buffer.alloc(6) },
    { key: Buffer.from([0xff, 0xff, 0, 1]), value: Buffer.alloc(6) },
    { key: commit, value: null },
    { key: commit, value: Buffer.alloc(5) },
    { key: commit, value: Buffer.from([0x80, 0, 0, 0, 0, 0]) },
    { key: Buffer.from([0, 0, 0, 2]), value: Buffer.alloc(6) },
  ]) {
    assert.throws(() => readEndTransactionMarker(record), InvalidRecordError);
  }
});
