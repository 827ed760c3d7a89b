// Against record sets that Apache Kafka wrote: every format, compression, timestamp type, control records.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { openRecords } from './default-records.ts';
import {
  batchesIn,
  type CompressionType,
  compress,
  decompress,
  endTransactionMarker,
  loadCompressionCodecs,
  type Magic,
  type RecordBatch,
  RecordsBuilder,
  readEndTransactionMarker,
  type TimestampType,
} from './index.ts';

interface GoldenRecord {
  offset: number;
  timestamp: number;
  keyHex: string | null;
  valueHex: string | null;
  headers: { key: string; valueHex: string | null }[];
}
interface GoldenBatch {
  magic: Magic;
  baseOffset: number;
  lastOffset: number;
  compression: CompressionType;
  timestampType: TimestampType;
  maxTimestamp: number;
  producerId: number;
  producerEpoch: number;
  baseSequence: number;
  isTransactional: boolean;
  isControlBatch: boolean;
  partitionLeaderEpoch: number;
  records: GoldenRecord[];
}
interface GoldenSet {
  name: string;
  hex: string;
  batches: GoldenBatch[];
}

const file = `${process.env.KAFKA_FACTS ?? '../shared/kafka'}/vectors/record-batches.jsonl`;
const isThere = existsSync(file);
const skip = isThere || process.env.CI === 'true' ? false : `no golden data at ${file}`;
const sets: GoldenSet[] = isThere
  ? readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  : [];

describe('record sets written by Kafka', { skip }, () => {
  before(loadCompressionCodecs);

  test('are all there', () => assert.equal(sets.length, 68));

  for (const set of sets) {
    test(`${set.name} decodes to the same batches and records`, () => {
      const batches = [...batchesIn(Buffer.from(set.hex, 'hex'))];
      for (const batch of batches) batch.ensureValid();
      assert.deepEqual(batches.map(describeBatch), set.batches.map(withSequences));
      assert.equal(
        batches.reduce((size, batch) => size + batch.sizeInBytes, 0),
        set.hex.length / 2,
      );
    });
  }

  for (const set of sets.filter(({ batches }) => batches[0]?.compression === 'none')) {
    test(`${set.name} is encoded to the same bytes`, () => {
      assert.equal(encode([...batchesIn(Buffer.from(set.hex, 'hex'))]).toString('hex'), set.hex);
    });
  }

  for (const set of sets.filter(({ batches }) => batches[0]?.compression !== 'none')) {
    test(`${set.name} survives being packed and built again`, () => {
      const batches = [...batchesIn(Buffer.from(set.hex, 'hex'))];
      const [again, ...others] = [...batchesIn(encode(batches))];
      assert.equal(others.length, 0);
      assert.ok(again);
      again.ensureValid();
      assert.deepEqual(describeBatch(again), set.batches.map(withSequences)[0]);
    });
  }

  test('transaction markers are made and read as Kafka does', () => {
    for (const type of ['commit', 'abort'] as const) {
      const golden = sets.find(({ name }) => name === `control-${type}`);
      const options = { type, coordinatorEpoch: 9, producerId: 77, producerEpoch: 4, timestamp: 1600000000000 };
      const marker = endTransactionMarker({ ...options, baseOffset: 55, partitionLeaderEpoch: 3 });
      assert.equal(marker.toString('hex'), golden?.hex);
      const [record] = [...batchesIn(marker)].flatMap((batch) => [...batch.records()]);
      assert.deepEqual(record && readEndTransactionMarker(record), { type, coordinatorEpoch: 9 });
    }
  });

  test('the header checksum of an lz4 frame is the historic one in format 0 and the right one later', () => {
    const marks = (['magic0', 'magic1', 'magic2'] as const).map((magic) => {
      const set = sets.find(({ name }) => name === `${magic}-lz4-CreateTime-0`);
      const bytes = Buffer.from(set?.hex ?? '', 'hex');
      return bytes[bytes.indexOf('04224d18', 0, 'hex') + 6];
    });
    for (const magic of [0, 1, 2] as const) {
      const frame = compress('lz4', Buffer.from('abc'), undefined, magic);
      assert.equal(frame[6], marks[magic]);
      assert.equal(decompress('lz4', frame, { maxSizeInBytes: 3, magic }).toString(), 'abc');
    }
  });
});

function describeBatch(batch: RecordBatch): unknown {
  return {
    magic: batch.magic,
    baseOffset: batch.baseOffset,
    lastOffset: batch.lastOffset,
    compression: batch.compressionType,
    timestampType: batch.timestampType,
    maxTimestamp: batch.maxTimestamp,
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    isTransactional: batch.isTransactional,
    isControlBatch: batch.isControlBatch,
    partitionLeaderEpoch: batch.partitionLeaderEpoch,
    records: [...batch.records()].map((record) => ({
      offset: record.offset,
      timestamp: record.timestamp,
      sequence: record.sequence,
      keyHex: record.key?.toString('hex') ?? null,
      valueHex: record.value?.toString('hex') ?? null,
      headers: record.headers.map(({ key, value }) => ({ key, valueHex: value?.toString('hex') ?? null })),
    })),
  };
}

function withSequences(batch: GoldenBatch): unknown {
  const records = batch.records.map((record) => ({
    ...record,
    sequence: batch.baseSequence < 0 ? -1 : batch.baseSequence + record.offset - batch.baseOffset,
  }));
  return { ...batch, records };
}

function encode(batches: RecordBatch[]): Buffer {
  const [first] = batches;
  assert.ok(first);
  const builder = new RecordsBuilder({
    magic: first.magic,
    compressionType: first.compressionType,
    timestampType: first.timestampType,
    baseOffset: first.baseOffset,
    producerId: first.producerId,
    producerEpoch: first.producerEpoch,
    baseSequence: first.baseSequence,
    isTransactional: first.isTransactional,
    isControl: first.isControlBatch,
    partitionLeaderEpoch: first.partitionLeaderEpoch,
    logAppendTime: first.maxTimestamp,
  });
  for (const batch of batches) {
    // The timestamps a producer gave are still in the records of a LogAppendTime batch, though nobody sees them.
    const cursor = batch.magic === 2 ? openRecords(batch) : undefined;
    for (const record of batch.records()) {
      cursor?.next();
      const timestamp = cursor === undefined ? record.timestamp : batch.baseTimestamp + cursor.timestampDelta;
      builder.appendWithOffset(record.offset, { ...record, timestamp });
    }
  }
  return builder.build();
}
