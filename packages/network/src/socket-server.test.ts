import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type ByteChunk,
  type ByteSource,
  type Connection,
  FakeClock,
  MemorySockets,
  type MemorySocketsOptions,
  MetricsRegistry,
  StorageError,
  silentLogger,
} from '@ottla/base';
import type { RequestHandler } from './channel.ts';
import { FrameReader } from './frame-reader.ts';
import { SOCKET_SERVER_LIMITS, SocketServer, type SocketServerLimits } from './socket-server.ts';

const HOST = 'localhost';

function framed(body: Buffer | string): Buffer {
  const bytes = Buffer.from(body);
  const size = Buffer.alloc(4);
  size.writeInt32BE(bytes.length);
  return Buffer.concat([size, bytes]);
}

/** A peer that writes frames and collects those it gets. */
class Peer {
  readonly frames: string[] = [];
  closed: { error: Error | undefined } | undefined;
  readonly connection: Connection;
  readonly #reader = new FrameReader(1e9);

  constructor(connection: Connection) {
    this.connection = connection;
    connection.onData = (chunk) => {
      this.#reader.push(chunk);
      for (let frame = this.#reader.next(); frame !== undefined; frame = this.#reader.next()) {
        this.frames.push(frame.toString('latin1'));
      }
      this.#reader.keep();
    };
    connection.onClose = (error) => {
      this.closed = { error };
    };
  }

  send(...bodies: string[]): void {
    this.connection.write([Buffer.concat(bodies.map(framed))]);
  }
}

/** The server's end of a connection whose peer does not read and never closes. */
class DeafConnection implements Connection {
  readonly remoteAddress = '127.0.0.1';
  readonly remotePort = 40_000;
  readonly localAddress = '127.0.0.1';
  readonly localPort = 9092;
  readonly calls: string[] = [];
  queuedBytes = 0;
  onData: (chunk: Buffer) => void = () => {};
  onDrain: () => void = () => {};
  onClose: (error?: Error) => void = () => {};

  write(): boolean {
    this.calls.push('write');
    return true;
  }

  pause(): void {}

  resume(): void {}

  end(): void {
    if (!this.calls.includes('end')) this.calls.push('end');
  }

  destroy(): void {
    this.calls.push('destroy');
  }
}

class DeafSockets extends MemorySockets {
  #accept: (connection: Connection) => void = () => {};

  override listen(options: { host: string; port: number }, onConnection: (connection: Connection) => void) {
    this.#accept = onConnection;
    return super.listen(options, onConnection);
  }

  connection(queuedBytes: number): DeafConnection {
    const connection = new DeafConnection();
    connection.queuedBytes = queuedBytes;
    this.#accept(connection);
    return connection;
  }
}

interface Fixture {
  readonly clock: FakeClock;
  readonly server: SocketServer;
  connect(): Promise<Peer>;
  settle(): Promise<void>;
}

