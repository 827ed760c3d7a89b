import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { Errors, KafkaError } from '@ottla/base';
import {
  batchesIn,
  type CompressionType,
  compress,
  endTransactionMarker,
  InvalidRecordError,
  InvalidTimestampError,
  loadCompressionCodecs,
  type Magic,
  RecordsBuilder,
  type RecordsBuilderOptions,
  type RecordToAppend,
  type ValidationOptions,
  validateMessagesAndAssignOffsets,
} from './index.ts';

const NOW = 1_700_000_000_000;
const TYPES: readonly CompressionType[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
const OPTIONS: ValidationOptions = {
  now: NOW,
  firstOffset: 40,
  toMagic: 2,
  origin: 'client',
  timestampType: 'CreateTime',
  timestampBeforeMaxMs: Number.MAX_SAFE_INTEGER,
  timestampAfterMaxMs: 3_600_000,
  compactedTopic: false,
  compressionType: 'producer',
  partitionLeaderEpoch: 7,
};

const RECORDS = [
  { timestamp: NOW - 3, key: Buffer.from('k0'), value: Buffer.from('v0') },
  { timestamp: NOW - 1, key: Buffer.from('k1'), value: null },
  { timestamp: NOW - 2, key: Buffer.from('k2'), value: Buffer.from('v2') },
];

function build(options: Partial<RecordsBuilderOptions> = {}, records: readonly RecordToAppend[] = RECORDS): Buffer {
  const magic = options.magic ?? 2;
  const builder = new RecordsBuilder({
    magic,
    compressionType: 'none',
    timestampType: magic === 0 ? 'NoTimestampType' : 'CreateTime',
    baseOffset: 0,
    ...options,
  });
  for (const record of records) builder.append(record);
  return builder.build();
}

function validate(records: Buffer, options: Partial<ValidationOptions> = {}) {
  return validateMessagesAndAssignOffsets(records, { ...OPTIONS, ...options });
}

function codeOf(validation: () => unknown): number {
  try {
    validation();
  } catch (error) {
    assert.ok(error instanceof KafkaError, String(error));
    return error.code;
  }
  return Errors.NONE;
}

/** The one batch of `bytes`, changed, its checksum right again. */
function changed(bytes: Buffer, change: (batch: Buffer) => void): Buffer {
  change(bytes);
  const [batch] = [...batchesIn(bytes)];
  assert.ok(batch);
  // Setting a timestamp to something else and back leaves only the checksum renewed.
  const { timestampType, maxTimestamp } = batch;
  batch.setMaxTimestamp(timestampType, maxTimestamp + 1);
  batch.setMaxTimestamp(timestampType, maxTimestamp);
  return bytes;
}

function offsetsAndTimestamps(records: Buffer): [number, number][] {
  return [...batchesIn(records)].flatMap((batch) => {
    batch.ensureValid();
    return [...batch.records()].map(({ offset, timestamp }): [number, number] => [offset, timestamp]);
  });
}

before(loadCompressionCodecs);

describe('records that need no rewriting', () => {
  for (const magic of [1, 2] as const) {
    for (const compressionType of TYPES.slice(0, magic === 1 ? 4 : 5)) {
      test(`format ${magic}, ${compressionType}: get their offsets in place`, () => {
        const records = build({ magic, compressionType });
        const size = records.length;
        const result = validate(records, { toMagic: magic });
        assert.equal(result.records, records);
        assert.equal(result.records.length, size);
        assert.equal(result.nextOffset, 43);
        assert.equal(result.maxTimestamp, NOW - 1);
        assert.equal(result.shallowOffsetOfMaxTimestamp, magic === 1 && compressionType === 'none' ? 41 : 42);
        assert.equal(result.messageSizeMaybeChanged, false);
        assert.equal(result.recordConversionStats.recordsConverted, 0);
        assert.deepEqual(offsetsAndTimestamps(records), [
          [40, NOW - 3],
          [41, NOW - 1],
          [42, NOW - 2],
        ]);
        for (const batch of batchesIn(records)) assert.equal(batch.partitionLeaderEpoch, magic === 2 ? 7 : -1);
      });

      test(`format ${magic}, ${compressionType}: get the time of the append where the topic says so`, () => {
        const result = validate(build({ magic, compressionType }), { toMagic: magic, timestampType: 'LogAppendTime' });
        assert.equal(result.maxTimestamp, NOW);
        assert.equal(result.shallowOffsetOfMaxTimestamp, magic === 1 && compressionType === 'none' ? 40 : 42);
        assert.deepEqual(offsetsAndTimestamps(result.records), [
          [40, NOW],
          [41, NOW],
          [42, NOW],
        ]);
        for (const batch of batchesIn(result.records)) assert.equal(batch.timestampType, 'LogAppendTime');
      });
    }
  }

  test('format 0 gets offsets and no timestamps', () => {
    const result = validate(build({ magic: 0 }), { toMagic: 0 });
    assert.deepEqual([result.nextOffset, result.maxTimestamp, result.shallowOffsetOfMaxTimestamp], [43, -1, -1]);
    assert.deepEqual(offsetsAndTimestamps(result.records), [
      [40, -1],
      [41, -1],
      [42, -1],
    ]);
  });

  test('a wrong maximum timestamp in the header is put right', () => {
    const records = changed(build(), (batch) => batch.writeBigInt64BE(12n, 35));
    const result = validate(records);
    assert.equal(result.maxTimestamp, NOW - 1);
    const [batch] = [...batchesIn(result.records)];
    assert.equal(batch?.isValid(), true);
    assert.equal(batch?.maxTimestamp, NOW - 1);
  });

  test('a batch without timestamps has no largest one', () => {
    const result = validate(build({}, [{ timestamp: -1, key: RECORDS[0]?.key ?? null, value: null }]));
    assert.deepEqual([result.maxTimestamp, result.shallowOffsetOfMaxTimestamp], [-1, -1]);
  });

  test('a coordinator may write control records, and they are not compressed', () => {
    const marker = endTransactionMarker({
      type: 'commit',
      producerId: 1,
      producerEpoch: 0,
      coordinatorEpoch: 2,
      timestamp: NOW,
    });
    const result = validate(marker, { origin: 'coordinator', compressionType: 'gzip' });
    assert.equal(result.records, marker);
    assert.equal(result.nextOffset, 41);
    assert.equal(
      codeOf(() => validate(marker)),
      Errors.INVALID_RECORD,
    );
  });
});

describe('records that must be rewritten', () => {
  for (const from of [0, 1, 2] as const) {
    for (const to of [0, 1, 2] as const) {
      for (const source of ['none', 'gzip', 'lz4'] as const) {
        for (const target of ['none', 'snappy', 'producer'] as const) {
          const rewritten =
            from !== to || (target !== 'producer' && source !== target) || (to === 0 && source !== 'none');
          if (!rewritten) continue;
          test(`format ${from} with ${source} becomes format ${to} with ${target}`, () => {
            const result = validate(build({ magic: from, compressionType: source }), {
              toMagic: to,
              compressionType: target,
            });
            const expected = RECORDS.map(({ timestamp }, i) => [40 + i, from === 0 || to === 0 ? -1 : timestamp]);
            assert.deepEqual(offsetsAndTimestamps(result.records), expected);
            for (const batch of batchesIn(result.records)) {
              assert.equal(batch.magic, to);
              assert.equal(batch.compressionType, target === 'producer' ? source : target);
              assert.equal(batch.partitionLeaderEpoch, to === 2 ? 7 : -1);
            }
            assert.equal(result.nextOffset, 43);
            assert.equal(result.maxTimestamp, from === 0 || to === 0 ? -1 : NOW - 1);
            assert.equal(result.messageSizeMaybeChanged, true);
            assert.equal(result.recordConversionStats.recordsConverted, 3);
            assert.ok(result.recordConversionStats.temporaryMemoryBytes > 0);
          });
        }
      }
    }
  }

  test('keep producer id, epoch, sequence, transaction and headers', () => {
    const options = { producerId: 9, producerEpoch: 3, baseSequence: 100, isTransactional: true };
    const headers = [{ key: 'h', value: Buffer.from('1') }];
    const result = validate(
      build(
        options,
        RECORDS.map((record) => ({ ...record, headers })),
      ),
      { compressionType: 'zstd' },
    );
    const [batch] = [...batchesIn(result.records)];
    assert.ok(batch);
    assert.deepEqual(
      [batch.producerId, batch.producerEpoch, batch.baseSequence, batch.isTransactional],
      [9, 3, 100, true],
    );
    assert.deepEqual(
      [...batch.records()].map((record) => record.headers),
      [headers, headers, headers],
    );
  });

  test('LogAppendTime comes with them', () => {
    const result = validate(build({ magic: 1 }), { timestampType: 'LogAppendTime' });
    assert.deepEqual([result.maxTimestamp, result.shallowOffsetOfMaxTimestamp], [NOW, 42]);
    assert.deepEqual(
      offsetsAndTimestamps(result.records).map(([, timestamp]) => timestamp),
      [NOW, NOW, NOW],
    );
  });

  test('a format 1 wrapper whose messages are all numbered 0, as some old clients write it, is renumbered', () => {
    const message = build({ magic: 1 }, RECORDS.slice(0, 1));
    const value = compress('gzip', Buffer.concat([message, message]), undefined, 1);
    const [wrapper] = [...batchesIn(build({ magic: 1 }, [{ timestamp: NOW, key: null, value }]))];
    assert.ok(wrapper);
    wrapper.buffer.writeUInt8(1, 17);
    wrapper.setMaxTimestamp('CreateTime', NOW - 1);
    const result = validate(wrapper.buffer, { toMagic: 1 });
    assert.deepEqual(
      offsetsAndTimestamps(result.records).map(([offset]) => offset),
      [40, 41],
    );
    assert.equal(result.messageSizeMaybeChanged, true);
  });
});

describe('refusals', () => {
  const cases: [string, () => Buffer, Partial<ValidationOptions>, number][] = [
    ['no batch at all', () => Buffer.alloc(0), {}, Errors.INVALID_RECORD],
    ['a batch cut short', () => build().subarray(0, 80), {}, Errors.CORRUPT_MESSAGE],
    ['bytes after the batch', () => Buffer.concat([build(), Buffer.alloc(5)]), {}, Errors.CORRUPT_MESSAGE],
    ['two batches of format 2', () => Buffer.concat([build(), build()]), {}, Errors.INVALID_RECORD],
    [
      'two compressed messages of format 1',
      () => Buffer.concat([build({ magic: 1, compressionType: 'gzip' }), build({ magic: 1 })]),
      { toMagic: 1 },
      Errors.INVALID_RECORD,
    ],
    [
      'messages of two formats',
      () => Buffer.concat([build({ magic: 0 }), build({ magic: 1 })]),
      {},
      Errors.INVALID_RECORD,
    ],
    ['a wrong checksum', () => flip(build(), 70), {}, Errors.CORRUPT_MESSAGE],
    ['a wrong checksum, format 1', () => flip(build({ magic: 1 }), 30), { toMagic: 1 }, Errors.CORRUPT_MESSAGE],
    ['a control batch of a client', () => build({ isControl: true }), {}, Errors.INVALID_RECORD],
    ['a producer id without sequence', () => build({ producerId: 1, producerEpoch: 0 }), {}, Errors.INVALID_RECORD],
    ['a count of 0', () => changed(build(), (b) => b.writeInt32BE(0, 57)), {}, Errors.INVALID_RECORD],
    ['a count beyond the offsets', () => changed(build(), (b) => b.writeInt32BE(4, 57)), {}, Errors.INVALID_RECORD],
    ['a last offset beyond the count', () => changed(build(), (b) => b.writeInt32BE(9, 23)), {}, Errors.INVALID_RECORD],
    ['a negative last offset delta', () => changed(build(), (b) => b.writeInt32BE(-2, 23)), {}, Errors.INVALID_RECORD],
    ['fewer records than both say', () => changed(build(), (b) => writeCount(b, 4)), {}, Errors.INVALID_RECORD],
    ['more records than both say', () => changed(build(), (b) => writeCount(b, 2)), {}, Errors.INVALID_RECORD],
    ['offset deltas out of order', () => changed(build(), (b) => b.writeUInt8(4, 64)), {}, Errors.INVALID_RECORD],
    [
      'a compression nobody knows',
      () => changed(build(), (b) => b.writeInt16BE(6, 21)),
      {},
      Errors.UNSUPPORTED_COMPRESSION_TYPE,
    ],
    [
      'records that are not what the attributes say',
      () => changed(build(), (b) => b.writeInt16BE(1, 21)),
      {},
      Errors.INVALID_RECORD,
    ],
    [
      'more than may be unpacked',
      () =>
        build({ compressionType: 'gzip' }, [{ timestamp: NOW, key: Buffer.alloc(0), value: Buffer.alloc(100_000) }]),
      { maxDecompressedBytes: 99_999 },
      Errors.INVALID_RECORD,
    ],
    [
      'a transaction in format 1',
      () => build({ isTransactional: true, producerId: 1, producerEpoch: 0, baseSequence: 0 }),
      { toMagic: 1 },
      Errors.UNSUPPORTED_FOR_MESSAGE_FORMAT,
    ],
    [
      'an idempotent producer in format 0',
      () => build({ producerId: 1, producerEpoch: 0, baseSequence: 0 }),
      { toMagic: 0 },
      Errors.UNSUPPORTED_FOR_MESSAGE_FORMAT,
    ],
    ['zstd in format 1', () => build({ compressionType: 'zstd' }), { toMagic: 1 }, Errors.UNSUPPORTED_COMPRESSION_TYPE],
  ];
  for (const [name, records, options, code] of cases) {
    test(`${name} → ${code}`, () =>
      assert.equal(
        codeOf(() => validate(records(), options)),
        code,
      ));
  }

  test('a wrong checksum is not looked for where the caller has done so', () => {
    assert.equal(
      codeOf(() => validate(flip(build(), 9 + 8), { verifyChecksums: false })),
      Errors.NONE,
    );
  });

  test('records without key on a compacted topic, each by its index', () => {
    for (const magic of [1, 2] as const) {
      for (const compressionType of ['none', 'gzip'] as const) {
        const records = RECORDS.map((record, i) => ({ ...record, key: i === 0 ? record.key : null }));
        const bytes = build({ magic, compressionType }, records);
        assert.throws(
          () => validate(bytes, { toMagic: magic, compactedTopic: true }),
          (error) => {
            assert.ok(error instanceof InvalidRecordError);
            assert.equal(error.code, Errors.INVALID_RECORD);
            const indexes = error.recordErrors.map(({ batchIndex }) => batchIndex);
            assert.deepEqual(indexes, magic === 1 && compressionType === 'none' ? [0] : [1, 2]);
            return true;
          },
        );
      }
    }
    assert.equal(
      codeOf(() => validate(build(), { compactedTopic: true })),
      Errors.NONE,
    );
  });

  test('timestamps further from now than allowed, each by its index', () => {
    const at = (...ages: number[]) =>
      ages.map((age) => ({ timestamp: NOW - age, key: Buffer.from('k'), value: Buffer.from('v') }));
    const bounds = { timestampBeforeMaxMs: 1_000, timestampAfterMaxMs: 500 };
    for (const magic of [1, 2] as const) {
      for (const compressionType of ['none', 'lz4'] as const) {
        const check = (...ages: number[]) =>
          validate(build({ magic, compressionType }, at(...ages)), { ...bounds, toMagic: magic });
        check(1_000, -500, 0);
        for (const ages of [
          [0, 1_001],
          [0, -501],
        ]) {
          assert.throws(
            () => check(...ages),
            (error) => {
              assert.ok(error instanceof InvalidTimestampError);
              assert.equal(error.code, Errors.INVALID_TIMESTAMP);
              assert.equal(error.recordErrors[0]?.batchIndex, magic === 1 && compressionType === 'none' ? 0 : 1);
              return true;
            },
          );
        }
      }
    }
    const late = { ...bounds, timestampType: 'LogAppendTime' } as const;
    assert.equal(
      codeOf(() => validate(build({}, at(5_000)), late)),
      Errors.NONE,
      'they are overwritten',
    );
  });

  test('a producer must not say LogAppendTime where the topic does', () => {
    const records = build({ timestampType: 'LogAppendTime', logAppendTime: NOW });
    assert.equal(
      codeOf(() => validate(records, { timestampType: 'LogAppendTime' })),
      Errors.INVALID_TIMESTAMP,
    );
  });

  test('no more than a thousand errors are told', () => {
    const records = Array.from({ length: 2_000 }, () => ({ timestamp: NOW, key: null, value: Buffer.alloc(0) }));
    assert.throws(
      () => validate(build({}, records), { compactedTopic: true }),
      (error) =>
        error instanceof InvalidRecordError && error.recordErrors.length === 1_000 && /2000/.test(error.message),
    );
  });

  test('a message inside a wrapper is checked for format, compression and checksum', () => {
    const inner = (change: (bytes: Buffer) => void, magic: Magic = 1): Buffer => {
      const message = build({ magic }, RECORDS.slice(0, 1));
      change(message);
      const value = compress('gzip', message, undefined, 1);
      const bytes = build({ magic: 1 }, [{ timestamp: NOW, key: null, value }]);
      return changed(bytes, (batch) => batch.writeUInt8(1, 17));
    };
    const check = (bytes: Buffer) => codeOf(() => validate(bytes, { toMagic: 1 }));
    assert.equal(check(inner(() => {})), Errors.NONE);
    assert.equal(check(inner(() => {}, 0)), Errors.INVALID_RECORD);
    assert.equal(check(inner((message) => flip(message, 30))), Errors.CORRUPT_MESSAGE);
    const compressed = inner((message) => changed(message, (bytes) => bytes.writeUInt8(1, 17)));
    assert.equal(check(compressed), Errors.INVALID_RECORD);
  });
});

/** Makes the header say `count` records, in both places. */
function writeCount(batch: Buffer, count: number): void {
  batch.writeInt32BE(count - 1, 23);
  batch.writeInt32BE(count, 57);
}

function flip(bytes: Buffer, position: number): Buffer {
  bytes[position] = (bytes[position] ?? 0) ^ 1;
  return bytes;
}
