// How much goes in and out, of all topics together and of each, under Kafka's names. Topics are those with replicas here, so that clients
// cannot make metrics by asking for names. Source: kafka.server.BrokerTopicStats, BrokerTopicMetrics.

import type { Meter, MetricName, MetricsRegistry } from '@ottla/base';

const NAMES = [
  'MessagesInPerSec',
  'BytesInPerSec',
  'BytesOutPerSec',
  'BytesRejectedPerSec',
  'TotalProduceRequestsPerSec',
  'FailedProduceRequestsPerSec',
  'TotalFetchRequestsPerSec',
  'FailedFetchRequestsPerSec',
] as const;

/** The meters of one topic, or of all. */
export class BrokerTopicMeters {
  readonly messagesIn: Meter;
  readonly bytesIn: Meter;
  readonly bytesOut: Meter;
  readonly bytesRejected: Meter;
  readonly totalProduceRequests: Meter;
  readonly failedProduceRequests: Meter;
  readonly totalFetchRequests: Meter;
  readonly failedFetchRequests: Meter;

  constructor(metrics: MetricsRegistry, topic: string | undefined) {
    const meter = (name: (typeof NAMES)[number]) => metrics.meter(metricName(name, topic));
    this.messagesIn = meter('MessagesInPerSec');
    this.bytesIn = meter('BytesInPerSec');
    this.bytesOut = meter('BytesOutPerSec');
    this.bytesRejected = meter('BytesRejectedPerSec');
    this.totalProduceRequests = meter('TotalProduceRequestsPerSec');
    this.failedProduceRequests = meter('FailedProduceRequestsPerSec');
    this.totalFetchRequests = meter('TotalFetchRequestsPerSec');
    this.failedFetchRequests = meter('FailedFetchRequestsPerSec');
  }
}

function metricName(name: string, topic: string | undefined): MetricName {
  const metric = { group: 'kafka.server', type: 'BrokerTopicMetrics', name };
  return topic === undefined ? metric : { ...metric, tags: new Map([['topic', topic]]) };
}

export class BrokerTopicStats {
  readonly all: BrokerTopicMeters;
  readonly #metrics: MetricsRegistry;
  readonly #byTopic = new Map<string, BrokerTopicMeters>();

  constructor(metrics: MetricsRegistry) {
    this.#metrics = metrics;
    this.all = new BrokerTopicMeters(metrics, undefined);
  }

  /** @param topic one that has a replica here */
  of(topic: string): BrokerTopicMeters {
    let meters = this.#byTopic.get(topic);
    if (meters === undefined) {
      meters = new BrokerTopicMeters(this.#metrics, topic);
      this.#byTopic.set(topic, meters);
    }
    return meters;
  }

  /** The topic has no replica here any more. */
  remove(topic: string): void {
    if (!this.#byTopic.delete(topic)) return;
    for (const name of NAMES) this.#metrics.remove(metricName(name, topic));
  }

  appended(topic: string, append: { messageCount: number; sizeInBytes: number }): void {
    countAppended(this.all, append);
    countAppended(this.of(topic), append);
  }

  /** Records on their way to a consumer; their topic may be gone by now. */
  sent(topic: string, sizeInBytes: number): void {
    this.all.bytesOut.mark(sizeInBytes);
    this.#byTopic.get(topic)?.bytesOut.mark(sizeInBytes);
  }
}

function countAppended(meters: BrokerTopicMeters, append: { messageCount: number; sizeInBytes: number }): void {
  meters.messagesIn.mark(append.messageCount);
  meters.bytesIn.mark(append.sizeInBytes);
}
