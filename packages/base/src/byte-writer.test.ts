import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ByteReader } from './byte-reader.ts';
import type { ByteSource } from './byte-source.ts';
import { ByteWriter } from './byte-writer.ts';
import { SeededRandom } from './random.ts';

function hexOf(write: (writer: ByteWriter) => void, initialCapacity?: number): string {
  const writer = new ByteWriter(initialCapacity);
  write(writer);
  return writer.finishBuffer().toString('hex');
}

class MemorySource implements ByteSource {
  readonly #bytes: Buffer;
  released = 0;
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }
  get sizeInBytes(): number {
    return this.#bytes.length;
  }
  readSync(target: Buffer, position: number): number {
    return this.#bytes.copy(target, 0, position);
  }
  release(): void {
    this.released++;
  }
}

describe('ByteWriter', () => {
  const WRITES: [string, (writer: ByteWriter) => void, string][] = [
    ['int8', (w) => w.writeInt8(-2), 'fe'],
    ['uint8', (w) => w.writeUint8(254), 'fe'],
    ['int16', (w) => w.writeInt16(-2), 'fffe'],
    ['uint16', (w) => w.writeUint16(65534), 'fffe'],
    ['int32', (w) => w.writeInt32(-2), 'fffffffe'],
    ['uint32', (w) => w.writeUint32(0x80000000), '80000000'],
    ['int64', (w) => w.writeInt64(-2n), 'fffffffffffffffe'],
    ['int64 from a number', (w) => w.writeSafeInt64(2 ** 32 + 1), '0000000100000001'],
    ['int64 from a negative number', (w) => w.writeSafeInt64(-1), 'ffffffffffffffff'],
    ['int64 from the least safe number', (w) => w.writeSafeInt64(Number.MIN_SAFE_INTEGER), 'ffe0000000000001'],
    ['float64', (w) => w.writeFloat64(1.5), '3ff8000000000000'],
    ['bool', (w) => w.writeBool(true), '01'],
    ['unsigned varint', (w) => w.writeUnsignedVarint(300), 'ac02'],
    ['the greatest unsigned varint', (w) => w.writeUnsignedVarint(0xffffffff), 'ffffffff0f'],
    ['varint', (w) => w.writeVarint(-0x80000000), 'ffffffff0f'],
    ['varlong', (w) => w.writeVarlong(-(2n ** 63n)), 'ffffffffffffffffff01'],
    ['uuid', (w) => w.writeUuid('AAAAAAAAAAAAAAAAAAAAAQ'), '00000000000000000000000000000001'],
    ['the zero uuid', (w) => w.writeUuid('AAAAAAAAAAAAAAAAAAAAAA'), '00'.repeat(16)],
    ['string', (w) => w.writeString('ż'), '0002c5bc'],
    ['null string', (w) => w.writeNullableString(null), 'ffff'],
    ['compact string', (w) => w.writeCompactString('ż'), '03c5bc'],
    ['compact null string', (w) => w.writeCompactNullableString(null), '00'],
    ['bytes', (w) => w.writeBytes(Buffer.from('ab')), '000000026162'],
    ['null bytes', (w) => w.writeNullableBytes(null), 'ffffffff'],
    ['compact bytes', (w) => w.writeCompactBytes(Buffer.from('ab')), '036162'],
    ['null array', (w) => w.writeArrayLength(-1), 'ffffffff'],
    ['compact null array', (w) => w.writeCompactArrayLength(-1), '00'],
    ['null records', (w) => w.writeRecords(null), 'ffffffff'],
    ['compact records', (w) => w.writeCompactRecords(Buffer.from('ab')), '036162'],
  ];
  for (const [what, write, hex] of WRITES) test(`writes ${what}`, () => assert.equal(hexOf(write, 1), hex));

  const REFUSED: [string, (writer: ByteWriter) => void][] = [
    ['a string of more than 32767 bytes', (w) => w.writeString('ż'.repeat(16384))],
    ['a number that is no safe integer as int64', (w) => w.writeSafeInt64(2 ** 53)],
    ['a fraction as int64', (w) => w.writeSafeInt64(0.5)],
    ['a number that is no int32', (w) => w.writeInt32(2 ** 31)],
    ['text that is no uuid', (w) => w.writeUuid('nonsense')],
  ];
  for (const [what, write] of REFUSED) test(`refuses ${what}`, () => assert.throws(() => hexOf(write), RangeError));

  test('grows from any capacity without losing a byte', () => {
    const random = new SeededRandom(7);
    const expected: Buffer[] = [];
    const writer = new ByteWriter(1);
    for (let index = 0; index < 200; index++) {
      const piece = random.bytes(random.nextInt(50));
      expected.push(piece);
      writer.writeRaw(piece);
    }
    assert.equal(writer.sizeInBytes, Buffer.concat(expected).length);
    assert.deepEqual(writer.finishBuffer(), Buffer.concat(expected));
  });

  test('keeps big records and files out of its memory, in order', () => {
    const big = Buffer.alloc(5000, 1);
    const source = new MemorySource(Buffer.alloc(10, 2));
    const writer = new ByteWriter();
    writer.writeInt8(7);
    writer.writeRecords(big);
    writer.writeRecords(source);
    writer.writeInt8(8);
    const chunks = writer.finish();
    assert.equal(chunks.length, 5);
    assert.equal(chunks[1], big);
    assert.equal(chunks[3], source);
    assert.deepEqual(chunks[0], Buffer.from('0700001388', 'hex'));
    assert.deepEqual(chunks[4], Buffer.from('08', 'hex'));
    assert.equal(source.released, 0);
  });

  test('reads a file in and lets go of it when one buffer is wanted', () => {
    const source = new MemorySource(Buffer.from('abc'));
    assert.equal(
      hexOf((writer) => writer.writeCompactRecords(source)),
      '04616263',
    );
    assert.equal(source.released, 1);
  });

  test('lets go of the files it took when writing is given up', () => {
    const source = new MemorySource(Buffer.from('abc'));
    const writer = new ByteWriter();
    writer.writeRecords(source);
    writer.release();
    assert.equal(source.released, 1);
  });

  for (const text of [
    '',
    'a',
    'a'.repeat(40),
    'a'.repeat(41),
    `${'a'.repeat(39)}ż`,
    'ż'.repeat(40),
    'a'.repeat(32767),
  ]) {
    test(`writes a string of ${text.length} characters so that it can be read again`, () => {
      const writer = new ByteWriter(1);
      writer.writeString(text);
      writer.writeCompactString(text);
      writer.writeNullableString(text);
      writer.writeCompactNullableString(text);
      const reader = new ByteReader(writer.finishBuffer());
      assert.equal(reader.readString(), text);
      assert.equal(reader.readCompactString(), text);
      assert.equal(reader.readNullableString(), text);
      assert.equal(reader.readCompactNullableString(), text);
      reader.expectEnd();
    });
  }

  test('hands out written bytes only', () => {
    const writer = new ByteWriter(1024);
    writer.writeInt32(1);
    assert.deepEqual(writer.finish(), [Buffer.from('00000001', 'hex')]);
  });

  for (const size of [0, 1, 127, 128, 300, 20_000]) {
    test(`puts the size before a tagged field of ${size} bytes, wherever its chunk starts`, () => {
      const payload = new SeededRandom(size).bytes(size);
      const writer = new ByteWriter(1);
      writer.writeRecords(Buffer.alloc(2000));
      const begin = writer.beginTaggedField(5);
      writer.writeRaw(payload);
      writer.endTaggedField(begin);
      writer.writeInt8(9);
      const reader = new ByteReader(writer.finishBuffer(), 2004);
      assert.equal(reader.readUnsignedVarint(), 5);
      assert.equal(reader.readUnsignedVarint(), size);
      assert.deepEqual(reader.readSlice(size), payload);
      assert.equal(reader.readInt8(), 9);
      reader.expectEnd();
    });
  }
});
