import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MemoryFileSystem } from '@ottla/base';
import { SegmentFile } from './segment-file.ts';

const PATH = '/00000000000000000000.log';

function readsOffLoop(file: SegmentFile, position: number): boolean {
  const slice = file.slice(position, 4);
  slice.release();
  return slice.read !== undefined;
}

describe('what a slice reads off the event loop', () => {
  test('is what was there before this process, and not what it appended', () => {
    const fileSystem = new MemoryFileSystem();
    new SegmentFile(fileSystem, PATH).append(Buffer.from('then'));
    const file = new SegmentFile(fileSystem.restart(), PATH);
    file.append(Buffer.from('here'));
    assert.equal(readsOffLoop(file, 0), true);
    assert.equal(readsOffLoop(file, 4), false);
  });

  test('is everything, once nothing is appended any more', () => {
    const file = new SegmentFile(new MemoryFileSystem(), PATH);
    file.append(Buffer.from('here'));
    assert.equal(readsOffLoop(file, 0), false);
    file.onBecomeInactive();
    assert.equal(readsOffLoop(file, 0), true);
  });

  test('is what lies more than 64 MiB back', () => {
    const file = new SegmentFile(new MemoryFileSystem(), PATH);
    const mebibyte = Buffer.alloc(1024 * 1024);
    for (let i = 0; i < 65; i++) file.append(mebibyte);
    assert.equal(readsOffLoop(file, mebibyte.length - 1), true);
    assert.equal(readsOffLoop(file, mebibyte.length), false);
  });

  test('is the same bytes, up to the end of the slice, and an error after its release', async () => {
    const fileSystem = new MemoryFileSystem();
    new SegmentFile(fileSystem, PATH).append(Buffer.from('0123456789'));
    const slice = new SegmentFile(fileSystem, PATH).slice(2, 5);
    const bytes = Buffer.alloc(8);
    assert.equal(await slice.read?.(bytes, 1), 4);
    assert.equal(bytes.toString('latin1', 0, 4), '3456');
    assert.equal(await slice.read?.(bytes, 5), 0);
    slice.release();
    await assert.rejects(async () => slice.read?.(bytes, 0), /after its release/);
  });
});
