// Snappy as Kafka's producers frame it (xerial's stream), and bare blocks, which some clients write.
// Source: org.apache.kafka.common.compress.SnappyCompression, xerial snappy-java's SnappyCodec.
//
//   82 "SNAPPY" 00 | version int32 (1) | compatible int32 (1) | chunks: size int32, block of at most 32 KiB unpacked

import { decompressedTooLarge, notDecodable } from './limits.ts';
import { type Bytes, bytesOf } from './matching.ts';
import { roomFor } from './output.ts';
import { decodeSnappyBlock, encodeSnappyBlock, snappyBoundOf, snappyUncompressedSize } from './snappy-block.ts';
import { decodeSnappyBlockNatively, hasNativeSnappy } from './snappy-native.ts';

const HEADER_BYTES = 16;
const MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);
const VERSION = 1;
const CHUNK_BYTES = 32_768;
/** A native call costs as much as decoding this many bytes here. */
const NATIVE_FROM_BYTES = 2_048;

export function snappy(bytes: Buffer): Buffer {
  const chunkCount = Math.ceil(bytes.length / CHUNK_BYTES);
  const target = Buffer.allocUnsafe(HEADER_BYTES + chunkCount * (4 + snappyBoundOf(0)) + snappyBoundOf(bytes.length));
  const source = bytesOf(bytes);
  const packed = bytesOf(target);
  MAGIC.copy(target);
  target.writeInt32BE(VERSION, 8);
  let position = target.writeInt32BE(VERSION, 12);
  for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
    const end = Math.min(start + CHUNK_BYTES, bytes.length);
    const blockEnd = encodeSnappyBlock(source, start, end, packed, position + 4);
    target.writeInt32BE(blockEnd - position - 4, position);
    position = blockEnd;
  }
  return target.subarray(0, position);
}

/** @throws InvalidRecordError when more than `maxSizeInBytes` would come out @throws CorruptRecordError */
export function unsnappy(bytes: Buffer, maxSizeInBytes: number, isLent: boolean): Buffer {
  if (!isHeader(bytes, 0)) return decodeBareBlock(bytes, snappyUncompressedSize(bytes, maxSizeInBytes), isLent);
  const target = roomFor(totalSize(bytes, maxSizeInBytes), isLent);
  const unpacked = bytesOf(target);
  let to = 0;
  for (let position = chunkAt(bytes, 0); position < bytes.length; ) {
    const end = chunkEnd(bytes, position);
    to = decodeBlock(bytes.subarray(position + 4, end), unpacked, to);
    position = chunkAt(bytes, end);
  }
  return target;
}

function decodeBareBlock(block: Buffer, size: number, isLent: boolean): Buffer {
  if (isForNative(size)) return decodeSnappyBlockNatively(block, size);
  const target = roomFor(size, isLent);
  decodeSnappyBlock(block, bytesOf(target), 0);
  return target;
}

function decodeBlock(block: Buffer, target: Bytes, to: number): number {
  const size = snappyUncompressedSize(block, target.buffer.length - to);
  if (!isForNative(size)) return decodeSnappyBlock(block, target, to);
  return to + decodeSnappyBlockNatively(block, size).copy(target.buffer, to);
}

function isForNative(size: number): boolean {
  return size >= NATIVE_FROM_BYTES && hasNativeSnappy();
}

function isHeader(bytes: Buffer, position: number): boolean {
  return bytes.length - position >= HEADER_BYTES && bytes.compare(MAGIC, 0, 8, position, position + 8) === 0;
}

/** What all chunks say they unpack to, checked before anything is allocated for it. */
function totalSize(bytes: Buffer, maxSizeInBytes: number): number {
  let total = 0;
  for (let position = chunkAt(bytes, 0); position < bytes.length; ) {
    const end = chunkEnd(bytes, position);
    total += snappyUncompressedSize(bytes.subarray(position + 4, end), maxSizeInBytes);
    if (total > maxSizeInBytes) throw decompressedTooLarge(maxSizeInBytes);
    position = chunkAt(bytes, end);
  }
  return total;
}

/** The chunk at or after `position`: streams that were appended to each other have a header before each. */
function chunkAt(bytes: Buffer, position: number): number {
  let next = position;
  while (isHeader(bytes, next)) {
    const compatible = bytes.readInt32BE(next + 12);
    if (compatible > VERSION) throw notDecodable('snappy', `a stream of version ${compatible}`, next);
    next += HEADER_BYTES;
  }
  return next;
}

function chunkEnd(bytes: Buffer, position: number): number {
  const size = position + 4 <= bytes.length ? bytes.readInt32BE(position) : -1;
  if (size < 0 || position + 4 + size > bytes.length) throw notDecodable('snappy', 'a chunk is cut short', position);
  return position + 4 + size;
}
