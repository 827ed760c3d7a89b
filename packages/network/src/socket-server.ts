// Listens, accepts, and keeps count of connections: how many there may be, from where, and how long they may be silent.
// What the requests mean is the request handler's business. Source: kafka.network.SocketServer, ConnectionQuotas.

import type { Clock, Connection, Listener, Logger, MetricsRegistry, Sockets, Timer } from '@ottla/base';
import { AnswersTogether } from './answers-together.ts';
import { Channel, type ChannelDependencies, type ChannelLimits, type RequestHandler } from './channel.ts';
import { MemoryPool } from './memory-pool.ts';
import { SocketServerMetrics } from './socket-server-metrics.ts';

/** A place to listen at: `INTERNAL://10.0.0.1:9092`. */
export interface ListenerEndpoint {
  readonly listenerName: string;
  /** PLAINTEXT is what is built; SSL and SASL_* are refused at the start. */
  readonly securityProtocol: string;
  /** '' is every interface. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

export interface SocketServerLimits {
  /** socket.request.max.bytes */
  readonly requestBytesMax: number;
  /** queued.max.request.bytes; none when not above 0 */
  readonly queuedRequestBytesMax: number;
  /** queued.max.requests: here, how many requests of one connection may wait for their answers. */
  readonly inFlightRequestsMax: number;
  /** max.connections: a connection beyond it is closed as soon as it is accepted. */
  readonly connectionsMax: number;
  /** max.connections.per.ip */
  readonly connectionsPerIpMax: number;
  /** max.connections.per.ip.overrides, by address */
  readonly connectionsPerIpOverrides: ReadonlyMap<string, number>;
  /** connections.max.idle.ms; negative: never */
  readonly connectionsIdleMsMax: number;
  /** socket.listen.backlog.size */
  readonly backlog: number;
}

/** Kafka's defaults. */
export const SOCKET_SERVER_LIMITS: SocketServerLimits = {
  requestBytesMax: 100 * 1024 * 1024,
  queuedRequestBytesMax: -1,
  inFlightRequestsMax: 500,
  connectionsMax: 2 ** 31 - 1,
  connectionsPerIpMax: 2 ** 31 - 1,
  connectionsPerIpOverrides: new Map(),
  connectionsIdleMsMax: 10 * 60 * 1000,
  backlog: 50,
};

export interface SocketServerDependencies {
  readonly sockets: Sockets;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  readonly onRequest: RequestHandler;
  /** Runs the work that starts requests of one connection which arrived together, most of them in `chunk`, which stays as it is meanwhile but
   *  for what their handlers change. When it throws a StorageError, none of them may be answered: the connection closes. */
  readonly together?: (work: () => void, chunk: Buffer) => void;
}

/** Request bytes of one connection that wait for their answers. Enough for several of the largest usual produce requests. */
const IN_FLIGHT_BYTES_MAX = 8 * 1024 * 1024;
/** Response bytes that one peer may leave unread before its next request is started. */
const PENDING_RESPONSE_BYTES_MAX = 1024 * 1024;
/** On close: a peer that takes nothing of its last responses for so long is not waited for. A client whose program does not poll is such. */
const STUCK_MS = 500;
const IDLE_CHECK_MS_MIN = 100;
const IDLE_CHECK_MS_MAX = 30_000;

/** A listener was asked for that this server cannot serve. */
export class UnsupportedSecurityProtocolError extends Error {
  override readonly name = 'UnsupportedSecurityProtocolError';
}

function justRun(work: () => void): void {
  work();
}

export class SocketServer {
  readonly #dependencies: SocketServerDependencies;
  readonly #metrics: SocketServerMetrics;
  readonly #memoryPool: MemoryPool;
  readonly #channelDependencies: ChannelDependencies;
  #limits: SocketServerLimits;
  #channelLimits: ChannelLimits;
  readonly #listeners = new Map<string, Listener>();
  readonly #channels = new Set<Channel>();
  readonly #countByAddress = new Map<string, number>();
  #nextNumber = 0;
  #idleCheck: Timer | undefined;
  #isProcessing = false;
  #isClosing = false;
  #onEmpty: () => void = () => {};

