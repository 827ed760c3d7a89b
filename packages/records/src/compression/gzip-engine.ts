// One of zlib's engines, kept and used again, to unpack gzip into memory of ours. What Node documents makes a stream with an engine for each
// call, which costs as much as the unpacking; and engines are objects that a young collection cannot free, so that each takes its output
// along into the old generation. Reaches for fields of Node's stream that are not documented: where they are not as expected there is no
// engine, and `gunzipSync` serves.

import { constants, createGunzip, gzipSync } from 'node:zlib';

interface Handle {
  reset(): void;
  /** Leaves what is left of the room and of the input in the stream's `_writeState`. */
  writeSync(
    flush: number,
    input: Buffer,
    inputStart: number,
    inputSize: number,
    target: Buffer,
    targetStart: number,
    targetSize: number,
  ): void;
  onerror: (message: string) => void;
}

interface Engine {
  readonly handle: Handle;
  /** [bytes of room left, bytes of input left] */
  readonly state: Uint32Array;
  hasFailed: boolean;
}

/** undefined: not made yet; null: this Node's are different. */
let engine: Engine | null | undefined;

/** Unpacks `bytes` to `target`. @returns false, unless exactly one byte of room is left: zlib says only of a target that is not full
 *  that something is missing */
export function gunzipInto(bytes: Buffer, target: Buffer): boolean {
  if (engine === undefined) engine = working(makeEngine());
  return engine !== null && unpack(engine, bytes, target);
}

function unpack(engine: Engine, bytes: Buffer, target: Buffer): boolean {
  const { handle, state } = engine;
  engine.hasFailed = false;
  handle.reset();
  handle.writeSync(constants.Z_FINISH, bytes, 0, bytes.length, target, 0, target.length);
  return !engine.hasFailed && state[0] === 1 && state[1] === 0;
}

function makeEngine(): Engine | null {
  const stream: object = createGunzip();
  if (!('_handle' in stream && '_writeState' in stream)) return null;
  const { _handle: handle, _writeState: state } = stream;
  if (!isHandle(handle) || !(state instanceof Uint32Array)) return null;
  const made: Engine = { handle, state, hasFailed: false };
  handle.onerror = () => {
    made.hasFailed = true;
  };
  return made;
}

function isHandle(handle: unknown): handle is Handle {
  if (typeof handle !== 'object' || handle === null) return false;
  return ['reset', 'writeSync', 'onerror'].every(
    (name) => name in handle && typeof Reflect.get(handle, name) === 'function',
  );
}

/** @returns `made` if it does what it should, also after a failure */
function working(made: Engine | null): Engine | null {
  if (made === null) return null;
  const packed = gzipSync('abc');
  const target = Buffer.alloc(4);
  try {
    if (unpack(made, packed.subarray(0, -1), target)) return null;
    return unpack(made, packed, target) && target.toString('latin1', 0, 3) === 'abc' ? made : null;
  } catch {
    // Another Node, with other arguments.
    return null;
  }
}
