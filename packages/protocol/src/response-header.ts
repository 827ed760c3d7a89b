// What stands before every response: which request of the connection it answers.
// Source: org.apache.kafka.common.requests.ResponseHeader, ApiKeys.responseHeaderVersion; KIP-482, KIP-511.

import type { ByteReader, ByteWriter } from '@ottla/base';
import { ApiKeys } from './api-keys.ts';
import { apiCodecs } from './codecs.ts';
import { responseHeader } from './generated/response-header.ts';

/** 1 for flexible versions. ApiVersions always has 0: a client that does not know the broker must be able to read it.
 *  @returns undefined for a key Kafka does not define */
export function responseHeaderVersion(apiKey: number, apiVersion: number): 0 | 1 | undefined {
  const codec = apiCodecs.get(apiKey);
  if (codec === undefined) return undefined;
  return apiKey !== ApiKeys.ApiVersions && apiVersion >= codec.flexibleSince ? 1 : 0;
}

/** @throws RangeError for a key Kafka does not define */
export function writeResponseHeader(
  writer: ByteWriter,
  request: { readonly apiKey: number; readonly apiVersion: number; readonly correlationId: number },
): void {
  responseHeader.write(writer, { correlationId: request.correlationId }, mustHaveVersion(request));
}

/** @param request the API and version that were asked @returns the correlation id
 *  @throws MalformedMessageError, RangeError for a key Kafka does not define */
export function readResponseHeader(
  reader: ByteReader,
  request: { readonly apiKey: number; readonly apiVersion: number },
): number {
  return responseHeader.read(reader, mustHaveVersion(request)).correlationId;
}

function mustHaveVersion({ apiKey, apiVersion }: { readonly apiKey: number; readonly apiVersion: number }): 0 | 1 {
  const version = responseHeaderVersion(apiKey, apiVersion);
  if (version === undefined) throw new RangeError(`unknown API key ${apiKey}`);
  return version;
}
