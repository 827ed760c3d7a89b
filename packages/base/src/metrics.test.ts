import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FakeClock } from './fake-clock.ts';
import { Gauge, Histogram, MetricsRegistry, mbeanName } from './metrics.ts';

const MESSAGES_IN = { group: 'kafka.server', type: 'BrokerTopicMetrics', name: 'MessagesInPerSec' };

describe('metrics', () => {
  test('a name is rendered as Kafka names its MBeans, tags in their order', () => {
    const tags = new Map([['topic', 'orders']]);
    assert.equal(
      mbeanName({ ...MESSAGES_IN, tags }),
      'kafka.server:type=BrokerTopicMetrics,name=MessagesInPerSec,topic=orders',
    );
  });

  test('a tag value from the network cannot forge another name', () => {
    const tags = new Map([['client-id', 'a,topic="x"']]);
    assert.equal(mbeanName({ ...MESSAGES_IN, tags }).split(',client-id=')[1], '"a,topic=\\"x\\""');
  });

  test('asking twice for a name gives the same metric, and another kind is a bug', () => {
    const registry = new MetricsRegistry(new FakeClock());
    registry.meter(MESSAGES_IN).mark(3);
    assert.equal(registry.meter(MESSAGES_IN).count, 3);
    assert.throws(() => registry.counter(MESSAGES_IN), /another kind/);
    registry.remove(MESSAGES_IN);
    assert.equal(registry.get(MESSAGES_IN), undefined);
  });

  test('of a provider are made when they are asked for, and gone with it', () => {
    const registry = new MetricsRegistry(new FakeClock());
    registry.meter(MESSAGES_IN);
    const sizes = new Map([
      ['orders', 7],
      ['payments', 8],
    ]);
    const sizeOf = (topic: string) => ({
      name: { group: 'kafka.log', type: 'Log', name: 'Size', tags: new Map([['topic', topic]]) },
      metric: new Gauge(() => sizes.get(topic) ?? -1),
    });
    const remove = registry.addProvider({
      all: () => [...sizes.keys()].map(sizeOf),
      get: ({ tags }) => (sizes.has(tags?.get('topic') ?? '') ? sizeOf(tags?.get('topic') ?? '') : undefined),
    });
    const listed = () => Array.from(registry.all(), ({ name }) => name.tags?.get('topic'));
    const found = (topic: string, name = 'Size') => {
      const metric = registry.get({ ...sizeOf(topic).name, name });
      return metric instanceof Gauge ? metric.read() : metric;
    };
    assert.deepEqual(listed(), [undefined, 'orders', 'payments']);
    assert.deepEqual([found('orders'), found('payments'), found('news')], [7, 8, undefined]);
    assert.equal(found('orders', 'Other'), undefined);
    sizes.delete('orders');
    assert.deepEqual([listed(), found('orders')], [[undefined, 'payments'], undefined]);
    remove();
    assert.deepEqual([listed(), found('payments')], [[undefined], undefined]);
  });

  test('a meter tells its mean and its recent rate', async () => {
    const clock = new FakeClock();
    const registry = new MetricsRegistry(clock);
    const meter = registry.meter(MESSAGES_IN);
    meter.mark(600);
    await clock.advance(60_000);
    assert.deepEqual(registry.rates(meter), { mean: 10, oneMinute: 10, fiveMinute: 10, fifteenMinute: 10 });
    await clock.advance(60_000);
    const rates = registry.rates(meter);
    assert.equal(rates.mean, 5);
    assert.ok(Math.abs(rates.oneMinute - 10 * Math.exp(-1)) < 1e-9);
    assert.ok(rates.fifteenMinute > rates.fiveMinute && rates.fiveMinute > rates.oneMinute);
  });

  test('a histogram answers percentiles within its resolution', () => {
    const histogram = new Histogram();
    for (let value = 1; value <= 1000; value++) histogram.update(value);
    assert.equal(histogram.count, 1000);
    assert.equal(histogram.mean, 500.5);
    const [half = 0, most = 0, all = 0] = histogram.percentiles([0.5, 0.99, 1]);
    assert.ok(Math.abs(half - 500) < 500 / 32, `${half}`);
    assert.ok(Math.abs(most - 990) < 990 / 32, `${most}`);
    assert.ok(all <= 1000 && all > 970);
  });

  test('a histogram without samples answers zeroes, and takes any number', () => {
    const histogram = new Histogram();
    assert.deepEqual(histogram.percentiles([0.5, 0.999]), [0, 0]);
    for (const value of [-5, 0, 2 ** 60, Number.NaN]) histogram.update(value);
    assert.equal(histogram.count, 4);
  });

  test('old samples of a histogram give way to new ones', () => {
    const histogram = new Histogram(0);
    for (let i = 0; i < 100; i++) histogram.update(1000);
    histogram.decayTo(600_000);
    for (let i = 0; i < 10; i++) histogram.update(1);
    const [half = 0] = histogram.percentiles([0.5]);
    assert.ok(half < 1.1, `${half}`);
  });
});
