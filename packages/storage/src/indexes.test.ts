import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MemoryFileSystem } from '@ottla/base';
import { CorruptIndexError } from './abstract-index.ts';
import { OffsetIndex } from './offset-index.ts';
import { TimeIndex } from './time-index.ts';
import { TransactionIndex } from './transaction-index.ts';

const BASE = 100;

function offsetIndex(fileSystem = new MemoryFileSystem(), indexBytesMax = 1_000_000): OffsetIndex {
  return new OffsetIndex(fileSystem, { path: '/i', baseOffset: BASE, indexBytesMax });
}

function timeIndex(fileSystem = new MemoryFileSystem(), indexBytesMax = 1_000_000): TimeIndex {
  return new TimeIndex(fileSystem, { path: '/t', baseOffset: BASE, indexBytesMax });
}

describe('OffsetIndex', () => {
  // Many entries: some in pages of the file, some waiting in memory.
  for (const count of [0, 1, 2, 511, 512, 513, 2000]) {
    test(`of ${count} entries finds every offset, also after it was opened again`, () => {
      const fileSystem = new MemoryFileSystem();
      const index = offsetIndex(fileSystem);
      for (let i = 0; i < count; i++) index.append(BASE + 10 * i + 5, 1000 * i);
      const check = (each: OffsetIndex): void => {
        assert.equal(each.entryCount, count);
        assert.equal(each.lastOffset, count === 0 ? BASE : BASE + 10 * (count - 1) + 5);
        for (let offset = BASE; offset < BASE + 10 * count + 10; offset += 3) {
          const entry = Math.min(count, Math.floor((offset - BASE - 5) / 10) + 1) - 1;
          const expected =
            entry < 0 ? { offset: BASE, position: 0 } : { offset: BASE + 10 * entry + 5, position: 1000 * entry };
          assert.deepEqual(each.lookup(offset), expected, `offset ${offset}`);
          assert.equal(each.lookupPosition(offset), expected.position);
        }
      };
      check(index);
      index.close();
      assert.equal(fileSystem.statSync('/i')?.sizeInBytes ?? 0, 8 * count);
      check(offsetIndex(fileSystem));
    });
  }

  test('holds offsets up to 2^31 − 1 from its base, in order', () => {
    const index = offsetIndex();
    index.append(BASE + 2 ** 31 - 1, 7);
    assert.deepEqual(index.lookup(BASE + 2 ** 31), { offset: BASE + 2 ** 31 - 1, position: 7 });
    assert.equal(index.canAppendOffset(BASE + 2 ** 31), false);
    assert.throws(() => index.append(BASE + 5, 8), /not above/);
  });

  test('is full at its limit', () => {
    const index = offsetIndex(new MemoryFileSystem(), 20);
    index.append(BASE + 1, 0);
    assert.equal(index.isFull, false);
    index.append(BASE + 2, 1);
    assert.equal(index.isFull, true);
    assert.throws(() => index.append(BASE + 3, 2), /full/);
  });

  for (const [offset, kept] of [
    [BASE, 0],
    [BASE + 5, 0],
    [BASE + 6, 1],
    [BASE + 15, 1],
    [BASE + 16, 2],
    [BASE + 99, 3],
  ] as const) {
    for (const written of [false, true]) {
      test(`truncated to ${offset} keeps ${kept} of 3${written ? ', written' : ''}`, () => {
        const index = offsetIndex();
        for (let i = 0; i < 3; i++) index.append(BASE + 10 * i + 5, i);
        if (written) index.writePending();
        index.truncateTo(offset);
        assert.equal(index.entryCount, kept);
        index.append(BASE + 200, 9);
        assert.deepEqual(index.lookup(BASE + 300), { offset: BASE + 200, position: 9 });
      });
    }
  }

  test('bounds what a fetch of some bytes covers', () => {
    const index = offsetIndex();
    for (let i = 0; i < 3; i++) index.append(BASE + 10 * i + 5, 100 * i);
    assert.deepEqual(index.fetchUpperBoundOffset({ offset: BASE, position: 0 }, 101), {
      offset: BASE + 25,
      position: 200,
    });
    assert.deepEqual(index.fetchUpperBoundOffset({ offset: BASE, position: 0 }, 100), {
      offset: BASE + 15,
      position: 100,
    });
    assert.equal(index.fetchUpperBoundOffset({ offset: BASE, position: 100 }, 101), undefined);
  });

  test('says when it is damaged', () => {
    const fileSystem = new MemoryFileSystem();
    fileSystem.openSync('/i', 'create').writeSync(Buffer.alloc(12, 1), 0);
    assert.throws(() => offsetIndex(fileSystem).sanityCheck(), CorruptIndexError);
    fileSystem.openSync('/i', 'read-write').writeSync(Buffer.alloc(16), 0);
    assert.throws(() => offsetIndex(fileSystem).sanityCheck(), CorruptIndexError);
  });
});