async function startServer(
  onRequest: RequestHandler,
  limits: Partial<SocketServerLimits> = {},
  network: MemorySocketsOptions = {},
  together: (work: () => void) => void = (work) => work(),
): Promise<Fixture> {
  const clock = new FakeClock();
  const sockets = new MemorySockets(network);
  const server = new SocketServer(
    { sockets, clock, logger: silentLogger, metrics: new MetricsRegistry(clock), onRequest, together },
    { ...SOCKET_SERVER_LIMITS, ...limits },
  );
  const endpoint = { listenerName: 'PLAINTEXT', securityProtocol: 'PLAINTEXT', host: HOST, port: 0 };
  const port = (await server.start([endpoint])).get('PLAINTEXT') ?? 0;
  server.enableProcessing();
  return {
    clock,
    server,
    connect: async () => new Peer(await sockets.connect({ host: HOST, port, timeoutMs: 1000 })),
    settle: async () => {
      for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

async function startDeafServer(
  onRequest: RequestHandler,
): Promise<{ clock: FakeClock; sockets: DeafSockets; server: SocketServer }> {
  const clock = new FakeClock();
  const sockets = new DeafSockets();
  const metrics = new MetricsRegistry(clock);
  const server = new SocketServer({ sockets, clock, logger: silentLogger, metrics, onRequest });
  await server.start([{ listenerName: 'PLAINTEXT', securityProtocol: 'PLAINTEXT', host: HOST, port: 9092 }]);
  server.enableProcessing();
  return { clock, sockets, server };
}

const echo: RequestHandler = ({ frame }) => ({ dispatched: undefined, response: [Buffer.from(frame)] });

/** A request handler whose answers the test gives by hand, by the request's text. */
function byHand(options: { dispatchByHand?: boolean } = {}): {
  readonly onRequest: RequestHandler;
  readonly started: string[];
  answer(text: string, response?: ByteChunk[]): void;
  fail(text: string): void;
  dispatch(text: string): void;
} {
  const started: string[] = [];
  const answers = new Map<string, PromiseWithResolvers<ByteChunk[] | undefined>>();
  const dispatches = new Map<string, PromiseWithResolvers<void>>();
  return {
    started,
    onRequest: ({ frame }) => {
      const text = frame.toString();
      started.push(text);
      const answer = withResolvers<ByteChunk[] | undefined>();
      const dispatched = withResolvers<void>();
      answers.set(text, answer);
      dispatches.set(text, dispatched);
      return {
        dispatched: options.dispatchByHand === true ? dispatched.promise : undefined,
        response: answer.promise,
      };
    },
    answer: (text, response = [Buffer.from(`re:${text}`)]) => answers.get(text)?.resolve(response),
    fail: (text) => answers.get(text)?.reject(new Error('refused')),
    dispatch: (text) => dispatches.get(text)?.resolve(),
  };
}

interface PromiseWithResolvers<T> {
  promise: Promise<T>;
  resolve(value: T): void;
  reject(error: Error): void;
}

function withResolvers<T>(): PromiseWithResolvers<T> {
  let resolve: (value: T) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

class CountingSource implements ByteSource {
  readonly sizeInBytes: number;
  releaseCount = 0;
  readBytes = 0;
  readonly #realSize: number;

  constructor(sizeInBytes: number, realSize = sizeInBytes) {
    this.sizeInBytes = sizeInBytes;
    this.#realSize = realSize;
  }

  readSync(target: Buffer, position: number): number {
    assert.equal(this.releaseCount, 0, 'read after release');
    const count = Math.max(0, Math.min(target.length, this.#realSize - position));
    for (let i = 0; i < count; i++) target[i] = (position + i) % 251;
    this.readBytes += count;
    return count;
  }

  release(): void {
    this.releaseCount++;
  }
}

/** A source on a disk that answers when the test says so. */
class ColdSource extends CountingSource {
  readonly mayWait = true;
  readonly reads: PromiseWithResolvers<number>[] = [];
  #fills: (() => number)[] = [];

  read(target: Buffer, position: number): Promise<number> {
    const read = withResolvers<number>();
    this.reads.push(read);
    this.#fills.push(() => super.readSync(target, position));
    return read.promise;
  }

  override readSync(): number {
    throw new Error('the event loop waited for a disk');
  }

  /** The disk has read what was asked for last. */
  arrive(): void {
    this.reads.at(-1)?.resolve(this.#fills.at(-1)?.() ?? 0);
  }
}

describe('SocketServer', () => {
  test('answers requests however their bytes are cut', async () => {
    for (const chunkBytesMax of [1, 2, 3, 5, 7, 1000]) {
      const { connect, settle } = await startServer(echo, {}, { chunkBytesMax });
      const peer = await connect();
      peer.send('one', '', 'three');
      await settle();
      assert.deepEqual(peer.frames, ['one', '', 'three'], `in chunks of ${chunkBytesMax}`);
    }
  });

  test('responses leave in the order of their requests, whichever is ready first', async () => {
    const hand = byHand();
    const { connect, settle } = await startServer(hand.onRequest);
    const peer = await connect();
    peer.send('a', 'b', 'c');
    await settle();
    assert.deepEqual(hand.started, ['a', 'b', 'c']);
    hand.answer('c');
    hand.answer('b');
    await settle();
    assert.deepEqual(peer.frames, []);
    hand.answer('a');
    await settle();
    assert.deepEqual(peer.frames, ['re:a', 're:b', 're:c']);
  });

  test('a request without a response takes no place among the responses', async () => {
    const { connect, settle } = await startServer(({ frame }) => ({
      dispatched: undefined,
      response: frame.toString() === 'silent' ? undefined : [Buffer.from(frame)],
    }));
    const peer = await connect();
    peer.send('silent', 'loud', 'silent', 'louder');
    await settle();
    assert.deepEqual(peer.frames, ['loud', 'louder']);
  });

  test('the next request starts when the one before it is dispatched, not before', async () => {
    const hand = byHand({ dispatchByHand: true });
    const { connect, settle } = await startServer(hand.onRequest);
    const peer = await connect();
    peer.send('a', 'b');
    await settle();
    assert.deepEqual(hand.started, ['a']);
    hand.dispatch('a');
    await settle();
    assert.deepEqual(hand.started, ['a', 'b']);
    hand.answer('b');
    hand.answer('a');
    await settle();
    assert.deepEqual(peer.frames, ['re:a', 're:b']);
  });

  test('no more requests of a connection are in flight than allowed, and all are answered in the end', async () => {
    const hand = byHand();
    const { connect, settle } = await startServer(hand.onRequest, { inFlightRequestsMax: 2 });
    const peer = await connect();
    peer.send('a', 'b', 'c', 'd');
    await settle();
    assert.deepEqual(hand.started, ['a', 'b']);
    peer.send('e');
    for (const text of ['a', 'b', 'c', 'd', 'e']) {
      hand.answer(text);
      await settle();
    }
    assert.deepEqual(peer.frames, ['re:a', 're:b', 're:c', 're:d', 're:e']);
  });

  test('requests that arrive together are started together, and none is answered when what they wrote is lost', async () => {
    const log: string[] = [];
    let isDiskBroken = false;
    const together = (work: () => void): void => {
      log.push('(');
      work();
      log.push(')');
      if (isDiskBroken) throw new StorageError('no space left', { code: 'ENOSPC', path: '/logs/a' });
    };
    const onRequest: RequestHandler = (request) => {
      log.push(request.frame.toString());
      return echo(request);
    };
    const { connect, settle } = await startServer(onRequest, {}, {}, together);
    const [peer, other] = [await connect(), await connect()];
    peer.send('a', 'b');
    await settle();
    assert.deepEqual(log, ['(', 'a', 'b', ')']);
    assert.deepEqual(peer.frames, ['a', 'b']);
    isDiskBroken = true;
    peer.send('c', 'd');
    await settle();
    assert.deepEqual(peer.frames, ['a', 'b']);
    assert.ok(peer.closed);
    isDiskBroken = false;
    other.send('e');
    await settle();
    assert.deepEqual(other.frames, ['e']);
  });

  test('what is answered at once leaves in one write, before the bytes that asked are given back', async () => {
    const { clock, sockets, server } = await startDeafServer(echo);
    const connection = sockets.connection(0);
    connection.onData(Buffer.concat([framed('a'), framed('b'), framed('c')]));
    assert.deepEqual(connection.calls, ['write']);
    connection.onData(Buffer.concat([framed('d'), framed('eee').subarray(0, 6)]));
    assert.deepEqual(connection.calls, ['write']);
    await clock.advance(0);
    assert.deepEqual(connection.calls, ['write', 'write']);
    await server.close(0);
  });

  test('answers to a crowd leave some together, those of a few connections at once', async () => {
    const { clock, sockets, server } = await startDeafServer(echo);
    const crowd = Array.from({ length: 40 }, () => sockets.connection(0));
    const ask = (from: number, to: number): void => {
      for (const connection of crowd.slice(from, to)) connection.onData(framed('a'));
    };
    const writeCount = (): number => crowd.reduce((sum, { calls }) => sum + calls.length, 0);
    ask(0, 40);
    await clock.advance(0);
    assert.equal(writeCount(), 40);
    ask(0, 15);
    assert.equal(writeCount(), 40);
    ask(15, 16);
    assert.equal(writeCount(), 56);
    ask(16, 20);
    assert.equal(writeCount(), 56);
    crowd[17]?.onClose();
    await clock.advance(0);
    assert.equal(writeCount(), 59, 'at the end of the turn, but for the one that left');
    ask(0, 2);
    await clock.advance(0);
    ask(0, 2);
    assert.equal(writeCount(), 63, 'the others are silent');
    await server.close(0);
  });

  test('queued.max.request.bytes holds back connections until others were answered', async () => {
    const hand = byHand();
    const { connect, settle } = await startServer(hand.onRequest, { queuedRequestBytesMax: 10 });
    const [first, second] = [await connect(), await connect()];
    first.send('0123456789');
    second.send('waits');
    await settle();
    assert.deepEqual(hand.started, ['0123456789']);
    hand.answer('0123456789');
    await settle();
    assert.deepEqual(hand.started, ['0123456789', 'waits']);
    hand.answer('waits');
    await settle();
    assert.deepEqual(second.frames, ['re:waits']);
  });

  for (const [what, bytes] of [
    ['a negative size', Buffer.from([0xff, 0xff, 0xff, 0xff])],
    ['a size above socket.request.max.bytes', Buffer.from([0, 0, 4, 1])],
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ] as const) {
    test(`${what} closes that connection and hurts no other`, async () => {
      const { connect, settle, server } = await startServer(echo, { requestBytesMax: 1024 });
      const [hostile, honest] = [await connect(), await connect()];
      hostile.connection.write([bytes]);
      honest.send('hello');
      await settle();
      assert.ok(hostile.closed !== undefined);
      assert.deepEqual(honest.frames, ['hello']);
      assert.equal(server.connectionCount, 1);
    });
  }

  test('a request that throws closes its connection after the answers before it', async () => {
    const hand = byHand();
    const { connect, settle } = await startServer((request) => {
      if (request.frame.toString() === 'bad') throw new Error('unknown api key');
      return hand.onRequest(request);
    });
    const peer = await connect();
    peer.send('good', 'bad', 'never');
    await settle();
    assert.deepEqual(hand.started, ['good']);
    assert.equal(peer.closed, undefined);
    hand.answer('good');
    await settle();
    assert.deepEqual(peer.frames, ['re:good']);
    assert.deepEqual(peer.closed, { error: undefined });
  });

  test('a rejected response closes its connection, and answers behind it are released unsent', async () => {
    const hand = byHand();
    const { connect, settle } = await startServer(hand.onRequest);
    const peer = await connect();
    peer.send('a', 'b', 'c');
    await settle();
    const [early, late] = [new CountingSource(10), new CountingSource(10)];
    hand.answer('b', [early]);
    await settle();
    hand.fail('a');
    await settle();
    hand.answer('c', [late]);
    await settle();
    assert.deepEqual(peer.frames, []);
    assert.ok(peer.closed !== undefined);
    assert.deepEqual([early.releaseCount, late.releaseCount], [1, 1]);
  });

  test('a large source is streamed in pieces as the peer reads, and released once', async () => {
    const source = new CountingSource(3 * 1024 * 1024 + 17);
    const { connect, settle } = await startServer(() => ({
      dispatched: undefined,
      response: [Buffer.from('head'), source, Buffer.from('tail')],
    }));
    const peer = await connect();
    peer.connection.pause();
    peer.send('fetch');
    await settle();
    assert.ok(source.readBytes <= 512 * 1024, `read ${source.readBytes} bytes for a peer that reads none`);
    peer.connection.resume();
    for (let i = 0; i < 10; i++) await settle();
    const frame = Buffer.from(peer.frames[0] ?? '', 'latin1');
    assert.equal(frame.length, 8 + source.sizeInBytes);
    const expected = Buffer.alloc(source.sizeInBytes);
    new CountingSource(source.sizeInBytes).readSync(expected, 0);
    assert.ok(frame.subarray(4, -4).equals(expected));
    assert.equal(frame.subarray(-4).toString(), 'tail');
    assert.equal(source.releaseCount, 1);
  });

  test('a source on a slow disk holds up its own connection, and no other', async () => {
    const source = new ColdSource(300 * 1024);
    const { connect, settle } = await startServer(({ frame }) => ({
      dispatched: undefined,
      response: frame.toString() === 'fetch' ? [Buffer.from('head'), source, Buffer.from('tail')] : [Buffer.from('x')],
    }));
    const [slow, quick] = [await connect(), await connect()];
    slow.send('fetch', 'next');
    quick.send('a');
    await settle();
    assert.deepEqual(quick.frames, ['x']);
    assert.deepEqual(slow.frames, []);
    for (let piece = 1; piece <= 2; piece++) {
      assert.equal(source.reads.length, piece, 'one piece is read at a time');
      source.arrive();
      await settle();
    }
    const expected = Buffer.alloc(source.sizeInBytes);
    new CountingSource(source.sizeInBytes).readSync(expected, 0);
    const frame = Buffer.from(slow.frames[0] ?? '', 'latin1');
    assert.ok(frame.equals(Buffer.concat([Buffer.from('head'), expected, Buffer.from('tail')])));
    assert.equal(slow.frames[1], 'x');
    assert.equal(source.releaseCount, 1);
  });

  test('many sources on a slow disk come one after the other, small ones too', async () => {
    const sources = Array.from({ length: 5 }, (_, i) => new ColdSource(100 * (i + 1)));
    const { connect, settle } = await startServer(() => ({ dispatched: undefined, response: sources }));
    const peer = await connect();
    peer.send('fetch');
    for (const source of sources) {
      await settle();
      source.arrive();
    }
    await settle();
    assert.equal(peer.frames[0]?.length, 1500);
    assert.ok(sources.every(({ releaseCount }) => releaseCount === 1));
  });

  test('a peer that goes away while a disk is waited for is forgotten, whatever the disk says then', async () => {
    const sources = [new ColdSource(1000), new ColdSource(1000)];
    for (const source of sources) {
      const { connect, settle, server } = await startServer(() => ({ dispatched: undefined, response: [source] }));
      const peer = await connect();
      peer.send('fetch');
      await settle();
      peer.connection.destroy();
      await settle();
      if (source === sources[0]) source.reads[0]?.resolve(1000);
      else source.reads[0]?.reject(new Error('the disk failed'));
      await settle();
      assert.equal(source.releaseCount, 1);
      assert.equal(server.connectionCount, 0);
    }
  });

  test('a disk that fails closes the connection that waits for it', async () => {
    const source = new ColdSource(1000);
    const { connect, settle } = await startServer(() => ({ dispatched: undefined, response: [source] }));
    const peer = await connect();
    peer.send('fetch');
    await settle();
    source.reads[0]?.reject(new Error('the disk failed'));
    await settle();
    assert.ok(peer.closed !== undefined);
    assert.equal(source.releaseCount, 1);
  });

  test('many small sources leave whole and are each released once', async () => {
    const sources = Array.from({ length: 40 }, (_, i) => new CountingSource(i * 1000));
    const { connect, settle } = await startServer(() => ({ dispatched: undefined, response: sources }));
    const peer = await connect();
    peer.send('fetch');
    for (let i = 0; i < 5; i++) await settle();
    assert.equal(peer.frames[0]?.length, (1000 * 39 * 40) / 2);
    assert.ok(sources.every((source) => source.releaseCount === 1));
  });

  test('a source that ends too early closes the connection, and every source is released once', async () => {
    const sources = [new CountingSource(100), new CountingSource(100, 50), new CountingSource(100)];
    const { connect, settle } = await startServer(() => ({ dispatched: undefined, response: sources }));
    const peer = await connect();
    peer.send('fetch');
    await settle();
    assert.ok(peer.closed !== undefined);
    assert.deepEqual(
      sources.map((source) => source.releaseCount),
      [1, 1, 1],
    );
  });

  test('a peer that does not read is given no new requests, and others are served meanwhile', async () => {
    const started: string[] = [];
    const big = Buffer.alloc(700 * 1024, 'x');
    const { connect, settle } = await startServer(({ frame }) => {
      started.push(frame.toString());
      return { dispatched: undefined, response: [big] };
    });
    const [slow, quick] = [await connect(), await connect()];
    slow.connection.pause();
    slow.send('a', 'b', 'c', 'd', 'e');
    await settle();
    assert.deepEqual(started, ['a', 'b']);
    quick.send('q');
    for (let i = 0; i < 5; i++) await settle();
    assert.equal(quick.frames.length, 1);
    slow.connection.resume();
    for (let i = 0; i < 30; i++) await settle();
    assert.equal(slow.frames.length, 5);
  });

  test('a peer that goes away while it is being answered releases what it was to get', async () => {
    const source = new CountingSource(2 * 1024 * 1024);
    const { connect, settle, server } = await startServer(() => ({ dispatched: undefined, response: [source] }));
    const peer = await connect();
    peer.connection.pause();
    peer.send('fetch');
    await settle();
    peer.connection.destroy();
    await settle();
    assert.equal(source.releaseCount, 1);
    assert.equal(server.connectionCount, 0);
  });

  test('max.connections and max.connections.per.ip turn newcomers away', async () => {
    const all = await startServer(echo, { connectionsMax: 1 });
    const perIp = await startServer(echo, {
      connectionsPerIpMax: 5,
      connectionsPerIpOverrides: new Map([['127.0.0.1', 1]]),
    });
    for (const { connect, settle } of [all, perIp]) {
      const first = await connect();
      const second = await connect();
      await settle();
      assert.equal(first.closed, undefined);
      assert.ok(second.closed !== undefined);
      first.connection.end();
      await settle();
      const third = await connect();
      third.send('x');
      await settle();
      assert.deepEqual(third.frames, ['x']);
    }
  });

  test('connections.max.idle.ms closes the silent, not those that speak or wait for an answer', async () => {
    const hand = byHand();
    const { connect, clock, settle } = await startServer(hand.onRequest, { connectionsIdleMsMax: 1000 });
    const [silent, waiting, speaking] = [await connect(), await connect(), await connect()];
    waiting.send('w');
    await settle();
    for (let i = 0; i < 10; i++) {
      speaking.send(`s${i}`);
      await settle();
      hand.answer(`s${i}`);
      await clock.advance(200);
    }
    assert.ok(silent.closed !== undefined);
    assert.equal(waiting.closed, undefined);
    assert.equal(speaking.closed, undefined);
  });

  test('a throttled connection starts no request until its time is over', async () => {
    const started: string[] = [];
    const { connect, clock, settle } = await startServer(({ frame, connection }) => {
      started.push(frame.toString());
      connection.throttle(500);
      return { dispatched: undefined, response: [Buffer.from(frame)] };
    });
    const peer = await connect();
    peer.send('a', 'b');
    await settle();
    assert.deepEqual(started, ['a']);
    await clock.advance(499);
    assert.deepEqual(started, ['a']);
    await clock.advance(1);
    assert.deepEqual(started, ['a', 'b']);
  });

  test('close answers what is in flight, starts nothing new and refuses newcomers', async () => {
    const hand = byHand();
    const { connect, server, settle } = await startServer(hand.onRequest);
    const [busy, idle] = [await connect(), await connect()];
    busy.send('a');
    await settle();
    const closing = server.close(1000);
    busy.send('late');
    await settle();
    assert.ok(idle.closed !== undefined);
    assert.equal(busy.closed, undefined);
    await assert.rejects(connect());
    hand.answer('a');
    await closing;
    await settle();
    assert.deepEqual(busy.frames, ['re:a']);
    assert.deepEqual(hand.started, ['a']);
    assert.ok(busy.closed !== undefined);
    await server.close(1000);
  });

  test('close does not wait for a peer that was answered and does not read', async () => {
    const hand = byHand();
    const { clock, sockets, server } = await startDeafServer(hand.onRequest);
    const [stuck, slow, busy] = [sockets.connection(1000), sockets.connection(1000), sockets.connection(0)];
    busy.onData(framed('a'));
    const closing = server.close(5000);
    await clock.advance(400);
    slow.queuedBytes = 500;
    await clock.advance(100);
    assert.deepEqual(stuck.calls, ['end', 'destroy']);
    assert.deepEqual(slow.calls, ['end']);
    assert.deepEqual(busy.calls, []);
    await clock.advance(500);
    assert.deepEqual(slow.calls, ['end', 'destroy']);
    hand.answer('a');
    await clock.advance(1000);
    await closing;
    assert.deepEqual(busy.calls, ['write', 'end', 'destroy']);
    assert.equal(server.connectionCount, 0);
    assert.equal(clock.pendingCount, 0);
  });

  test('close gives up on answers that do not come in time', async () => {
    const hand = byHand();
    const { connect, server, settle, clock } = await startServer(hand.onRequest);
    const peer = await connect();
    peer.send('a');
    await settle();
    const closing = server.close(1000);
    await clock.advance(1000);
    await closing;
    await settle();
    assert.ok(peer.closed !== undefined);
    assert.equal(server.connectionCount, 0);
  });

  test('what arrives before processing is enabled waits, and is answered then', async () => {
    const clock = new FakeClock();
    const sockets = new MemorySockets();
    const metrics = new MetricsRegistry(clock);
    const server = new SocketServer({ sockets, clock, logger: silentLogger, metrics, onRequest: echo });
    const endpoint = { listenerName: 'PLAINTEXT', securityProtocol: 'PLAINTEXT', host: HOST, port: 9092 };
    await server.start([endpoint]);
    const peer = new Peer(await sockets.connect({ host: HOST, port: 9092, timeoutMs: 1000 }));
    peer.send('early');
    await clock.advance(100);
    assert.deepEqual(peer.frames, []);
    server.enableProcessing();
    await clock.advance(0);
    assert.deepEqual(peer.frames, ['early']);
    await server.close(0);
  });

  test('a security protocol that is not built refuses to start', async () => {
    const clock = new FakeClock();
    const server = new SocketServer({
      sockets: new MemorySockets(),
      clock,
      logger: silentLogger,
      metrics: new MetricsRegistry(clock),
      onRequest: echo,
    });
    const endpoint = { listenerName: 'SECURE', securityProtocol: 'SASL_SSL', host: HOST, port: 0 };
    await assert.rejects(server.start([endpoint]), /SASL_SSL/);
  });
});
