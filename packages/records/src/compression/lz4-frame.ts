// lz4 frames: written as Kafka does (independent blocks of 64 KiB, no checksum of content or blocks), read with every option of
// the format but dictionaries. Kafka's first implementation summed the frame's magic number into the header checksum, and
// format 0 keeps that mistake (KAFKA-3160): written for format 0, not looked at when reading formats 0 and 1.
// Source: lz4_Frame_format.md; org.apache.kafka.common.compress.{Lz4BlockInputStream,Lz4BlockOutputStream}.
//
//   04 22 4D 18 | FLG | BD | [content size uint64 LE] | HC | blocks: size uint32 LE (high bit: stored), bytes, [checksum]
//   | 00 00 00 00 | [content checksum]

import type { Magic } from '../format.ts';
import { decompressedTooLarge, notDecodable } from './limits.ts';
import { decodeLz4Block, encodeLz4Block, encodeLz4BlockHigh, lz4BoundOf } from './lz4-block.ts';
import { decodeLz4BlockByWasm } from './lz4-wasm.ts';
import { type Bytes, bytesOf } from './matching.ts';
import { Output } from './output.ts';
import { xxHash32 } from './xx-hash-32.ts';

const FRAME_MAGIC = 0x184d2204;
const HEADER_BYTES = 7;
const FLG_VERSION = 0x40;
const FLG_INDEPENDENT_BLOCKS = 0x20;
const FLG_BLOCK_CHECKSUM = 0x10;
const FLG_CONTENT_SIZE = 0x08;
const FLG_CONTENT_CHECKSUM = 0x04;
const FLG_RESERVED_AND_DICTIONARY = 0x03;
const STORED = 0x80000000;
const BLOCK_BYTES = 65_536;
const BD_64_KIB = 0x40;
/** Block sizes by their number in BD: 64 KiB, 256 KiB, 1 MiB, 4 MiB. */
const SMALLEST_BLOCK_SIZE_ID = 4;
const LARGEST_BLOCK_SIZE_ID = 7;
const WINDOW_BYTES = 65_536;
/** A call of WebAssembly costs as much as decoding this many packed bytes in TypeScript. */
const WASM_FROM_BYTES = 256;
const EXPANSION_MAX = 255;

/** Kafka's default (compression.lz4.level), which is its fast compressor; any other is a high compressor's. */
const DEFAULT_LEVEL = 9;
/** More would let bytes made for the purpose keep the broker for seconds. */
const ATTEMPTS_MAX = 512;

/** @param level 1 to 17 */
export function lz4(bytes: Buffer, magic: Magic, level: number = DEFAULT_LEVEL): Buffer {
  const attempts = level === DEFAULT_LEVEL ? 0 : Math.min(1 << (level - 1), ATTEMPTS_MAX);
  const blockCount = Math.ceil(bytes.length / BLOCK_BYTES);
  const target = Buffer.allocUnsafe(HEADER_BYTES + blockCount * (4 + lz4BoundOf(0) + 1) + lz4BoundOf(bytes.length) + 4);
  target.writeUInt32LE(FRAME_MAGIC, 0);
  target.writeUInt8(FLG_VERSION | FLG_INDEPENDENT_BLOCKS, 4);
  target.writeUInt8(BD_64_KIB, 5);
  target.writeUInt8(headerChecksum(target, magic === 0 ? 0 : 4, 6), 6);
  const source = bytesOf(bytes);
  const packed = bytesOf(target);
  let position = HEADER_BYTES;
  for (let start = 0; start < bytes.length; start += BLOCK_BYTES) {
    const block = { start, end: Math.min(start + BLOCK_BYTES, bytes.length), attempts };
    position = writeBlock(source, block, packed, position);
  }
  return target.subarray(0, target.writeUInt32LE(0, position));
}

/** @param block.attempts 0: fast */
function writeBlock(
  source: Bytes,
  block: { start: number; end: number; attempts: number },
  target: Bytes,
  position: number,
): number {
  const { start, end, attempts } = block;
  const packedEnd =
    attempts === 0
      ? encodeLz4Block(source, start, end, target, position + 4)
      : encodeLz4BlockHigh(source, block, target, position + 4);
  const size = packedEnd - position - 4;
  if (size < end - start) {
    target.buffer.writeUInt32LE(size, position);
    return position + 4 + size;
  }
  target.buffer.writeUInt32LE(end - start + STORED, position);
  return position + 4 + source.buffer.copy(target.buffer, position + 4, start, end);
}

interface FrameHeader {
  readonly flags: number;
  readonly blockBytesMax: number;
  readonly contentSize: number | undefined;
  /** Where the blocks start. */
  readonly end: number;
}

