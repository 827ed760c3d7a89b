// zstd. Unpacked by an engine of Node's that is kept, from 22.15 on (zstd-engine.ts). What is too much for that, what is packed, and all of
// it on an older Node is done by an optional WebAssembly module, which takes 20 ms to load: `loadCompressionCodecs` at start. Until then,
// and where it is not installed, by the calls that node:zlib documents: each leaves memory outside the heap behind, for which the collector
// runs, so that a broker takes a third fewer requests with them. The package's native entry crashes in worker threads and is never loaded.
// Source: RFC 8878; org.apache.kafka.common.compress.ZstdCompression.

import * as zlib from 'node:zlib';
import { UnsupportedCompressionError } from '../errors.ts';
import { decompressedTooLarge, notDecodable } from './limits.ts';
import { unzstdQuickly } from './zstd-engine.ts';
import { sizeBoundOf, type ZstdFrame, zstdFrames } from './zstd-frames.ts';

/** Kafka's default (compression.zstd.level). */
const DEFAULT_LEVEL = 3;
/** ZSTD_c_compressionLevel */
const LEVEL_PARAMETER = 100;
/** What a first attempt makes room for where a frame does not say how large it is. */
const FIRST_GUESS_BYTES = 1_048_576;
const FIRST_GUESS_RATIO = 8;

interface OutputLimits {
  readonly maxSizeInBytes: number;
  /** Whether the next call may overwrite what comes out. */
  readonly isLent: boolean;
}

interface ZstdCodec {
  compress(bytes: Buffer, level: number): Buffer;
  /** @throws CorruptRecordError | InvalidRecordError */
  decompress(bytes: Buffer, frames: readonly ZstdFrame[], limits: OutputLimits): Buffer;
}

let codec: ZstdCodec | undefined = builtInCodec();
let loading: Promise<void> | undefined;
let failure: unknown;

/** Loads the better zstd codec if there is one. Never fails: without any, zstd is refused when it is used. */
export function loadZstd(): Promise<void> {
  loading ??= loadWasm();
  return loading;
}

/** @throws UnsupportedCompressionError when there is no codec, or none yet */
export function zstd(bytes: Buffer, level = DEFAULT_LEVEL): Buffer {
  return mustHaveCodec().compress(bytes, level);
}

/** @throws InvalidRecordError when more than `maxSizeInBytes` would come out
 *  @throws CorruptRecordError
 *  @throws UnsupportedCompressionError when there is no codec, or none yet */
export function unzstd(bytes: Buffer, maxSizeInBytes: number, isLent: boolean): Buffer {
  const frames = zstdFrames(bytes);
  const unpacked = unzstdQuickly(bytes, frames, maxSizeInBytes);
  if (unpacked !== undefined) return isLent ? unpacked : Buffer.from(unpacked);
  return mustHaveCodec().decompress(bytes, frames, { maxSizeInBytes, isLent });
}

function mustHaveCodec(): ZstdCodec {
  if (codec !== undefined) return codec;
  const reason =
    failure === undefined
      ? 'the codec is not loaded yet: loadCompressionCodecs() comes first'
      : 'there is no codec: install @cloudpss/zstd, or run on Node 22.15 or later';
  throw new UnsupportedCompressionError(`Cannot use zstd: ${reason}`, { cause: failure });
}

interface ZlibWithZstd {
  zstdCompressSync(bytes: Buffer, options: { params: Record<number, number> }): Buffer;
  zstdDecompressSync(bytes: Buffer, options: { maxOutputLength: number }): Buffer;
}

function hasZstd(module: object): module is ZlibWithZstd {
  return 'zstdCompressSync' in module && 'zstdDecompressSync' in module;
}

function builtInCodec(): ZstdCodec | undefined {
  const module: object = zlib;
  if (!hasZstd(module)) return undefined;
  return {
    compress: (bytes, level) => module.zstdCompressSync(bytes, { params: { [LEVEL_PARAMETER]: level } }),
    decompress: (bytes, frames, { maxSizeInBytes }) => decompressWithZlib(module, bytes, frames, maxSizeInBytes),
  };
}

