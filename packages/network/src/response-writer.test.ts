import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ByteSource, Connection } from '@ottla/base';
import { ResponseWriter } from './response-writer.ts';

const KIB = 1024;

/** Takes everything at once and remembers each write; with `isSlow` it says that it is full after each. */
class RecordingConnection implements Connection {
  readonly remoteAddress = '127.0.0.1';
  readonly remotePort = 1;
  readonly localAddress = '127.0.0.1';
  readonly localPort = 2;
  readonly queuedBytes = 0;
  onData: (chunk: Buffer) => void = () => {};
  onDrain: () => void = () => {};
  onClose: (error?: Error) => void = () => {};
  readonly writes: Buffer[] = [];
  readonly isSlow: boolean;

  constructor(isSlow = false) {
    this.isSlow = isSlow;
  }

  write(chunks: readonly Buffer[]): boolean {
    // A copy: the buffers are used again once this has taken them.
    this.writes.push(Buffer.concat(chunks));
    return !this.isSlow;
  }

  pause(): void {}
  resume(): void {}
  end(): void {}
  destroy(): void {}
}

class PatternSource implements ByteSource {
  readonly sizeInBytes: number;
  readonly #pattern: number;
  readonly mayWait: boolean;

  constructor(sizeInBytes: number, pattern: number, mayWait = false) {
    this.sizeInBytes = sizeInBytes;
    this.#pattern = pattern;
    this.mayWait = mayWait;
  }

  async read(target: Buffer, position: number): Promise<number> {
    return this.readSync(target, position);
  }

  readSync(target: Buffer, position: number): number {
    const count = Math.min(target.length, this.sizeInBytes - position);
    for (let i = 0; i < count; i++) target[i] = (position + i + this.#pattern) % 251;
    return count;
  }

  release(): void {}
}

function bytesOf(sources: readonly PatternSource[]): Buffer {
  return Buffer.concat(
    sources.map((source) => {
      const bytes = Buffer.alloc(source.sizeInBytes);
      source.readSync(bytes, 0);
      return bytes;
    }),
  );
}

async function write(connection: RecordingConnection, sources: readonly PatternSource[]): Promise<Buffer> {
  const writer = new ResponseWriter(connection, {
    onProgress: () => {},
    onFailure: (error) => assert.fail(String(error)),
  });
  writer.enqueue(sources);
  writer.flush();
  while (!writer.isEmpty) {
    await new Promise((resolve) => setImmediate(resolve));
    if (connection.isSlow) writer.onDrain();
  }
  return Buffer.concat(connection.writes);
}

describe('ResponseWriter', () => {
  test('sources that fit together leave in one write', async () => {
    const connection = new RecordingConnection();
    const sources = Array.from({ length: 5 }, (_, i) => new PatternSource(50 * KIB, i));
    const written = await write(connection, sources);
    assert.equal(connection.writes.length, 1);
    assert.ok(written.subarray(4).equals(bytesOf(sources)));
  });

  test('whatever their sizes, and wherever they lie, sources arrive whole and in order', async () => {
    const sizes = [
      1,
      4 * KIB,
      5 * KIB,
      255 * KIB,
      256 * KIB,
      257 * KIB,
      0,
      100 * KIB,
      200 * KIB,
      17,
      700 * KIB,
      30 * KIB,
    ];
    for (const isSlow of [false, true]) {
      for (let coldOnes = 0; coldOnes < 8; coldOnes++) {
        const sources = sizes.map((size, i) => new PatternSource(size, i, ((coldOnes >> (i % 3)) & 1) === 1));
        const written = await write(new RecordingConnection(isSlow), sources);
        assert.ok(written.subarray(4).equals(bytesOf(sources)), `slow ${isSlow}, cold ${coldOnes}`);
      }
    }
  });
});
