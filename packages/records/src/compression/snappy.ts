// Snappy as Kafka's producers frame it (xerial's stream), and bare blocks, which some clients write.
// Source: org.apache.kafka.common.compress.SnappyCompression, xerial snappy-java's SnappyCodec.
//
//   82 "SNAPPY" 00 | version int32 (1) | compatible int32 (1) | chunks: size int32, block of at most 32 KiB unpacked

import { decompressedTooLarge, notDecodable } from './limits.ts';
import { type Bytes, bytesOf } from './matching.ts';
import { roomFor } from './output.ts';
import {
  decodeSnappyBlock,
  decodeSnappyBlockByWasm,
  encodeSnappyBlock,
  snappyBoundOf,
  snappyUncompressedSize,
} from './snappy-block.ts';

const HEADER_BYTES = 16;
const MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);
const VERSION = 1;
const CHUNK_BYTES = 32_768;
/** A call of WebAssembly costs as much as decoding to this many bytes in TypeScript. */
const WASM_FROM_BYTES = 512;
/** The memory of WebAssembly never shrinks. */
const WASM_BYTES_MAX = 4 * 1024 * 1024;

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
  const target = roomFor(totalSize(bytes, maxSizeInBytes), isLent);
  const unpacked = bytesOf(target);
  let to = 0;
  for (const { position, end } of blocksOf(bytes)) {
    to = decodeBlock(bytes.subarray(position, end), unpacked, to);
  }
  return target;
}

function decodeBlock(block: Buffer, target: Bytes, to: number): number {
  const size = snappyUncompressedSize(block, target.buffer.length - to);
  const isForWasm = size >= WASM_FROM_BYTES && size <= WASM_BYTES_MAX && block.length <= WASM_BYTES_MAX;
  const unpacked = isForWasm ? decodeSnappyBlockByWasm(block) : undefined;
  // Says what is wrong, where that is why there is nothing.
  if (unpacked === undefined) return decodeSnappyBlock(block, target, to);
  return to + unpacked.copy(target.buffer, to);
}

function isHeader(bytes: Buffer, position: number): boolean {
  return bytes.length - position >= HEADER_BYTES && bytes.compare(MAGIC, 0, 8, position, position + 8) === 0;
}

/** Of the chunks; a bare block is the only one. @throws CorruptRecordError where a chunk should be and is not */
function* blocksOf(bytes: Buffer): Generator<{ readonly position: number; readonly end: number }, void, void> {
  if (!isHeader(bytes, 0)) {
    yield { position: 0, end: bytes.length };
    return;
  }
  for (let position = chunkAt(bytes, 0); position < bytes.length; ) {
    const end = chunkEnd(bytes, position);
    yield { position: position + 4, end };
    position = chunkAt(bytes, end);
  }
}

/** What all blocks say they unpack to, checked before anything is allocated for it. */
function totalSize(bytes: Buffer, maxSizeInBytes: number): number {
  let total = 0;
  for (const { position, end } of blocksOf(bytes)) {
    total += snappyUncompressedSize(bytes.subarray(position, end), maxSizeInBytes);
    if (total > maxSizeInBytes) throw decompressedTooLarge(maxSizeInBytes);
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
