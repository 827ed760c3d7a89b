// In a process of its own, where nothing has loaded the codec.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import { UnsupportedCompressionError } from '../errors.ts';
import { compress, decompress, loadCompressionCodecs } from './compress.ts';

const isBuiltIn = 'zstdCompressSync' in zlib;
const bytes = Buffer.from('abcabcabcabcabcabc');

function unpacked(packed: Buffer): string {
  return decompress('zstd', packed, { maxSizeInBytes: bytes.length }).toString();
}

test('zstd says that it is not loaded yet, and works once it is', {
  skip: isBuiltIn && 'this Node has zstd',
}, async () => {
  assert.throws(() => compress('zstd', bytes), UnsupportedCompressionError);
  assert.throws(() => compress('zstd', bytes), /loadCompressionCodecs/);
  await Promise.all([loadCompressionCodecs(), loadCompressionCodecs()]);
  assert.equal(unpacked(compress('zstd', bytes)), String(bytes));
});

test("zstd is Node's until it is loaded, and reads what that wrote", {
  skip: !isBuiltIn && 'this Node has no zstd',
}, async () => {
  const packed = compress('zstd', bytes);
  assert.equal(unpacked(packed), String(bytes));
  assert.throws(() => decompress('zstd', packed, { maxSizeInBytes: bytes.length - 1 }), /more than/);
  await loadCompressionCodecs();
  assert.equal(unpacked(packed), String(bytes));
});
