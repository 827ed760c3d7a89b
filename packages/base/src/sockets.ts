// The port to the network. Implementations: node-sockets.ts (TCP), and an in-memory one for tests and simulation.

/** One byte stream to a peer. Events are set by whoever owns the connection, before it returns to the event loop. */
export interface Connection {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  /** Bytes arrived. The chunk is lent until this returns, then it is used again for what arrives next, on whatever connection: keep
   *  a copy, never a view. */
  onData: (chunk: Buffer) => void;
  /** Everything written so far is with the kernel, after `write` returned false. */
  onDrain: () => void;
  /** The last event. `error` is absent when either side closed in order. */
  onClose: (error?: Error) => void;
  /** Queues `chunks` in order. @returns false when the peer is slow: wait for onDrain before writing more */
  write(chunks: readonly Buffer[]): boolean;
  /** Bytes queued and not yet taken by the kernel. */
  readonly queuedBytes: number;
  /** No more onData until `resume`: back-pressure towards the peer. */
  pause(): void;
  resume(): void;
  /** Sends what is queued, then closes. */
  end(): void;
  /** Closes at once; queued bytes are lost. */
  destroy(): void;
}

export interface Listener {
  /** The port that was bound, also when 0 was asked for. */
  readonly port: number;
  readonly host: string;
  /** Stops accepting. Connections that exist live on. */
  close(): Promise<void>;
}

export interface Sockets {
  /** Host '' is every interface. `backlog`: how many connections the system may hold that were not accepted yet.
   *  @throws SocketError when the address cannot be bound (code EADDRINUSE, EACCES, EADDRNOTAVAIL …) */
  listen(
    options: { host: string; port: number; backlog?: number },
    onConnection: (connection: Connection) => void,
  ): Promise<Listener>;
  /** @throws SocketError when the peer refuses or `timeoutMs` passes */
  connect(options: { host: string; port: number; timeoutMs: number }): Promise<Connection>;
}

/** What went wrong with the network. */
export class SocketError extends Error {
  override readonly name = 'SocketError';
  readonly code: string;

  constructor(message: string, options: { code: string; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.code = options.code;
  }
}
