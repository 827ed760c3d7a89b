// One handler per API: which versions it serves, what it does, and what its answer looks like when the whole request failed.
// `defineHandler` is the only registration: dispatch and ApiVersions are computed from the list in handlers/index.ts.

import type { ErrorCode } from '@ottla/base';
import { assert } from '@ottla/base';
import type { ApiCodec, Decoded } from '@ottla/protocol';
import type { RequestContext } from './request-context.ts';

/** An answer that arrives later than the moment when the next request of the same connection may start. A produce is dispatched once
 *  its records are in the log, though the answer waits for the replicas; a parked fetch is dispatched at once. Responses leave in
 *  request order all the same. */
export class Dispatched<Response> {
  /** Settles when the next request of this connection may start; undefined: it may start now. */
  readonly dispatched: Promise<void> | undefined;
  /** undefined, now or later: no response is sent (acks=0). */
  readonly response: Response | undefined | Promise<Response | undefined>;

  constructor(response: Response | undefined | Promise<Response | undefined>, dispatched?: Promise<void>) {
    this.response = response;
    this.dispatched = dispatched;
  }
}

/** What `handle` may return. undefined means that no response is sent. After a plain promise the next request of the connection waits
 *  until it has settled, as Kafka does for every request; a `Dispatched` says otherwise. */
export type HandlerResult<Response> = Response | undefined | Promise<Response | undefined> | Dispatched<Response>;

export interface HandlerOptions<Request, Response> {
  /** The versions served, both inclusive. */
  readonly minVersion: number;
  readonly maxVersion: number;
  /** Neither `handle` nor what it calls keeps bytes of the request (fields of type bytes or records) after it has returned. Such a request is
   *  read where it lies in the socket's buffer; any other is copied first. */
  readonly keepsNoBytes?: boolean;
  /** The answer when `handle` threw or rejected: `code` in every place where this API carries an error. undefined: the API has no way to
   *  say so (acks=0), and the connection closes. Source: getErrorResponse of each Kafka request class. */
  errorResponse(request: Decoded<Request>, code: ErrorCode, message: string, version: number): Response | undefined;
}

/** With the default arguments: any handler, as dispatch sees it. */
export interface Handler<Request = unknown, Response = unknown> extends HandlerOptions<Request, Response> {
  readonly api: ApiCodec<Request, Response>;
  handle(request: Decoded<Request>, context: RequestContext): HandlerResult<Response>;
}

/** Registers what this broker does for one API.
 *  @param handle may throw KafkaError, StorageError or MalformedMessageError; dispatch maps it and calls `errorResponse` */
export function defineHandler<Request, Response>(
  api: ApiCodec<Request, Response>,
  options: HandlerOptions<Request, Response>,
  handle: (request: Decoded<Request>, context: RequestContext) => HandlerResult<Response>,
): Handler<Request, Response> {
  assert(
    api.minVersion <= options.minVersion &&
      options.minVersion <= options.maxVersion &&
      options.maxVersion <= api.maxVersion,
    `${api.name} serves [${options.minVersion}, ${options.maxVersion}], its codec knows [${api.minVersion}, ${api.maxVersion}]`,
  );
  return { api, ...options, handle };
}
