// Numbers as record batches write them: int64 as JavaScript numbers, zigzag varints. Plain functions over Buffers for
// the hot paths. Source: org.apache.kafka.common.utils.ByteUtils; Protocol Buffers' encoding of varints.

const TWO_32 = 2 ** 32;

/** The int64 at `position`; beyond ±(2^53 − 1) it saturates, so that order is kept. */
export function readInt64(buffer: Buffer, position: number): number {
  const high = buffer.readInt32BE(position);
  if (high >= 0x200000) return Number.MAX_SAFE_INTEGER;
  if (high < -0x200000) return Number.MIN_SAFE_INTEGER;
  return high * TWO_32 + buffer.readUInt32BE(position + 4);
}

/** Writes a whole number in [−2^53, 2^53] as int64. */
export function writeInt64(buffer: Buffer, value: number, position: number): void {
  const high = Math.floor(value / TWO_32);
  buffer.writeInt32BE(high, position);
  buffer.writeUInt32BE(value - high * TWO_32, position + 4);
}

/** The size of an int32 as a zigzag varint: 1 to 5 bytes. */
export function sizeOfVarint(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  return zigzag < 0x80 ? 1 : Math.ceil((32 - Math.clz32(zigzag)) / 7);
}

/** The size of a whole number in [−2^53, 2^53] as a zigzag varint: 1 to 8 bytes. */
export function sizeOfVarlong(value: number): number {
  let rest = Math.floor((value < 0 ? -value - 1 : value) / 0x40);
  let size = 1;
  while (rest > 0) {
    rest = Math.floor(rest / 0x80);
    size++;
  }
  return size;
}

/** Writes an int32 as a zigzag varint. @returns the position after it */
export function writeVarint(buffer: Buffer, value: number, position: number): number {
  let zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  let next = position;
  while (zigzag >= 0x80) {
    buffer[next++] = (zigzag & 0x7f) | 0x80;
    zigzag >>>= 7;
  }
  buffer[next++] = zigzag;
  return next;
}

/** Writes a whole number in [−2^53, 2^53] as a zigzag varint. @returns the position after it */
export function writeVarlong(buffer: Buffer, value: number, position: number): number {
  if (value >= -0x40000000 && value < 0x40000000) return writeVarint(buffer, value, position);
  // −2n − 1 of the largest n is beyond 2^53 and would be rounded, so the last bit is split off first.
  let rest = value < 0 ? -value - 1 : value;
  let next = position;
  buffer[next++] = (rest % 0x40) * 2 + (value < 0 ? 1 : 0) + 0x80;
  rest = Math.floor(rest / 0x40);
  while (rest >= 0x80) {
    buffer[next++] = (rest % 0x80) + 0x80;
    rest = Math.floor(rest / 0x80);
  }
  buffer[next++] = rest;
  return next;
}
