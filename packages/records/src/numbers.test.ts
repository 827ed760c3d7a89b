import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvalidRecordError } from './errors.ts';
import { readInt64, sizeOfVarint, sizeOfVarlong, writeInt64, writeVarint, writeVarlong } from './numbers.ts';
import { RecordCursor } from './record-cursor.ts';

const INTS = [0, 1, -1, 63, -64, 64, -65, 8191, -8192, 8192, 2 ** 20, -(2 ** 27), 2 ** 31 - 1, -(2 ** 31)];
const LONGS = [...INTS, 2 ** 31, -(2 ** 31) - 1, 2 ** 40, -(2 ** 48), 2 ** 53 - 1, -(2 ** 53) + 1];

test('int64 is written as Node writes it and read back', () => {
  const buffer = Buffer.alloc(8);
  for (const value of LONGS) {
    writeInt64(buffer, value, 0);
    assert.equal(buffer.readBigInt64BE(), BigInt(value));
    assert.equal(readInt64(buffer, 0), value);
  }
});

test('an int64 beyond 2^53 − 1 saturates', () => {
  const buffer = Buffer.alloc(8);
  for (const value of [2n ** 53n, 2n ** 63n - 1n]) {
    buffer.writeBigInt64BE(value);
    assert.equal(readInt64(buffer, 0), Number.MAX_SAFE_INTEGER);
    buffer.writeBigInt64BE(-value - 1n);
    assert.equal(readInt64(buffer, 0), Number.MIN_SAFE_INTEGER);
  }
});

test('varints have the size they say and the bytes of Protocol Buffers', () => {
  const buffer = Buffer.alloc(10);
  for (const value of LONGS) {
    const zigzag = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n));
    const expected = varintBytes(zigzag);
    assert.deepEqual(buffer.subarray(0, writeVarlong(buffer, value, 0)), expected, `varlong ${value}`);
    assert.equal(sizeOfVarlong(value), expected.length);
    if (value < -(2 ** 31) || value >= 2 ** 31) continue;
    assert.deepEqual(buffer.subarray(0, writeVarint(buffer, value, 0)), expected, `varint ${value}`);
    assert.equal(sizeOfVarint(value), expected.length);
  }
});

test('a cursor reads every timestamp and offset delta, and saturates what no number holds', () => {
  for (const value of [...LONGS.map(BigInt), 2n ** 53n, -(2n ** 54n), 2n ** 63n - 1n, -(2n ** 63n)]) {
    const cursor = new RecordCursor(...recordWith(value, 5));
    cursor.next();
    const saturated = value > 2n ** 53n - 1n ? 2n ** 53n - 1n : value < -(2n ** 53n) + 1n ? -(2n ** 53n) + 1n : value;
    assert.equal(cursor.timestampDelta, Number(saturated));
    assert.equal(cursor.offsetDelta, 5);
    cursor.ensureNoneRemaining();
  }
  for (const value of INTS) {
    const cursor = new RecordCursor(...recordWith(0n, value));
    cursor.next();
    assert.equal(cursor.offsetDelta, value);
  }
});

test('a cursor refuses lengths that contradict each other', () => {
  const cases: Record<string, number[]> = {
    'an empty buffer': [],
    'a size of 0': [0],
    'a negative size': [1],
    'a size beyond the end': [20, 0, 0, 0, 1, 1, 0],
    'a size longer than its fields': [14, 0, 0, 0, 1, 1, 0, 0],
    'a key of −2 bytes': [12, 0, 0, 0, 3, 1, 0],
    'a key beyond the record': [12, 0, 0, 0, 8, 1, 0],
    'a value beyond the record': [12, 0, 0, 0, 1, 8, 0],
    'headers that are not there': [12, 0, 0, 0, 1, 1, 2],
    'a negative number of headers': [12, 0, 0, 0, 1, 1, 1],
    'a header with a null key': [16, 0, 0, 0, 1, 1, 2, 1, 1],
    'an endless varint': [12, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    'an endless varlong': [28, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0],
  };
  for (const [name, bytes] of Object.entries(cases)) {
    assert.throws(() => new RecordCursor(Buffer.from(bytes), 0, bytes.length).next(), InvalidRecordError, name);
  }
});

function varintBytes(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]);
}

function recordWith(timestampDelta: bigint, offsetDelta: number): [Buffer, number, number] {
  const zigzag = BigInt.asUintN(64, (timestampDelta << 1n) ^ (timestampDelta >> 63n));
  const offsetBytes = Buffer.alloc(5);
  const offset = offsetBytes.subarray(0, writeVarint(offsetBytes, offsetDelta, 0));
  const body = Buffer.concat([Buffer.from([0]), varintBytes(zigzag), offset, Buffer.from([1, 1, 0])]);
  const record = Buffer.concat([Buffer.from([2 * body.length]), body]);
  return [record, 0, record.length];
}
