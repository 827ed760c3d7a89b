import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '@ottla/base';
import { crc32c, crc32cInJavaScript } from './crc32c.ts';

test('gives the checksums of RFC 3720', () => {
  const cases: [Buffer, number][] = [
    [Buffer.alloc(32), 0x8a9136aa],
    [Buffer.alloc(32, 0xff), 0x62a8ab43],
    [Buffer.from(Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e],
    [Buffer.from('123456789'), 0xe3069283],
    [Buffer.alloc(0), 0],
  ];
  for (const [bytes, expected] of cases) {
    assert.equal(crc32c(bytes), expected);
    assert.equal(crc32cInJavaScript(bytes, 0, bytes.length), expected);
  }
});

test('is the same in JavaScript and native code, for every length, part and continuation', () => {
  const bytes = new SeededRandom(1).bytes(2_000);
  for (let length = 0; length < 600; length++) {
    const whole = crc32c(bytes, 3, 3 + length);
    assert.equal(crc32cInJavaScript(bytes, 3, 3 + length), whole);
    const middle = 3 + Math.floor(length / 3);
    assert.equal(crc32c(bytes, middle, 3 + length, crc32c(bytes, 3, middle)), whole);
  }
  assert.equal(crc32cInJavaScript(bytes, 0, 2_000), crc32c(bytes));
});
