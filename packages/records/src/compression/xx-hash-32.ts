// xxHash32, the checksum of lz4 frames. Source: xxhash_spec.md.

const PRIME_1 = 0x9e3779b1;
const PRIME_2 = 0x85ebca77;
const PRIME_3 = 0xc2b2ae3d;
const PRIME_4 = 0x27d4eb2f;
const PRIME_5 = 0x165667b1;

/** xxHash32 of `bytes[start, end)` with seed 0. */
export function xxHash32(bytes: Buffer, start: number, end: number): number {
  let position = start;
  let hash = PRIME_5;
  if (end - start >= 16) {
    let a = (PRIME_1 + PRIME_2) | 0;
    let b = PRIME_2;
    let c = 0;
    let d = -PRIME_1 | 0;
    for (; position <= end - 16; position += 16) {
      a = round(a, bytes.readInt32LE(position));
      b = round(b, bytes.readInt32LE(position + 4));
      c = round(c, bytes.readInt32LE(position + 8));
      d = round(d, bytes.readInt32LE(position + 12));
    }
    hash = rotateLeft(a, 1) + rotateLeft(b, 7) + rotateLeft(c, 12) + rotateLeft(d, 18);
  }
  hash = (hash + (end - start)) | 0;
  for (; position <= end - 4; position += 4) {
    hash = Math.imul(rotateLeft((hash + Math.imul(bytes.readInt32LE(position), PRIME_3)) | 0, 17), PRIME_4);
  }
  for (; position < end; position++) {
    hash = Math.imul(rotateLeft((hash + Math.imul(bytes[position] as number, PRIME_5)) | 0, 11), PRIME_1);
  }
  hash = Math.imul(hash ^ (hash >>> 15), PRIME_2);
  hash = Math.imul(hash ^ (hash >>> 13), PRIME_3);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function round(accumulator: number, lane: number): number {
  return Math.imul(rotateLeft((accumulator + Math.imul(lane, PRIME_2)) | 0, 13), PRIME_1);
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
