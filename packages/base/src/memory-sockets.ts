// A network inside the process: listeners and connections that exchange bytes without the operating system. For tests and for a cluster
// simulated from a seed: what arrives, in which pieces and when, is decided here and is the same every time.

import type { Clock } from './clock.ts';
import { type Connection, type Listener, SocketError, type Sockets } from './sockets.ts';

export interface MemorySocketsOptions {
  /** Bytes may arrive `latencyMs` after they were written, on this clock. Without a clock they arrive in the next microtask. */
  readonly clock?: Clock;
  readonly latencyMs?: () => number;
  /** How many undelivered bytes one direction holds before `write` answers false. */
  readonly windowBytes?: number;
  /** The largest piece handed to `onData`; what was written in one go arrives in several. */
  readonly chunkBytesMax?: number;
}

interface Settings {
  readonly deliver: (task: () => void) => void;
  readonly windowBytes: number;
  readonly chunkBytesMax: number;
}

const WINDOW_BYTES_DEFAULT = 64 * 1024;
const NONSENSE = 0xa5;
const EPHEMERAL_PORT_MIN = 49_152;
const EPHEMERAL_PORT_MAX = 65_535;

function ignore(): void {}

/** One end. Bytes queue at the sender until the receiver takes them. */
class MemoryConnection implements Connection {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  onData: (chunk: Buffer) => void = ignore;
  onDrain: () => void = ignore;
  onClose: (error?: Error) => void = ignore;
  readonly #settings: Settings;
  #peer: MemoryConnection | undefined;
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  #isDrainAwaited = false;
  #isDeliveryDue = false;
  #isPaused = false;
  #isEnding = false;
  #isClosed = false;

  constructor(
    addresses: { remoteAddress: string; remotePort: number; localAddress: string; localPort: number },
    settings: Settings,
  ) {
    this.remoteAddress = addresses.remoteAddress;
    this.remotePort = addresses.remotePort;
    this.localAddress = addresses.localAddress;
    this.localPort = addresses.localPort;
    this.#settings = settings;
  }

  static join(a: MemoryConnection, b: MemoryConnection): void {
    a.#peer = b;
    b.#peer = a;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  write(chunks: readonly Buffer[]): boolean {
    if (this.#isClosed || this.#isEnding) return true;
    // A network shares no memory: what the sender does to its buffer afterwards must not be seen.
    const bytes = Buffer.concat(chunks);
    if (bytes.length > 0) this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
    this.#scheduleDelivery();
    this.#isDrainAwaited ||= this.#queuedBytes >= this.#settings.windowBytes;
    return !this.#isDrainAwaited;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    const peer = this.#peer;
    if (peer !== undefined) peer.#scheduleDelivery();
  }

  end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#scheduleDelivery();
  }

  destroy(): void {
    if (this.#isClosed) return;
    const reset = new SocketError('connection reset by peer', { code: 'ECONNRESET' });
    this.#close(undefined);
    const peer = this.#peer;
    if (peer !== undefined) this.#settings.deliver(() => peer.#close(reset));
  }

  #scheduleDelivery(): void {
    if (this.#isDeliveryDue || this.#isClosed) return;
    this.#isDeliveryDue = true;
    this.#settings.deliver(() => {
      this.#isDeliveryDue = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    const peer = this.#peer;
    while (peer !== undefined && !this.#isClosed && !peer.#isClosed && !peer.#isPaused) {
      const piece = this.#nextPiece();
      if (piece === undefined) break;
      peer.onData(piece);
      // Lent only: whoever kept a view reads nonsense, as with a real socket.
      piece.fill(NONSENSE);
    }
    if (this.#queuedBytes > 0 || this.#isClosed) return;
    if (this.#isDrainAwaited) {
      this.#isDrainAwaited = false;
      this.onDrain();
    }
    if (this.#isEnding && this.#queuedBytes === 0) {
      this.#close(undefined);
      peer?.end();
    }
  }

  #nextPiece(): Buffer | undefined {
    const first = this.#queue[0];
    if (first === undefined) return undefined;
    const piece = first.subarray(0, this.#settings.chunkBytesMax);
    if (piece.length === first.length) this.#queue.shift();
    else this.#queue[0] = first.subarray(piece.length);
    this.#queuedBytes -= piece.length;
    return piece;
  }

  #close(error: SocketError | undefined): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#settings.deliver(() => this.onClose(error));
  }
}

/** Hosts are mere names; two listeners may not share a host and port. */
export class MemorySockets implements Sockets {
  readonly #settings: Settings;
  readonly #listeners = new Map<string, (connection: Connection) => void>();
  #nextPort = EPHEMERAL_PORT_MIN;

  constructor(options: MemorySocketsOptions = {}) {
    const { clock, latencyMs } = options;
    this.#settings = {
      deliver: clock === undefined ? queueMicrotask : (task) => clock.schedule(latencyMs?.() ?? 0, task),
      windowBytes: options.windowBytes ?? WINDOW_BYTES_DEFAULT,
      chunkBytesMax: options.chunkBytesMax ?? Number.POSITIVE_INFINITY,
    };
  }

  async listen(
    options: { host: string; port: number },
    onConnection: (connection: Connection) => void,
  ): Promise<Listener> {
    const port = options.port === 0 ? this.#ephemeralPort() : options.port;
    const name = `${options.host}:${port}`;
    if (this.#listeners.has(name)) {
      throw new SocketError(`${name}: address already in use`, { code: 'EADDRINUSE' });
    }
    this.#listeners.set(name, onConnection);
    return {
      port,
      host: options.host,
      close: async () => {
        this.#listeners.delete(name);
      },
    };
  }

  async connect(options: { host: string; port: number; timeoutMs: number }): Promise<Connection> {
    const accept = this.#listeners.get(`${options.host}:${options.port}`) ?? this.#listeners.get(`:${options.port}`);
    if (accept === undefined) {
      throw new SocketError(`${options.host}:${options.port}: connection refused`, { code: 'ECONNREFUSED' });
    }
    const [near, far] = this.#pair(options.host, options.port);
    accept(far);
    return near;
  }

  /** Two ends that are joined, without a listener: `[client, server]`. */
  pair(): [Connection, Connection] {
    return this.#pair('server', this.#ephemeralPort());
  }

  #pair(host: string, port: number): [MemoryConnection, MemoryConnection] {
    const clientPort = this.#ephemeralPort();
    const client = { localAddress: '127.0.0.1', localPort: clientPort, remoteAddress: host, remotePort: port };
    const server = { localAddress: host, localPort: port, remoteAddress: '127.0.0.1', remotePort: clientPort };
    const near = new MemoryConnection(client, this.#settings);
    const far = new MemoryConnection(server, this.#settings);
    MemoryConnection.join(near, far);
    return [near, far];
  }

  #ephemeralPort(): number {
    const port = this.#nextPort;
    this.#nextPort = port === EPHEMERAL_PORT_MAX ? EPHEMERAL_PORT_MIN : port + 1;
    return port;
  }
}
