import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { SeededRandom } from '@ottla/base';
import { gunzipInto } from './gzip-engine.ts';

const random = new SeededRandom(11);
const bytes = Buffer.concat([Buffer.alloc(50_000, 'abc'), random.bytes(10_000)]);
const packed = gzipSync(bytes);

function unpacked(input: Buffer, size = bytes.length): Buffer | undefined {
  const target = Buffer.alloc(size + 1);
  return gunzipInto(input, target) ? target.subarray(0, size) : undefined;
}

test('unpacks to a target with one byte to spare', () => {
  assert.deepEqual(unpacked(packed), bytes);
});

test('unpacks members that were appended to each other', () => {
  assert.equal(unpacked(Buffer.concat([gzipSync('ab'), gzipSync('cd')]), 4)?.toString(), 'abcd');
});

test('does not unpack to more or less room', () => {
  for (const size of [0, bytes.length - 1, bytes.length + 1])
    assert.equal(unpacked(packed, size), undefined, `${size}`);
});

test('refuses what is cut short, changed or followed by something, and unpacks the next all the same', () => {
  for (let size = 0; size < packed.length; size += 101) assert.equal(unpacked(packed.subarray(0, size)), undefined);
  for (let at = packed.length - 8; at < packed.length; at++) {
    const changed = Buffer.from(packed);
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.equal(unpacked(changed), undefined, `byte ${at}`);
    assert.deepEqual(unpacked(packed), bytes);
  }
  assert.equal(unpacked(Buffer.concat([packed, Buffer.from('x')])), undefined);
  assert.equal(unpacked(Buffer.concat([packed, Buffer.alloc(3)])), undefined);
  assert.deepEqual(unpacked(packed), bytes);
});
