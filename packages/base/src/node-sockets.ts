// TCP by way of node:net. Accepted sockets speak as Kafka's do: no Nagle delay, keep-alive on.

import { createServer, type Socket, connect as tcpConnect } from 'node:net';
import type { Clock } from './clock.ts';
import { type Connection, type Listener, SocketError, type Sockets } from './sockets.ts';

/** Bytes that `write` takes before it answers false. Larger than Node's 16 KiB so that an ordinary response never waits for a drain. */
const WRITE_QUEUE_BYTES = 256 * 1024;
/** Kafka's socket.listen.backlog.size. */
const BACKLOG_DEFAULT = 50;

function ignore(): void {}

/** One TCP connection. The chunks that `onData` sees are freshly allocated by Node for each read: nobody writes into them again. */
class NodeConnection implements Connection {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  onData: (chunk: Buffer) => void = ignore;
  onDrain: () => void = ignore;
  onClose: (error?: Error) => void = ignore;
  readonly #socket: Socket;
  #error: SocketError | undefined;
  /** True after `write` answered false, until the queue has emptied. */
  #isDrainAwaited = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.remoteAddress = plainAddress(socket.remoteAddress ?? '');
    this.remotePort = socket.remotePort ?? 0;
    this.localAddress = plainAddress(socket.localAddress ?? '');
    this.localPort = socket.localPort ?? 0;
    socket.on('data', (chunk: Buffer) => this.onData(chunk));
    socket.on('drain', () => this.#drained());
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#error = socketError(error, `${this.remoteAddress}:${this.remotePort}`);
    });
    socket.on('close', () => this.onClose(this.#error));
  }

  get queuedBytes(): number {
    return this.#socket.writableLength;
  }

  write(chunks: readonly Buffer[]): boolean {
    const socket = this.#socket;
    if (socket.writable) {
      if (chunks.length > 1) socket.cork();
      for (const chunk of chunks) socket.write(chunk);
      if (chunks.length > 1) socket.uncork();
    }
    if (socket.writableLength < WRITE_QUEUE_BYTES || socket.destroyed) return true;
    this.#isDrainAwaited = true;
    return false;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.destroySoon();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #drained(): void {
    if (!this.#isDrainAwaited) return;
    this.#isDrainAwaited = false;
    this.onDrain();
  }
}

export class NodeSockets implements Sockets {
  readonly #clock: Clock;

  /** @param clock for the time limit of `connect` */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  listen(
    options: { host: string; port: number; backlog?: number },
    onConnection: (connection: Connection) => void,
  ): Promise<Listener> {
    const server = createServer({ noDelay: true, keepAlive: true }, (socket) => {
      onConnection(new NodeConnection(socket));
    });
    const name = `${options.host}:${options.port}`;
    return new Promise((resolve, reject) => {
      server.once('error', (error) => reject(socketError(error, name)));
      const backlog = options.backlog ?? BACKLOG_DEFAULT;
      // An empty host means every interface, IPv6 and IPv4, as in Kafka's `listeners=PLAINTEXT://:9092`.
      const where = options.host === '' ? { port: options.port, backlog } : { ...options, backlog };
      server.listen(where, () => {
        const address = server.address();
        if (address === null || typeof address === 'string') throw new TypeError(`not a TCP address: ${address}`);
        // What may fail after the bind is one accept (EMFILE): that peer is turned away, the listener lives on.
        server.on('error', ignore);
        resolve({
          port: address.port,
          host: address.address,
          close() {
            // The socket is closed at once; the callback of `close` would wait for every connection to end.
            server.close(ignore);
            return Promise.resolve();
          },
        });
      });
    });
  }

  connect(options: { host: string; port: number; timeoutMs: number }): Promise<Connection> {
    const name = `${options.host}:${options.port}`;
    return new Promise((resolve, reject) => {
      const socket = tcpConnect({ host: options.host, port: options.port, noDelay: true, keepAlive: true });
      const timer = this.#clock.schedule(options.timeoutMs, () => {
        socket.destroy();
        reject(new SocketError(`${name} did not answer within ${options.timeoutMs} ms`, { code: 'ETIMEDOUT' }));
      });
      const onError = (error: NodeJS.ErrnoException): void => {
        timer.cancel();
        reject(socketError(error, name));
      };
      socket.once('error', onError);
      socket.once('connect', () => {
        timer.cancel();
        socket.removeListener('error', onError);
        resolve(new NodeConnection(socket));
      });
    });
  }
}

/** IPv4 as IPv4, though it came in through an IPv6 socket. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address;
}

function socketError(error: NodeJS.ErrnoException, peer: string): SocketError {
  return new SocketError(`${peer}: ${error.message}`, { code: error.code ?? 'EUNKNOWN', cause: error });
}
