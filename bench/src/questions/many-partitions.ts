// 1,000 partitions and 3: produced in the same batches, fetched by a consumer that asks for all its partitions at once with the limits that
// Kafka's consumer has by itself. A producer puts one batch of batch.size for each partition into a request: with few partitions its requests
// are small. What the same bytes would cost in three large batches, which no producer sends, stands beside it.

import type { Trial } from '../support/trial.ts';
import type { Question } from './question.ts';

const MANY = 1000;
const FEW = 3;
const FETCHED_BYTES = 1_000_000_000;

/** `per` partitions of a request hold `recs` records of 1 KiB each; the connections together reach all partitions. */
function produce(name: string, spread: { c: number; per: number; recs: number; inflight: number }): Question {
  const { per, recs } = spread;
  const few = { ...spread, per: FEW };
  const gathered = { ...few, recs: Math.round((per * recs) / FEW) };
  const title = `produce ${name}, 1,000 partitions`;
  return {
    rows: [...rows(`produce ${name}`), { name: `${title} / as many bytes in ${FEW} batches`, unit: '×' }],
    prepare: keepBoth,
    measure: async (trial) => {
      const speed = async (topic: string, partitions: number, flags: typeof spread) => {
        const result = await trial.blast({ t: trial.kept(topic), p: partitions, size: 1024, ...flags });
        return result.megabytesPerSecond;
      };
      const ofFew = await speed('few', FEW, few);
      const ofGathered = await speed('few', FEW, gathered);
      const ofMany = await speed('many', MANY, spread);
      return [...figures(ofFew, ofMany), ofMany / ofGathered];
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
