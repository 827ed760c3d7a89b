import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compare, describeDifference } from './compare.ts';
import type { Entry } from './step.ts';

const entry = (answer: unknown, version = 1): Entry => ({ step: 'ask', api: 'Ask', version, answer });
const shown = (expected: readonly Entry[], actual: readonly Entry[]) =>
  compare(expected, actual, []).unexpected.map(describeDifference);

describe('two transcripts', () => {
  test('that are equal have no differences', () => {
    assert.deepEqual(shown([entry({ a: [1, { b: null }] })], [entry({ a: [1, { b: null }] })]), []);
  });

  test('differ where a value, a field, an element or an answer does', () => {
    const expected = [entry({ errorCode: 3, topics: [{ name: 'a' }, { name: 'b', partitions: [1] }], gone: 0 })];
    const actual = [entry({ errorCode: 0, topics: [{ name: 'b', partitions: [1, 2] }], came: 0 }), entry({}, 2)];
    assert.deepEqual(shown(expected, actual), [
      'ask@1 errorCode: expected 3, got 0',
      'ask@1 topics[a]: expected {"name":"a"}, got "(missing)"',
      'ask@1 topics[b].partitions[1]: expected "(missing)", got 2',
      'ask@1 gone: expected 0, got "(missing)"',
      'ask@1 came: expected "(missing)", got 0',
      'ask@2 : expected "(missing)", got {}',
    ]);
  });

  test('may differ where that is allowed, and nowhere else', () => {
    const allowed = [{ step: 'ask', path: /^a$/, because: 'it must' }];
    const { unexpected, stale } = compare([entry({ a: 1, b: 1 })], [entry({ a: 2, b: 2 })], allowed);
    assert.deepEqual(
      unexpected.map(({ path }) => path),
      ['b'],
    );
    assert.deepEqual(stale, []);
  });

  test('tell which allowed difference is none any more', () => {
    const allowed = [{ step: /ask/, because: 'it must' }];
    assert.deepEqual(compare([entry(1)], [entry(1)], allowed).stale, allowed);
  });
});
