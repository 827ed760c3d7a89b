import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readText } from './known-texts.ts';

function read(text: string): string {
  const bytes = Buffer.from(`<${text}>`, 'utf8');
  return readText(bytes, 1, bytes.length - 1);
}

describe('readText', () => {
  it('reads any text, again and again, whatever was read before', () => {
    const texts = ['', 'orders', 'orderz', 'ordersé', 'é', 'ÿÿ', '日本', '\u0000', 'x'.repeat(64), 'x'.repeat(65)];
    for (let i = 0; i < 2_000; i++) texts.push(`client-${i}`);
    for (let round = 0; round < 3; round++) {
      for (const text of texts) assert.equal(read(text), text);
    }
  });

  it('replaces what is no UTF-8, also where a known text has such characters', () => {
    const bytes = Buffer.from([0xff, 0xff]);
    assert.equal(read('ÿÿ'), 'ÿÿ');
    assert.equal(readText(bytes, 0, 2), '\ufffd\ufffd');
    assert.equal(read('ÿÿ'), 'ÿÿ');
  });

  it('holds nothing of the buffer it read from', () => {
    const bytes = Buffer.from('a-topic');
    const text = readText(bytes, 0, bytes.length);
    bytes.fill(0);
    assert.equal(text, 'a-topic');
    assert.equal(read('a-topic'), 'a-topic');
  });
});
