// From a frame to the frames that answer it: header, handler, decoding, context, handler's work, encoding. The only try/catch of that
// walk is here. As in Kafka, what cannot be read closes the connection; what failed while being handled is answered by the API's own
// error response; bytes after a request are ignored. Source: kafka.network.SocketServer (parseRequestHeader), kafka.server.KafkaApis.handle.

import {
  type ByteChunk,
  ByteReader,
  ByteWriter,
  type Clock,
  Errors,
  errorName,
  type Logger,
  type MetricsRegistry,
} from '@ottla/base';
import type { IncomingRequest, RequestOutcome } from '@ottla/network';
import { ApiKeys, apiVersions, readRequestHeader, writeResponseHeader } from '@ottla/protocol';
import type { ApiVersionsManager, ServedApi } from './api-versions-manager.ts';
import type { BrokerServices } from './broker-services.ts';
import { mapError } from './error-mapping.ts';
import { Dispatched, type Handler } from './handler.ts';
import { ANONYMOUS, type RequestContext, type RequestHeader } from './request-context.ts';
import { type RequestMetrics, RequestMetricsTable } from './request-metrics.ts';

/** A request that cannot be read or that this broker does not serve. The connection closes. */
export class InvalidRequestError extends Error {
  override readonly name = 'InvalidRequestError';
}

export interface RequestDispatcherDependencies {
  readonly apiVersionsManager: ApiVersionsManager;
  readonly broker: BrokerServices;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  /** Requests from this listener come from brokers (inter.broker.listener.name). */
  readonly privilegedListenerName: string;
}

/** One request on its way. */
interface Exchange {
  readonly handler: Handler;
  readonly request: unknown;
  readonly context: RequestContext;
  readonly connection: IncomingRequest['connection'];
  readonly metrics: RequestMetrics;
  readonly startedMs: number;
}

export class RequestDispatcher {
  readonly #dependencies: RequestDispatcherDependencies;
  readonly #metrics: RequestMetricsTable;

  constructor(dependencies: RequestDispatcherDependencies) {
    this.#dependencies = dependencies;
    this.#metrics = new RequestMetricsTable(dependencies.metrics);
  }

