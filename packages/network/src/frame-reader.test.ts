import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SeededRandom } from '@ottla/base';
import { FrameReader, InvalidFrameError } from './frame-reader.ts';

function framed(...bodies: readonly Buffer[]): Buffer {
  return Buffer.concat(
    bodies.flatMap((body) => {
      const size = Buffer.alloc(4);
      size.writeInt32BE(body.length);
      return [size, body];
    }),
  );
}

function drain(reader: FrameReader): Buffer[] {
  const frames: Buffer[] = [];
  for (let frame = reader.next(); frame !== undefined; frame = reader.next()) frames.push(Buffer.from(frame));
  return frames;
}

describe('FrameReader', () => {
  const bodies = ['first', '', 'the third one', 'x'].map((text) => Buffer.from(text));
  const stream = framed(...bodies);

  test('cuts the same frames wherever the stream is split in two', () => {
    for (let split = 0; split <= stream.length; split++) {
      const reader = new FrameReader(100);
      reader.push(stream.subarray(0, split));
      const frames = drain(reader);
      reader.push(stream.subarray(split));
      frames.push(...drain(reader));
      assert.deepEqual(frames, bodies, `split at ${split}`);
      assert.equal(reader.bufferedBytes, 0);
    }
  });

  test('cuts the same frames when every byte comes alone, and when chunks pile up before they are cut', () => {
    const eager = new FrameReader(100);
    const lazy = new FrameReader(100);
    const frames: Buffer[] = [];
    for (let i = 0; i < stream.length; i++) {
      eager.push(stream.subarray(i, i + 1));
      lazy.push(stream.subarray(i, i + 1));
      frames.push(...drain(eager));
    }
    assert.deepEqual(frames, bodies);
    assert.deepEqual(drain(lazy), bodies);
  });

  test('frames within one chunk are views of it', () => {
    const reader = new FrameReader(100);
    reader.push(stream);
    for (let frame = reader.next(); frame !== undefined; frame = reader.next())
      assert.equal(frame.buffer, stream.buffer);
  });

  test('what is kept survives the chunk, within a size, within a frame and before a whole one', () => {
    for (let split = 0; split <= stream.length; split++) {
      const reader = new FrameReader(100);
      const chunk = Buffer.from(stream.subarray(0, split));
      reader.push(chunk);
      const frames: Buffer[] = [];
      const first = reader.next();
      if (first !== undefined) frames.push(Buffer.from(first));
      reader.keep();
      chunk.fill(0xff);
      frames.push(...drain(reader));
      reader.push(stream.subarray(split));
      frames.push(...drain(reader));
      assert.deepEqual(frames, bodies, `split at ${split}`);
    }
  });

  test('a frame across chunks is put together in the buffer that the one before it was read from', () => {
    const reader = new FrameReader(10_000);
    const body = Buffer.alloc(5000, 1);
    const buffers = new Set<unknown>();
    for (let i = 0; i < 10; i++) {
      const bytes = framed(body);
      reader.push(bytes.subarray(0, 1000));
      assert.equal(reader.next(), undefined);
      reader.push(bytes.subarray(1000));
      const frame = reader.next();
      assert.ok(frame?.equals(body));
      buffers.add(frame?.buffer);
    }
    assert.equal(buffers.size, 1);
  });

  test('a frame larger than what is allocated at once survives random cuts', () => {
    const random = new SeededRandom(7);
    const large = random.bytes(5 * 1024 * 1024 + 3);
    const bytes = framed(large, Buffer.from('after'));
    const reader = new FrameReader(large.length);
    const frames: Buffer[] = [];
    for (let position = 0; position < bytes.length; ) {
      const length = 1 + random.nextInt(400_000);
      reader.push(bytes.subarray(position, position + length));
      frames.push(...drain(reader));
      position += length;
    }
    assert.equal(frames.length, 2);
    assert.ok(frames[0]?.equals(large));
    assert.equal(frames[1]?.toString(), 'after');
  });

  for (const [what, size] of [
    ['negative', -1],
    ['smallest', -(2 ** 31)],
    ['one too large', 101],
    ['huge', 2 ** 31 - 1],
    ['text ("GET ")', 0x47455420],
  ] as const) {
    test(`refuses a ${what} size before it allocates`, () => {
      const reader = new FrameReader(100);
      const bytes = Buffer.alloc(4);
      bytes.writeInt32BE(size);
      reader.push(bytes);
      assert.throws(() => reader.next(), InvalidFrameError);
    });
  }

  test('accepts a frame of exactly the limit', () => {
    const reader = new FrameReader(5);
    reader.push(framed(Buffer.from('12345')));
    assert.equal(reader.next()?.toString(), '12345');
  });
});
