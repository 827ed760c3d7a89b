// Metrics under Kafka's MBean names. An update is a plain field write, because the hot paths make several per request; rates,
// percentiles and ages are worked out when somebody reads. Memory per metric is fixed.
// Source: Yammer metrics 2.2 (Meter, Histogram, Gauge) as Kafka uses it; https://kafka.apache.org/documentation/#monitoring

import { assert } from './assert.ts';
import type { Clock } from './clock.ts';

/** `kafka.server:type=BrokerTopicMetrics,name=MessagesInPerSec,topic=orders`. Tag order is part of the name, as in JMX. */
export interface MetricName {
  /** The JMX domain: `kafka.server`. */
  readonly group: string;
  readonly type: string;
  readonly name: string;
  readonly tags?: ReadonlyMap<string, string>;
}

/** The MBean name in text; values that JMX would not take bare are quoted. */
export function mbeanName(metric: MetricName): string {
  let text = `${metric.group}:type=${quoted(metric.type)},name=${quoted(metric.name)}`;
  for (const [key, value] of metric.tags ?? []) text += `,${key}=${quoted(value)}`;
  return text;
}

function quoted(value: string): string {
  if (!/[,=:"*?\n]/.test(value)) return value;
  return `"${value.replace(/[\\"*?]/g, (c) => `\\${c}`).replaceAll('\n', '\\n')}"`;
}

/** Something that only grows, or goes up and down by steps. */
export class Counter {
  value = 0;

  add(count: number): void {
    this.value += count;
  }
}

/** A value that is asked for when it is read. */
export class Gauge {
  readonly read: () => number;

  constructor(read: () => number) {
    this.read = read;
  }
}

/** How often something happens. */
export class Meter {
  /** Events since the start. */
  count = 0;

  mark(count = 1): void {
    this.count += count;
  }
}

/** Each power of two is cut into 2^5 buckets of one width: a percentile is at most 1/32 off. */
const BUCKET_BITS = 5;
const BUCKETS_PER_OCTAVE = 1 << BUCKET_BITS;
/** Values from 2^-4 (a sixteenth of a millisecond, say) to 2^36 are told apart; what lies outside counts as the edge. */
const EXPONENT_MIN = -4;
const EXPONENT_MAX = 36;
const VALUE_MIN = 2 ** EXPONENT_MIN;
const BUCKET_COUNT = (EXPONENT_MAX - EXPONENT_MIN) * BUCKETS_PER_OCTAVE + 1;
/** A double's upper half: its sign, eleven bits of exponent, and the upper twenty of its fraction. */
const EXPONENT_BIAS = 1023;
const UPPER_FRACTION_BITS = 20;

/** How large something is, or how long it takes. 10 KiB each. Percentiles favour the last minutes: older samples lose weight by
 *  1.5 % a second, as in Yammer's exponentially decaying sample. */
export class Histogram {
  /** Samples since the start. */
  count = 0;
  /** Sum of all samples since the start. */
  sum = 0;
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;
  readonly #weights = new Float64Array(BUCKET_COUNT);
  #decayedAtMs: number;

  constructor(nowMs = 0) {
    this.#decayedAtMs = nowMs;
  }

  update(value: number): void {
    this.count++;
    this.sum += value;
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
    const bucket = bucketOf(value);
    this.#weights[bucket] = (this.#weights[bucket] ?? 0) + 1;
  }

  get mean(): number {
    return this.count === 0 ? 0 : this.sum / this.count;
  }

  /** The values below which the given parts of the recent samples lie.
   *  @param quantiles ascending, each in [0, 1]
   *  @returns 0 for each when there is no sample */
  percentiles(quantiles: readonly number[]): number[] {
    let total = 0;
    for (const weight of this.#weights) total += weight;
    const values: number[] = [];
    let bucket = 0;
    let below = this.#weights[0] ?? 0;
    for (const quantile of quantiles) {
      while (below < quantile * total && bucket < BUCKET_COUNT - 1) below += this.#weights[++bucket] ?? 0;
      values.push(total === 0 ? 0 : Math.min(this.max, Math.max(this.min, middleOf(bucket))));
    }
    return values;
  }

  /** Takes weight from what was recorded before `nowMs`. Called by whoever reads, before reading. */
  decayTo(nowMs: number): void {
    const factor = Math.exp((-0.015 * (nowMs - this.#decayedAtMs)) / 1000);
    this.#decayedAtMs = nowMs;
    if (factor >= 1) return;
    for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
      this.#weights[bucket] = (this.#weights[bucket] ?? 0) * factor;
    }
  }
}

const double = new DataView(new ArrayBuffer(8));

/** 0 for what is too small; then an octave after the other. Read off the number's bits, since a request updates several histograms and
 *  a logarithm costs as much as all the rest of an update. */
function bucketOf(value: number): number {
  if (!(value >= VALUE_MIN)) return 0;
  double.setFloat64(0, value);
  const octaveAndBucket = double.getUint32(0) >>> (UPPER_FRACTION_BITS - BUCKET_BITS);
  const bucket = octaveAndBucket - (EXPONENT_BIAS + EXPONENT_MIN) * BUCKETS_PER_OCTAVE + 1;
  return bucket < BUCKET_COUNT ? bucket : BUCKET_COUNT - 1;
}

/** What a sample of this bucket is taken for. */
function middleOf(bucket: number): number {
  if (bucket === 0) return 0;
  const octave = Math.floor((bucket - 1) / BUCKETS_PER_OCTAVE);
  const within = (bucket - 1) % BUCKETS_PER_OCTAVE;
  return 2 ** (EXPONENT_MIN + octave) * (1 + (within + 0.5) / BUCKETS_PER_OCTAVE);
}

export type Metric = Counter | Gauge | Meter | Histogram;

export interface NamedMetric {
  readonly name: MetricName;
  readonly metric: Metric;
}

/** Has metrics that are too many to be kept, one for each partition say: they are made when somebody asks for them. */
export interface MetricsProvider {
  /** Those there are now. */
  all(): Iterable<NamedMetric>;
  /** The one of that name, tags in any order. */
  get(name: MetricName): NamedMetric | undefined;
}

/** Events per second, weighted towards the last one, five and fifteen minutes. */
export interface Rates {
  readonly mean: number;
  readonly oneMinute: number;
  readonly fiveMinute: number;
  readonly fifteenMinute: number;
}

/** What a registry keeps beside a meter, so that marking it stays one addition. */
interface RateState {
  readonly startedAtMs: number;
  sampledAtMs: number;
  sampledCount: number;
  readonly averages: [number, number, number];
}

const RATE_MINUTES = [1, 5, 15] as const;
/** Readings closer together than this do not move the averages. */
const RATE_SAMPLE_MS_MIN = 1000;

/** The metrics of one process or, in a test, of one broker. */
export class MetricsRegistry {
  readonly #clock: Clock;
  readonly #metrics = new Map<string, NamedMetric>();
  readonly #providers = new Set<MetricsProvider>();
  readonly #rates = new WeakMap<Meter, RateState>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The counter of that name, made when it is new. The same holds for the others. */
  counter(name: MetricName): Counter {
    return this.#getOrAdd(name, Counter, () => new Counter());
  }

  meter(name: MetricName): Meter {
    return this.#getOrAdd(name, Meter, () => {
      const meter = new Meter();
      const nowMs = this.#clock.monotonicMs();
      this.#rates.set(meter, { startedAtMs: nowMs, sampledAtMs: nowMs, sampledCount: 0, averages: [0, 0, 0] });
      return meter;
    });
  }

  histogram(name: MetricName): Histogram {
    return this.#getOrAdd(name, Histogram, () => new Histogram(this.#clock.monotonicMs()));
  }

  /** Replaces a gauge of the same name: the newer owner knows better. */
  gauge(name: MetricName, read: () => number): Gauge {
    const gauge = new Gauge(read);
    this.#metrics.set(mbeanName(name), { name, metric: gauge });
    return gauge;
  }

  remove(name: MetricName): void {
    this.#metrics.delete(mbeanName(name));
  }

  /** Asks `provider`, too, from now on. @returns takes it back */
  addProvider(provider: MetricsProvider): () => void {
    this.#providers.add(provider);
    return () => {
      this.#providers.delete(provider);
    };
  }

  get(name: MetricName): Metric | undefined {
    const key = mbeanName(name);
    const known = this.#metrics.get(key);
    if (known !== undefined) return known.metric;
    for (const provider of this.#providers) {
      const provided = provider.get(name);
      if (provided !== undefined && mbeanName(provided.name) === key) return provided.metric;
    }
    return undefined;
  }

  /** Every metric, in the order of creation, then those of providers. Histograms are brought up to date. */
  *all(): Iterable<NamedMetric> {
    const nowMs = this.#clock.monotonicMs();
    for (const entry of this.#metrics.values()) {
      if (entry.metric instanceof Histogram) entry.metric.decayTo(nowMs);
      yield entry;
    }
    for (const provider of this.#providers) yield* provider.all();
  }

  /** The rates of a meter of this registry, as of now. */
  rates(meter: Meter): Rates {
    const state = this.#rates.get(meter);
    assert(state !== undefined, 'the meter belongs to another registry');
    const nowMs = this.#clock.monotonicMs();
    const elapsedMs = nowMs - state.sampledAtMs;
    if (elapsedMs >= RATE_SAMPLE_MS_MIN) sampleRates(state, meter.count, nowMs);
    const [oneMinute, fiveMinute, fifteenMinute] = state.averages;
    const lifeMs = nowMs - state.startedAtMs;
    return { mean: lifeMs <= 0 ? 0 : (meter.count * 1000) / lifeMs, oneMinute, fiveMinute, fifteenMinute };
  }

  #getOrAdd<M extends Metric>(name: MetricName, type: abstract new (...args: never[]) => M, make: () => M): M {
    const key = mbeanName(name);
    const known = this.#metrics.get(key)?.metric;
    if (known !== undefined) {
      assert(known instanceof type, `${key} is already a metric of another kind`);
      return known;
    }
    const metric = make();
    this.#metrics.set(key, { name, metric });
    return metric;
  }
}

/** Moves each average towards the rate since the last sample, by as much as that time weighs. */
function sampleRates(state: RateState, count: number, nowMs: number): void {
  const seconds = (nowMs - state.sampledAtMs) / 1000;
  const rate = (count - state.sampledCount) / seconds;
  const isFirst = state.sampledAtMs === state.startedAtMs;
  RATE_MINUTES.forEach((minutes, i) => {
    const weight = isFirst ? 1 : 1 - Math.exp(-seconds / (minutes * 60));
    const average = state.averages[i] ?? 0;
    state.averages[i] = average + weight * (rate - average);
  });
  state.sampledAtMs = nowMs;
  state.sampledCount = count;
}
