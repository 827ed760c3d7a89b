// docs/durability.md names tests as proofs: each of them is there.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';

const root = resolve(import.meta.dirname, '../../..');
const page = readFileSync(join(root, 'docs/durability.md'), 'utf8');

function sourceOf(file: string): string {
  const path = join(root, file.includes('/') ? file : `packages/storage/src/${file}`);
  assert.ok(existsSync(path), `${file} is not there`);
  return readFileSync(path, 'utf8');
}

test('every test that the page names is there', (t) => {
  const files = new Set([...page.matchAll(/`([\w./-]+\.test\.ts)`/g)].map(([, file = '']) => file));
  for (const file of files) sourceOf(file);
  let count = 0;
  for (const line of page.split('\n').filter((each) => each.includes('.test.ts`'))) {
    const sources = [...line.matchAll(/`([\w./-]+\.test\.ts)`/g)].map(([, file = '']) => sourceOf(file));
    for (const [, title = ''] of line.matchAll(/\*([^*]+?)( …)?\*/g)) {
      assert.ok(
        sources.some((source) => source.includes(title)),
        `no test is called ${title}`,
      );
      count++;
    }
  }
  t.diagnostic(`${files.size} files, ${count} titles`);
  assert.ok(files.size > 8 && count > 10);
});

test('every cell of the promise table names a proof, and every proof is named', () => {
  const promises = page.split('\n').filter((line) => /^\| (0|1|all)\b/.test(line));
  assert.equal(promises.length, 4);
  const named = new Set<string>();
  for (const line of promises) {
    for (const cell of line.split('|').slice(2, -1)) {
      const [, letter = ''] = /\[([a-z])\]/.exec(cell) ?? [];
      assert.ok(letter !== '', `no proof in ${cell}`);
      named.add(letter);
    }
  }
  for (const letter of named) assert.match(page, new RegExp(`^\\| ${letter} \\| .*test\\.ts`, 'm'));
});
