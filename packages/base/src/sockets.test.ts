// One suite for the port, run against TCP and against the network in memory.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MemorySockets } from './memory-sockets.ts';
import { NodeSockets } from './node-sockets.ts';
import { type Connection, SocketError, type Sockets } from './sockets.ts';
import { SystemClock } from './system-clock.ts';

const HOST = '127.0.0.1';

interface Fixture {
  client: Connection;
  server: Connection;
  close(): Promise<void>;
}

async function joined(sockets: Sockets): Promise<Fixture> {
  let accepted: (connection: Connection) => void = () => {};
  const server = new Promise<Connection>((resolve) => {
    accepted = resolve;
  });
  const listener = await sockets.listen({ host: HOST, port: 0 }, (connection) => accepted(connection));
  const client = await sockets.connect({ host: HOST, port: listener.port, timeoutMs: 5000 });
  return { client, server: await server, close: () => listener.close() };
}

/** Resolves with what the connection said last. */
function closed(connection: Connection): Promise<Error | undefined> {
  return new Promise((resolve) => {
    connection.onClose = resolve;
  });
}

function received(connection: Connection, byteCount: number): Promise<Buffer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let total = 0;
    connection.onData = (chunk) => {
      chunks.push(chunk);
      total += chunk.length;
      if (total >= byteCount) resolve(Buffer.concat(chunks));
    };
  });
}

for (const [name, make] of [
  ['NodeSockets', () => new NodeSockets(new SystemClock())],
  ['MemorySockets', () => new MemorySockets()],
] as const) {
  describe(name, () => {
    test('bytes arrive in order, in both directions', async () => {
      const { client, server, close } = await joined(make());
      const atServer = received(server, 6);
      const atClient = received(client, 4);
      client.write([Buffer.from('one'), Buffer.from('two')]);
      server.write([Buffer.from('back')]);
      assert.equal((await atServer).toString(), 'onetwo');
      assert.equal((await atClient).toString(), 'back');
      assert.equal(client.remotePort, server.localPort);
      assert.equal(server.remotePort, client.localPort);
      client.destroy();
      server.destroy();
      await close();
    });

    test('end delivers what is queued and closes both sides without an error', async () => {
      const { client, server, close } = await joined(make());
      const atServer = received(server, 4);
      const ends = Promise.all([closed(client), closed(server)]);
      client.write([Buffer.from('last')]);
      client.end();
      assert.equal((await atServer).toString(), 'last');
      assert.deepEqual(await ends, [undefined, undefined]);
      await close();
    });

    test('destroy closes this side without an error', async () => {
      const { client, server, close } = await joined(make());
      const ends = Promise.all([closed(client), closed(server)]);
      client.destroy();
      const [own] = await ends;
      assert.equal(own, undefined);
      await close();
    });

    test('a paused reader makes the writer wait, and resume lets it go on', async () => {
      const { client, server, close } = await joined(make());
      server.pause();
      const chunk = Buffer.alloc(256 * 1024, 7);
      let written = 0;
      const drained = new Promise<void>((resolve) => {
        client.onDrain = resolve;
      });
      // The system's own buffers take some megabytes before the queue begins to stand.
      for (let i = 0; i < 400 && client.queuedBytes < 1024 * 1024; i++) {
        client.write([chunk]);
        written += chunk.length;
        await Promise.resolve();
      }
      assert.ok(client.queuedBytes > 0);
      const all = received(server, written);
      server.resume();
      await drained;
      assert.equal((await all).length, written);
      assert.equal(client.queuedBytes, 0);
      client.destroy();
      server.destroy();
      await close();
    });

    test('a port that is taken is refused with EADDRINUSE', async () => {
      const sockets = make();
      const listener = await sockets.listen({ host: HOST, port: 0 }, () => {});
      await assert.rejects(
        sockets.listen({ host: HOST, port: listener.port }, () => {}),
        (error) => error instanceof SocketError && error.code === 'EADDRINUSE',
      );
      await listener.close();
    });

    test('a closed listener refuses with ECONNREFUSED and its port can be bound again', async () => {
      const sockets = make();
      const listener = await sockets.listen({ host: HOST, port: 0 }, () => {});
      await listener.close();
      await assert.rejects(
        sockets.connect({ host: HOST, port: listener.port, timeoutMs: 5000 }),
        (error) => error instanceof SocketError && error.code === 'ECONNREFUSED',
      );
      const again = await sockets.listen({ host: HOST, port: listener.port }, () => {});
      assert.equal(again.port, listener.port);
      await again.close();
    });

    test('connections live on when their listener closes', async () => {
      const { client, server, close } = await joined(make());
      await close();
      const atServer = received(server, 5);
      client.write([Buffer.from('still')]);
      assert.equal((await atServer).toString(), 'still');
      client.destroy();
      server.destroy();
    });
  });
}

describe('MemorySockets only', () => {
  test('a write arrives in the pieces asked for, and later changes to the buffer are not seen', async () => {
    const [client, server] = new MemorySockets({ chunkBytesMax: 2 }).pair();
    const pieces: string[] = [];
    server.onData = (piece) => pieces.push(piece.toString());
    const bytes = Buffer.from('abcde');
    client.write([bytes]);
    bytes.fill(0);
    await Promise.resolve();
    assert.deepEqual(pieces, ['ab', 'cd', 'e']);
  });

  test('a destroyed peer is seen as a reset', async () => {
    const [client, server] = new MemorySockets().pair();
    const end = closed(server);
    client.destroy();
    const error = await end;
    assert.ok(error instanceof SocketError && error.code === 'ECONNRESET');
  });
});
