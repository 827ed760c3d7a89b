// Writes the primitive types of Kafka's wire and disk formats, big-endian, into memory that grows, and takes big records along as
// chunks of their own, uncopied. Source: org.apache.kafka.common.protocol.ByteBufferAccessor, SendBuilder.

import { assert } from './assert.ts';
import { STRING_BYTES_MAX } from './byte-reader.ts';
import { type ByteChunk, type ByteSource, isByteSource, readFully } from './byte-source.ts';
import { UUID_SIZE, type Uuid, uuidToBytes, ZERO_UUID } from './uuid.ts';

/** Record batches as a writer takes them: in memory, in pieces in memory, or still in a file. */
export type RecordsValue = Buffer | ByteSource | readonly Buffer[];

const INITIAL_CAPACITY = 256;
/** Records up to this size are copied: a copy of them costs less than a chunk. */
const COPIED_RECORDS_BYTES_MAX = 1024;
/** Strings of up to so many characters are tried as ASCII first; below 127, so that their length is one byte in both formats. */
const SHORT_STRING_MAX = 40;
const TWO_TO_32 = 0x1_0000_0000;

/** Grows as it is written to. `finish` hands out what was written and nothing else, once; after that the writer is spent. */
export class ByteWriter {
  #buffer: Buffer;
  /** Chunks that are complete. */
  readonly #chunks: ByteChunk[] = [];
  #chunksSizeInBytes = 0;
  /** The chunk being written is [#start, #position) of #buffer. */
  #start = 0;
  #position = 0;

  /** @param initialCapacity bytes to have room for before growing */
  constructor(initialCapacity = INITIAL_CAPACITY) {
    // From Node's pool where it is small: a slab of its own would cost more than a whole small response. Only bytes that were
    // written are ever handed out.
    this.#buffer = Buffer.allocUnsafe(Math.max(16, initialCapacity));
  }

  /** Bytes written so far, those of uncopied records included. */
  get sizeInBytes(): number {
    return this.#chunksSizeInBytes + this.#position - this.#start;
  }

  writeBool(value: boolean): void {
    this.writeInt8(value ? 1 : 0);
  }

  writeInt8(value: number): void {
    const position = this.#reserve(1);
    this.#buffer.writeInt8(value, position);
  }

  writeUint8(value: number): void {
    const position = this.#reserve(1);
    this.#buffer.writeUInt8(value, position);
  }

  writeInt16(value: number): void {
    const position = this.#reserve(2);
    this.#buffer.writeInt16BE(value, position);
  }

  writeUint16(value: number): void {
    const position = this.#reserve(2);
    this.#buffer.writeUInt16BE(value, position);
  }

  writeInt32(value: number): void {
    const position = this.#reserve(4);
    this.#buffer.writeInt32BE(value, position);
  }

  writeUint32(value: number): void {
    const position = this.#reserve(4);
    this.#buffer.writeUInt32BE(value, position);
  }

  writeInt64(value: bigint): void {
    const position = this.#reserve(8);
    this.#buffer.writeBigInt64BE(value, position);
  }

