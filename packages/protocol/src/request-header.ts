// What stands before every request: which API, which version, which request of the connection, which client.
// Source: org.apache.kafka.common.requests.RequestHeader, ApiKeys.requestHeaderVersion; KIP-482.

import type { ByteReader, ByteWriter } from '@ottla/base';
import { ApiKeys } from './api-keys.ts';
import { apiCodecs } from './codecs.ts';
import { requestHeader } from './generated/request-header.ts';

export interface RequestHeaderFields {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string | null;
}

/** Which version of the header stands before this request: 2 from the first flexible version on, also for versions newer than we
 *  know; 0, without a client id, only before ControlledShutdown 0. @returns undefined for a key Kafka does not define */
export function requestHeaderVersion(apiKey: number, apiVersion: number): 0 | 1 | 2 | undefined {
  const codec = apiCodecs.get(apiKey);
  if (codec === undefined) return undefined;
  if (apiKey === ApiKeys.ControlledShutdown && apiVersion === 0) return 0;
  return apiVersion >= codec.flexibleSince ? 2 : 1;
}

/** Reads the header and leaves the reader at the request. The version may be one that we do not have; that is for the caller.
 *  @throws MalformedMessageError also for an unknown API key, whose header has no known shape */
export function readRequestHeader(reader: ByteReader): RequestHeaderFields {
  const start = reader.position;
  const apiKey = reader.readInt16('requestApiKey');
  const apiVersion = reader.readInt16('requestApiVersion');
  const headerVersion = requestHeaderVersion(apiKey, apiVersion);
  if (headerVersion === undefined) throw reader.malformed(`unknown API key ${apiKey}`, 'requestApiKey');
  reader.position = start;
  const { correlationId, clientId } = requestHeader.read(reader, headerVersion);
  return { apiKey, apiVersion, correlationId, clientId: headerVersion === 0 ? null : clientId };
}

/** @throws RangeError for a key Kafka does not define */
export function writeRequestHeader(writer: ByteWriter, header: RequestHeaderFields): void {
  const { apiKey, apiVersion, correlationId, clientId } = header;
  const headerVersion = requestHeaderVersion(apiKey, apiVersion);
  if (headerVersion === undefined) throw new RangeError(`unknown API key ${apiKey}`);
  const value = { requestApiKey: apiKey, requestApiVersion: apiVersion, correlationId, clientId };
  requestHeader.write(writer, value, headerVersion);
}