function decompressWithZlib(
  module: ZlibWithZstd,
  bytes: Buffer,
  frames: readonly ZstdFrame[],
  maxSizeInBytes: number,
): Buffer {
  const parts: Buffer[] = [];
  let size = 0;
  // One at a time: zlib stops after the first.
  for (const frame of frames) {
    try {
      const maxOutputLength = Math.max(maxSizeInBytes - size, 1);
      const part = module.zstdDecompressSync(bytes.subarray(frame.start, frame.end), { maxOutputLength });
      parts.push(part);
      size += part.length;
    } catch (error) {
      if (error instanceof RangeError) throw decompressedTooLarge(maxSizeInBytes);
      throw notDecodable('zstd', error instanceof Error ? error.message : String(error), frame.start, error);
    }
    if (size > maxSizeInBytes) throw decompressedTooLarge(maxSizeInBytes);
  }
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
}

type WasmModule = typeof import('@cloudpss/zstd/wasm')['_WasmModule'];
type Pointer = ReturnType<WasmModule['_malloc']>;

async function loadWasm(): Promise<void> {
  try {
    const { _WasmModule, compress } = await import('@cloudpss/zstd/wasm');
    codec = {
      compress: (bytes, level) => {
        const packed = compress(bytes, level);
        return Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
      },
      decompress: (bytes, frames, limits) => decompressWithWasm(_WasmModule, bytes, frames, limits),
    };
  } catch (error) {
    failure = error;
  }
}

/** Unpacks into room that grows from a guess to what the frames may hold: the module's memory never shrinks, so it must
 *  not grow by what a frame only claims. */
function decompressWithWasm(
  module: WasmModule,
  bytes: Buffer,
  frames: readonly ZstdFrame[],
  { maxSizeInBytes, isLent }: OutputLimits,
): Buffer {
  const bound = sizeBoundOf(frames);
  const capacityMax = Math.min(bound, maxSizeInBytes);
  const source = mustAllocate(module, bytes.length);
  try {
    module.HEAPU8.set(bytes, source);
    let capacity = Math.min(capacityMax, Math.max(FIRST_GUESS_BYTES, FIRST_GUESS_RATIO * bytes.length));
    for (;;) {
      const result = decompressInto(module, source, bytes.length, capacity);
      if (typeof result !== 'string') return isLent ? result : Buffer.from(result);
      const isTooSmall = result.startsWith('Destination buffer is too small');
      if (!isTooSmall) throw notDecodable('zstd', result);
      if (capacity === capacityMax) {
        throw bound > maxSizeInBytes ? decompressedTooLarge(maxSizeInBytes) : notDecodable('zstd', result);
      }
      capacity = Math.min(2 * capacity, capacityMax);
    }
  } finally {
    module._free(source);
  }
}

/** Where the module put what it unpacked last: it may still be read until the next is. */
let lastTarget: Pointer | undefined;

/** @returns what came out, in the module's memory until the next call, or zstd's word for what went wrong */
function decompressInto(module: WasmModule, source: Pointer, sourceBytes: number, capacity: number): Buffer | string {
  if (lastTarget !== undefined) module._free(lastTarget);
  lastTarget = undefined;
  const target = mustAllocate(module, capacity);
  lastTarget = target;
  const size = module._decompress(target, capacity, source, sourceBytes);
  if (module._ZSTD_isError(size)) return module.UTF8ToString(module._ZSTD_getErrorName(size));
  const { buffer, byteOffset } = module.HEAPU8;
  return Buffer.from(buffer, byteOffset + target, size);
}

function mustAllocate(module: WasmModule, size: number): Pointer {
  const pointer = module._malloc(Math.max(size, 1));
  if (pointer === 0) throw decompressedTooLarge(size);
  return pointer;
}
