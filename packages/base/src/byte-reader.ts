// Reads the primitive types of Kafka's wire and disk formats from a range of a Buffer, big-endian. It checks every length against
// the bytes that are really there before it allocates. Source: org.apache.kafka.common.protocol.ByteBufferAccessor, ByteUtils;
// https://kafka.apache.org/protocol (Protocol Primitive Types).

import { readText } from './known-texts.ts';
import { UUID_SIZE, type Uuid, uuidFromBytes } from './uuid.ts';

/** Bytes that are not what the format says. `position` counts from the start of the reader's Buffer. */
export class MalformedMessageError extends Error {
  override readonly name = 'MalformedMessageError';
  readonly position: number;
  /** The field that was being read, '' when the reader was not told. */
  readonly field: string;

  constructor(reason: string, position: number, field: string) {
    super(`${reason}${field === '' ? '' : ` in ${field}`} at position ${position}`);
    this.position = position;
    this.field = field;
  }
}

/** Kafka's limit of a string on the wire, compact or not. */
export const STRING_BYTES_MAX = 0x7fff;

const TWO_TO_32 = 0x1_0000_0000;

/** A cursor over [position, end) of a Buffer. Every read may throw MalformedMessageError and then leaves the cursor anywhere. */
export class ByteReader {
  readonly buffer: Buffer;
  /** Next byte to read; start ≤ position ≤ end. */
  position: number;
  /** Exclusive. */
  readonly end: number;

  constructor(buffer: Buffer, start = 0, end = buffer.length) {
    if (start < 0 || end > buffer.length || start > end) {
      throw new RangeError(`[${start}, ${end}) is not inside a buffer of ${buffer.length} bytes`);
    }
    this.buffer = buffer;
    this.position = start;
    this.end = end;
  }

  get remaining(): number {
    return this.end - this.position;
  }

  /** Kafka reads any byte but 0 as true. */
  readBool(field = ''): boolean {
    return this.readInt8(field) !== 0;
  }

