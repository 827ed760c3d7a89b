// Walks zstd frames by their headers without unpacking them: where each ends and the most it can unpack to. What a frame claims
// about itself is checked here, before a decoder believes it. Source: RFC 8878, section 3.
//
//   FD2FB528 LE | descriptor | [window] | [dictionary id] | [content size] | blocks: 3 bytes LE (last 1 bit, type 2, size 21),
//   bytes | [checksum 4]

import { notDecodable } from './limits.ts';

const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const BLOCK_BYTES_MAX = 131_072;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4];
const CONTENT_SIZE_BYTES = [0, 2, 4, 8];

export interface ZstdFrame {
  readonly start: number;
  readonly end: number;
  /** The most the frame can unpack to. */
  readonly sizeBound: number;
}

/** The frames of `bytes`, without skippable ones. @throws CorruptRecordError */
export function zstdFrames(bytes: Buffer): ZstdFrame[] {
  const frames: ZstdFrame[] = [];
  let position = 0;
  while (position < bytes.length) {
    const magic = readLE(bytes, position, 4);
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) {
      position += 8 + readLE(bytes, position + 4, 4);
      if (position > bytes.length) throw cutShort(position);
      continue;
    }
    if (magic !== FRAME_MAGIC) throw notDecodable('zstd', 'this is no zstd frame', position);
    const frame = frameAt(bytes, position);
    frames.push(frame);
    position = frame.end;
  }
  return frames;
}

/** The most that all of `frames` can unpack to. */
export function sizeBoundOf(frames: readonly ZstdFrame[]): number {
  let bound = 0;
  for (const { sizeBound } of frames) bound += sizeBound;
  return bound;
}

function frameAt(bytes: Buffer, start: number): ZstdFrame {
  const descriptor = readLE(bytes, start + 4, 1);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const sizeFlag = descriptor >>> 6;
  if (descriptor & 0x08) throw notDecodable('zstd', 'a reserved bit is set', start + 4);
  const sizePosition = start + 5 + (isSingleSegment ? 0 : 1) + (DICTIONARY_ID_BYTES[descriptor & 3] ?? 0);
  const sizeBytes = sizeFlag === 0 && isSingleSegment ? 1 : (CONTENT_SIZE_BYTES[sizeFlag] ?? 0);
  const blocks = walkBlocks(bytes, sizePosition + sizeBytes);
  const end = blocks.end + (descriptor & 0x04 ? 4 : 0);
  if (end > bytes.length) throw cutShort(end);
  if (sizeBytes === 0) return { start, end, sizeBound: blocks.sizeBound };
  const contentSize = readLE(bytes, sizePosition, sizeBytes) + (sizeBytes === 2 ? 256 : 0);
  if (contentSize > blocks.sizeBound) {
    throw notDecodable(
      'zstd',
      `a frame claims ${contentSize} bytes, its blocks hold ${blocks.sizeBound} at most`,
      start,
    );
  }
  return { start, end, sizeBound: contentSize };
}

function walkBlocks(bytes: Buffer, start: number): { end: number; sizeBound: number } {
  let position = start;
  let sizeBound = 0;
  for (;;) {
    const header = readLE(bytes, position, 3);
    const type = (header >>> 1) & 3;
    const size = header >>> 3;
    if (type === 3 || size > BLOCK_BYTES_MAX) throw notDecodable('zstd', 'a block header makes no sense', position);
    position += 3 + (type === 1 ? 1 : size);
    if (position > bytes.length) throw cutShort(position);
    sizeBound += type === 2 ? BLOCK_BYTES_MAX : size;
    if (header & 1) return { end: position, sizeBound };
  }
}

function readLE(bytes: Buffer, position: number, count: number): number {
  if (position + count > bytes.length) throw cutShort(position);
  if (count <= 6) return bytes.readUIntLE(position, count);
  return Number(bytes.readBigUInt64LE(position));
}

function cutShort(position: number): Error {
  return notDecodable('zstd', 'a frame is cut short', position);
}
