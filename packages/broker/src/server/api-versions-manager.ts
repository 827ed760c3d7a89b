// Which APIs are on offer, in which versions: the handlers' own ranges, cut down to one release of Kafka where `ottla.api.level` says so.
// Dispatch and the ApiVersions response both ask here, so they cannot disagree. Source: kafka.server.ApiVersionManager.

import { assert } from '@ottla/base';
import { ApiKeys, type ApiRelease, type ApiVersion, apiLevels } from '@ottla/protocol';
import type { Handler } from './handler.ts';

/** A handler and the versions of it that are on offer. */
export interface ServedApi {
  readonly handler: Handler;
  readonly minVersion: number;
  readonly maxVersion: number;
}

export class ApiVersionsManager {
  readonly #served: ReadonlyMap<number, ServedApi>;

  /** @param level the release to be like; undefined: everything that is built */
  constructor(handlers: readonly Handler[], level?: ApiRelease) {
    const served = new Map<number, ServedApi>();
    for (const handler of [...handlers].sort((a, b) => a.api.apiKey - b.api.apiKey)) {
      const { apiKey, name } = handler.api;
      assert(!served.has(apiKey), `two handlers are registered for ${name}`);
      const range = level === undefined ? handler : intersection(handler, level);
      if (range !== undefined)
        served.set(apiKey, { handler, minVersion: range.minVersion, maxVersion: range.maxVersion });
    }
    this.#served = served;
  }

  /** undefined: that API is not on offer. */
  servedApi(apiKey: number): ServedApi | undefined {
    return this.#served.get(apiKey);
  }

  /** What ApiVersions answers, in ascending order of keys. */
  apiVersions(): ApiVersion[] {
    return [...this.#served].map(([apiKey, { minVersion, maxVersion }]) => ({ apiKey, minVersion, maxVersion }));
  }

  /** What ApiVersions answers to a version that is not on offer: how to ask again (KIP-511). */
  apiVersionsOnly(): ApiVersion[] {
    return this.apiVersions().filter(({ apiKey }) => apiKey === ApiKeys.ApiVersions);
  }
}

function intersection(handler: Handler, level: ApiRelease): { minVersion: number; maxVersion: number } | undefined {
  const row = apiLevels.get(handler.api.apiKey);
  const versions = row?.versions[level];
  if (row === undefined || versions === null || versions === undefined) return undefined;
  // Of the releases, 3.9 alone has APIs that only a broker in KRaft mode serves, which this broker does not play.
  if (level === '3.9' && !row.servedByZooKeeperModeBroker) return undefined;
  const minVersion = Math.max(handler.minVersion, versions[0]);
  const maxVersion = Math.min(handler.maxVersion, versions[1]);
  return minVersion <= maxVersion ? { minVersion, maxVersion } : undefined;
}
