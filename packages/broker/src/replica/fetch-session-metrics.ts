// What operators watch of fetch sessions, under Kafka's names. Source: kafka.server.FetchSessionCache.

import type { Meter, MetricsRegistry } from '@ottla/base';
import type { FetchSessionCache } from './fetch-session-cache.ts';

const FETCH_SESSION_CACHE = { group: 'kafka.server', type: 'FetchSessionCache' };

/** For the cache to mark. */
export function fetchSessionEvictions(metrics: MetricsRegistry): Meter {
  return metrics.meter({ ...FETCH_SESSION_CACHE, name: 'IncrementalFetchSessionEvictionsPerSec' });
}

export function registerFetchSessionGauges(metrics: MetricsRegistry, cache: FetchSessionCache): void {
  metrics.gauge({ ...FETCH_SESSION_CACHE, name: 'NumIncrementalFetchSessions' }, () => cache.size);
  metrics.gauge({ ...FETCH_SESSION_CACHE, name: 'NumIncrementalFetchPartitionsCached' }, () => cache.partitionCount);
}
