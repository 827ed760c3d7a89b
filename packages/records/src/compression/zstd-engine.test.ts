import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as zlib from 'node:zlib';
import { SeededRandom } from '@ottla/base';
import { compress, loadCompressionCodecs } from './compress.ts';
import { unzstdQuickly } from './zstd-engine.ts';
import { zstdFrames } from './zstd-frames.ts';

const isBuiltIn = 'createZstdDecompress' in zlib;
const random = new SeededRandom(11);
const bytes = Buffer.concat([Buffer.alloc(250_000, 'abc'), random.bytes(10_000)]);

function unpacked(input: Buffer, maxSizeInBytes = bytes.length): Buffer | undefined {
  const result = unzstdQuickly(input, zstdFrames(input), maxSizeInBytes);
  return result === undefined ? undefined : Buffer.from(result);
}

await loadCompressionCodecs();
const packed = compress('zstd', bytes);

test('there is an engine where Node has zstd', () => {
  assert.equal(unpacked(packed) !== undefined, isBuiltIn);
});

describe('an engine for zstd', { skip: isBuiltIn ? false : 'needs Node 22.15 or later' }, () => {
  test('unpacks frames that were appended to each other, and none', () => {
    assert.deepEqual(unpacked(packed), bytes);
    assert.deepEqual(
      unpacked(Buffer.concat([packed, compress('zstd', Buffer.from('cd'))]), 2 * bytes.length),
      Buffer.concat([bytes, Buffer.from('cd')]),
    );
    assert.deepEqual(unpacked(Buffer.alloc(0)), Buffer.alloc(0));
  });

  test('unpacks a frame that does not say how much it holds', () => {
    // 'aaaaa' as one block that repeats a byte, with a window descriptor instead of the size.
    const frame = Buffer.from('28b52ffd00002b000061', 'hex');
    assert.equal(unpacked(frame, 131_072)?.toString(), 'aaaaa');
  });

  test('leaves to others what may be larger than allowed', () => {
    assert.equal(unpacked(packed, bytes.length - 1), undefined);
    assert.equal(unpacked(compress('zstd', Buffer.alloc(1_048_577)), 2_000_000), undefined);
  });

  test('leaves what is changed to others, and unpacks the next all the same', () => {
    let refusedCount = 0;
    for (let at = 4; at < 100; at++) {
      const changed = Buffer.from(packed);
      changed[at] = (changed[at] ?? 0) ^ 0x10;
      // Without a checksum not every change shows.
      if (isRefused(changed)) refusedCount++;
      assert.deepEqual(unpacked(packed), bytes, `byte ${at}`);
    }
    assert.ok(refusedCount > 0);
  });
});

function isRefused(input: Buffer): boolean {
  try {
    return unpacked(input, 10 * bytes.length) === undefined;
  } catch {
    return true;
  }
}
