import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  batchAt,
  batchesIn,
  CorruptRecordError,
  emptyBatch,
  InvalidRecordError,
  type Magic,
  RecordsBuilder,
} from './index.ts';

const RECORDS = [
  { timestamp: 1_000, key: Buffer.from('k0'), value: Buffer.from('v0'), headers: [{ key: 'h', value: null }] },
  { timestamp: 3_000, key: null, value: Buffer.from('v1') },
  { timestamp: 2_000, key: Buffer.from('k2'), value: null },
];

function build(magic: Magic, baseOffset = 0, baseSequence = -1): Buffer {
  const timestampType = magic === 0 ? 'NoTimestampType' : 'CreateTime';
  const builder = new RecordsBuilder({ magic, compressionType: 'none', timestampType, baseOffset, baseSequence });
  for (const record of RECORDS) builder.append(record);
  return builder.build();
}

function only(bytes: Buffer) {
  const batch = batchAt(bytes, 0);
  assert.ok(batch);
  return batch;
}

describe('batchesIn', () => {
  test('stops before a batch that is cut short, wherever it is cut', () => {
    const first = build(2);
    const second = build(2, 3);
    const both = Buffer.concat([first, second]);
    for (let size = first.length; size < both.length; size++) {
      assert.equal([...batchesIn(both, 0, size)].length, 1, `cut at ${size}`);
    }
    assert.deepEqual(
      [...batchesIn(both)].map((batch) => [batch.position, batch.baseOffset, batch.lastOffset]),
      [
        [0, 0, 2],
        [first.length, 3, 5],
      ],
    );
  });

  test('reads batches of all formats next to each other', () => {
    const bytes = Buffer.concat([build(0), build(1), build(2)]);
    assert.deepEqual(
      [...batchesIn(bytes)].map((batch) => batch.magic),
      [0, 0, 0, 1, 1, 1, 2],
    );
  });

  test('refuses sizes and formats that cannot be', () => {
    for (const [magic, sizeField] of [
      [0, 13],
      [1, 21],
      [2, 48],
      [2, -1],
      [2, -(2 ** 31)],
    ] as const) {
      const bytes = build(magic);
      bytes.writeInt32BE(sizeField, 8);
      assert.throws(() => [...batchesIn(bytes)], CorruptRecordError, `format ${magic}, size ${sizeField}`);
    }
    for (const magic of [3, 127, -1]) {
      const bytes = build(2);
      bytes.writeInt8(magic, 16);
      assert.throws(() => batchAt(bytes, 0), { name: 'CorruptRecordError', position: 0 });
    }
  });
});

describe('RecordBatch', () => {
  for (const magic of [0, 1, 2] as const) {
    test(`of format ${magic}: no byte can change unnoticed but those the checksum does not cover`, () => {
      const bytes = only(build(magic)).bytes();
      const covered = magic === 2 ? 16 : 12;
      for (let position = 8; position < bytes.length; position++) {
        if (magic === 2 && position >= 12 && position < covered) continue;
        for (const flip of [0x01, 0x80, 0xff]) {
          const corrupt = Buffer.from(bytes);
          corrupt[position] = (corrupt[position] ?? 0) ^ flip;
          assert.equal(isValid(corrupt), false, `byte ${position} ^ ${flip}`);
        }
      }
    });
  }

  test('stamps offset and leader epoch without touching the checksum', () => {
    const batch = only(build(2));
    const { crc } = batch;
    batch.setLastOffset(2 ** 40 + 2);
    batch.setPartitionLeaderEpoch(7);
    assert.deepEqual([batch.baseOffset, batch.lastOffset, batch.nextOffset], [2 ** 40, 2 ** 40 + 2, 2 ** 40 + 3]);
    assert.equal(batch.partitionLeaderEpoch, 7);
    assert.equal(batch.crc, crc);
    assert.ok(batch.isValid());
  });

  test('LogAppendTime changes every timestamp, and the checksum with it', () => {
    for (const magic of [1, 2] as const) {
      const batch = only(build(magic));
      batch.setMaxTimestamp('LogAppendTime', 9_000);
      assert.ok(batch.isValid());
      assert.equal(batch.timestampType, 'LogAppendTime');
      assert.ok([...batch.records()].every(({ timestamp }) => timestamp === 9_000));
      batch.setMaxTimestamp('CreateTime', 3_000);
      assert.ok(batch.isValid());
      assert.equal(batch.timestampType, 'CreateTime');
    }
  });

  test('format 0 has no timestamp to set', () => {
    const batch = only(build(0));
    const before = batch.bytes().toString('hex');
    batch.setMaxTimestamp('LogAppendTime', 9_000);
    assert.equal(batch.bytes().toString('hex'), before);
  });

  test('sequences go round after 2^31 − 1', () => {
    const batch = only(build(2, 0, 2 ** 31 - 2));
    assert.deepEqual(
      [...batch.records()].map(({ sequence }) => sequence),
      [2 ** 31 - 2, 2 ** 31 - 1, 0],
    );
    assert.equal(batch.lastSequence, 0);
  });

  test('a record count that is not the records’ is refused when they are read', () => {
    for (const count of [-1, 0, 2, 4, 2 ** 31 - 1]) {
      const bytes = build(2);
      bytes.writeInt32BE(count, 57);
      assert.throws(() => [...only(bytes).records()], InvalidRecordError, `count ${count}`);
    }
  });

  test('an empty batch keeps the range and the producer of what was compacted away', () => {
    const batch = only(
      emptyBatch({
        baseOffset: 10,
        lastOffset: 19,
        timestampType: 'CreateTime',
        timestamp: 5_000,
        producerId: 4,
        producerEpoch: 2,
        baseSequence: 30,
        isTransactional: true,
        isControl: false,
        partitionLeaderEpoch: 6,
      }),
    );
    assert.ok(batch.isValid());
    assert.deepEqual([...batch.records()], []);
    assert.deepEqual([batch.baseOffset, batch.lastOffset, batch.lastSequence, batch.maxTimestamp], [10, 19, 39, 5_000]);
    assert.ok(batch.isTransactional && batch.hasProducerId);
  });

  test('a delete horizon stands in place of the base timestamp and leaves the records’ timestamps alone', () => {
    const builder = new RecordsBuilder({
      magic: 2,
      compressionType: 'none',
      timestampType: 'CreateTime',
      baseOffset: 0,
      deleteHorizonMs: 50_000,
    });
    for (const record of RECORDS) builder.append(record);
    builder.overrideLastOffset(9);
    const batch = only(builder.build());
    assert.equal(batch.deleteHorizonMs, 50_000);
    assert.equal(batch.lastOffset, 9);
    assert.deepEqual(
      [...batch.records()].map(({ timestamp }) => timestamp),
      [1_000, 3_000, 2_000],
    );
    assert.equal(only(build(2)).deleteHorizonMs, undefined);
  });
});

function isValid(bytes: Buffer): boolean {
  try {
    return batchAt(bytes, 0)?.isValid() ?? false;
  } catch (error) {
    assert.ok(error instanceof CorruptRecordError);
    return false;
  }
}