  readInt8(field = ''): number {
    return this.buffer.readInt8(this.#advance(1, field));
  }

  readUint8(field = ''): number {
    return this.buffer.readUInt8(this.#advance(1, field));
  }

  readInt16(field = ''): number {
    return this.buffer.readInt16BE(this.#advance(2, field));
  }

  readUint16(field = ''): number {
    return this.buffer.readUInt16BE(this.#advance(2, field));
  }

  readInt32(field = ''): number {
    return this.buffer.readInt32BE(this.#advance(4, field));
  }

  readUint32(field = ''): number {
    return this.buffer.readUInt32BE(this.#advance(4, field));
  }

  readInt64(field = ''): bigint {
    return this.buffer.readBigInt64BE(this.#advance(8, field));
  }

  /** An int64 as a number; beyond ±(2^53−1) it saturates, so order is kept and nothing wraps into a valid value. */
  readSafeInt64(field = ''): number {
    const position = this.#advance(8, field);
    const high = this.buffer.readInt32BE(position);
    return saturate(high, this.buffer.readUInt32BE(position + 4));
  }

  readFloat64(field = ''): number {
    return this.buffer.readDoubleBE(this.#advance(8, field));
  }

  /** A zigzag varint of at most five bytes. */
  readVarint(field = ''): number {
    const raw = this.readUnsignedVarint(field);
    return (raw >>> 1) ^ -(raw & 1);
  }

  /** @returns [0, 2^32) */
  readUnsignedVarint(field = ''): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.buffer.readUInt8(this.#advance(1, field));
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw this.malformed('varint longer than five bytes', field);
  }

  /** A zigzag varint of at most ten bytes. */
  readVarlong(field = ''): bigint {
    const raw = this.readUnsignedVarlong(field);
    return BigInt.asIntN(64, (raw >> 1n) ^ -(raw & 1n));
  }

  /** A zigzag varint of at most ten bytes as a number that saturates at ±(2^53−1). */
  readSafeVarlong(field = ''): number {
    const start = this.position;
    let low = 0;
    // Four bytes carry 28 bits: nearly every timestamp and offset delta ends here, without a bigint.
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.buffer.readUInt8(this.#advance(1, field));
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (low >>> 1) ^ -(low & 1);
    }
    this.position = start;
    return saturateBigInt(this.readVarlong(field));
  }

  /** @returns [0, 2^64) */
  readUnsignedVarlong(field = ''): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.buffer.readUInt8(this.#advance(1, field));
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw this.malformed('varlong longer than ten bytes', field);
  }

  readUuid(field = ''): Uuid {
    return uuidFromBytes(this.buffer, this.#advance(UUID_SIZE, field));
  }

  /** int16 length, then UTF-8. Invalid UTF-8 is read with replacement characters, as Java does. */
  readString(field = ''): string {
    return this.#utf8(this.#notNull(this.readInt16(field), field), field);
  }

  readNullableString(field = ''): string | null {
    const size = this.readInt16(field);
    return size < 0 ? null : this.#utf8(size, field);
  }

  /** Unsigned varint of the length plus one, then UTF-8. */
  readCompactString(field = ''): string {
    return this.#utf8(this.#notNull(this.readUnsignedVarint(field) - 1, field), field);
  }

  readCompactNullableString(field = ''): string | null {
    const size = this.readUnsignedVarint(field) - 1;
    return size < 0 ? null : this.#utf8(size, field);
  }

  /** int32 length, then the bytes: a view of the Buffer, not a copy. */
  readBytes(field = ''): Buffer {
    return this.readSlice(this.#notNull(this.readInt32(field), field), field);
  }

  readNullableBytes(field = ''): Buffer | null {
    const size = this.readInt32(field);
    return size < 0 ? null : this.readSlice(size, field);
  }

  readCompactBytes(field = ''): Buffer {
    return this.readSlice(this.#notNull(this.readUnsignedVarint(field) - 1, field), field);
  }

  readCompactNullableBytes(field = ''): Buffer | null {
    const size = this.readUnsignedVarint(field) - 1;
    return size < 0 ? null : this.readSlice(size, field);
  }

  /** The count of an array whose elements take at least `elementBytesMin` bytes each; more than can be there is malformed. */
  readArrayLength(elementBytesMin: number, field = ''): number {
    return this.#checkCount(this.#notNull(this.readInt32(field), field), elementBytesMin, field);
  }

  /** @returns −1 for null */
  readNullableArrayLength(elementBytesMin: number, field = ''): number {
    const count = this.readInt32(field);
    return count < 0 ? -1 : this.#checkCount(count, elementBytesMin, field);
  }

  readCompactArrayLength(elementBytesMin: number, field = ''): number {
    return this.#checkCount(this.#notNull(this.readUnsignedVarint(field) - 1, field), elementBytesMin, field);
  }

  /** @returns −1 for null */
  readCompactNullableArrayLength(elementBytesMin: number, field = ''): number {
    const count = this.readUnsignedVarint(field) - 1;
    return count < 0 ? -1 : this.#checkCount(count, elementBytesMin, field);
  }

  /** The next `size` bytes, as a view. */
  readSlice(size: number, field = ''): Buffer {
    const start = this.#advance(size, field);
    return this.buffer.subarray(start, start + size);
  }

  skip(size: number, field = ''): void {
    this.#advance(size, field);
  }

  /** Steps over a section of tagged fields of which none is known. Source: KIP-482. */
  skipTaggedFields(): void {
    for (let left = this.readTaggedFieldCount(); left > 0; left--) {
      this.readUnsignedVarint('tag');
      this.skip(this.readUnsignedVarint('tagged field size'), 'tagged field');
    }
  }

  /** How many tagged fields follow. Each takes at least a byte of tag and a byte of size. */
  readTaggedFieldCount(): number {
    return this.#checkCount(this.readUnsignedVarint('tagged field count'), 2, 'tagged field count');
  }

  /** Reads the size of a tagged field. @returns where its payload must end */
  readTaggedFieldEnd(field = ''): number {
    const size = this.readUnsignedVarint(field);
    if (size > this.remaining) throw this.malformed(`size ${size} where ${this.remaining} bytes are left`, field);
    return this.position + size;
  }

  /** The payload of a tagged field must have filled exactly its size. */
  expectPosition(position: number, field = ''): void {
    if (this.position !== position) throw this.malformed(`payload that should end at ${position}`, field);
  }

  /** Nothing may follow. */
  expectEnd(): void {
    if (this.position !== this.end) throw this.malformed(`${this.remaining} bytes after the end`, '');
  }

  /** The error to throw when what was just read makes no sense. */
  malformed(reason: string, field: string): MalformedMessageError {
    return new MalformedMessageError(reason, this.position, field);
  }

  /** Moves over `size` bytes. @returns where they start */
  #advance(size: number, field: string): number {
    const start = this.position;
    if (size < 0 || size > this.end - start) throw this.#truncated(size, field);
    this.position = start + size;
    return start;
  }

  #truncated(size: number, field: string): MalformedMessageError {
    return this.malformed(size < 0 ? `negative size ${size}` : `${size} bytes wanted, ${this.remaining} left`, field);
  }

  #notNull(size: number, field: string): number {
    if (size < 0) throw this.malformed(`${size} as the length of what must not be null`, field);
    return size;
  }

  #checkCount(count: number, elementBytesMin: number, field: string): number {
    if (count * elementBytesMin > this.end - this.position) {
      throw this.malformed(`count ${count} where ${this.remaining} bytes are left`, field);
    }
    return count;
  }

  #utf8(size: number, field: string): string {
    if (size > STRING_BYTES_MAX) throw this.malformed(`string of ${size} bytes`, field);
    const start = this.#advance(size, field);
    return readText(this.buffer, start, start + size);
  }
}

/** high · 2^32 + low within ±(2^53−1). */
function saturate(high: number, low: number): number {
  if (high > 0x1fffff) return Number.MAX_SAFE_INTEGER;
  if (high < -0x200000 || (high === -0x200000 && low === 0)) return Number.MIN_SAFE_INTEGER;
  return high * TWO_TO_32 + low;
}

function saturateBigInt(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) return Number.MAX_SAFE_INTEGER;
  if (value < BigInt(Number.MIN_SAFE_INTEGER)) return Number.MIN_SAFE_INTEGER;
  return Number(value);
}
