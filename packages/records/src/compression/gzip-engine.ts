// gzip by an engine that is kept. Without one `gunzipSync` serves.

import { constants, createGunzip, gzipSync } from 'node:zlib';
import { engineOf, unpackWith, working, type ZlibEngine } from './zlib-engine.ts';

/** undefined: not made yet; null: there is none. */
let engine: ZlibEngine | null | undefined;

/** Unpacks `bytes` to `target`. @returns false, unless exactly one byte of room is left: zlib says only of a target that is not full
 *  that something is missing */
export function gunzipInto(bytes: Buffer, target: Buffer): boolean {
  if (engine === undefined) engine = working(engineOf(createGunzip()), unpacksAlsoAfterFailure);
  return engine !== null && unpack(engine, bytes, target);
}

function unpack(made: ZlibEngine, bytes: Buffer, target: Buffer): boolean {
  return unpackWith(made, constants.Z_FINISH, bytes, target) === 1;
}

function unpacksAlsoAfterFailure(made: ZlibEngine): boolean {
  const packed = gzipSync('abc');
  const target = Buffer.alloc(4);
  if (unpack(made, packed.subarray(0, -1), target)) return false;
  return unpack(made, packed, target) && target.toString('latin1', 0, 3) === 'abc';
}
