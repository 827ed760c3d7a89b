import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Fifo } from './fifo.ts';

function shiftAll<T>(fifo: Fifo<T>): T[] {
  const items: T[] = [];
  for (let item = fifo.shift(); item !== undefined; item = fifo.shift()) items.push(item);
  return items;
}

describe('Fifo', () => {
  it('gives back what was pushed, in that order', () => {
    const fifo = new Fifo<number>();
    for (let i = 1; i <= 100; i++) fifo.push(i);
    assert.equal(fifo.length, 100);
    assert.deepEqual(
      shiftAll(fifo),
      Array.from({ length: 100 }, (_, i) => i + 1),
    );
    assert.equal(fifo.length, 0);
    assert.equal(fifo.shift(), undefined);
  });

  it('keeps the order while it turns and grows', () => {
    const fifo = new Fifo<number>();
    const expected: number[] = [];
    let next = 0;
    for (let round = 0; round < 50; round++) {
      for (let i = 0; i < 1 + (round % 7); i++) {
        expected.push(next);
        fifo.push(next++);
      }
      for (let i = 0; i < round % 5; i++) assert.equal(fifo.shift(), expected.shift());
      assert.deepEqual(
        expected.map((_, i) => fifo.at(i)),
        expected,
      );
      assert.equal(fifo.at(expected.length), undefined);
    }
    assert.deepEqual(shiftAll(fifo), expected);
  });

  it('is empty after clear and takes more', () => {
    const fifo = new Fifo<string>();
    for (let i = 0; i < 20; i++) fifo.push('old');
    fifo.clear();
    assert.equal(fifo.length, 0);
    assert.equal(fifo.at(0), undefined);
    fifo.push('new');
    assert.deepEqual(shiftAll(fifo), ['new']);
  });
});
