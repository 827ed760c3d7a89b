import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ByteReader, MalformedMessageError } from './byte-reader.ts';

const readerOf = (hex: string): ByteReader => new ByteReader(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

describe('ByteReader', () => {
  const READS: [string, string, (reader: ByteReader) => unknown, unknown][] = [
    ['int8', 'fe', (r) => r.readInt8(), -2],
    ['uint8', 'fe', (r) => r.readUint8(), 254],
    ['int16', 'fffe', (r) => r.readInt16(), -2],
    ['uint16', 'fffe', (r) => r.readUint16(), 65534],
    ['int32', '80000000', (r) => r.readInt32(), -0x80000000],
    ['uint32', '80000000', (r) => r.readUint32(), 0x80000000],
    ['int64', '8000000000000000', (r) => r.readInt64(), -(2n ** 63n)],
    ['float64', '3ff8000000000000', (r) => r.readFloat64(), 1.5],
    ['bool', '00', (r) => r.readBool(), false],
    ['any byte but 0 as true', '02', (r) => r.readBool(), true],
    ['uuid', '00000000000000000000000000000001', (r) => r.readUuid(), 'AAAAAAAAAAAAAAAAAAAAAQ'],
    ['unsigned varint', 'ac02', (r) => r.readUnsignedVarint(), 300],
    ['the greatest unsigned varint', 'ffffffff0f', (r) => r.readUnsignedVarint(), 0xffffffff],
    ['zigzag varint', '01', (r) => r.readVarint(), -1],
    ['the least zigzag varint', 'ffffffff0f', (r) => r.readVarint(), -0x80000000],
    ['zigzag varlong', 'ffffffffffffffffff01', (r) => r.readVarlong(), -(2n ** 63n)],
    ['a short varlong as a number', 'd804', (r) => r.readSafeVarlong(), 300],
    ['a negative varlong of four bytes as a number', 'ffffff7f', (r) => r.readSafeVarlong(), -0x8000000],
    ['a long varlong as a number', '8080808080 80 04', (r) => r.readSafeVarlong(), 2 ** 43],
    ['a varlong beyond 2^53 as a number', 'ffffffffffffffffff01', (r) => r.readSafeVarlong(), Number.MIN_SAFE_INTEGER],
    ['string', '0002 c5bc', (r) => r.readString(), 'ż'],
    ['empty string', '0000', (r) => r.readString(), ''],
    ['null string', 'ffff', (r) => r.readNullableString(), null],
    ['compact string', '03 c5bc', (r) => r.readCompactString(), 'ż'],
    ['compact null string', '00', (r) => r.readCompactNullableString(), null],
    ['invalid UTF-8 with a replacement character', '0002 41ff', (r) => r.readString(), 'A\ufffd'],
    ['null bytes', 'ffffffff', (r) => r.readNullableBytes(), null],
    ['compact null bytes', '00', (r) => r.readCompactNullableBytes(), null],
    ['null array', 'ffffffff', (r) => r.readNullableArrayLength(1), -1],
    ['compact null array', '00', (r) => r.readCompactNullableArrayLength(1), -1],
    ['empty array', '00000000', (r) => r.readArrayLength(100), 0],
  ];
  for (const [what, hex, read, expected] of READS) {
    test(`reads ${what}`, () => {
      const reader = readerOf(hex);
      assert.deepEqual(read(reader), expected);
      assert.equal(reader.remaining, 0);
    });
  }

  const SAFE: [string, number][] = [
    ['0000000000000000', 0],
    ['ffffffffffffffff', -1],
    ['0000000100000000', 2 ** 32],
    ['fffffffeffffffff', -(2 ** 32) - 1],
    ['001fffffffffffff', Number.MAX_SAFE_INTEGER],
    ['0020000000000000', Number.MAX_SAFE_INTEGER],
    ['7fffffffffffffff', Number.MAX_SAFE_INTEGER],
    ['ffe0000000000001', Number.MIN_SAFE_INTEGER],
    ['ffe0000000000000', Number.MIN_SAFE_INTEGER],
    ['8000000000000000', Number.MIN_SAFE_INTEGER],
  ];
  for (const [hex, expected] of SAFE) {
    test(`reads int64 ${hex} as the number ${expected}`, () => assert.equal(readerOf(hex).readSafeInt64(), expected));
  }

  const REFUSED: [string, string, (reader: ByteReader) => unknown][] = [
    ['an int32 of three bytes', '000000', (r) => r.readInt32()],
    ['a string longer than what is left', '0003 4142', (r) => r.readString()],
    ['null where a string must be', 'ffff', (r) => r.readString()],
    ['a compact null where a string must be', '00', (r) => r.readCompactString()],
    ['a compact string of more than 32767 bytes', `818002${'41'.repeat(32768)}`, (r) => r.readCompactString()],
    ['null where bytes must be', 'ffffffff', (r) => r.readBytes()],
    ['bytes longer than what is left', '7fffffff 00', (r) => r.readBytes()],
    ['compact bytes longer than what is left', 'ffffffff0f 00', (r) => r.readCompactBytes()],
    ['null where an array must be', 'ffffffff', (r) => r.readArrayLength(1)],
    ['an array that cannot be there', '00000003 0000 0000 00', (r) => r.readArrayLength(2)],
    ['a compact array that cannot be there', 'ffffffff0f 00', (r) => r.readCompactArrayLength(1)],
    ['an endless varint', 'ffffffffff01', (r) => r.readUnsignedVarint()],
    ['an endless varlong', 'ffffffffffffffffffff01', (r) => r.readVarlong()],
    ['a varint that ends in the middle', '80', (r) => r.readUnsignedVarint()],
    ['more tagged fields than bytes', 'ff7f 00', (r) => r.skipTaggedFields()],
    ['a tagged field longer than what is left', '01 00 05 00', (r) => r.skipTaggedFields()],
    ['a negative size', '00', (r) => r.skip(-1)],
    ['a slice beyond the end', '0000', (r) => r.readSlice(3)],
    ['bytes after the end', '00', (r) => r.expectEnd()],
  ];
  for (const [what, hex, read] of REFUSED) {
    test(`refuses ${what}`, () => assert.throws(() => read(readerOf(hex)), MalformedMessageError));
  }

  test('says where and in which field bytes are wrong', () => {
    const reader = readerOf('00000000 0005 41');
    reader.readInt32('throttleTimeMs');
    assert.throws(() => reader.readString('host'), {
      name: 'MalformedMessageError',
      message: '5 bytes wanted, 1 left in host at position 6',
      position: 6,
      field: 'host',
    });
  });

  test('never reads outside its range of the buffer', () => {
    const reader = new ByteReader(Buffer.from('aabbccddee', 'hex'), 1, 3);
    assert.equal(reader.readUint16(), 0xbbcc);
    assert.throws(() => reader.readInt8(), MalformedMessageError);
    assert.throws(() => new ByteReader(Buffer.alloc(3), 1, 4), RangeError);
  });

  test('gives bytes as views, not copies', () => {
    const buffer = Buffer.from('00000002aabb', 'hex');
    assert.equal(new ByteReader(buffer).readBytes().buffer, buffer.buffer);
  });
});
