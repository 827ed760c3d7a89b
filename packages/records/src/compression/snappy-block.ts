// Snappy's block format in plain TypeScript. Source: Snappy's format_description.txt.
//
//   block:   uncompressed size (unsigned varint), elements
//   literal: tag xxxxxx00 — x+1 bytes follow; x of 60 to 63: 1 to 4 bytes with the size − 1 come first
//   copy:    tag oooxxx01, 1 byte  — x+4 bytes from offset (11 bits)
//            tag xxxxxx10, 2 bytes — x+1 bytes from offset;  tag xxxxxx11, 4 bytes — the same with a larger offset

import { decompressedTooLarge, notDecodable } from './limits.ts';
import { type Bytes, bytesOf, copyLiteral, copyMatch, HashTable, MATCH_BYTES_MIN, matchEnd } from './matching.ts';
import { decodeSnappyElementsByWasm } from './snappy-wasm.ts';

/** A copy of 64 bytes takes at least 3: no block unpacks to more than this many times its size. */
const EXPANSION_MAX = 22;
/** A match may reach this far back (what two bytes hold). */
const WINDOW_BYTES = 65_536;
/** Stop looking for matches this close to the end. */
const TAIL_BYTES = 15;
const PATIENCE = 5;

/** The size `block` says it unpacks to.
 *  @throws CorruptRecordError when it cannot be true @throws InvalidRecordError beyond `maxSizeInBytes` */
export function snappyUncompressedSize(block: Buffer, maxSizeInBytes: number): number {
  const { size } = readPreamble(block);
  if (size > block.length * EXPANSION_MAX) throw notDecodable('snappy', `${block.length} bytes cannot make ${size}`);
  if (size > maxSizeInBytes) throw decompressedTooLarge(maxSizeInBytes);
  return size;
}

/** The same as `decodeSnappyBlock`, faster. @returns undefined when the block makes no sense or there is no WebAssembly; otherwise what came out,
 *  in memory that the next call uses again */
export function decodeSnappyBlockByWasm(block: Buffer): Buffer | undefined {
  const { size, bodyPosition } = readPreamble(block);
  const bytes = decodeSnappyElementsByWasm(block.subarray(bodyPosition), size);
  return bytes?.length === size ? bytes : undefined;
}

/** Unpacks `block` to `target[start, …)`, which has room for `snappyUncompressedSize`. @returns the position after the last byte
 *  @throws CorruptRecordError */
export function decodeSnappyBlock(block: Buffer, target: Bytes, start: number): number {
  const { size, bodyPosition } = readPreamble(block);
  const source = bytesOf(block);
  const end = start + size;
  const blockEnd = block.length;
  let from = bodyPosition;
  let to = start;
  while (from < blockEnd) {
    const tag = block[from++] as number;
    if ((tag & 3) === 0) {
      const sizeBytes = tag >= 60 << 2 ? (tag >>> 2) - 59 : 0;
      if (from + sizeBytes > blockEnd) throw notDecodable('snappy', 'a literal is cut short', from);
      const length = (sizeBytes === 0 ? tag >>> 2 : block.readUIntLE(from, sizeBytes)) + 1;
      from += sizeBytes;
      if (length > blockEnd - from || length > end - to)
        throw notDecodable('snappy', `a literal of ${length} bytes`, from);
      to = copyLiteral(source, from, from + length, target, to);
      from += length;
      continue;
    }
    const offsetBytes = (tag & 3) === 3 ? 4 : tag & 3;
    if (from + offsetBytes > blockEnd) throw notDecodable('snappy', 'a copy is cut short', from);
    let length = (tag >>> 2) + 1;
    let offset = block[from] as number;
    if (offsetBytes === 2) offset |= (block[from + 1] as number) << 8;
    else if (offsetBytes === 1) {
      length = ((tag >>> 2) & 7) + 4;
      offset |= (tag >>> 5) << 8;
    } else offset = block.readUInt32LE(from);
    from += offsetBytes;
    if (offset === 0 || offset > to - start || length > end - to) {
      throw notDecodable('snappy', `a copy of ${length} bytes from ${offset} bytes back`, from);
    }
    to = copyMatch(target, to, offset, length);
  }
  if (to !== end) throw notDecodable('snappy', `${to - start} bytes instead of ${size}`, blockEnd);
  return end;
}

function readPreamble(block: Buffer): { size: number; bodyPosition: number } {
  let size = 0;
  for (let i = 0; i < 5; i++) {
    const byte = block[i];
    if (byte === undefined) break;
    size += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80 && size < 2 ** 32) return { size, bodyPosition: i + 1 };
  }
  throw notDecodable('snappy', 'no size at the start of a block');
}

/** The most bytes `size` bytes can take when packed. */
export function snappyBoundOf(size: number): number {
  return 32 + size + Math.ceil(size / 6);
}

const table = new HashTable(14);

/** Packs `source[start, end)`, at most 64 KiB, to `target[at, …)`, which has room for `snappyBoundOf` its size.
 *  @returns the position after the last byte */
export function encodeSnappyBlock(source: Bytes, start: number, end: number, target: Bytes, at: number): number {
  let to = writePreamble(target.buffer, end - start, at);
  table.begin(start, end);
  let literalStart = start;
  for (;;) {
    const from = table.find(source.view, literalStart, end - TAIL_BYTES, WINDOW_BYTES, PATIENCE);
    if (from < 0) break;
    if (literalStart < from) to = writeLiteral(source, literalStart, from, target, to);
    literalStart = matchEnd(source, table.candidate + MATCH_BYTES_MIN, from + MATCH_BYTES_MIN, end);
    to = writeCopies(target.buffer, to, from - table.candidate, literalStart - from);
  }
  return literalStart < end ? writeLiteral(source, literalStart, end, target, to) : to;
}

function writePreamble(target: Buffer, size: number, at: number): number {
  let rest = size;
  let to = at;
  while (rest >= 0x80) {
    target[to++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  target[to++] = rest;
  return to;
}

function writeLiteral(source: Bytes, start: number, end: number, target: Bytes, at: number): number {
  const { buffer } = target;
  const last = end - start - 1;
  let to = at;
  if (last < 60) buffer[to++] = last << 2;
  else if (last < 0x100) {
    buffer[to++] = 60 << 2;
    buffer[to++] = last;
  } else {
    buffer[to++] = 61 << 2;
    buffer[to++] = last & 0xff;
    buffer[to++] = last >>> 8;
  }
  return copyLiteral(source, start, end, target, to);
}

function writeCopies(target: Buffer, at: number, offset: number, length: number): number {
  let to = at;
  let rest = length;
  while (rest > 0) {
    // A last piece of less than 4 bytes would fit no short copy, so 60 are taken where 64 would leave that.
    const piece = rest > 64 && rest < 68 ? 60 : Math.min(rest, 64);
    if (piece >= 4 && piece <= 11 && offset < 2048) {
      target[to++] = ((offset >>> 8) << 5) | ((piece - 4) << 2) | 1;
      target[to++] = offset & 0xff;
    } else {
      target[to++] = ((piece - 1) << 2) | 2;
      target[to++] = offset & 0xff;
      target[to++] = offset >>> 8;
    }
    rest -= piece;
  }
  return to;
}