  /** Answers one frame. @throws InvalidRequestError when the connection is to be closed */
  dispatch(incoming: IncomingRequest): RequestOutcome {
    const startedMs = this.#dependencies.clock.monotonicMs();
    let reader = new ByteReader(incoming.frame);
    const header = readHeader(reader);
    const served = this.#dependencies.apiVersionsManager.servedApi(header.apiKey);
    if (served === undefined) throw new InvalidRequestError(`API key ${header.apiKey} is not served`);
    if (!isServed(served, header.apiVersion)) return this.#refuseVersion(header, served);
    const { handler } = served;
    if (handler.keepsNoBytes !== true) reader = new ByteReader(Buffer.from(incoming.frame), reader.position);
    const exchange: Exchange = {
      handler,
      request: readRequest(handler, reader, header),
      context: this.#contextOf(header, incoming),
      connection: incoming.connection,
      metrics: this.#metrics.of(handler.api, header.apiVersion),
      startedMs,
    };
    exchange.metrics.requestsPerSec.mark();
    exchange.metrics.requestBytes.update(incoming.frame.length);
    const outcome = this.#handle(exchange);
    exchange.metrics.localTimeMs.update(this.#dependencies.clock.monotonicMs() - startedMs);
    return outcome;
  }

  #handle(exchange: Exchange): RequestOutcome {
    let result: unknown;
    try {
      result = exchange.handler.handle(exchange.request, exchange.context);
    } catch (error) {
      return { dispatched: undefined, response: this.#answerError(exchange, error) };
    }
    if (result instanceof Dispatched) {
      const { dispatched, response } = result as Dispatched<unknown>;
      if (!(response instanceof Promise)) return { dispatched, response: this.#answer(exchange, response) };
      return { dispatched, response: this.#answerLater(exchange, response) };
    }
    if (result instanceof Promise) {
      const response = this.#answerLater(exchange, result);
      // The next request waits for this one, however it ends.
      return { dispatched: response.then(ignore, ignore), response };
    }
    return { dispatched: undefined, response: this.#answer(exchange, result) };
  }

  #answerLater(exchange: Exchange, response: Promise<unknown>): Promise<ByteChunk[] | undefined> {
    return response.then(
      (value) => this.#answer(exchange, value),
      (error: unknown) => this.#answerError(exchange, error),
    );
  }

  #answer(exchange: Exchange, response: unknown): ByteChunk[] | undefined {
    let chunks: ByteChunk[] | undefined;
    try {
      chunks = response === undefined ? undefined : encode(exchange.handler, response, exchange.context.header);
    } catch (error) {
      return this.#answerError(exchange, error);
    }
    this.#complete(exchange);
    const throttleMs = throttleTimeOf(response);
    if (throttleMs > 0) exchange.connection.throttle(throttleMs);
    return chunks;
  }

  /** @throws InvalidRequestError when the API cannot say that it failed */
  #answerError(exchange: Exchange, error: unknown): ByteChunk[] {
    const { handler, request, context } = exchange;
    const { code, message, isExpected } = mapError(error);
    const fields = { api: handler.api.name, version: context.header.apiVersion, connectionId: context.connectionId };
    if (isExpected) this.#dependencies.logger.debug('a request failed', { ...fields, error: message });
    else this.#dependencies.logger.error('a request failed unexpectedly', { ...fields, cause: error });
    this.#metrics.countError(handler.api, errorName(code));
    this.#complete(exchange);
    const response = handler.errorResponse(request, code, message, context.header.apiVersion);
    if (response === undefined) throw new InvalidRequestError(`${handler.api.name} failed with ${errorName(code)}`);
    return encode(handler, response, context.header);
  }

  #complete(exchange: Exchange): void {
    exchange.metrics.totalTimeMs.update(this.#dependencies.clock.monotonicMs() - exchange.startedMs);
  }

  /** KIP-511: ApiVersions in a version we do not have is answered in version 0 with the versions we do; any other API closes. */
  #refuseVersion(header: RequestHeader, served: ServedApi): RequestOutcome {
    const { apiKey, apiVersion } = header;
    if (apiKey !== ApiKeys.ApiVersions) {
      throw new InvalidRequestError(
        `${served.handler.api.name} version ${apiVersion} out of range [${served.minVersion}, ${served.maxVersion}]`,
      );
    }
    const apiKeys = this.#dependencies.apiVersionsManager.apiVersionsOnly();
    const writer = new ByteWriter();
    writeResponseHeader(writer, { ...header, apiVersion: 0 });
    apiVersions.response.write(writer, { errorCode: Errors.UNSUPPORTED_VERSION, apiKeys }, 0);
    return { dispatched: undefined, response: writer.finish() };
  }

  #contextOf(header: RequestHeader, { connection }: IncomingRequest): RequestContext {
    return {
      header,
      principal: ANONYMOUS,
      clientAddress: connection.remoteAddress,
      listenerName: connection.listenerName,
      connectionId: connection.connectionId,
      connection,
      fromPrivilegedListener: connection.listenerName === this.#dependencies.privilegedListenerName,
      broker: this.#dependencies.broker,
    };
  }
}

function ignore(): void {}

function isServed(served: ServedApi, version: number): boolean {
  return served.minVersion <= version && version <= served.maxVersion;
}

function readHeader(reader: ByteReader): RequestHeader {
  try {
    return readRequestHeader(reader);
  } catch (error) {
    throw new InvalidRequestError('the request header cannot be read', { cause: error });
  }
}

function readRequest(handler: Handler, reader: ByteReader, header: RequestHeader): unknown {
  try {
    return handler.api.request.read(reader, header.apiVersion);
  } catch (error) {
    throw new InvalidRequestError(`${handler.api.name} version ${header.apiVersion} cannot be read`, { cause: error });
  }
}

function encode(handler: Handler, response: unknown, header: RequestHeader): ByteChunk[] {
  const writer = new ByteWriter();
  try {
    writeResponseHeader(writer, header);
    handler.api.response.write(writer, response, header.apiVersion);
    return writer.finish();
  } catch (error) {
    writer.release();
    throw error;
  }
}

/** How long the response tells its client to be quiet; the server holds it to that (KIP-219). */
function throttleTimeOf(response: unknown): number {
  if (typeof response !== 'object' || response === null || !('throttleTimeMs' in response)) return 0;
  return typeof response.throttleTimeMs === 'number' ? response.throttleTimeMs : 0;
}
