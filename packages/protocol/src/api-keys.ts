// API keys: the number that stands first in every request. Source: org.apache.kafka.common.protocol.ApiKeys.

import { ApiKeys } from './generated/api-codecs.ts';

export { ApiKeys };

export type ApiName = keyof typeof ApiKeys;

const NAMES: ReadonlyMap<number, ApiName> = new Map(
  (Object.keys(ApiKeys) as ApiName[]).map((name) => [ApiKeys[name], name]),
);

/** Kafka's name of the API, undefined for a key that Kafka does not define. */
export function apiName(apiKey: number): ApiName | undefined {
  return NAMES.get(apiKey);
}
