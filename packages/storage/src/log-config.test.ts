import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { logConfigDef } from './log-config-def.ts';
import { FACTS, GOLDEN_SKIP } from './testing.ts';

test('every topic setting of Kafka 3.9 is there with its type, default and rule', { skip: GOLDEN_SKIP }, () => {
  const path = join(FACTS, 'config', 'topic-3.9.json');
  assert.ok(existsSync(path));
  const expected: { name: string; type: string; default: string; valid?: string; importance: string }[] = JSON.parse(
    readFileSync(path, 'utf8'),
  );
  assert.deepEqual([...logConfigDef.keys.keys()].sort(), expected.map((key) => key.name).sort());
  for (const key of expected) {
    const ours = logConfigDef.get(key.name);
    assert.equal(ours?.type, key.type, key.name);
    assert.equal(ours?.default, key.default, key.name);
    assert.equal(ours?.importance, key.importance, key.name);
    assert.equal(ours?.validator?.description, key.valid, key.name);
  }
});
