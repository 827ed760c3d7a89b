// How a broker speaks to itself: the same request bytes, handled by the same dispatch, without a socket. The controller sends LeaderAndIsr,
// StopReplica and UpdateMetadata to its own broker through it, as to any other.

import { ByteReader, ByteWriter, Errors, isByteSource, KafkaError, readFully } from '@ottla/base';
import type { ConnectionContext } from '@ottla/network';
import { type ApiCodec, type Decoded, readResponseHeader, writeRequestHeader } from '@ottla/protocol';
import type { RequestDispatcher } from './request-dispatcher.ts';

export class InProcessChannel {
  readonly #dispatcher: RequestDispatcher;
  readonly #connection: ConnectionContext;
  readonly #clientId: string;
  #correlationId = 0;

  /** @param listenerName the listener that brokers speak to each other through */
  constructor(dispatcher: RequestDispatcher, options: { readonly listenerName: string; readonly clientId: string }) {
    this.#dispatcher = dispatcher;
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

  /** Asks in `version` and waits for the answer. @throws InvalidRequestError when a connection would have been closed */
  async send<Request, Response>(
    api: ApiCodec<Request, Response>,
    request: Request,
    version: number,
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
}
