// TCP by way of node:net. Accepted sockets speak as Kafka's do: no Nagle delay, keep-alive on.

import { createServer, type OnReadOpts, Socket, type SocketConstructorOpts, connect as tcpConnect } from 'node:net';
import type { Clock } from './clock.ts';
import { type Connection, type Listener, SocketError, type Sockets } from './sockets.ts';

/** Bytes that `write` takes before it answers false. Larger than Node's 16 KiB so that an ordinary response never waits for a drain. */
const WRITE_QUEUE_BYTES = 256 * 1024;
/** What one read takes at most. A broker under load finds several requests waiting; a small buffer would cut them into pieces that have to
 *  be put together again, with a system call each. */
const READ_BUFFER_BYTES = 1024 * 1024;
/** Kafka's socket.listen.backlog.size. */
const BACKLOG_DEFAULT = 50;

function ignore(): void {}

/** One TCP connection. */
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

  /** @param openSocket makes the socket, which hands over what it reads by `onData` */
  constructor(openSocket: (onData: (chunk: Buffer) => void) => Socket) {
    const socket = openSocket((chunk) => this.onData(chunk));
    this.#socket = socket;
    this.remoteAddress = plainAddress(socket.remoteAddress ?? '');
    this.remotePort = socket.remotePort ?? 0;
    this.localAddress = plainAddress(socket.localAddress ?? '');
    this.localPort = socket.localPort ?? 0;
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

/** What Node keeps in every socket and takes in every constructor, and does not document. */
type AcceptedSocket = Socket & { _handle?: object | null };
type HandleSocketOptions = SocketConstructorOpts & { readonly handle: object; readonly onread: OnReadOpts };

export class NodeSockets implements Sockets {
  readonly #clock: Clock;
  /** Every socket reads into this one: its bytes are consumed before the next read begins. */
  readonly #readBuffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);

  /** @param clock for the time limit of `connect` */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  listen(
    options: { host: string; port: number; backlog?: number },
    onConnection: (connection: Connection) => void,
  ): Promise<Listener> {
    const server = createServer({ noDelay: true, keepAlive: true, pauseOnConnect: true }, (accepted) => {
      onConnection(new NodeConnection((onData) => this.#readingInto(accepted, onData)));
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
      let onData: (chunk: Buffer) => void = ignore;
      const onread = this.#onread((chunk) => onData(chunk));
      const socket = tcpConnect({ host: options.host, port: options.port, noDelay: true, keepAlive: true, onread });
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
        resolve(
          new NodeConnection((receive) => {
            onData = receive;
            return socket;
          }),
        );
      });
    });
  }

  #onread(onData: (chunk: Buffer) => void): OnReadOpts {
    const buffer = this.#readBuffer;
    return {
      buffer,
      callback: (byteCount) => {
        onData(buffer.subarray(0, byteCount));
        return true;
      },
    };
  }

  /** An accepted socket that reads into our buffer. Node lets only a socket that one makes oneself choose where to read; so the
   *  connection moves to such a socket. Without it each read allocates 64 KiB, which costs half of a broker's throughput. */
  #readingInto(accepted: AcceptedSocket, onData: (chunk: Buffer) => void): Socket {
    const handle = accepted._handle;
    if (handle === undefined || handle === null) {
      accepted.on('data', onData);
      return accepted.resume();
    }
    accepted._handle = null;
    accepted.destroy();
    const options: HandleSocketOptions = { handle, onread: this.#onread(onData) };
    return new Socket(options);
  }
}

/** IPv4 as IPv4, though it came in through an IPv6 socket. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address;
}

function socketError(error: NodeJS.ErrnoException, peer: string): SocketError {
  return new SocketError(`${peer}: ${error.message}`, { code: error.code ?? 'EUNKNOWN', cause: error });
}
