// The same bytes over 1,000 partitions and over 3: produced with as many records and bytes a request, fetched by a consumer that asks for all
// its partitions at once with the limits that Kafka's consumer has by itself.

import type { Trial } from '../support/trial.ts';
import type { Question } from './question.ts';

const MANY = 1000;
const FEW = 3;
const FETCHED_BYTES = 1_000_000_000;

/** `per` partitions of a request hold `recs` records of 1 KiB each; the connections together reach all partitions. */
function produce(name: string, spread: { c: number; per: number; recs: number; inflight: number }): Question {
  const { c, per, recs, inflight } = spread;
  const gathered = { c, inflight, per: FEW, recs: Math.round((per * recs) / FEW) };
  return {
    rows: rows(`produce ${name}`),
    prepare: keepBoth,
    measure: async (trial) => {
      const few = await trial.blast({ t: trial.kept('few'), p: FEW, size: 1024, ...gathered });
      const many = await trial.blast({ t: trial.kept('many'), p: MANY, size: 1024, ...spread });
      return figures(few.megabytesPerSecond, many.megabytesPerSecond);
    },
    skipSink: true,
  };
}

const fetch: Question = {
  rows: rows('fetch'),
  prepare: (trial) => keepBoth(trial, FETCHED_BYTES),
  measure: async (trial) => {
    const few = await trial.load({ m: 'fetch', t: trial.kept('few'), p: FEW });
    const many = await trial.load({ m: 'fetch', t: trial.kept('many'), p: MANY });
    return figures(few.megabytesPerSecond ?? 0, many.megabytesPerSecond ?? 0);
  },
  skipSink: true,
};

export const MANY_PARTITIONS: readonly Question[] = [
  produce('100 × 1 × 1 KiB a request', { c: 10, per: 100, recs: 1, inflight: 5 }),
  produce('50 × 16 × 1 KiB a request', { c: 20, per: 50, recs: 16, inflight: 2 }),
  fetch,
];

async function keepBoth(trial: Trial, bytes = 0): Promise<void> {
  await trial.keep('few', { partitions: FEW }, bytes);
  await trial.keep('many', { partitions: MANY }, bytes);
}

function rows(name: string): Question['rows'] {
  return [
    { name: `${name}, 1,000 partitions`, unit: 'MB/s', goal: { overKafka: 1 } },
    { name: `${name}, 1,000 partitions / 3 partitions`, unit: '×', goal: { atLeast: 0.7 } },
  ];
}

function figures(few: number, many: number): readonly number[] {
  return [many, many / few];
}