/** @throws InvalidRecordError when more than `maxSizeInBytes` would come out @throws CorruptRecordError */
export function unlz4(bytes: Buffer, options: { maxSizeInBytes: number; magic: Magic; isLent: boolean }): Buffer {
  const { maxSizeInBytes, magic, isLent } = options;
  const header = readHeader(bytes, magic);
  if (header.contentSize !== undefined && header.contentSize > maxSizeInBytes)
    throw decompressedTooLarge(maxSizeInBytes);
  const output = new Output(4 * bytes.length, maxSizeInBytes, isLent);
  const end = readBlocks(bytes, header, output);
  const content = output.finish();
  if (header.contentSize !== undefined && header.contentSize !== content.length) {
    throw notDecodable('lz4', `${content.length} bytes instead of ${header.contentSize}`, end);
  }
  if (header.flags & FLG_CONTENT_CHECKSUM) ensureChecksum(bytes, end, content, 0, content.length);
  return content;
}

function readHeader(bytes: Buffer, magic: Magic): FrameHeader {
  if (bytes.length < HEADER_BYTES) throw notDecodable('lz4', 'the frame header is cut short');
  if (bytes.readUInt32LE(0) !== FRAME_MAGIC) throw notDecodable('lz4', 'this is no lz4 frame');
  const flags = bytes.readUInt8(4);
  if ((flags & 0xc0) !== FLG_VERSION) throw notDecodable('lz4', `frame version ${flags >>> 6}`, 4);
  if (flags & FLG_RESERVED_AND_DICTIONARY) throw notDecodable('lz4', 'a dictionary or reserved flags', 4);
  const descriptor = bytes.readUInt8(5);
  const blockSizeId = (descriptor >>> 4) & 7;
  if (blockSizeId < SMALLEST_BLOCK_SIZE_ID || descriptor & 0x8f) {
    throw notDecodable(
      'lz4',
      `block descriptor ${descriptor} (sizes ${SMALLEST_BLOCK_SIZE_ID} to ${LARGEST_BLOCK_SIZE_ID})`,
      5,
    );
  }
  const checksumPosition = flags & FLG_CONTENT_SIZE ? 14 : 6;
  if (bytes.length <= checksumPosition) throw notDecodable('lz4', 'the frame header is cut short');
  if (magic === 2 && bytes.readUInt8(checksumPosition) !== headerChecksum(bytes, 4, checksumPosition)) {
    throw notDecodable('lz4', 'the frame header checksum does not hold', checksumPosition);
  }
  return {
    flags,
    blockBytesMax: 2 ** (2 * blockSizeId + 8),
    contentSize: flags & FLG_CONTENT_SIZE ? Number(bytes.readBigUInt64LE(6)) : undefined,
    end: checksumPosition + 1,
  };
}

function headerChecksum(bytes: Buffer, start: number, end: number): number {
  return (xxHash32(bytes, start, end) >>> 8) & 0xff;
}

/** @returns the position after the end mark */
function readBlocks(bytes: Buffer, header: FrameHeader, output: Output): number {
  const { flags, blockBytesMax } = header;
  const checksumBytes = flags & FLG_BLOCK_CHECKSUM ? 4 : 0;
  const packed = bytesOf(bytes);
  let position = header.end;
  for (;;) {
    if (position + 4 > bytes.length) throw notDecodable('lz4', 'the frame ends before its end mark', position);
    const word = bytes.readUInt32LE(position);
    position += 4;
    if (word === 0) return position;
    const size = word & 0x7fffffff;
    const end = position + size;
    if (size > blockBytesMax)
      throw notDecodable('lz4', `a block of ${size} bytes, more than ${blockBytesMax}`, position);
    if (end + checksumBytes > bytes.length) throw notDecodable('lz4', 'a block is cut short', position);
    if (checksumBytes > 0) ensureChecksum(bytes, end, bytes, position, end);
    const block = bytes.subarray(position, end);
    const unpacked = word >= STORED ? block : decodedByWasm(block, header);
    if (unpacked !== undefined) {
      output.append(unpacked);
    } else {
      const lowest = flags & FLG_INDEPENDENT_BLOCKS ? output.size : Math.max(0, output.size - WINDOW_BYTES);
      decodeLz4Block(packed, position, end, output, lowest, blockBytesMax);
    }
    position = end + checksumBytes;
  }
}

/** Unpacks a block that stands for itself. @returns undefined where there is no WebAssembly, where the block is too short to be worth the
 *  call, and where it is refused: the decoder in TypeScript says what is wrong with it */
function decodedByWasm(block: Buffer, { flags, blockBytesMax }: FrameHeader): Buffer | undefined {
  if (block.length < WASM_FROM_BYTES || !(flags & FLG_INDEPENDENT_BLOCKS)) return undefined;
  // A byte stands for 255 at most, so short blocks need not have room for long ones.
  return decodeLz4BlockByWasm(block, Math.min(block.length * EXPANSION_MAX, blockBytesMax));
}

/** @throws CorruptRecordError unless `content[start, end)` has the checksum that stands at `position` */
function ensureChecksum(bytes: Buffer, position: number, content: Buffer, start: number, end: number): void {
  if (position + 4 > bytes.length) throw notDecodable('lz4', 'a checksum is cut short', position);
  if (bytes.readUInt32LE(position) !== xxHash32(content, start, end)) {
    throw notDecodable('lz4', 'a checksum does not hold', position);
  }
}
