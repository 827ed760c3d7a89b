// zstd by an engine that is kept, of a Node that has one (from 22.15 on): half the processor time of WebAssembly.

import * as zlib from 'node:zlib';
import { roomFor } from './output.ts';
import { engineOf, unpackWith, working, type ZlibEngine } from './zlib-engine.ts';
import { sizeBoundOf, type ZstdFrame } from './zstd-frames.ts';

/** More is left to decoders whose room grows as they go: a frame may claim to hold far more than it does. */
const ROOM_BYTES_MAX = 1024 * 1024;
/** ZSTD_e_end. What is unpacked has no use for it. */
const FLUSH = 2;
/** 'abc' at level 1, with its size and without a checksum. */
const ABC = Buffer.from('28b52ffd2003190000616263', 'hex');

/** undefined: not made yet; null: there is none. */
let engine: ZlibEngine | null | undefined;

/** @returns what `frames` of `bytes` hold, in memory that the next call uses again; undefined where there is no engine, when it is too
 *  much, and when the frames make no sense: another decoder has the words for that */
export function unzstdQuickly(bytes: Buffer, frames: readonly ZstdFrame[], maxSizeInBytes: number): Buffer | undefined {
  const bound = sizeBoundOf(frames);
  if (bound > Math.min(maxSizeInBytes, ROOM_BYTES_MAX)) return undefined;
  if (engine === undefined) engine = working(makeEngine(), unpacksAgain);
  if (engine === null) return undefined;
  const unpacked = unpackAll(engine, bytes, frames, bound);
  // Node 22's fail for ever once they have failed.
  if (unpacked === undefined) engine = undefined;
  return unpacked;
}

function makeEngine(): ZlibEngine | null {
  const module: object = zlib;
  if (!('createZstdDecompress' in module && typeof module.createZstdDecompress === 'function')) return null;
  const stream: unknown = module.createZstdDecompress();
  return typeof stream === 'object' && stream !== null ? engineOf(stream) : null;
}

/** One frame after the other: an engine stops at the end of each. */
function unpackAll(made: ZlibEngine, bytes: Buffer, frames: readonly ZstdFrame[], bound: number): Buffer | undefined {
  // A byte that is left over says that nothing is missing.
  const room = roomFor(bound + 1, true);
  let filled = 0;
  for (const { start, end } of frames) {
    const left = unpackWith(made, FLUSH, bytes.subarray(start, end), room.subarray(filled));
    if (left < 1) return undefined;
    filled = room.length - left;
  }
  return room.subarray(0, filled);
}

function unpacksAgain(made: ZlibEngine): boolean {
  const target = Buffer.alloc(4);
  for (let i = 0; i < 2; i++) {
    if (unpackWith(made, FLUSH, ABC, target.fill(0)) !== 1 || target.toString('latin1', 0, 3) !== 'abc') return false;
  }
  return true;
}
