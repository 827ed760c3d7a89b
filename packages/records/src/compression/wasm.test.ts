import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { mustBePresent } from '@ottla/base';
import {
  add,
  answer,
  byteAt,
  type Code,
  compileFunction,
  constant,
  copyBytes,
  greater,
  less,
  local,
  repeatWhile,
  set,
  storeByte,
  subtract,
  when,
  wordAt,
} from './wasm.ts';

function compiled(parameterCount: number, localCount: number, code: Code) {
  return mustBePresent(compileFunction({ parameterCount, localCount, code }), 'WebAssembly');
}

describe('a function made of code', () => {
  test('knows constants of every size', () => {
    for (const value of [0, 1, -1, 63, 64, -64, -65, 127, 128, 8_191, 8_192, 2 ** 31 - 1, -(2 ** 31)]) {
      assert.equal(compiled(0, 1, answer(constant(value))).call(), value);
    }
  });

  test('computes with its parameters', () => {
    const between = compiled(2, 1, answer(subtract(local(1), local(0))));
    assert.equal(between.call(40, 42), 2);
  });

  test('compares as unsigned', () => {
    const isMore = compiled(2, 1, answer(greater(local(0), local(1))));
    assert.deepEqual([isMore.call(-1, 1), isMore.call(1, -1), isMore.call(1, 1)], [1, 0, 0]);
  });

  test('repeats, and chooses', () => {
    const sumBelow = compiled(1, 2, [
      ...repeatWhile(
        [...set(1, add(local(1), constant(1))), ...when(less(local(1), local(0)), set(2, add(local(2), local(1))))],
        less(local(1), local(0)),
      ),
      ...answer(local(2)),
    ]);
    assert.equal(sumBelow.call(5), 1 + 2 + 3 + 4);
  });

  test('reads and writes its memory, which grows and keeps what it has', () => {
    const twice = compiled(1, 1, [
      ...storeByte(add(local(0), constant(4)), byteAt(local(0))),
      ...copyBytes(constant(100), local(0), constant(8)),
      ...answer(wordAt(local(0))),
    ]);
    twice.memoryOf(4).write('abcd');
    assert.ok(twice.memoryOf(1_000_000).length >= 1_000_000);
    assert.equal(twice.call(0), Buffer.from('abcd').readInt32LE());
    assert.equal(twice.memoryOf(8).toString('latin1', 0, 5), 'abcda');
    assert.equal(twice.memoryOf(8).toString('latin1', 100, 105), 'abcda');
  });
});

test('without WebAssembly there is no function', (t) => {
  const { WebAssembly } = globalThis as { WebAssembly?: unknown };
  t.after(() => Object.assign(globalThis, { WebAssembly }));
  Object.assign(globalThis, { WebAssembly: undefined });
  assert.equal(compileFunction({ parameterCount: 0, localCount: 1, code: answer(constant(1)) }), undefined);
});
