// In a process of its own, where nothing has loaded the codec.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import { UnsupportedCompressionError } from '../errors.ts';
import { compress, decompress, loadCompressionCodecs } from './compress.ts';

const isBuiltIn = 'zstdCompressSync' in zlib;

test('zstd says that it is not loaded yet, and works once it is', {
  skip: isBuiltIn && 'this Node has zstd',
}, async () => {
  const bytes = Buffer.from('abc');
  assert.throws(() => compress('zstd', bytes), UnsupportedCompressionError);
  assert.throws(() => compress('zstd', bytes), /loadCompressionCodecs/);
  await Promise.all([loadCompressionCodecs(), loadCompressionCodecs()]);
  assert.equal(decompress('zstd', compress('zstd', bytes), { maxSizeInBytes: 3 }).toString(), 'abc');
});
