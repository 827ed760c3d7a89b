// One connection to a broker, used as a client: writes requests, matches the answers by correlation id, gives up when one takes too long.
// It knows the versions of nothing: the caller names the version. Source: org.apache.kafka.clients.NetworkClient, InFlightRequests.

import {
  ByteReader,
  ByteWriter,
  type Clock,
  type Connection,
  isByteSource,
  readFully,
  type Sockets,
  type Timer,
} from '@ottla/base';
import { type ApiCodec, type Decoded, readResponseHeader, writeRequestHeader } from '@ottla/protocol';
import { DisconnectedError, InvalidResponseError, RequestTimeoutError } from './client-errors.ts';
import { FrameReader } from './frame-reader.ts';

export interface RequestClientOptions {
  readonly sockets: Sockets;
  readonly clock: Clock;
  readonly host: string;
  readonly port: number;
  readonly clientId: string | null;
  /** socket.connection.setup.timeout.ms */
  readonly connectTimeoutMs: number;
  /** request.timeout.ms: from the moment the request is written. */
  readonly requestTimeoutMs: number;
  /** max.in.flight.requests.per.connection; what is more waits here. */
  readonly inFlightMax: number;
  /** The largest answer accepted. */
  readonly responseBytesMax: number;
}

export const REQUEST_CLIENT_DEFAULTS = {
  clientId: 'ottla',
  connectTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  inFlightMax: 5,
  responseBytesMax: 2 ** 31 - 1,
} as const satisfies Partial<RequestClientOptions>;

export interface SendOptions {
  /** Instead of the client's. */
  readonly requestTimeoutMs?: number | undefined;
}

/** A request that is waiting to be written, or for its answer. */
interface Exchange {
  readonly correlationId: number;
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly requestTimeoutMs: number;
  /** The frame, size included. Emptied when written. */
  chunks: Buffer[];
  timer: Timer | undefined;
  /** @throws what the codec throws */
  readonly onAnswer: (reader: ByteReader) => void;
  readonly onFailure: (error: Error) => void;
}

export class RequestClient {
  readonly #connection: Connection;
  readonly #options: RequestClientOptions;
  readonly #reader: FrameReader;
  /** Written, in order, not answered. */
  readonly #inFlight: Exchange[] = [];
  readonly #waiting: Exchange[] = [];
  #nextCorrelationId = 0;
  #closeReason: Error | undefined;
  /** The connection has ended, whoever ended it. */
  onClose: () => void = () => {};

  /** @throws SocketError when the broker cannot be reached in time */
  static async connect(
    options: Partial<RequestClientOptions> & Pick<RequestClientOptions, 'sockets' | 'clock' | 'host' | 'port'>,
  ): Promise<RequestClient> {
    const all = { ...REQUEST_CLIENT_DEFAULTS, ...options };
    const { host, port, connectTimeoutMs } = all;
    return new RequestClient(await all.sockets.connect({ host, port, timeoutMs: connectTimeoutMs }), all);
  }

  private constructor(connection: Connection, options: RequestClientOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#reader = new FrameReader(options.responseBytesMax);
    connection.onData = (chunk) => this.#onData(chunk);
    connection.onClose = (cause) =>
      this.#shutDown(new DisconnectedError(`${this.#peer} closed the connection`, { cause }));
  }

  get isClosed(): boolean {
    return this.#closeReason !== undefined;
  }

  /** Requests that are not answered yet, those not yet written included. */
  get pendingCount(): number {
    return this.#inFlight.length + this.#waiting.length;
  }

