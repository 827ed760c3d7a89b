// What the socket server tells about itself, under Kafka's names (`kafka.server:type=socket-server-metrics`, `kafka.network:…`).

import type { Meter, MetricName, MetricsRegistry } from '@ottla/base';

function socketMetric(name: string): MetricName {
  return { group: 'kafka.server', type: 'socket-server-metrics', name };
}

const CONNECTION_COUNT = socketMetric('connection-count');
const QUEUED_BYTES: MetricName = { group: 'kafka.network', type: 'SocketServer', name: 'MemoryPoolUsed' };

export class SocketServerMetrics {
  readonly accepted: Meter;
  readonly refused: Meter;
  readonly closed: Meter;
  readonly expired: Meter;
  readonly incomingBytes: Meter;
  readonly outgoingBytes: Meter;
  readonly #registry: MetricsRegistry;

  constructor(
    registry: MetricsRegistry,
    gauges: { readonly connectionCount: () => number; readonly queuedRequestBytes: () => number },
  ) {
    this.#registry = registry;
    this.accepted = registry.meter(socketMetric('connection-creation'));
    this.refused = registry.meter(socketMetric('connection-refused'));
    this.closed = registry.meter(socketMetric('connection-close'));
    this.expired = registry.meter({
      group: 'kafka.network',
      type: 'SocketServer',
      name: 'ExpiredConnectionsKilledCount',
    });
    this.incomingBytes = registry.meter(socketMetric('incoming-byte'));
    this.outgoingBytes = registry.meter(socketMetric('outgoing-byte'));
    registry.gauge(CONNECTION_COUNT, gauges.connectionCount);
    registry.gauge(QUEUED_BYTES, gauges.queuedRequestBytes);
  }

  close(): void {
    this.#registry.remove(CONNECTION_COUNT);
    this.#registry.remove(QUEUED_BYTES);
  }
}
