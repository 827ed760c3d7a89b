// The optional native snappy, for unpacking long blocks: two to three times as fast as our own decoder. It is told to copy what it
// puts out; otherwise every block leaves memory outside the heap that is freed late (400 MB after 20,000 blocks).

import { createRequire } from 'node:module';
import { mustBePresent } from '@ottla/base';
import { notDecodable } from './limits.ts';

interface NativeSnappy {
  uncompressSync(block: Buffer, options: { copyOutputData: boolean }): Buffer;
}

const OPTIONS = { copyOutputData: true };

/** undefined: not looked for yet; null: not there. */
let native: NativeSnappy | null | undefined;

/** Is there a native codec for this platform? Loads it when first asked. */
export function hasNativeSnappy(): boolean {
  if (native === undefined) native = load();
  return native !== null;
}

/** Unpacks a block to `size` bytes, which have been checked against every limit. @throws CorruptRecordError */
export function decodeSnappyBlockNatively(block: Buffer, size: number): Buffer {
  const codec = mustBePresent(native, 'the native snappy');
  const bytes = uncompress(codec, block);
  if (bytes.length !== size) throw notDecodable('snappy', `${bytes.length} bytes instead of ${size}`);
  return bytes;
}

function uncompress(codec: NativeSnappy, block: Buffer): Buffer {
  try {
    return codec.uncompressSync(block, OPTIONS);
  } catch (error) {
    throw notDecodable('snappy', error instanceof Error ? error.message : String(error), 0, error);
  }
}

function load(): NativeSnappy | null {
  try {
    const addon: NativeSnappy = createRequire(import.meta.url)('snappy');
    return addon.uncompressSync(Buffer.from([1, 0, 0x61]), OPTIONS).toString() === 'a' ? addon : null;
  } catch {
    // An optional dependency: where no prebuilt addon fits the platform, our own decoder does all the work.
    return null;
  }
}
