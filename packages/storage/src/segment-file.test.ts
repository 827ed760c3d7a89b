import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FakeClock, MemoryFileSystem } from '@ottla/base';
import { SegmentFile } from './segment-file.ts';

const PATH = '/00000000000000000000.log';

const clock = new FakeClock();

function open(fileSystem: MemoryFileSystem): SegmentFile {
  return new SegmentFile(fileSystem, clock, PATH);
}

function mayWait(file: SegmentFile, position: number): boolean {
  const slice = file.slice(position, 4);
  slice.release();
  return slice.read !== undefined && slice.mayWait !== false;
}

describe('what a slice may have to wait for', () => {
  test('is what was there before this process, and not what it appended', () => {
    const fileSystem = new MemoryFileSystem();
    open(fileSystem).append(Buffer.from('then'));
    const file = open(fileSystem.restart());
    file.append(Buffer.from('here'));
    assert.equal(mayWait(file, 0), true);
    assert.equal(mayWait(file, 4), false);
  });

  test('is everything, once nothing is appended any more', () => {
    const file = open(new MemoryFileSystem());
    file.append(Buffer.from('here'));
    assert.equal(mayWait(file, 0), false);
    file.onBecomeInactive();
    assert.equal(mayWait(file, 0), true);
  });

  test('is what lies more than 64 MiB back', () => {
    const file = open(new MemoryFileSystem());
    const mebibyte = Buffer.alloc(1024 * 1024);
    for (let i = 0; i < 65; i++) file.append(mebibyte);
    assert.equal(mayWait(file, mebibyte.length - 1), true);
    assert.equal(mayWait(file, mebibyte.length), false);
  });

  test('is the same bytes, up to the end of the slice, and an error after its release', async () => {
    const fileSystem = new MemoryFileSystem();
    open(fileSystem).append(Buffer.from('0123456789'));
    const slice = open(fileSystem).slice(2, 5);
    const bytes = Buffer.alloc(8);
    assert.equal(await slice.read?.(bytes, 1), 4);
    assert.equal(bytes.toString('latin1', 0, 4), '3456');
    assert.equal(await slice.read?.(bytes, 5), 0);
    slice.release();
    await assert.rejects(async () => slice.read?.(bytes, 0), /after its release/);
  });
});
