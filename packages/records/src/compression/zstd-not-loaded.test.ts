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

function ensureRefused(): void {
  assert.throws(() => compress('zstd', bytes), UnsupportedCompressionError);
  assert.throws(() => compress('zstd', bytes), /loadCompressionCodecs/);
}

function ensureNodesOwn(): void {
  const packed = compress('zstd', bytes);
  assert.equal(unpacked(packed), String(bytes));
  assert.throws(() => decompress('zstd', packed, { maxSizeInBytes: bytes.length - 1 }), /more than/);
}

test("until it is loaded zstd is Node's own, or refused by a Node that has none; then it works", async () => {
  if (isBuiltIn) ensureNodesOwn();
  else ensureRefused();
  const before = isBuiltIn ? compress('zstd', bytes) : undefined;
  await Promise.all([loadCompressionCodecs(), loadCompressionCodecs()]);
  assert.equal(unpacked(before ?? compress('zstd', bytes)), String(bytes));
});