  /** An int64 from a safe integer. @throws RangeError for any other number */
  writeSafeInt64(value: number): void {
    if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is not a safe integer`);
    const position = this.#reserve(8);
    this.#buffer.writeInt32BE(Math.floor(value / TWO_TO_32), position);
    this.#buffer.writeUInt32BE(value >>> 0, position + 4);
  }

  writeFloat64(value: number): void {
    const position = this.#reserve(8);
    this.#buffer.writeDoubleBE(value, position);
  }

  /** Zigzag. @param value an int32 */
  writeVarint(value: number): void {
    this.writeUnsignedVarint(((value << 1) ^ (value >> 31)) >>> 0);
  }

  /** @param value [0, 2^32) */
  writeUnsignedVarint(value: number): void {
    let rest = value >>> 0;
    let position = this.#reserve(unsignedVarintSize(rest));
    for (; rest > 0x7f; rest >>>= 7) this.#buffer[position++] = (rest & 0x7f) | 0x80;
    this.#buffer[position] = rest;
  }

  /** Zigzag. @param value an int64 */
  writeVarlong(value: bigint): void {
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
    for (; rest > 0x7fn; rest >>= 7n) this.writeUint8(Number(rest & 0x7fn) | 0x80);
    this.writeUint8(Number(rest));
  }

  writeUuid(value: Uuid): void {
    if (value === ZERO_UUID) {
      const position = this.#reserve(UUID_SIZE);
      this.#buffer.fill(0, position, position + UUID_SIZE);
    } else {
      this.writeRaw(uuidToBytes(value));
    }
  }

  /** int16 length, then UTF-8. @throws RangeError above 32767 bytes */
  writeString(value: string): void {
    if (value.length <= SHORT_STRING_MAX && this.#writeShortAscii(value, 2, value.length)) return;
    const size = stringSize(value);
    this.writeInt16(size);
    this.#writeUtf8(value, size);
  }

  writeNullableString(value: string | null): void {
    if (value === null) this.writeInt16(-1);
    else this.writeString(value);
  }

  /** Unsigned varint of the length plus one, then UTF-8. @throws RangeError above 32767 bytes */
  writeCompactString(value: string): void {
    if (value.length <= SHORT_STRING_MAX && this.#writeShortAscii(value, 1, value.length + 1)) return;
    const size = stringSize(value);
    this.writeUnsignedVarint(size + 1);
    this.#writeUtf8(value, size);
  }

  writeCompactNullableString(value: string | null): void {
    if (value === null) this.writeUnsignedVarint(0);
    else this.writeCompactString(value);
  }

  /** int32 length, then a copy of the bytes. */
  writeBytes(value: Buffer): void {
    this.writeInt32(value.length);
    this.writeRaw(value);
  }

  writeNullableBytes(value: Buffer | null): void {
    if (value === null) this.writeInt32(-1);
    else this.writeBytes(value);
  }

  writeCompactBytes(value: Buffer): void {
    this.writeUnsignedVarint(value.length + 1);
    this.writeRaw(value);
  }

  writeCompactNullableBytes(value: Buffer | null): void {
    if (value === null) this.writeUnsignedVarint(0);
    else this.writeCompactBytes(value);
  }

  /** @param count −1 for null */
  writeArrayLength(count: number): void {
    this.writeInt32(count);
  }

  /** @param count −1 for null */
  writeCompactArrayLength(count: number): void {
    this.writeUnsignedVarint(count + 1);
  }

  /** int32 length (−1 for null), then the records; big ones become chunks of the result as they are, so they must not change. */
  writeRecords(value: RecordsValue | null): void {
    if (value === null) {
      this.writeInt32(-1);
    } else {
      this.writeInt32(recordsSize(value));
      this.#appendRecords(value);
    }
  }

  /** Unsigned varint of the length plus one (0 for null), then the records. */
  writeCompactRecords(value: RecordsValue | null): void {
    if (value === null) {
      this.writeUnsignedVarint(0);
    } else {
      this.writeUnsignedVarint(recordsSize(value) + 1);
      this.#appendRecords(value);
    }
  }

  /** A copy of `bytes`, without a length. */
  writeRaw(bytes: Buffer): void {
    const position = this.#reserve(bytes.length);
    bytes.copy(this.#buffer, position);
  }

  /** Makes `chunk` part of the result as it is. The writer owns a ByteSource from here on. */
  appendChunk(chunk: ByteChunk): void {
    this.#closeChunk();
    this.#chunks.push(chunk);
    this.#chunksSizeInBytes += isByteSource(chunk) ? chunk.sizeInBytes : chunk.length;
  }

  /** Writes the tag of a tagged field and leaves room for its size. @returns what `endTaggedField` wants */
  beginTaggedField(tag: number): number {
    this.writeUnsignedVarint(tag);
    this.writeInt8(0);
    return this.sizeInBytes;
  }

  /** Fills in the size of the tagged field whose payload began at `begin`. Payloads hold no uncopied records. */
  endTaggedField(begin: number): void {
    const payloadSize = this.sizeInBytes - begin;
    const payloadStart = this.#position - payloadSize;
    assert(payloadStart > this.#start, 'a tagged field reached over chunks');
    const extra = unsignedVarintSize(payloadSize) - 1;
    if (extra > 0) {
      this.#reserve(extra);
      const start = this.#position - extra - payloadSize;
      this.#buffer.copyWithin(start + extra, start, start + payloadSize);
    }
    const end = this.#position;
    this.#position = end - payloadSize - extra - 1;
    this.writeUnsignedVarint(payloadSize);
    this.#position = end;
  }

  /** Everything written, in order. Memory chunks hold exactly written bytes. Whoever gets them releases the ByteSources. */
  finish(): ByteChunk[] {
    if (this.#chunks.length === 0 && this.#position > 0) return [this.#buffer.subarray(0, this.#position)];
    this.#closeChunk();
    return this.#chunks;
  }

  /** Everything written as one Buffer; copies when there are several chunks. */
  finishBuffer(): Buffer {
    const chunks = this.finish();
    const only = chunks[0];
    if (only === undefined) return Buffer.alloc(0);
    if (chunks.length === 1 && !isByteSource(only)) return only;
    return Buffer.concat(chunks.map((chunk) => (isByteSource(chunk) ? readFully(chunk) : chunk)));
  }

  /** Lets go of every ByteSource taken over, for when writing failed halfway. */
  release(): void {
    for (const chunk of this.#chunks) if (isByteSource(chunk)) chunk.release();
    this.#chunks.length = 0;
    this.#chunksSizeInBytes = 0;
  }

  /** Moves over `size` bytes that the caller fills at once. @returns where they start in #buffer */
  #reserve(size: number): number {
    if (this.#position + size > this.#buffer.length) this.#grow(size);
    const start = this.#position;
    this.#position = start + size;
    return start;
  }

  #grow(size: number): void {
    const pending = this.#position - this.#start;
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, pending + size));
    this.#buffer.copy(grown, 0, this.#start, this.#position);
    this.#buffer = grown;
    this.#start = 0;
    this.#position = pending;
  }

  #closeChunk(): void {
    if (this.#position === this.#start) return;
    this.#chunks.push(this.#buffer.subarray(this.#start, this.#position));
    this.#chunksSizeInBytes += this.#position - this.#start;
    this.#start = this.#position;
  }

  #appendRecords(value: RecordsValue): void {
    if (Buffer.isBuffer(value)) this.#appendRecordsBuffer(value);
    else if (isBufferList(value)) for (const piece of value) this.#appendRecordsBuffer(piece);
    else this.appendChunk(value);
  }

  #appendRecordsBuffer(value: Buffer): void {
    if (value.length <= COPIED_RECORDS_BYTES_MAX) this.writeRaw(value);
    else this.appendChunk(value);
  }

  /** Names are short and ASCII: a loop here beats two calls out of JavaScript. Writes nothing when a character is not ASCII.
   *  @param prefixSize 1 or 2 bytes for `prefix`, the length as its format wants it, below 128 @returns was it written? */
  #writeShortAscii(value: string, prefixSize: number, prefix: number): boolean {
    const start = this.#reserve(prefixSize + value.length);
    const buffer = this.#buffer;
    let position = start;
    if (prefixSize === 2) buffer[position++] = 0;
    buffer[position++] = prefix;
    for (let index = 0; index < value.length; index++) {
      const code = value.charCodeAt(index);
      if (code > 0x7f) {
        this.#position = start;
        return false;
      }
      buffer[position++] = code;
    }
    return true;
  }

  #writeUtf8(value: string, size: number): void {
    const position = this.#reserve(size);
    this.#buffer.write(value, position, size, 'utf8');
  }
}

/** How many bytes `value` takes as an unsigned varint. */
export function unsignedVarintSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  return value < 0x1000_0000 ? 4 : 5;
}

/** How many bytes records take. */
export function recordsSize(value: RecordsValue): number {
  if (Buffer.isBuffer(value)) return value.length;
  if (!isBufferList(value)) return value.sizeInBytes;
  let size = 0;
  for (const piece of value) size += piece.length;
  return size;
}

function isBufferList(value: RecordsValue): value is readonly Buffer[] {
  return Array.isArray(value);
}

function stringSize(value: string): number {
  const size = Buffer.byteLength(value, 'utf8');
  if (size > STRING_BYTES_MAX) throw new RangeError(`a string of ${size} bytes, at most ${STRING_BYTES_MAX} fit`);
  return size;
}
