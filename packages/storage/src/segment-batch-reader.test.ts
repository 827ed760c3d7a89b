import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock, MemoryFileSystem } from '@ottla/base';
import { RecordsBuilder } from '@ottla/records';
import { SegmentBatchReader } from './segment-batch-reader.ts';
import { SegmentFile } from './segment-file.ts';

class CountingSegmentFile extends SegmentFile {
  readBytes = 0;

  override readSync(target: Buffer, targetOffset: number, length: number, position: number): number {
    const count = super.readSync(target, targetOffset, length, position);
    this.readBytes += count;
    return count;
  }
}

function fileOf(batches: readonly Buffer[]): CountingSegmentFile {
  const file = new CountingSegmentFile(new MemoryFileSystem(), new FakeClock(), '/00000000000000000000.log');
  for (const batch of batches) file.append(batch);
  return file;
}

function batch(baseOffset: number, valueBytes: number): Buffer {
  const builder = new RecordsBuilder({ magic: 2, compressionType: 'none', timestampType: 'CreateTime', baseOffset });
  builder.append({ timestamp: 1000, key: null, value: Buffer.alloc(valueBytes, baseOffset) });
  return builder.build();
}

describe('a walk over the batches of a segment', () => {
  // Around the window of 256 KiB: many in one, a few that reach beyond it, one as large, larger ones.
  const sizes = [10, 1000, 60 * 1024, 100 * 1024, 256 * 1024, 700 * 1024];
  for (const size of sizes) {
    it(`reads every byte once, whole and unchanged: batches of ${size} bytes`, () => {
      const batches = Array.from({ length: Math.ceil((2 * 1024 * 1024) / size / 2) }, (_, i) => batch(i, size));
      const file = fileOf(batches);
      const reader = new SegmentBatchReader(file, { start: 0, what: 'batches' });
      let count = 0;
      for (let found = reader.next(); found !== undefined; found = reader.next()) {
        assert.equal(found.baseOffset, count);
        found.ensureValid();
        count++;
      }
      assert.equal(count, batches.length);
      assert.equal(file.readBytes, file.sizeInBytes);
    });
  }

  it('takes batches of growing and shrinking sizes', () => {
    const batches = [10, 300_000, 20, 900_000, 250_000, 30, 600_000].map((size, i) => batch(i, size));
    const file = fileOf(batches);
    const reader = new SegmentBatchReader(file, { start: 0, what: 'batches' });
    for (const expected of batches) {
      const found = reader.next();
      found?.ensureValid();
      assert.equal(found?.sizeInBytes, expected.length);
    }
    assert.equal(reader.next(), undefined);
    assert.equal(file.readBytes, file.sizeInBytes);
  });
});
