// Walks the records of a format 2 batch by its varints, as numbers: where keys, values and headers stand, never copies of
// them, no object per record. Validation and iteration both stand on it.
// Source: org.apache.kafka.common.record.DefaultRecord.readFrom.
//
//   record: size varint, attributes int8, timestampDelta varlong, offsetDelta varint, keySize varint (−1: null), key,
//           valueSize varint (−1: null), value, headerCount varint, headers
//   header: keySize varint, key, valueSize varint (−1: null), value

import { InvalidRecordError } from './errors.ts';

/** More than a varint of two bytes can be, or a record. */
const LONGER = 0x40000000;
const TWO_27 = 2 ** 27;
const TWO_55 = 2 ** 55;

export class RecordCursor {
  readonly buffer: Buffer;
  /** The first byte not yet read. */
  position: number;
  /** The end of all records. */
  readonly end: number;
  /** The end of what may be read now: of the record that is being read, or of all. */
  #limit: number;

  // Of the record that `next` read last:
  attributes = 0;
  timestampDelta = 0;
  offsetDelta = 0;
  keyPosition = 0;
  /** −1: null. */
  keySize = -1;
  valuePosition = 0;
  /** −1: null. */
  valueSize = -1;
  headerCount = 0;
  headersPosition = 0;

  // Of the header that `nextHeader` read last:
  headerKeyPosition = 0;
  headerKeySize = 0;
  headerValuePosition = 0;
  headerValueSize = -1;

  /** @param position of the first record @param end after the last one */
  constructor(buffer: Buffer, position: number, end: number) {
    this.buffer = buffer;
    this.position = position;
    this.end = end;
    this.#limit = end;
  }

  /** Reads one record and stops after it. @throws InvalidRecordError when its lengths contradict each other */
  next(): void {
    if (!this.#nextShort()) this.#nextOfAnyKind();
  }

  /** Reads the usual record: no headers, no varint of more than two bytes. Changes nothing but fields of the record when this
   *  one is another kind, or malformed. Four times as fast as the general way. */
  #nextShort(): boolean {
    const { buffer, end } = this;
    let position = this.position;
    const size = shortVarint(buffer, position);
    position += shortVarintSize(buffer, position);
    const lastByte = position + size - 1;
    if (size < 1 || lastByte >= end) return false;
    this.attributes = buffer[position++] as number;
    const timestampDelta = shortVarint(buffer, position);
    position += shortVarintSize(buffer, position);
    const offsetDelta = shortVarint(buffer, position);
    position += shortVarintSize(buffer, position);
    const keySize = shortVarint(buffer, position);
    position += shortVarintSize(buffer, position);
    const keyPosition = position;
    if (keySize > 0) position += keySize;
    if (position >= lastByte) return false;
    const valueSize = shortVarint(buffer, position);
    position += shortVarintSize(buffer, position);
    const valuePosition = position;
    if (valueSize > 0) position += valueSize;
    // A size that is too long for this has put the position beyond the record.
    if (position !== lastByte || buffer[position] !== 0 || keySize < -1 || valueSize < -1) return false;
    if (timestampDelta === LONGER || offsetDelta === LONGER) return false;
    this.timestampDelta = timestampDelta;
    this.offsetDelta = offsetDelta;
    this.keyPosition = keyPosition;
    this.keySize = keySize;
    this.valuePosition = valuePosition;
    this.valueSize = valueSize;
    this.headerCount = 0;
    this.position = position + 1;
    return true;
  }