  constructor(dependencies: SocketServerDependencies, limits: SocketServerLimits = SOCKET_SERVER_LIMITS) {
    this.#dependencies = dependencies;
    this.#limits = limits;
    this.#channelLimits = channelLimits(limits);
    this.#memoryPool = new MemoryPool(limits.queuedRequestBytesMax);
    this.#metrics = new SocketServerMetrics(dependencies.metrics, {
      connectionCount: () => this.#channels.size,
      queuedRequestBytes: () => this.#memoryPool.usedBytes,
    });
    this.#channelDependencies = this.#makeChannelDependencies();
  }

  get connectionCount(): number {
    return this.#channels.size;
  }

  /** Binds every endpoint and begins to accept. Requests wait until `enableProcessing`.
   *  @returns the port of each listener, by listener name
   *  @throws SocketError when an address cannot be bound; nothing listens then */
  async start(endpoints: readonly ListenerEndpoint[]): Promise<ReadonlyMap<string, number>> {
    const ports = new Map<string, number>();
    try {
      for (const endpoint of endpoints) ports.set(endpoint.listenerName, (await this.#listen(endpoint)).port);
    } catch (error) {
      await this.close(0);
      throw error;
    }
    this.#scheduleIdleCheck();
    return ports;
  }

  /** Starts answering requests, those that waited first. */
  enableProcessing(): void {
    this.#isProcessing = true;
    for (const channel of [...this.#channels]) channel.resume();
  }

  /** Changes what may be changed while running: the limits on connections. */
  updateLimits(limits: Partial<SocketServerLimits>): void {
    this.#limits = { ...this.#limits, ...limits };
    this.#channelLimits = channelLimits(this.#limits);
    this.#idleCheck?.cancel();
    this.#scheduleIdleCheck();
  }

  /** Stops accepting and starting requests; those in flight have `graceMs` (0: no time) to be answered, then every connection
   *  is closed. One whose requests are answered and whose peer does not read is closed sooner.
   *  Safe to call twice. */
  async close(graceMs: number): Promise<void> {
    this.#isClosing = true;
    this.#idleCheck?.cancel();
    for (const channel of [...this.#channels]) channel.drain();
    await Promise.all([...this.#listeners.values()].map((listener) => listener.close()));
    this.#listeners.clear();
    if (graceMs > 0 && this.#channels.size > 0) {
      const looking = this.#closeStuck(this.#unsentBytes());
      await this.#untilEmpty(graceMs);
      looking.cancel();
    }
    for (const channel of [...this.#channels]) channel.destroy();
    this.#metrics.close();
  }

  async #listen(endpoint: ListenerEndpoint): Promise<Listener> {
    if (endpoint.securityProtocol !== 'PLAINTEXT') {
      throw new UnsupportedSecurityProtocolError(
        `listener ${endpoint.listenerName}: security protocol ${endpoint.securityProtocol} is not supported, use PLAINTEXT`,
      );
    }
    const where = { host: endpoint.host, port: endpoint.port, backlog: this.#limits.backlog };
    const listener = await this.#dependencies.sockets.listen(where, (connection) => this.#accept(connection, endpoint));
    this.#listeners.set(endpoint.listenerName, listener);
    return listener;
  }

  #accept(connection: Connection, endpoint: ListenerEndpoint): void {
    const refusal = this.#reasonToRefuse(connection.remoteAddress);
    if (refusal !== undefined) {
      this.#metrics.refused.mark();
      this.#dependencies.logger.info('refusing a connection', {
        remoteAddress: connection.remoteAddress,
        reason: refusal,
      });
      connection.destroy();
      return;
    }
    this.#channels.add(this.#openChannel(connection, endpoint));
    this.#addToAddress(connection.remoteAddress, 1);
    this.#metrics.accepted.mark();
  }

  #openChannel(connection: Connection, endpoint: ListenerEndpoint): Channel {
    const { localAddress, localPort, remoteAddress, remotePort } = connection;
    const connectionId = `${localAddress}:${localPort}-${remoteAddress}:${remotePort}-${this.#nextNumber++}`;
    const { listenerName, securityProtocol } = endpoint;
    const identity = { connectionId, listenerName, securityProtocol, remoteAddress, remotePort, localPort };
    return new Channel(connection, identity, this.#channelLimits, this.#channelDependencies);
  }

  /** The same for all connections. */
  #makeChannelDependencies(): ChannelDependencies {
    const { clock, logger, onRequest, together = justRun } = this.#dependencies;
    return {
      clock,
      logger,
      onRequest,
      together,
      answersTogether: new AnswersTogether(),
      incomingBytes: this.#metrics.incomingBytes,
      outgoingBytes: this.#metrics.outgoingBytes,
      memoryPool: this.#memoryPool,
      isProcessing: () => this.#isProcessing,
      onClose: (channel) => this.#forget(channel),
    };
  }

  #reasonToRefuse(address: string): string | undefined {
    if (this.#isClosing) return 'closing';
    if (this.#channels.size >= this.#limits.connectionsMax) return `max.connections=${this.#limits.connectionsMax}`;
    const perAddressMax = this.#limits.connectionsPerIpOverrides.get(address) ?? this.#limits.connectionsPerIpMax;
    if ((this.#countByAddress.get(address) ?? 0) >= perAddressMax) return `max.connections.per.ip=${perAddressMax}`;
    return undefined;
  }

  #forget(channel: Channel): void {
    if (!this.#channels.delete(channel)) return;
    this.#addToAddress(channel.context.remoteAddress, -1);
    this.#memoryPool.forget(channel);
    this.#metrics.closed.mark();
    if (this.#channels.size === 0) this.#onEmpty();
  }

  #addToAddress(address: string, count: number): void {
    const total = (this.#countByAddress.get(address) ?? 0) + count;
    if (total > 0) this.#countByAddress.set(address, total);
    else this.#countByAddress.delete(address);
  }

  /** Looks again and again for connections whose requests are answered and whose peers take nothing more, and closes them.
   *  @param unsent bytes each had left the last time */
  #closeStuck(unsent: ReadonlyMap<Channel, number>): Timer {
    let timer = this.#dependencies.clock.schedule(STUCK_MS, () => {
      // The next look is arranged first: the last connection that closes here cancels it.
      timer = this.#closeStuck(this.#unsentBytes());
      for (const [channel, bytes] of unsent) if (channel.unsentBytes === bytes) channel.destroy();
    });
    return { cancel: () => timer.cancel() };
  }

  #unsentBytes(): Map<Channel, number> {
    const unsent = new Map<Channel, number>();
    for (const channel of this.#channels) {
      const bytes = channel.unsentBytes;
      if (bytes !== undefined) unsent.set(channel, bytes);
    }
    return unsent;
  }

  #untilEmpty(graceMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#dependencies.clock.schedule(graceMs, resolve);
      this.#onEmpty = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  #scheduleIdleCheck(): void {
    const idleMsMax = this.#limits.connectionsIdleMsMax;
    if (idleMsMax < 0 || this.#isClosing) return;
    const intervalMs = Math.min(IDLE_CHECK_MS_MAX, Math.max(IDLE_CHECK_MS_MIN, idleMsMax / 4));
    this.#idleCheck = this.#dependencies.clock.schedule(intervalMs, () => {
      this.#closeIdle(this.#dependencies.clock.monotonicMs() - idleMsMax);
      this.#scheduleIdleCheck();
    });
  }

  /** Closes every connection that has been silent since `beforeMs` and waits for no answer of ours. */
  #closeIdle(beforeMs: number): void {
    for (const channel of [...this.#channels]) {
      if (channel.lastActiveMs > beforeMs || channel.inFlightCount > 0) continue;
      this.#metrics.expired.mark();
      channel.destroy();
    }
  }
}

function channelLimits({ requestBytesMax, inFlightRequestsMax }: SocketServerLimits): ChannelLimits {
  return {
    frameBytesMax: requestBytesMax,
    inFlightCountMax: inFlightRequestsMax,
    inFlightBytesMax: IN_FLIGHT_BYTES_MAX,
    pendingResponseBytesMax: PENDING_RESPONSE_BYTES_MAX,
  };
}
