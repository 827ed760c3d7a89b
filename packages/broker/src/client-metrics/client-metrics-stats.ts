// Counts of telemetry requests, over all clients: Kafka also keeps them for each client, which a client's own choice of ids would fill.
// Source: ClientMetricsManager.ClientMetricsStats.

import type { Histogram, Meter, MetricName, MetricsRegistry } from '@ottla/base';

const GROUP = { group: 'kafka.server', type: 'client-metrics' };

export class ClientMetricsStats {
  readonly unknownSubscriptionRequests: Meter;
  readonly throttles: Meter;
  readonly exports: Meter;
  readonly exportErrors: Meter;
  readonly exportTimeMs: Histogram;
  readonly #metrics: MetricsRegistry;
  readonly #instanceCount: MetricName = { ...GROUP, name: 'instance-count' };

  constructor(metrics: MetricsRegistry, instanceCount: () => number) {
    this.#metrics = metrics;
    metrics.gauge(this.#instanceCount, instanceCount);
    this.unknownSubscriptionRequests = metrics.meter({ ...GROUP, name: 'unknown-subscription-request' });
    this.throttles = metrics.meter({ ...GROUP, name: 'throttle' });
    this.exports = metrics.meter({ ...GROUP, name: 'plugin-export' });
    this.exportErrors = metrics.meter({ ...GROUP, name: 'plugin-error' });
    this.exportTimeMs = metrics.histogram({ ...GROUP, name: 'plugin-export-time' });
  }

  close(): void {
    this.#metrics.remove(this.#instanceCount);
  }
}
