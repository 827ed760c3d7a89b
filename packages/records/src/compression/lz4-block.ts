// lz4's block format in plain TypeScript. Source: lz4_Block_format.md.
//
//   sequence: token (literal size, match size − 4: 4 bits each; 15: more in bytes that follow, 255 each until a smaller one),
//             literals, offset uint16 LE, rest of the match size. The last sequence ends after its literals.

import { notDecodable } from './limits.ts';
import { MatchChains } from './lz4-high.ts';
import { type Bytes, bytesOf, copyLiteral, copyMatch, HashTable, MATCH_BYTES_MIN, matchEnd } from './matching.ts';
import type { Output } from './output.ts';

const WINDOW_BYTES = 65_536;
const PATIENCE = 6;
/** A match starts no closer than this to the end, and the last five bytes are literals. */
const MATCH_LIMIT = 12;
const LAST_LITERALS = 5;

/** Unpacks the block `packed[start, end)` behind what `output` has. Matches may reach back to `lowest` in it.
 *  @param blockBytesMax the most the block may unpack to
 *  @throws CorruptRecordError, or InvalidRecordError beyond the output's limit */
export function decodeLz4Block(
  packed: Bytes,
  start: number,
  end: number,
  output: Output,
  lowest: number,
  blockBytesMax: number,
): void {
  const source = packed.buffer;
  const blockStart = output.size;
  // A byte stands for 255 at most, so short blocks need not make room for long ones.
  output.makeRoom(Math.min(unpackedBound(source, start, end), blockBytesMax));
  const target = bytesOf(output.bytes);
  const targetEnd = Math.min(blockStart + blockBytesMax, output.bytes.length);
  let from = start;
  let to = blockStart;
  for (;;) {
    if (from >= end) throw notDecodable('lz4', 'a block is cut short', from);
    const token = source[from++] as number;
    let length = token >>> 4;
    if (length === 15) {
      let more = 255;
      while (more === 255 && from < end) {
        more = source[from++] as number;
        length += more;
      }
    }
    if (length > end - from || length > targetEnd - to) throw notDecodable('lz4', `literals of ${length} bytes`, from);
    to = copyLiteral(packed, from, from + length, target, to);
    from += length;
    if (from === end) break;

    if (end - from < 2) throw notDecodable('lz4', 'a match is cut short', from);
    const offset = (source[from] as number) | ((source[from + 1] as number) << 8);
    from += 2;
    length = token & 15;
    if (length === 15) {
      let more = 255;
      while (more === 255 && from < end) {
        more = source[from++] as number;
        length += more;
      }
    }
    length += MATCH_BYTES_MIN;
    if (offset === 0 || to - offset < lowest || length > targetEnd - to) {
      throw notDecodable('lz4', `a match of ${length} bytes from ${offset} bytes back`, from);
    }
    to = copyMatch(target, to, offset, length);
  }
  output.size = to;
}

/** What the sequences of a block unpack to, or more where it is malformed: a walk over tokens, much shorter than the bytes. */
function unpackedBound(source: Buffer, start: number, end: number): number {
  let size = 0;
  let from = start;
  while (from < end) {
    const token = source[from++] as number;
    let length = token >>> 4;
    if (length === 15) {
      let more = 255;
      while (more === 255 && from < end) {
        more = source[from++] as number;
        length += more;
      }
    }
    from += length + 2;
    size += length;
    if (from > end) break;
    size += (token & 15) + MATCH_BYTES_MIN;
    if ((token & 15) === 15) {
      let more = 255;
      while (more === 255 && from < end) {
        more = source[from++] as number;
        size += more;
      }
    }
  }
  return size;
}

/** The most bytes `size` bytes can take when packed. */
export function lz4BoundOf(size: number): number {
  return size + Math.ceil(size / 255) + 16;
}

const table = new HashTable(13);
let chains: MatchChains | undefined;

/** Packs `source[start, end)` to `target[at, …)`, which has room for `lz4BoundOf` its size. @returns the position after it */
export function encodeLz4Block(source: Bytes, start: number, end: number, target: Bytes, at: number): number {
  table.begin(start, end);
  let to = at;
  let literalStart = start;
  for (;;) {
    const from = table.find(source.view, literalStart, end - MATCH_LIMIT, WINDOW_BYTES, PATIENCE);
    if (from < 0) break;
    const next = matchEnd(source, table.candidate + MATCH_BYTES_MIN, from + MATCH_BYTES_MIN, end - LAST_LITERALS);
    to = writeLiterals(source, literalStart, from, target, to, next - from - MATCH_BYTES_MIN);
    to = writeMatch(target.buffer, to, from - table.candidate, next - from - MATCH_BYTES_MIN);
    literalStart = next;
  }
  return writeLiterals(source, literalStart, end, target, to, 0);
}

/** The same, smaller and slower: `attempts` earlier places are compared at each position. A block of 64 KiB at most. */
export function encodeLz4BlockHigh(
  source: Bytes,
  block: { start: number; end: number; attempts: number },
  target: Bytes,
  at: number,
): number {
  const { start, end, attempts } = block;
  chains ??= new MatchChains();
  chains.begin(start);
  const limit = end - LAST_LITERALS;
  let to = at;
  let literalStart = start;
  for (;;) {
    const from = chains.find(source, { position: literalStart, last: end - MATCH_LIMIT, limit, attempts });
    if (from < 0) break;
    const match = chains.end - from - MATCH_BYTES_MIN;
    to = writeLiterals(source, literalStart, from, target, to, match);
    to = writeMatch(target.buffer, to, from - chains.candidate, match);
    literalStart = chains.end;
  }
  return writeLiterals(source, literalStart, end, target, to, 0);
}

function writeMatch(target: Buffer, at: number, offset: number, match: number): number {
  target[at] = offset & 0xff;
  target[at + 1] = offset >>> 8;
  return writeMore(target, match, at + 2);
}

/** A sequence's token, with `match` (its match size − 4), and its literals. */
function writeLiterals(source: Bytes, start: number, end: number, target: Bytes, at: number, match: number): number {
  const length = end - start;
  target.buffer[at] = (Math.min(length, 15) << 4) | Math.min(match, 15);
  return copyLiteral(source, start, end, target, writeMore(target.buffer, length, at + 1));
}

/** The rest of a size that does not fit its four bits. */
function writeMore(target: Buffer, size: number, at: number): number {
  if (size < 15) return at;
  let to = at;
  let rest = size - 15;
  for (; rest >= 255; rest -= 255) target[to++] = 255;
  target[to++] = rest;
  return to;
}
