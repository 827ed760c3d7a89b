// Per API: how many requests, how long, which errors. Source: kafka.network.RequestMetrics.

import type { Histogram, Meter, MetricsRegistry } from '@ottla/base';

/** The metrics of one API in one version. */
export interface RequestMetrics {
  readonly requestsPerSec: Meter;
  readonly requestBytes: Histogram;
  /** From the frame's arrival at dispatch to the encoded response, waiting included. */
  readonly totalTimeMs: Histogram;
  /** In the event loop, for this request alone: while it ran nothing else did. */
  readonly localTimeMs: Histogram;
}

const GROUP = 'kafka.network';
const TYPE = 'RequestMetrics';

/** Looks metrics up by numbers, so that a request costs no string. */
export class RequestMetricsTable {
  readonly #registry: MetricsRegistry;
  readonly #byApi = new Map<number, RequestMetrics>();

  constructor(registry: MetricsRegistry) {
    this.#registry = registry;
  }

  of(api: { readonly apiKey: number; readonly name: string }, version: number): RequestMetrics {
    const key = api.apiKey * 0x10000 + version;
    const known = this.#byApi.get(key);
    if (known !== undefined) return known;
    const request = new Map([['request', api.name]]);
    const withVersion = new Map([...request, ['version', String(version)]]);
    const metrics = {
      requestsPerSec: this.#registry.meter({ group: GROUP, type: TYPE, name: 'RequestsPerSec', tags: withVersion }),
      requestBytes: this.#registry.histogram({ group: GROUP, type: TYPE, name: 'RequestBytes', tags: request }),
      totalTimeMs: this.#registry.histogram({ group: GROUP, type: TYPE, name: 'TotalTimeMs', tags: request }),
      localTimeMs: this.#registry.histogram({ group: GROUP, type: TYPE, name: 'LocalTimeMs', tags: request }),
    };
    this.#byApi.set(key, metrics);
    return metrics;
  }

  countError(api: { readonly name: string }, error: string): void {
    const tags = new Map([
      ['request', api.name],
      ['error', error],
    ]);
    this.#registry.meter({ group: GROUP, type: TYPE, name: 'ErrorsPerSec', tags }).mark();
  }
}
