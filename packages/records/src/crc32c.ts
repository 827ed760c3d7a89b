// CRC-32C, the checksum of format 2 batches: the optional native one for long runs, slicing by eight in JavaScript for
// short ones (a call into native code costs as much as 400 bytes do) and where no prebuilt addon fits.
// Source: RFC 3720 appendix B.4 (polynomial 0x1EDC6F41), Kooper/Intel "slicing-by-8".

import { createRequire } from 'node:module';

const NATIVE_FROM_BYTES = 400;
const REFLECTED_POLYNOMIAL = 0x82f63b78;

type NativeCrc32c = (input: Uint8Array, initialState?: number | null) => number;

const native = loadNative();
const tables = makeTables();

/** The CRC-32C of `buffer[start, end)`, continuing from the checksum `initial` of what came before. */
export function crc32c(buffer: Buffer, start = 0, end = buffer.length, initial = 0): number {
  if (native === undefined || end - start < NATIVE_FROM_BYTES) return crc32cInJavaScript(buffer, start, end, initial);
  return native(start === 0 && end === buffer.length ? buffer : buffer.subarray(start, end), initial);
}

/** As `crc32c`, without native code. */
export function crc32cInJavaScript(buffer: Buffer, start: number, end: number, initial = 0): number {
  const t = tables;
  let crc = ~initial;
  let position = start;
  const lastEight = end - 8;
  // Byte by byte: half the time of reading two words, whose checks cost more than they save.
  for (; position <= lastEight; position += 8) {
    crc ^=
      byteAt(buffer, position) |
      (byteAt(buffer, position + 1) << 8) |
      (byteAt(buffer, position + 2) << 16) |
      (byteAt(buffer, position + 3) << 24);
    crc =
      at(t, 1792 + (crc & 0xff)) ^
      at(t, 1536 + ((crc >>> 8) & 0xff)) ^
      at(t, 1280 + ((crc >>> 16) & 0xff)) ^
      at(t, 1024 + (crc >>> 24)) ^
      at(t, 768 + byteAt(buffer, position + 4)) ^
      at(t, 512 + byteAt(buffer, position + 5)) ^
      at(t, 256 + byteAt(buffer, position + 6)) ^
      at(t, byteAt(buffer, position + 7));
  }
  for (; position < end; position++) crc = at(t, (crc ^ byteAt(buffer, position)) & 0xff) ^ (crc >>> 8);
  return ~crc >>> 0;
}

function at(table: Int32Array, index: number): number {
  return table[index] as number;
}

// Apart from `at`, so that the compiler sees one kind of array in each.
function byteAt(buffer: Buffer, index: number): number {
  return buffer[index] as number;
}

/** Eight tables of 256: table k holds the checksum of a byte followed by k zero bytes. */
function makeTables(): Int32Array {
  const table = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ REFLECTED_POLYNOMIAL : crc >>> 1;
    table[byte] = crc;
  }
  for (let index = 256; index < table.length; index++) {
    const previous = at(table, index - 256);
    table[index] = at(table, previous & 0xff) ^ (previous >>> 8);
  }
  return table;
}

function loadNative(): NativeCrc32c | undefined {
  try {
    const addon: { crc32c: NativeCrc32c } = createRequire(import.meta.url)('@node-rs/crc32');
    return addon.crc32c(Buffer.from('123456789')) === 0xe3069283 ? addon.crc32c : undefined;
  } catch {
    // An optional dependency: without a prebuilt addon for this platform the JavaScript above does all the work.
    return undefined;
  }
}
