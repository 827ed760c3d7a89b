import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { OffsetMap } from './offset-map.ts';

describe('an offset map', () => {
  test('holds the last offset of each key until it is full', () => {
    const map = new OffsetMap(OffsetMap.bytesFor(1000), 0.9);
    for (let i = 0; i < 3000; i++) map.put(Buffer.from(`k${i % 1000}`), i * 1_000_000_007);
    assert.equal(map.size, 1000);
    for (let i = 0; i < 1000; i++) assert.equal(map.get(Buffer.from(`k${i}`)), (2000 + i) * 1_000_000_007);
    assert.equal(map.get(Buffer.from('absent')), -1);
    assert.equal(map.latestOffset, 2999 * 1_000_000_007);
  });

  test('offset 0 counts as an offset', () => {
    const map = new OffsetMap(240);
    map.put(Buffer.from('a'), 0);
    assert.equal(map.get(Buffer.from('a')), 0);
  });

  test('a full one says so', () => {
    const map = new OffsetMap(240, 0.5);
    for (let i = 0; !map.isFull; i++) map.put(Buffer.from(`k${i}`), i);
    assert.equal(map.size, 5);
    assert.throws(() => map.put(Buffer.from('more'), 9), /full/);
  });
});