  /** Asks and waits for the answer.
   *  @throws DisconnectedError, RequestTimeoutError, InvalidResponseError; UnsupportedVersionError when `version` cannot carry the request */
  async send<Request, Response>(
    api: ApiCodec<Request, Response>,
    request: Request,
    version: number,
    options: SendOptions = {},
  ): Promise<Decoded<Response>> {
    this.#mustBeOpen();
    const correlationId = this.#takeCorrelationId();
    const chunks = this.#encode(api, request, version, correlationId);
    return new Promise((resolve, reject) => {
      this.#waiting.push({
        correlationId,
        apiKey: api.apiKey,
        apiVersion: version,
        requestTimeoutMs: options.requestTimeoutMs ?? this.#options.requestTimeoutMs,
        chunks,
        timer: undefined,
        onAnswer: (reader) => resolve(api.response.read(reader, version)),
        onFailure: reject,
      });
      this.#writeWaiting();
    });
  }

  /** Sends what the broker does not answer (a produce with acks=0). It leaves behind the requests written so far. */
  sendWithoutAnswer<Request>(api: ApiCodec<Request, unknown>, request: Request, version: number): void {
    this.#mustBeOpen();
    this.#connection.write(this.#encode(api, request, version, this.#takeCorrelationId()));
  }

  /** Fails whatever is pending with DisconnectedError. Safe to call twice. */
  close(): void {
    this.#shutDown(new DisconnectedError(`the connection to ${this.#peer} was closed here`));
  }

  get #peer(): string {
    return `${this.#options.host}:${this.#options.port}`;
  }

  #mustBeOpen(): void {
    if (this.#closeReason !== undefined) throw this.#closeReason;
  }

  #takeCorrelationId(): number {
    const correlationId = this.#nextCorrelationId;
    this.#nextCorrelationId = correlationId === 0x7fffffff ? 0 : correlationId + 1;
    return correlationId;
  }

  #encode<Request>(
    api: ApiCodec<Request, unknown>,
    request: Request,
    version: number,
    correlationId: number,
  ): Buffer[] {
    const writer = new ByteWriter();
    const { clientId } = this.#options;
    writeRequestHeader(writer, { apiKey: api.apiKey, apiVersion: version, correlationId, clientId });
    api.request.write(writer, request, version);
    const chunks = writer.finish().map((chunk) => (isByteSource(chunk) ? readFully(chunk) : chunk));
    const size = Buffer.alloc(4);
    size.writeInt32BE(chunks.reduce((total, chunk) => total + chunk.length, 0));
    return [size, ...chunks];
  }

  #writeWaiting(): void {
    while (this.#inFlight.length < this.#options.inFlightMax) {
      const exchange = this.#waiting.shift();
      if (exchange === undefined) return;
      this.#inFlight.push(exchange);
      const { requestTimeoutMs } = exchange;
      exchange.timer = this.#options.clock.schedule(requestTimeoutMs, () => {
        this.#shutDown(new RequestTimeoutError(`${this.#peer} did not answer within ${requestTimeoutMs} ms`));
      });
      this.#connection.write(exchange.chunks);
      exchange.chunks = [];
    }
  }

  #onData(chunk: Buffer): void {
    this.#reader.push(chunk);
    try {
      for (let frame = this.#reader.next(); frame !== undefined; frame = this.#reader.next()) this.#onAnswer(frame);
    } catch (cause) {
      this.#shutDown(new InvalidResponseError(`${this.#peer} sent an answer that cannot be read`, { cause }));
    }
    this.#reader.keep();
    this.#writeWaiting();
  }

  #onAnswer(frame: Buffer): void {
    const exchange = this.#inFlight[0];
    if (exchange === undefined) throw new InvalidResponseError('nothing was asked');
    // The frame is lent, and the answer holds views of it.
    const reader = new ByteReader(Buffer.from(frame));
    const correlationId = readResponseHeader(reader, exchange);
    if (correlationId !== exchange.correlationId) {
      throw new InvalidResponseError(`correlation id ${correlationId}, expected ${exchange.correlationId}`);
    }
    exchange.onAnswer(reader);
    exchange.timer?.cancel();
    this.#inFlight.shift();
  }

  #shutDown(reason: Error): void {
    if (this.#closeReason !== undefined) return;
    this.#closeReason = reason;
    this.#connection.destroy();
    const pending = [...this.#inFlight.splice(0), ...this.#waiting.splice(0)];
    for (const exchange of pending) {
      exchange.timer?.cancel();
      exchange.onFailure(reason);
    }
    this.onClose();
  }
}
