import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import {
  batchesIn,
  convertRecords,
  crc32c,
  endTransactionMarker,
  loadCompressionCodecs,
  type Magic,
  RecordsBuilder,
  type RecordsBuilderOptions,
  UnsupportedCompressionError,
} from './index.ts';

const RECORDS = [
  {
    timestamp: 1_000,
    key: Buffer.from('k0'),
    value: Buffer.from('v0'),
    headers: [{ key: 'h', value: Buffer.from('1') }],
  },
  { timestamp: 3_000, key: null, value: Buffer.from('v1') },
  { timestamp: 2_000, key: Buffer.from('k2'), value: null },
];

/** Records at offsets 100, 105 and 110, as compaction leaves them. */
function build(magic: Magic, options: Partial<RecordsBuilderOptions> = {}): Buffer {
  const timestampType = magic === 0 ? 'NoTimestampType' : 'CreateTime';
  const builder = new RecordsBuilder({ magic, compressionType: 'none', timestampType, baseOffset: 100, ...options });
  RECORDS.forEach((record, i) => {
    builder.appendWithOffset(100 + 5 * i, record);
  });
  return builder.build();
}

function recordsOf(bytes: Buffer) {
  return [...batchesIn(bytes)].flatMap((batch) => {
    batch.ensureValid();
    return [...batch.records()];
  });
}

before(loadCompressionCodecs);

describe('convertRecords', () => {
  for (const from of [0, 1, 2] as const) {
    for (const to of [0, 1, 2] as const) {
      for (const compressionType of ['none', 'gzip', 'snappy', 'lz4'] as const) {
        test(`from ${from} to ${to} with ${compressionType} keeps offsets, keys, values and what timestamps there are`, () => {
          const converted = convertRecords(build(from, { compressionType }), { toMagic: to, upConvert: true });
          for (const batch of batchesIn(converted)) {
            assert.equal(batch.magic, to);
            assert.equal(batch.compressionType, compressionType);
          }
          const expected = RECORDS.map((record, i) => ({
            offset: 100 + 5 * i,
            timestamp: from === 0 || to === 0 ? -1 : record.timestamp,
            key: record.key,
            value: record.value,
            headers: from === 2 && to === 2 ? (record.headers ?? []) : [],
            sequence: -1,
          }));
          assert.deepEqual(recordsOf(converted), expected);
        });
      }
    }
  }

  test('leaves older formats alone unless asked', () => {
    const bytes = Buffer.concat([build(0), build(1), build(2)]);
    const magics = [...batchesIn(convertRecords(bytes, { toMagic: 1 }))].map((batch) => batch.magic);
    assert.deepEqual(magics, [0, 0, 0, 1, 1, 1, 1, 1, 1]);
  });

  test('begins no batch after so many bytes came out, and one at least', () => {
    const bytes = Buffer.concat([build(2), build(2, { compressionType: 'gzip' }), build(2)]);
    const count = (maxBytes: number) => recordsOf(convertRecords(bytes, { toMagic: 1, maxBytes })).length;
    const all = recordsOf(convertRecords(bytes, { toMagic: 1 })).length;
    assert.deepEqual([count(0), count(1), count(1_000_000)], [all / 3, all / 3, all]);
    const unpacked = recordsOf(build(2)).reduce(
      (size, { key, value }) => size + (key?.length ?? 0) + (value?.length ?? 0),
      0,
    );
    assert.equal(count(unpacked + 1), (all / 3) * 2);
  });

  test('LogAppendTime comes along', () => {
    for (const compressionType of ['none', 'gzip'] as const) {
      const bytes = build(2, { compressionType, timestampType: 'LogAppendTime', logAppendTime: 9_000 });
      const converted = convertRecords(bytes, { toMagic: 1 });
      assert.deepEqual(
        recordsOf(converted).map(({ timestamp }) => timestamp),
        [9_000, 9_000, 9_000],
      );
      for (const batch of batchesIn(converted)) assert.equal(batch.timestampType, 'LogAppendTime');
    }
  });

  test('leaves control batches out for formats that do not know them', () => {
    const marker = endTransactionMarker({
      type: 'commit',
      producerId: 1,
      producerEpoch: 0,
      coordinatorEpoch: 0,
      timestamp: 1,
    });
    assert.equal(convertRecords(marker, { toMagic: 1 }).length, 0);
    assert.equal(recordsOf(convertRecords(Buffer.concat([marker, build(2)]), { toMagic: 0 })).length, 3);
    assert.deepEqual(convertRecords(marker, { toMagic: 2 }), marker);
  });

  test('leaves out messages before the first offset asked for, but not out of a wrapper', () => {
    const offsets = (compressionType: 'none' | 'gzip') =>
      recordsOf(convertRecords(build(2, { compressionType }), { toMagic: 1, firstOffset: 105 })).map(
        ({ offset }) => offset,
      );
    assert.deepEqual(offsets('none'), [105, 110]);
    assert.deepEqual(offsets('gzip'), [100, 105, 110]);
    assert.equal(convertRecords(build(2), { toMagic: 0, firstOffset: 111 }).length, 0);
  });

  test('leaves out an incomplete last batch', () => {
    const bytes = Buffer.concat([build(2), build(2).subarray(0, 90)]);
    assert.equal(recordsOf(convertRecords(bytes, { toMagic: 1 })).length, 3);
  });

  test('zstd does not go to older formats', () => {
    assert.throws(
      () => convertRecords(build(2, { compressionType: 'zstd' }), { toMagic: 1 }),
      UnsupportedCompressionError,
    );
  });

  test('what comes before zstd does go to older formats', () => {
    const plain = build(2, {});
    const both = Buffer.concat([plain, build(2, { compressionType: 'zstd' })]);
    assert.deepEqual(convertRecords(both, { toMagic: 1 }), convertRecords(plain, { toMagic: 1 }));
  });

  test('leaves out timestamps before 1970, which formats 0 and 1 cannot have', () => {
    const bytes = build(2);
    // The base timestamp; records are 0, 2 and 1 seconds later.
    bytes.writeBigInt64BE(-1_500n, 27);
    bytes.writeUInt32BE(crc32c(bytes, 21, bytes.length), 17);
    assert.deepEqual(
      recordsOf(convertRecords(bytes, { toMagic: 1 })).map(({ timestamp }) => timestamp),
      [-1, 500, -1],
    );
    assert.deepEqual(
      recordsOf(convertRecords(bytes, { toMagic: 0 })).map(({ value }) => String(value)),
      ['v0', 'v1', 'null'],
    );
  });
});
