import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock, Gauge, Meter, MetricsRegistry, SeededRandom } from '@ottla/base';
import { SessionPartitions } from './fetch-session.ts';
import { FetchSessionCache } from './fetch-session-cache.ts';
import { fetchSessionEvictions, registerFetchSessionGauges } from './fetch-session-metrics.ts';

test('sessions and evictions are seen under the names of Kafka', () => {
  const clock = new FakeClock();
  const metrics = new MetricsRegistry(clock);
  const evictions = fetchSessionEvictions(metrics);
  const cache = new FetchSessionCache({ slots: 1, clock, random: new SeededRandom(1), evictions });
  registerFetchSessionGauges(metrics, cache);
  const read = (name: string) => {
    const metric = metrics.get({ group: 'kafka.server', type: 'FetchSessionCache', name });
    if (metric instanceof Gauge) return metric.read();
    return metric instanceof Meter ? metric.count : undefined;
  };
  const begin = (privileged: boolean) =>
    cache.maybeCreateSession({
      privileged,
      usesTopicIds: true,
      size: 0,
      createPartitions: () => new SessionPartitions(),
    });
  const sessionsAndEvictions = () => [
    read('NumIncrementalFetchSessions'),
    read('IncrementalFetchSessionEvictionsPerSec'),
  ];
  assert.deepEqual(sessionsAndEvictions(), [0, 0]);
  begin(false);
  assert.deepEqual(sessionsAndEvictions(), [1, 0]);
  // A follower takes the consumer's slot.
  begin(true);
  assert.deepEqual(sessionsAndEvictions(), [1, 1]);
  assert.equal(read('NumIncrementalFetchPartitionsCached'), 0);
});
