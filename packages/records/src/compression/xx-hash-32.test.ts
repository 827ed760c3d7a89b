import assert from 'node:assert/strict';
import { test } from 'node:test';
import { xxHash32 } from './xx-hash-32.ts';

test('gives the known checksums', () => {
  const cases: [string, number][] = [
    ['', 0x02cc5d05],
    ['a', 0x550d7456],
    ['abc', 0x32d153ff],
    ['Nobody inspects the spammish repetition', 0xe2293b2f],
  ];
  for (const [text, expected] of cases) {
    const bytes = Buffer.from(`..${text}`);
    assert.equal(xxHash32(bytes, 2, bytes.length), expected, text);
  }
});