  #nextOfAnyKind(): void {
    this.#limit = this.end;
    const size = this.#varint();
    const bodyEnd = this.position + size;
    if (size < 1 || bodyEnd > this.end) throw invalidStructure(`a record of ${size} bytes`);
    this.#limit = bodyEnd;
    this.attributes = this.buffer[this.position++] as number;
    this.timestampDelta = this.#varlong();
    this.offsetDelta = this.#varint();
    this.keySize = this.#varint();
    this.keyPosition = this.position;
    this.#skip(this.keySize);
    this.valueSize = this.#varint();
    this.valuePosition = this.position;
    this.#skip(this.valueSize);
    this.headerCount = this.#varint();
    this.headersPosition = this.position;
    if (this.headerCount !== 0) this.#skipHeaders();
    if (this.position !== bodyEnd) throw invalidStructure(`${bodyEnd - this.position} bytes left in a record`);
  }

  /** Goes back to the first of the record's `headerCount` headers. The record has been read by `next`. */
  rewindToHeaders(): void {
    this.position = this.headersPosition;
  }

  /** Reads one header. @throws InvalidRecordError when it is malformed */
  nextHeader(): void {
    this.headerKeySize = this.#varint();
    if (this.headerKeySize < 0) throw invalidStructure('a header without key');
    this.headerKeyPosition = this.position;
    this.#skip(this.headerKeySize);
    this.headerValueSize = this.#varint();
    this.headerValuePosition = this.position;
    this.#skip(this.headerValueSize);
  }

  /** @throws InvalidRecordError when anything follows the record read last */
  ensureNoneRemaining(): void {
    if (this.position !== this.end) {
      throw new InvalidRecordError(
        `Incorrect declared batch size: ${this.end - this.position} bytes remain after the last record`,
      );
    }
  }

  #skipHeaders(): void {
    // A header takes two bytes at least: a forged count is refused before it is counted to.
    if (this.headerCount < 0 || this.headerCount > this.#limit - this.position) {
      throw invalidStructure(`${this.headerCount} headers`);
    }
    for (let i = 0; i < this.headerCount; i++) this.nextHeader();
  }

  #skip(size: number): void {
    if (size <= 0) {
      if (size < -1) throw invalidStructure(`a field of ${size} bytes`);
      return;
    }
    if (size > this.#limit - this.position) throw invalidStructure(`a field of ${size} bytes`);
    this.position += size;
  }

  /** Unrolled, with one check of the limit at its end: nearly all varints of a batch have one or two bytes. A byte beyond the
   *  buffer reads as undefined, which ends the varint. */
  #varint(): number {
    const buffer = this.buffer;
    let position = this.position;
    let byte = buffer[position++] as number;
    let value = byte;
    if (byte >= 0x80) {
      byte = buffer[position++] as number;
      value = (value & 0x7f) | ((byte & 0x7f) << 7);
      if (byte >= 0x80) {
        byte = buffer[position++] as number;
        value |= (byte & 0x7f) << 14;
        if (byte >= 0x80) {
          byte = buffer[position++] as number;
          value |= (byte & 0x7f) << 21;
          if (byte >= 0x80) {
            byte = buffer[position++] as number;
            value |= (byte & 0x7f) << 28;
            if (byte >= 0x80) throw invalidStructure('a varint of more than 5 bytes');
          }
        }
      }
    }
    if (position > this.#limit) throw invalidStructure('a varint cut short');
    this.position = position;
    return (value >>> 1) ^ -(value & 1);
  }

  /** An int64, saturated to ±(2^53 − 1). */
  #varlong(): number {
    const first = this.position < this.#limit ? (this.buffer[this.position] as number) : 0x80;
    if (first < 0x80) {
      this.position++;
      return (first >>> 1) ^ -(first & 1);
    }
    const low = this.#varlongPart(4);
    const middle = this.#more ? this.#varlongPart(4) : 0;
    const high = this.#more ? this.#varlongPart(2) : 0;
    if (this.#more) throw invalidStructure('a varlong of more than 10 bytes');
    const half = (low >>> 1) + middle * TWO_27 + high * TWO_55;
    const value = low & 1 ? -half - 1 : half;
    return Math.min(Math.max(value, Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
  }

  /** Whether the last part of a varlong ended in the middle of it. */
  #more = false;

  /** Up to `bytesMax` bytes of seven bits each. */
  #varlongPart(bytesMax: number): number {
    let value = 0;
    this.#more = true;
    for (let i = 0; this.#more && i < bytesMax; i++) {
      if (this.position >= this.#limit) throw invalidStructure('a varlong cut short');
      const byte = this.buffer[this.position++] as number;
      value |= (byte & 0x7f) << (7 * i);
      this.#more = byte >= 0x80;
    }
    return value;
  }
}

/** The varint of one or two bytes at `position`; LONGER where it has more. */
function shortVarint(buffer: Buffer, position: number): number {
  const first = buffer[position] as number;
  if (first < 0x80) return (first >>> 1) ^ -(first & 1);
  const second = buffer[position + 1] as number;
  if (second >= 0x80) return LONGER;
  return (((first & 0x7f) | (second << 7)) >>> 1) ^ -(first & 1);
}

function shortVarintSize(buffer: Buffer, position: number): number {
  return (buffer[position] as number) < 0x80 ? 1 : 2;
}

function invalidStructure(what: string): InvalidRecordError {
  return new InvalidRecordError(`Found invalid record structure: ${what}`);
}
