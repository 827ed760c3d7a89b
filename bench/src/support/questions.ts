// What is asked of every system, one row of the table each.

import type { BlastOptions, BlastResult } from './blast.ts';
import type { Settings } from './system-under-test.ts';

export interface Question {
  readonly name: string;
  readonly unit: string;
  readonly options: BlastOptions;
  readonly figure: (result: BlastResult) => number;
  /** Smaller is better: the ratio is turned over. */
  readonly isCost?: boolean;
  /** The sink knows nothing but plain produce requests to a few partitions. */
  readonly skipSink?: boolean;
  /** Asked of a broker of its own, which runs with these. */
  readonly settings?: Settings;
  /** Left out with --quick. */
  readonly isSlow?: boolean;
}

const megabytes = (result: BlastResult) => result.megabytesPerSecond;
const records = (result: BlastResult) => result.recordsPerSecond;
const LARGE = { t: 'large', size: 1024, recs: 60 };
const CALM = { t: 'calm', size: 100, recs: 1, p: 3, rate: 333.3 };
const FLUSHED = { settings: { 'log.flush.interval.messages': '1' }, skipSink: true, isSlow: true };

export const QUESTIONS: readonly Question[] = [
  { name: 'produce 60 × 1 KiB', unit: 'MB/s', options: LARGE, figure: megabytes },
  { name: 'produce 500 × 100 B', unit: 'MB/s', options: { t: 'many', size: 100, recs: 500 }, figure: megabytes },
  { name: 'produce 1 × 100 B', unit: 'requests/s', options: { t: 'small', size: 100, recs: 1 }, figure: records },
  {
    name: 'fetch from the page cache',
    unit: 'MB/s',
    options: { m: 'fetch', t: 'large', create: 'false' },
    figure: megabytes,
    skipSink: true,
  },
  { name: 'latency at 1,000 records/s, median', unit: 'ms', options: CALM, figure: (r) => r.p50Ms, isCost: true },
  { name: 'latency at 1,000 records/s, 99 %', unit: 'ms', options: CALM, figure: (r) => r.p99Ms, isCost: true },
  ...['gzip', 'snappy', 'lz4', 'zstd'].map((codec) => ({
    name: `produce 60 × 1 KiB, ${codec}`,
    unit: 'records/s',
    options: { ...LARGE, t: codec, codec },
    figure: records,
    skipSink: true,
    isSlow: true,
  })),
  {
    name: '1,000 connections, 1 × 100 B',
    unit: 'requests/s',
    options: { t: 'crowd', size: 100, recs: 1, c: 1000, inflight: 1 },
    figure: records,
    isSlow: true,
  },
  {
    name: '1,000 partitions, 100 × 1 KiB a request',
    unit: 'MB/s',
    options: { t: 'thousand', p: 1000, per: 100, size: 1024, recs: 1 },
    figure: megabytes,
    skipSink: true,
    isSlow: true,
  },
  {
    name: 'flush.messages=1, produce 60 × 1 KiB',
    unit: 'MB/s',
    options: { ...LARGE, t: 'flushed' },
    figure: megabytes,
    ...FLUSHED,
  },
  {
    name: 'flush.messages=1, produce 1 × 100 B',
    unit: 'requests/s',
    options: { t: 'flushed-small', size: 100, recs: 1 },
    figure: records,
    ...FLUSHED,
  },
];
