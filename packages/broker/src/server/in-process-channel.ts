// How a broker speaks to itself: the same request bytes, handled by the same dispatch, without a socket. The controller sends LeaderAndIsr,
// StopReplica and UpdateMetadata to its own broker through it, as to any other.

import { ByteReader, ByteWriter, Errors, isByteSource, KafkaError, mustBePresent, readFully } from '@ottla/base';
import type { ConnectionContext } from '@ottla/network';
import { type ApiCodec, type Decoded, readResponseHeader, writeRequestHeader } from '@ottla/protocol';
import type { ApiVersionsManager } from './api-versions-manager.ts';
import type { RequestDispatcher } from './request-dispatcher.ts';

/** A broker that this one has no connection to. */
export class BrokerUnreachableError extends Error {
  override readonly name = 'BrokerUnreachableError';
}

export interface InProcessChannelOptions {
  /** What the dispatcher serves. */
  readonly apiVersionsManager: ApiVersionsManager;
  /** The listener that brokers speak to each other through. */
  readonly listenerName: string;
  readonly clientId: string;
}

export class InProcessChannel {
  readonly #dispatcher: RequestDispatcher;
  readonly #connection: ConnectionContext;
  readonly #clientId: string;
  readonly #apiVersionsManager: ApiVersionsManager;
  #correlationId = 0;

  constructor(dispatcher: RequestDispatcher, options: InProcessChannelOptions) {
    this.#dispatcher = dispatcher;
    this.#apiVersionsManager = options.apiVersionsManager;
    this.#clientId = options.clientId;
    this.#connection = {
      connectionId: 'in-process',
      listenerName: options.listenerName,
      securityProtocol: 'PLAINTEXT',
      remoteAddress: '127.0.0.1',
      remotePort: 0,
      localPort: 0,
      throttle() {},
    };
  }

  /** Asks in `version`, the newest one when absent, and waits for the answer. @throws InvalidRequestError when a connection would have been closed */
  async send<Request, Response>(
    api: ApiCodec<Request, Response>,
    request: Request,
    version = this.#newestVersion(api),
  ): Promise<Decoded<Response>> {
    const header = {
      apiKey: api.apiKey,
      apiVersion: version,
      correlationId: this.#correlationId,
      clientId: this.#clientId,
    };
    this.#correlationId = (this.#correlationId + 1) & 0x7fffffff;
    const writer = new ByteWriter();
    writeRequestHeader(writer, header);
    api.request.write(writer, request, version);
    const outcome = this.#dispatcher.dispatch({ frame: writer.finishBuffer(), connection: this.#connection });
    const chunks = await outcome.response;
    if (chunks === undefined) throw new KafkaError(Errors.INVALID_REQUEST, `${api.name} was not answered`);
    const bytes = chunks.map((chunk) => (isByteSource(chunk) ? readFully(chunk) : chunk));
    const reader = new ByteReader(Buffer.concat(bytes));
    readResponseHeader(reader, header);
    return api.response.read(reader, version);
  }

  #newestVersion(api: ApiCodec<unknown, unknown>): number {
    return mustBePresent(this.#apiVersionsManager.servedApi(api.apiKey), `handler of ${api.name}`).maxVersion;
  }
}
