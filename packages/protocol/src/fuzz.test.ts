// Damaged messages: every codec either reads them or throws MalformedMessageError, in time and memory bounded by their length.
// OTTLA_FUZZ_CASES says how many (5,000 by default), OTTLA_FUZZ_SEED repeats a run.

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { ByteReader, ByteWriter, MalformedMessageError, SeededRandom } from '@ottla/base';
import { apiCodecs } from './codecs.ts';
import { knownMessages } from './conformance/known-messages.ts';
import { readRequestHeader } from './request-header.ts';
import { messageVectors, skipWithoutFacts } from './testing/facts.ts';

const CASES = Number(process.env.OTTLA_FUZZ_CASES ?? 5000);
const SEED = Number(process.env.OTTLA_FUZZ_SEED ?? randomInt(2 ** 32));

/** Counts what reading costs: each read that is not of a tagged field's empty payload takes at least a byte. */
class CountingReader extends ByteReader {
  reads = 0;
  /** Elements announced by arrays. */
  elements = 0;

  override readInt8(field = ''): number {
    this.reads++;
    return super.readInt8(field);
  }
  override readInt16(field = ''): number {
    this.reads++;
    return super.readInt16(field);
  }
  override readInt32(field = ''): number {
    this.reads++;
    return super.readInt32(field);
  }
  override readUnsignedVarint(field = ''): number {
    this.reads++;
    return super.readUnsignedVarint(field);
  }
  override readSafeInt64(field = ''): number {
    this.reads++;
    return super.readSafeInt64(field);
  }
  override readArrayLength(elementBytesMin: number, field = ''): number {
    return this.#announced(super.readArrayLength(elementBytesMin, field), elementBytesMin);
  }
  override readNullableArrayLength(elementBytesMin: number, field = ''): number {
    return this.#announced(super.readNullableArrayLength(elementBytesMin, field), elementBytesMin);
  }
  override readCompactArrayLength(elementBytesMin: number, field = ''): number {
    return this.#announced(super.readCompactArrayLength(elementBytesMin, field), elementBytesMin);
  }
  override readCompactNullableArrayLength(elementBytesMin: number, field = ''): number {
    return this.#announced(super.readCompactNullableArrayLength(elementBytesMin, field), elementBytesMin);
  }

  #announced(count: number, elementBytesMin: number): number {
    assert.ok(elementBytesMin >= 1 && count * elementBytesMin <= this.remaining, 'an array longer than the bytes left');
    this.elements += Math.max(0, count);
    return count;
  }
}

const EXTREMES = [0, 1, -1, 2, 0x7f, 0x80, 0x7fff, 0x8000, 0xffff, 0x7fffffff, -0x80000000, 0x00ffffff];

/** One of many ways to damage `bytes`; `other` is bytes of another message to splice in. */
function damaged(bytes: Buffer, other: Buffer, random: SeededRandom): Buffer {
  const at = random.nextInt(bytes.length + 1);
  switch (random.nextInt(7)) {
    case 0:
      return bytes.subarray(0, at);
    case 1:
      return Buffer.concat([bytes.subarray(0, at), other.subarray(random.nextInt(other.length + 1))]);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), random.bytes(1 + random.nextInt(8)), bytes.subarray(at)]);
    case 3:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.nextInt(8))]);
    case 4:
      return overwritten(bytes, at, random.bytes(1 + random.nextInt(4)));
    case 5:
      return overwritten(bytes, at, Buffer.from([0xff, 0xff, 0xff, 0xff, random.nextInt(16)]));
    default:
      return overwritten(bytes, at, extreme(random));
  }
}

function extreme(random: SeededRandom): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE((EXTREMES[random.nextInt(EXTREMES.length)] ?? 0) | 0);
  return random.nextInt(2) === 0 ? bytes : bytes.subarray(2);
}

function overwritten(bytes: Buffer, position: number, patch: Buffer): Buffer {
  const result = Buffer.from(bytes);
  patch.copy(result, position);
  return result;
}

describe(`fuzz, seed ${SEED}`, { skip: skipWithoutFacts }, () => {
  const vectors = messageVectors();
  assert.ok(vectors.length > 0);
  const random = new SeededRandom(SEED);
  const pick = () => {
    const vector = vectors[random.nextInt(vectors.length)];
    assert.ok(vector);
    return vector;
  };

  test(`${CASES} damaged messages are read or refused, in bounded time and memory`, (context) => {
    context.diagnostic(`OTTLA_FUZZ_SEED=${SEED}`);
    let readable = 0;
    for (let index = 0; index < CASES; index++) {
      const { message, version, bytes } = pick();
      let hostile = damaged(bytes, pick().bytes, random);
      while (random.nextInt(3) === 0) hostile = damaged(hostile, pick().bytes, random);
      const what = () => `case ${index}: ${message} version ${version}: ${hostile.toString('hex')}`;
      for (const { codec } of knownMessages.get(message) ?? []) {
        if (!codec.hasVersion(version)) continue;
        const reader = new CountingReader(hostile);
        try {
          const value = codec.read(reader, version);
          readable++;
          assert.ok(reader.elements <= hostile.length, what());
          const writer = new ByteWriter();
          codec.write(writer, value, version);
          const again = codec.read(new ByteReader(writer.finishBuffer()), version);
          assert.ok(isDeepStrictEqual(again, value), `reads differently after writing: ${what()}`);
        } catch (error) {
          if (!(error instanceof MalformedMessageError)) throw new Error(what(), { cause: error });
        }
        assert.ok(reader.reads <= hostile.length + 16, `${reader.reads} reads: ${what()}`);
      }
    }
    assert.ok(readable > CASES / 100 && readable < CASES * 1.5, `${readable} of ${CASES} were readable`);
  });

  test('random bytes as a frame are read or refused', () => {
    for (let index = 0; index < CASES / 5; index++) {
      const frame = random.bytes(random.nextInt(60));
      if (frame.length > 1) frame.writeInt16BE(random.nextInt(100), 0);
      if (frame.length > 3) frame.writeInt16BE(random.nextInt(20), 2);
      try {
        const reader = new ByteReader(frame);
        const { apiKey, apiVersion } = readRequestHeader(reader);
        const request = apiCodecs.get(apiKey)?.request;
        if (request?.hasVersion(apiVersion)) request.read(reader, apiVersion);
      } catch (error) {
        if (!(error instanceof MalformedMessageError)) throw new Error(frame.toString('hex'), { cause: error });
      }
    }
  });
});
