import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { SeededRandom } from '@ottla/base';
import { CorruptRecordError, InvalidRecordError, UnsupportedCompressionError } from '../errors.ts';
import { compress, DECOMPRESSED_BYTES_MAX, decompress, loadCompressionCodecs } from './compress.ts';
import type { CompressionType } from './compression-type.ts';
import { decodeLz4Block } from './lz4-block.ts';
import { decodeLz4BlockByWasm } from './lz4-wasm.ts';
import { bytesOf } from './matching.ts';
import { Output } from './output.ts';
import { decodeSnappyBlock, decodeSnappyBlockByWasm } from './snappy-block.ts';
import { xxHash32 } from './xx-hash-32.ts';

const TYPES: readonly CompressionType[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
const UNLIMITED = { maxSizeInBytes: DECOMPRESSED_BYTES_MAX };

const random = new SeededRandom(7);
const SAMPLES: Record<string, Buffer> = {
  'nothing at all': Buffer.alloc(0),
  'one byte': Buffer.from('x'),
  'twelve bytes': Buffer.from('abcabcabcabc'),
  'thirteen bytes': Buffer.from('abcabcabcabca'),
  'what does not compress': random.bytes(100_000),
  'one byte many times': Buffer.alloc(300_000, 'a'),
  'a pattern of three': Buffer.alloc(70_000, 'abc'),
  'a text': Buffer.from(
    Array.from({ length: 4_000 }, (_, i) => `{"id":${i % 977},"user":"user-${i % 13}"}`).join('\n'),
  ),
  'a chunk and one byte': Buffer.alloc(32_769, 'pqrs'),
  'a block exactly': Buffer.concat([random.bytes(32_768), Buffer.alloc(32_768, 'xy')]),
  'long literals between matches': Buffer.concat(
    [3, 14, 15, 16, 59, 60, 61, 255, 256, 269, 270, 300, 70_000].flatMap((size) => [
      random.bytes(size),
      Buffer.alloc(size + 20, 'z'),
    ]),
  ),
};

describe('every codec', () => {
  before(loadCompressionCodecs);

  for (const type of TYPES) {
    for (const [name, bytes] of Object.entries(SAMPLES)) {
      test(`${type} gives back ${name}`, () => {
        const packed = compress(type, bytes);
        assert.ok(decompress(type, packed, { maxSizeInBytes: bytes.length }).equals(bytes));
        assert.ok(packed.length <= bytes.length * 1.01 + 100, `${packed.length} of ${bytes.length} bytes`);
      });
    }
  }

  test('gives back random mixtures of runs, repeats and noise', () => {
    for (let round = 0; round < 150; round++) {
      const bytes = mixture(random.nextInt(round * 600 + 1));
      for (const type of TYPES) {
        const unpacked = decompress(type, compress(type, bytes), { maxSizeInBytes: bytes.length });
        assert.ok(unpacked.equals(bytes), `${type}, round ${round}`);
      }
    }
  });

  test('puts out nothing beyond the limit', () => {
    const bytes = Buffer.alloc(200_000, 'bomb');
    for (const type of TYPES) {
      const packed = compress(type, bytes);
      assert.throws(() => decompress(type, packed, { maxSizeInBytes: 199_999 }), InvalidRecordError, type);
      assert.equal(decompress(type, packed, { maxSizeInBytes: 200_000 }).length, 200_000, type);
    }
  });

  test('refuses bytes cut short or changed with a typed error, or puts out something within the limit', () => {
    const bytes = mixture(3_000);
    for (const type of TYPES.slice(1)) {
      const packed = compress(type, bytes);
      for (let size = 0; size < packed.length; size += 7) {
        refusedOrSmall(type, packed.subarray(0, size), `${type} cut at ${size}`);
      }
      for (let round = 0; round < 300; round++) {
        const changed = Buffer.from(packed);
        changed[random.nextInt(packed.length)] = random.nextInt(256);
        changed[random.nextInt(Math.min(packed.length, 30))] = random.nextInt(256);
        refusedOrSmall(type, changed, `${type}, round ${round}`);
      }
      refusedOrSmall(type, random.bytes(500), `${type}, noise`);
    }
  });

  test('what is lent is right until the next is, and what is not lent stays', () => {
    for (const type of TYPES) {
      const [first, second] = [mixture(50_000), mixture(60_000)];
      const kept = decompress(type, compress(type, first), UNLIMITED);
      const packed = compress(type, second);
      for (let round = 0; round < 3; round++) {
        assert.ok(decompress(type, packed, { ...UNLIMITED, isLent: true }).equals(second), type);
      }
      assert.ok(kept.equals(first), type);
    }
  });

  test('what is lent may be larger than what was lent before, also beyond what is kept', () => {
    for (const type of TYPES) {
      for (const size of [10, 100_000, 5_000_000, 1_000]) {
        const bytes = Buffer.alloc(size, 'lent');
        assert.ok(decompress(type, compress(type, bytes), { ...UNLIMITED, isLent: true }).equals(bytes), type);
      }
    }
  });

  test('zstd is refused in formats 0 and 1', () => {
    assert.throws(() => compress('zstd', Buffer.alloc(1), undefined, 1), UnsupportedCompressionError);
    assert.throws(() => decompress('zstd', Buffer.alloc(1), { ...UNLIMITED, magic: 0 }), UnsupportedCompressionError);
  });

  test('takes a level where the format has one', () => {
    const bytes = SAMPLES['a text'] ?? Buffer.alloc(0);
    for (const [type, low, high] of [
      ['gzip', 1, 9],
      ['zstd', 1, 19],
    ] as const) {
      assert.ok(compress(type, bytes, high).length < compress(type, bytes, low).length, type);
    }
  });
});

describe('gzip', () => {
  test('reads members that were appended to each other', () => {
    const two = Buffer.concat([gzipSync('ab'), gzipSync('cd')]);
    assert.equal(decompress('gzip', two, UNLIMITED).toString(), 'abcd');
  });
});

describe('gzip that lies about its size', () => {
  for (const said of [0, 1, 99_999, 100_001, 0xffffffff]) {
    test(`by ${said} is refused`, () => {
      const packed = gzipSync(Buffer.alloc(100_000, 'abc'));
      packed.writeUInt32LE(said, packed.length - 4);
      assert.throws(() => decompress('gzip', packed, UNLIMITED), CorruptRecordError);
    });
  }

  test('which it does not where a short member follows a long one', () => {
    const members = [gzipSync(Buffer.alloc(3_000_000, 'x')), gzipSync(Buffer.from('y'))];
    assert.equal(decompress('gzip', Buffer.concat(members), UNLIMITED).length, 3_000_001);
  });
});

describe('snappy', () => {
  test('is written in a xerial stream with chunks of 32 KiB', () => {
    const packed = compress('snappy', Buffer.alloc(40_000, 'k'));
    assert.equal(packed.subarray(0, 16).toString('hex'), '82534e41505059000000000100000001');
    const first = packed.readInt32BE(16);
    assert.deepEqual([...packed.subarray(20, 23)], [0x80, 0x80, 0x02], 'the first chunk holds 32768 bytes');
    assert.equal(packed.length, 16 + 4 + first + 4 + packed.readInt32BE(20 + first));
  });

  test('reads a bare block', () => {
    const block = Buffer.from([11, 8, 0x61, 0x62, 0x63, 0x11, 3]);
    assert.equal(decompress('snappy', block, UNLIMITED).toString(), 'abcabcabcab');
  });

  test('reads streams that were appended to each other', () => {
    const two = Buffer.concat([compress('snappy', Buffer.from('ab')), compress('snappy', Buffer.from('cd'))]);
    assert.equal(decompress('snappy', two, UNLIMITED).toString(), 'abcd');
  });

  test('a block that claims more than its bytes can make is refused before room is made for it', () => {
    const block = Buffer.from([0xff, 0xff, 0xff, 0x2f, 0, 0]);
    assert.throws(() => decompress('snappy', block, UNLIMITED), CorruptRecordError);
    const stream = Buffer.concat([Buffer.from('82534e4150505900000000010000000100000006', 'hex'), block]);
    assert.throws(() => decompress('snappy', stream, UNLIMITED), CorruptRecordError);
  });

  test('copies of every kind, and forged ones', () => {
    const kinds: [string, number[], string | undefined][] = [
      ['two bytes of offset', [6, 4, 0x61, 0x62, (3 << 2) | 2, 2, 0], 'ababab'],
      ['four bytes of offset', [6, 4, 0x61, 0x62, (3 << 2) | 3, 2, 0, 0, 0], 'ababab'],
      ['a literal with its size in one byte', [2, 60 << 2, 1, 0x61, 0x62], 'ab'],
      ['an offset of 0', [6, 4, 0x61, 0x62, (3 << 2) | 2, 0, 0], undefined],
      ['an offset before the start', [6, 4, 0x61, 0x62, (3 << 2) | 2, 3, 0], undefined],
      ['an offset of 2^32 − 1', [6, 4, 0x61, 0x62, (3 << 2) | 3, 255, 255, 255, 255], undefined],
      ['more than it says', [5, 4, 0x61, 0x62, (3 << 2) | 2, 2, 0], undefined],
      ['less than it says', [7, 4, 0x61, 0x62, (3 << 2) | 2, 2, 0], undefined],
      ['a literal cut short', [6, 63 << 2, 255, 255], undefined],
    ];
    for (const [name, bytes, expected] of kinds) {
      const unpack = () => decompress('snappy', Buffer.from(bytes), UNLIMITED).toString();
      if (expected === undefined) assert.throws(unpack, CorruptRecordError, name);
      else assert.equal(unpack(), expected, name);
    }
  });

  const native = optional('snappy');
  test('reads and is read by another implementation', { skip: native === undefined && 'no snappy here' }, () => {
    for (let round = 0; round < 100; round++) {
      const bytes = mixture(random.nextInt(60_000));
      const block: Buffer = native.compressSync(bytes);
      assert.ok(decompress('snappy', block, { maxSizeInBytes: bytes.length }).equals(bytes), `round ${round}`);
      if (bytes.length > 32_768 || bytes.length === 0) continue;
      const ours = compress('snappy', bytes);
      assert.ok(bytes.equals(native.uncompressSync(ours.subarray(20))), `round ${round}, ours`);
    }
  });

  test('the decoder in TypeScript and the one in WebAssembly agree, also about what they refuse', () => {
    const inTypeScript = (block: Buffer, room: number): Buffer => {
      const target = Buffer.alloc(room);
      return target.subarray(0, decodeSnappyBlock(block, bytesOf(target), 0));
    };
    for (let round = 0; round < 150; round++) {
      const bytes = mixture(1 + random.nextInt(30_000));
      const block = compress('snappy', bytes).subarray(20);
      assert.deepEqual(decodeSnappyBlockByWasm(block), bytes, `round ${round}`);
      assert.deepEqual(inTypeScript(block, bytes.length), bytes, `round ${round}, in TypeScript`);
      for (const changed of damaged(block, 5)) {
        const expected = orUndefined(() => inTypeScript(changed, 2 ** 22));
        assert.deepEqual(decodeSnappyBlockByWasm(changed), expected, `round ${round}`);
      }
    }
  });
});

describe('lz4', () => {
  const native = optional('lz4-napi');
  test('reads and is read by another implementation', { skip: native === undefined && 'no lz4-napi here' }, () => {
    for (let round = 0; round < 60; round++) {
      const bytes = mixture(1 + random.nextInt(200_000));
      assert.ok(bytes.equals(native.decompressFrameSync(compress('lz4', bytes))), `round ${round}, ours`);
      const options = { contentChecksum: round % 2 === 0, blockChecksums: round % 3 === 0 };
      const frame: Buffer = native.compressFrameSync(bytes, options);
      assert.ok(decompress('lz4', frame, { maxSizeInBytes: bytes.length }).equals(bytes), `round ${round}`);
    }
  });

  test('the decoder in TypeScript and the one in WebAssembly agree, also about what they refuse', () => {
    const inTypeScript = (block: Buffer): Buffer => {
      const output = new Output(0, 65_536, false);
      decodeLz4Block(bytesOf(block), 0, block.length, output, 0, 65_536);
      return output.finish();
    };
    for (let round = 0; round < 150; round++) {
      const bytes = mixture(1 + random.nextInt(60_000));
      const frame = compress('lz4', bytes);
      if (frame.readUInt32LE(7) >= 0x80000000) continue; // Stored: it did not compress.
      const block = frame.subarray(11, -4);
      assert.deepEqual(decodeLz4BlockByWasm(block, 65_536), bytes, `round ${round}`);
      assert.deepEqual(inTypeScript(block), bytes, `round ${round}, in TypeScript`);
      assert.equal(decodeLz4BlockByWasm(block, bytes.length - 1), undefined, `round ${round}, with too little room`);
      for (const changed of damaged(block, 5)) {
        assert.deepEqual(
          decodeLz4BlockByWasm(changed, 65_536),
          orUndefined(() => inTypeScript(changed)),
          `round ${round}`,
        );
      }
    }
  });

  test('a long block that is damaged is refused by words about what is wrong', () => {
    const frame = compress('lz4', mixture(50_000));
    // A match from further back than there is anything.
    frame.fill(0, 11, 11 + 1_000);
    assert.throws(() => decompress('lz4', frame, UNLIMITED), /lz4 records: a match of/);
  });

  test('packs smaller at a higher level, for everybody to read', () => {
    const words = Array.from({ length: 40_000 }, () => `word${random.nextInt(300)}`).join(' ');
    const text = Buffer.from(words);
    const sizes = [1, 4, 10, 17].map((level) => compress('lz4', text, level).length);
    assert.deepEqual(
      [...sizes].sort((a, b) => b - a),
      sizes,
    );
    assert.ok((sizes[2] ?? 0) < compress('lz4', text).length * 0.9, `${sizes}, ${compress('lz4', text).length}`);
    for (let round = 0; round < 40; round++) {
      const bytes = round < 3 ? Buffer.alloc(round * 70_000) : mixture(1 + random.nextInt(150_000));
      const packed = compress('lz4', bytes, 1 + random.nextInt(17));
      assert.ok(decompress('lz4', packed, UNLIMITED).equals(bytes), `round ${round}`);
      if (native !== undefined) assert.ok(bytes.equals(native.decompressFrameSync(packed)), `round ${round}`);
    }
  });

  test('reads dependent blocks, stored blocks, content size and content checksum', () => {
    // FLG 0x4c: dependent blocks, content size and checksum. BD 0x70: blocks of up to 4 MiB.
    const descriptor = Buffer.from('4c700a00000000000000', 'hex');
    const hc = Buffer.from([(xxHash32(descriptor, 0, 10) >>> 8) & 0xff]);
    const stored = Buffer.from('0400008061626364', 'hex');
    // No literals, a match of 5 from 4 back (into the block before), then one literal.
    const dependent = Buffer.from('0500000001' + '0400' + '1065', 'hex');
    const content = Buffer.from('abcdabcdae');
    const end = Buffer.alloc(8);
    end.writeUInt32LE(xxHash32(content, 0, content.length), 4);
    const frame = Buffer.concat([Buffer.from('04224d18', 'hex'), descriptor, hc, stored, dependent, end]);
    assert.equal(decompress('lz4', frame, UNLIMITED).toString(), content.toString());
    frame[frame.length - 1] = (frame[frame.length - 1] ?? 0) ^ 1;
    assert.throws(() => decompress('lz4', frame, UNLIMITED), CorruptRecordError);
  });

  test('a match before the start of an independent block is refused', () => {
    const header = Buffer.from('04224d18604082', 'hex');
    const frame = Buffer.concat([header, Buffer.from('0400008061626364050000000104001065', 'hex'), Buffer.alloc(4)]);
    assert.throws(() => decompress('lz4', frame, UNLIMITED), CorruptRecordError);
  });

  test('a wrong header checksum is accepted in formats 0 and 1 and refused in 2', () => {
    const frame = compress('lz4', Buffer.from('abc'));
    frame[6] = (frame[6] ?? 0) ^ 1;
    for (const magic of [0, 1] as const)
      assert.equal(decompress('lz4', frame, { ...UNLIMITED, magic }).toString(), 'abc');
    assert.throws(() => decompress('lz4', frame, UNLIMITED), CorruptRecordError);
  });
});

describe('zstd', () => {
  before(loadCompressionCodecs);

  test('reads frames appended to each other and skippable ones between', () => {
    const skippable = Buffer.from('5a2a4d1803000000616263', 'hex');
    const bytes = Buffer.concat([compress('zstd', Buffer.from('ab')), skippable, compress('zstd', Buffer.from('cd'))]);
    assert.equal(decompress('zstd', bytes, UNLIMITED).toString(), 'abcd');
  });

  test('reads a frame that does not say how much it holds', () => {
    // Window descriptor, no content size; one RLE block of 5 × 'a', as a stream writer would put out.
    const frame = Buffer.from('28b52ffd00582b000061', 'hex');
    assert.equal(decompress('zstd', frame, UNLIMITED).toString(), 'aaaaa');
  });

  test('a frame that claims more than its blocks hold is refused before it is unpacked', () => {
    const frame = Buffer.from('28b52ffda0000000402b000061', 'hex');
    assert.throws(() => decompress('zstd', frame, UNLIMITED), CorruptRecordError);
  });

  test('many small blocks that say nothing of their size unpack, up to the limit', () => {
    const rle = Buffer.from([0x02 | ((131_072 << 3) & 0xff), (131_072 >> 5) & 0xff, (131_072 >> 13) & 0xff, 0x61]);
    const last = Buffer.from([0x03, 0, 0, 0x61]);
    const frame = Buffer.concat([Buffer.from('28b52ffd0058', 'hex'), ...Array.from({ length: 100 }, () => rle), last]);
    assert.equal(decompress('zstd', frame, UNLIMITED).length, 13_107_200);
    assert.throws(() => decompress('zstd', frame, { maxSizeInBytes: 13_107_199 }), InvalidRecordError);
  });
});

function mixture(size: number): Buffer {
  const parts: Buffer[] = [];
  for (let total = 0; total < size; ) {
    const length = 1 + random.nextInt(Math.min(size - total, 1 + random.nextInt(400)));
    const earlier = parts[random.nextInt(parts.length + 1)];
    const kind = random.nextInt(4);
    if (kind === 0) parts.push(random.bytes(length));
    else if (kind === 1 || earlier === undefined) parts.push(Buffer.alloc(length, random.nextInt(256)));
    else parts.push(earlier.subarray(0, length));
    total += parts.at(-1)?.length ?? 0;
  }
  return Buffer.concat(parts);
}

/** Copies of `block`, each changed in a few places or cut short. */
function* damaged(block: Buffer, count: number): Generator<Buffer> {
  for (let i = 0; i < count; i++) {
    const copy = Buffer.from(block);
    for (let change = random.nextInt(4); change >= 0; change--) copy[random.nextInt(copy.length)] = random.nextInt(256);
    yield random.nextInt(3) === 0 ? copy.subarray(0, random.nextInt(copy.length)) : copy;
  }
}

function orUndefined<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    assert.ok(error instanceof CorruptRecordError || error instanceof InvalidRecordError, String(error));
    return undefined;
  }
}

function refusedOrSmall(type: CompressionType, bytes: Buffer, what: string): void {
  try {
    assert.ok(decompress(type, bytes, { maxSizeInBytes: 100_000 }).length <= 100_000, what);
  } catch (error) {
    assert.ok(error instanceof CorruptRecordError || error instanceof InvalidRecordError, `${what}: ${error}`);
  }
}

function optional(name: string) {
  try {
    return createRequire(import.meta.url)(name);
  } catch {
    return undefined;
  }
}
