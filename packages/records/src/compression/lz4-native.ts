// The optional native lz4, for unpacking long blocks: three to four times as fast as our own decoder.

import { createRequire } from 'node:module';
import { mustBePresent } from '@ottla/base';

interface NativeLz4 {
  /** Of a block behind the most it may unpack to, as uint32 LE. */
  uncompressSync(sizeAndBlock: Buffer): Buffer;
}

const SIZE_BYTES = 4;
/** A byte of a block stands for this many at most: short blocks make no room for long ones. */
const EXPANSION_MAX = 255;

/** undefined: not looked for yet; null: not there. */
let native: NativeLz4 | null | undefined;

/** Is there a native codec for this platform? Loads it when first asked. */
export function hasNativeLz4(): boolean {
  if (native === undefined) native = load();
  return native !== null;
}

/** Unpacks a block to at most `sizeInBytesMax`. @returns undefined when that is not possible */
export function decodeLz4BlockNatively(block: Buffer, sizeInBytesMax: number): Buffer | undefined {
  const codec = mustBePresent(native, 'the native lz4');
  const sizeAndBlock = roomForBlock(SIZE_BYTES + block.length);
  block.copy(sizeAndBlock, sizeAndBlock.writeUInt32LE(Math.min(sizeInBytesMax, block.length * EXPANSION_MAX)));
  try {
    return codec.uncompressSync(sizeAndBlock);
  } catch {
    // The caller's own decoder finds out what is wrong.
    return undefined;
  }
}

/** For all blocks: it is read before the next one comes. A frame's blocks are of 4 MiB at most. */
let blockBuffer = Buffer.alloc(0);

function roomForBlock(sizeInBytes: number): Buffer {
  if (blockBuffer.length < sizeInBytes) blockBuffer = Buffer.allocUnsafeSlow(2 * sizeInBytes);
  return blockBuffer.subarray(0, sizeInBytes);
}

function load(): NativeLz4 | null {
  try {
    const addon: NativeLz4 = createRequire(import.meta.url)('lz4-napi');
    // One literal.
    return addon.uncompressSync(Buffer.from([9, 0, 0, 0, 0x10, 0x61])).toString() === 'a' ? addon : null;
  } catch {
    // An optional dependency: where no prebuilt addon fits the platform, our own decoder does all the work.
    return null;
  }
}
