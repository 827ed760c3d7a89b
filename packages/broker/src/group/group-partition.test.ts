import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { javaStringHashCode, partitionForKey } from './group-partition.ts';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const GOLDEN = join(process.env.KAFKA_FACTS ?? join(ROOT, '../shared/kafka'), 'vectors/group-partition.json');
const isAbsent = !existsSync(GOLDEN) && process.env.CI !== 'true';

describe('partitionForKey', () => {
  test('puts a group where Kafka puts it', { skip: isAbsent && `no golden data at ${GOLDEN}` }, () => {
    const golden = JSON.parse(readFileSync(GOLDEN, 'utf8')) as { groupId: string; partitionOf50: number }[];
    assert.ok(golden.length > 0);
    for (const { groupId, partitionOf50 } of golden) assert.equal(partitionForKey(groupId, 50), partitionOf50, groupId);
  });

  test('survives the one hash that has no positive twin', () => {
    assert.equal(javaStringHashCode('polygenelubricants'), -0x80000000);
    assert.equal(partitionForKey('polygenelubricants', 50), 0);
  });
});
