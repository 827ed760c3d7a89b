// What operators watch of each log, copies on their way to another log dir included, under Kafka's names. Nothing is kept for a log: its
// gauges are made when somebody lists or looks them up, and there are none as soon as it is deleted or its log dir failed.
// Source: kafka.log.UnifiedLog (newMetrics, removeLogMetrics).

import { Gauge, type MetricName, type MetricsProvider, type NamedMetric } from '@ottla/base';
import type { Log, LogManager } from '@ottla/storage';

const READINGS: ReadonlyMap<string, (log: Log) => number> = new Map<string, (log: Log) => number>([
  ['NumLogSegments', (log) => log.numberOfSegments],
  ['LogStartOffset', (log) => log.logStartOffset],
  ['LogEndOffset', (log) => log.logEndOffset],
  ['Size', (log) => log.sizeInBytes],
]);

export class PartitionLogGauges implements MetricsProvider {
  readonly #logManager: LogManager;

  constructor(logManager: LogManager) {
    this.#logManager = logManager;
  }

  *all(): Generator<NamedMetric, void, void> {
    for (const log of this.#logManager.allLogs()) yield* gaugesOf(log, { isFuture: false });
    for (const log of this.#logManager.futureLogs()) yield* gaugesOf(log, { isFuture: true });
  }

  get({ type, name, tags }: MetricName): NamedMetric | undefined {
    const read = READINGS.get(name);
    const topic = tags?.get('topic');
    if (type !== 'Log' || read === undefined || topic === undefined) return undefined;
    const tp = { topic, partition: Number(tags?.get('partition')) };
    const isFuture = tags?.get('is-future') === 'true';
    const log = isFuture ? this.#logManager.getFutureLog(tp) : this.#logManager.getLog(tp);
    if (log === undefined || log.isOffline) return undefined;
    return { name: nameOf(name, tagsOf(log, isFuture)), metric: new Gauge(() => read(log)) };
  }
}

function* gaugesOf(log: Log, { isFuture }: { isFuture: boolean }): Generator<NamedMetric, void, void> {
  const tags = tagsOf(log, isFuture);
  for (const [name, read] of READINGS) yield { name: nameOf(name, tags), metric: new Gauge(() => read(log)) };
}

function nameOf(name: string, tags: ReadonlyMap<string, string>): MetricName {
  return { group: 'kafka.log', type: 'Log', name, tags };
}

function tagsOf({ topicPartition: { topic, partition } }: Log, isFuture: boolean): Map<string, string> {
  const tags = new Map([
    ['topic', topic],
    ['partition', String(partition)],
  ]);
  if (isFuture) tags.set('is-future', 'true');
  return tags;
}
