// As much as fits: produced in large and small requests, with every codec, flushed to the disk, from many connections; fetched.

import type { BlastResult, Flags } from '../support/go-programs.ts';
import type { RowHead } from '../support/table.ts';
import type { TopicShape } from '../support/topics.ts';
import type { Question } from './question.ts';

const PARTITIONS = 3;
/** A reader that has come to the end waits for more, half a second a time: with less to read the faster system waits more. */
const FETCHED_BYTES = 3_000_000_000;
const megabytes = (result: BlastResult) => result.megabytesPerSecond;
const records = (result: BlastResult) => result.recordsPerSecond;
const LARGE = { size: 1024, recs: 60 };
const SMALL = { size: 100, recs: 1 };

interface Produce {
  readonly row: RowHead;
  readonly flags: Flags;
  readonly figure: (result: BlastResult) => number;
  readonly configs?: TopicShape['configs'];
}

function produce({ row, flags, figure, configs = {} }: Produce, more: Partial<Question> = {}): Question {
  const shape = { partitions: PARTITIONS, configs };
  return {
    rows: [row],
    measure: (trial) => trial.withTopic(shape, async (topic) => [figure(await trial.blast({ t: topic, ...flags }))]),
    ...more,
  };
}

export const PRODUCE_AND_FETCH: readonly Question[] = [
  produce({
    row: { name: 'produce 60 × 1 KiB', unit: 'MB/s', goal: { overKafka: 1.5, overSink: 0.85 } },
    flags: LARGE,
    figure: megabytes,
  }),
  produce({
    row: { name: 'produce 500 × 100 B', unit: 'MB/s', goal: { overKafka: 1.4 } },
    flags: { size: 100, recs: 500 },
    figure: megabytes,
  }),
  produce({
    row: { name: 'produce 1 × 100 B', unit: 'requests/s', goal: { overKafka: 3 } },
    flags: SMALL,
    figure: records,
  }),
  {
    rows: [{ name: 'fetch from the page cache', unit: 'MB/s', goal: { overKafka: 1.3 } }],
    prepare: (trial) => trial.keep('read', { partitions: PARTITIONS }, FETCHED_BYTES),
    measure: async (trial) => [megabytes(await trial.blast({ m: 'fetch', t: trial.kept('read') }))],
  },
];

const NO_SINK = { skipSink: true };
const FLUSHED = { 'flush.messages': '1' };

export const CODECS_AND_FLUSH: readonly Question[] = [
  ...['gzip', 'snappy', 'lz4', 'zstd'].map((codec) =>
    produce(
      {
        row: { name: `produce 60 × 1 KiB, ${codec}`, unit: 'records/s', goal: { overKafka: 1 } },
        flags: { ...LARGE, codec },
        figure: records,
      },
      NO_SINK,
    ),
  ),
  produce(
    {
      row: { name: 'flush.messages=1, produce 60 × 1 KiB', unit: 'MB/s', goal: { overKafka: 1 } },
      flags: LARGE,
      figure: megabytes,
      configs: FLUSHED,
    },
    NO_SINK,
  ),
  produce(
    {
      row: { name: 'flush.messages=1, produce 1 × 100 B', unit: 'requests/s', goal: { overKafka: 1 } },
      flags: SMALL,
      figure: records,
      configs: FLUSHED,
    },
    NO_SINK,
  ),
  produce({
    row: { name: '1,000 connections, 1 × 100 B', unit: 'requests/s', goal: { overKafka: 1 } },
    flags: { ...SMALL, c: 1000, inflight: 1 },
    figure: records,
  }),
];