describe('TimeIndex', () => {
  test('finds the last entry at or below a timestamp, over pages', () => {
    const fileSystem = new MemoryFileSystem();
    const index = timeIndex(fileSystem);
    const first = 1_700_000_000_000;
    for (let i = 0; i < 1000; i++) index.maybeAppend(first + 10 * i, BASE + i);
    const check = (each: TimeIndex): void => {
      assert.deepEqual(each.lookup(first - 1), { timestamp: -1, offset: BASE });
      for (let i = 0; i < 1000; i += 7) {
        assert.deepEqual(each.lookup(first + 10 * i), { timestamp: first + 10 * i, offset: BASE + i });
        assert.deepEqual(each.lookup(first + 10 * i + 9), { timestamp: first + 10 * i, offset: BASE + i });
      }
      assert.deepEqual(each.lastEntry, { timestamp: first + 9990, offset: BASE + 999 });
    };
    check(index);
    index.close();
    check(timeIndex(fileSystem));
  });

  test('takes only later timestamps, and keeps a place for the last', () => {
    const index = timeIndex(new MemoryFileSystem(), 36);
    index.maybeAppend(10, BASE);
    index.maybeAppend(10, BASE + 1);
    index.maybeAppend(9, BASE + 2);
    assert.equal(index.entryCount, 1);
    index.maybeAppend(11, BASE + 3);
    assert.equal(index.isFull, true);
    assert.throws(() => index.maybeAppend(12, BASE + 4), /full/);
    index.maybeAppend(12, BASE + 4, true);
    assert.deepEqual(index.lastEntry, { timestamp: 12, offset: BASE + 4 });
    index.truncateTo(BASE + 3);
    assert.deepEqual(index.lastEntry, { timestamp: 10, offset: BASE });
  });
});

describe('TransactionIndex', () => {
  const entry = (first: number, last: number, stable: number) => ({
    producerId: first,
    firstOffset: first,
    lastOffset: last,
    lastStableOffset: stable,
  });

  test('collects what overlaps a range, and knows when it has all', () => {
    const fileSystem = new MemoryFileSystem();
    const index = new TransactionIndex(fileSystem, { path: '/x', baseOffset: 0 });
    for (const each of [entry(0, 10, 11), entry(5, 15, 13), entry(18, 35, 25), entry(32, 50, 40)]) index.append(each);
    const ids = (from: number, to: number): [number[], boolean] => {
      const found = index.collectAborted(from, to);
      return [found.transactions.map((each) => each.producerId), found.isComplete];
    };
    assert.deepEqual(ids(0, 100), [[0, 5, 18, 32], false]);
    assert.deepEqual(ids(0, 32), [[0, 5, 18], true]);
    assert.deepEqual(ids(0, 35), [[0, 5, 18, 32], true]);
    assert.deepEqual(ids(10, 35), [[0, 5, 18, 32], true]);
    assert.deepEqual(ids(11, 35), [[5, 18, 32], true]);
    assert.deepEqual(ids(20, 41), [[18, 32], false]);
    assert.throws(() => index.append(entry(60, 50, 70)), /not behind/);
    index.truncateTo(35);
    assert.deepEqual(ids(0, 100), [[0, 5], false]);
    index.append(entry(60, 70, 71));
    index.close();
    assert.equal(new TransactionIndex(fileSystem, { path: '/x', baseOffset: 0 }).all().length, 3);
  });

  test('says when it is damaged', () => {
    const fileSystem = new MemoryFileSystem();
    const file = fileSystem.openSync('/x', 'create');
    file.writeSync(Buffer.alloc(35), 0);
    const index = (): TransactionIndex => new TransactionIndex(fileSystem, { path: '/x', baseOffset: 5 });
    assert.throws(() => index().sanityCheck(), CorruptIndexError);
    file.truncateSync(34);
    assert.throws(() => index().sanityCheck(), CorruptIndexError);
    file.writeSync(Buffer.from([0, 9]), 0);
    assert.throws(() => index().all(), CorruptIndexError);
  });
});
