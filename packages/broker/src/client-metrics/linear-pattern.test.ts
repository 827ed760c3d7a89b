import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  LinearPattern,
  PATTERN_LENGTH_MAX,
  PatternSyntaxError,
  TEXT_LENGTH_MAX,
  UnsupportedPatternError,
} from './linear-pattern.ts';

const CASES: readonly [pattern: string, matching: readonly string[], others: readonly string[]][] = [
  ['apache-kafka-java', ['apache-kafka-java'], ['', 'apache-kafka-jav', 'an apache-kafka-java']],
  ['.*', ['', 'anything'], ['a\nb']],
  ['3\\.9\\..+', ['3.9.1'], ['3.9.', '319.1']],
  ['(?:ab|c)*d?', ['', 'abcab', 'cd', 'd'], ['a', 'dd', 'abd2']],
  ['a{3}', ['aaa'], ['aa', 'aaaa']],
  ['(ab){2,}', ['abab', 'ababab'], ['ab']],
  ['x{1,3}?y', ['xy', 'xxxy'], ['y', 'xxxxy']],
  ['[a-cx_]+', ['abcx_'], ['d', '']],
  ['[^0-9]', ['a', 'é', '😀'], ['5', 'ab']],
  ['[]a]', [']', 'a'], ['b']],
  ['[a\\-z]', ['a', '-', 'z'], ['b']],
  ['[a-]', ['a', '-'], ['b']],
  ['\\d+\\s\\w\\W\\D\\S', ['12 a-bc'], ['12 a-1c']],
  ['^10\\.0\\.', ['10.0.'], ['10.0.1']],
  ['^a$|b', ['a', 'b'], ['ab']],
  ['a^b', [], ['ab', 'a^b']],
  ['(?i)Kafka[x-z]', ['KAFKAY', 'kafkay'], ['kafkaa']],
  ['(?<name>a|)b', ['ab', 'b'], ['a']],
  ['(a*)*', ['', 'aaa'], ['b']],
  ['(|a)+', ['', 'aa'], ['b']],
  ['', [''], ['a']],
];

describe('LinearPattern', () => {
  for (const [pattern, matching, others] of CASES) {
    test(`${JSON.stringify(pattern)} matches what java.util.regex matches`, () => {
      const compiled = new LinearPattern(pattern);
      for (const text of matching) assert.equal(compiled.matches(text), true, text);
      for (const text of others) assert.equal(compiled.matches(text), false, text);
    });
  }

  test('refuses what is no regular expression', () => {
    for (const pattern of ['(', ')', 'a)', '[', '[]', '[z-a]', '*', 'a**', 'a{', 'a{x}', 'a{3,1}', '\\', '+a', '(?']) {
      assert.throws(() => new LinearPattern(pattern), PatternSyntaxError, pattern);
    }
  });

  test('refuses what cannot be matched in linear time', () => {
    for (const pattern of ['(a)\\1', '(?=a)', '(?!a)', '(?<=a)b', '(?>a)', 'a*+', 'a++', '\\bx', '[a[b]]', '[a&&b]']) {
      assert.throws(() => new LinearPattern(pattern), UnsupportedPatternError, pattern);
    }
  });

  test('bounds patterns and texts', () => {
    assert.throws(() => new LinearPattern('a'.repeat(PATTERN_LENGTH_MAX + 1)), /characters/);
    assert.throws(() => new LinearPattern('(((a{99}){99}){99})'), /repeats too much/);
    assert.throws(() => new LinearPattern('(){1000}'.repeat(2)), /repeats too much/);
    assert.throws(() => new LinearPattern('('.repeat(60) + ')'.repeat(60)), /nested too deep/);
    assert.equal(new LinearPattern('a*').matches('a'.repeat(TEXT_LENGTH_MAX)), true);
    assert.equal(new LinearPattern('a*').matches('a'.repeat(TEXT_LENGTH_MAX + 1)), false);
  });

  test('takes a step for each state and character where backtracking would take forever', () => {
    // A backtracking matcher tries 2^2000 ways here, and the test would not end.
    assert.equal(new LinearPattern('(a|a)*(a|aa)+b').matches('a'.repeat(2000)), false);
    assert.equal(new LinearPattern('(x+x+)+y').matches('x'.repeat(2000)), false);
  });
});
