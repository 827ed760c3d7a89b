// One of zlib's engines, kept and used again, to unpack into memory of ours. What Node documents makes a stream with an engine for each call,
// which costs as much as the unpacking; and engines are objects that a young collection cannot free, so that each takes its output along
// into the old generation. Reaches for fields of Node's streams that are not documented: where they are not as expected there is no engine.

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

export interface ZlibEngine {
  readonly handle: Handle;
  /** [bytes of room left, bytes of input left] */
  readonly state: Uint32Array;
  hasFailed: boolean;
}

/** Of a stream that node:zlib made; null where this Node's are different. */
export function engineOf(stream: object): ZlibEngine | null {
  if (!('_handle' in stream && '_writeState' in stream)) return null;
  const { _handle: handle, _writeState: state } = stream;
  if (!isHandle(handle) || !(state instanceof Uint32Array)) return null;
  const engine: ZlibEngine = { handle, state, hasFailed: false };
  handle.onerror = () => {
    engine.hasFailed = true;
  };
  return engine;
}

/** Unpacks `input`, which begins anew, to `target`. @returns how many bytes of room are left; −1 when the input makes no sense or something
 *  of it is left */
export function unpackWith(engine: ZlibEngine, flush: number, input: Buffer, target: Buffer): number {
  const { handle, state } = engine;
  engine.hasFailed = false;
  handle.reset();
  handle.writeSync(flush, input, 0, input.length, target, 0, target.length);
  return engine.hasFailed || state[1] !== 0 ? -1 : (state[0] ?? -1);
}

/** @param works tries it @returns `engine` if it does what it should */
export function working(engine: ZlibEngine | null, works: (engine: ZlibEngine) => boolean): ZlibEngine | null {
  try {
    return engine !== null && works(engine) ? engine : null;
  } catch {
    // Another Node, with other arguments.
    return null;
  }
}

function isHandle(handle: unknown): handle is Handle {
  if (typeof handle !== 'object' || handle === null) return false;
  return ['reset', 'writeSync', 'onerror'].every(
    (name) => name in handle && typeof Reflect.get(handle, name) === 'function',
  );
}
