// How long one small request takes while there is little to do, and while somebody reads old segments from the disk.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Latency, LoadResult } from '../support/go-programs.ts';
import { dropSegments, whyNoDropping, writeBack } from '../support/page-cache.ts';
import type { Trial } from '../support/trial.ts';
import type { Question } from './question.ts';

const PARTITIONS = 3;
/** Three connections, 1,000 requests of one record a second together. */
const CALM = { m: 'pace', c: 3, p: PARTITIONS, rate: 333.3, size: 100, warm: 0.5 };
const CROWD = { m: 'pace', c: 1000, p: PARTITIONS, rate: 10, size: 100, warm: 1 };
/** In each log segment of 100 MB, so that there are old ones. */
const OLD_BYTES = 1_200_000_000;
const SEGMENT_BYTES = 100_000_000;
/** Each time is a few processes, which must not be what is measured. */
const DROP_EVERY_MS = 1000;
const READER_AHEAD_MS = 200;
const ms = (name: string, goal: { overKafka?: number; atMost?: number } = {}) => ({
  name,
  unit: 'ms',
  isCost: true,
  goal,
});

const acknowledgement: Question = {
  rows: [
    ms('acknowledgement at 1,000 records/s, median', { overKafka: 1 }),
    ms('acknowledgement at 1,000 records/s, 99 %', { overKafka: 1 }),
  ],
  measure: (trial) => measureAck(trial, CALM),
};

const endToEnd: Question = {
  rows: [
    ms('send to consumer at 1,000 records/s, median', { overKafka: 2 }),
    ms('send to consumer at 1,000 records/s, 99 %', { overKafka: 2 }),
  ],
  measure: (trial) =>
    trial.withTopic({ partitions: PARTITIONS }, async (t) =>
      percentiles(trial, (await trial.load({ ...CALM, t, consume: true })).endToEnd),
    ),
};

const crowd: Question = {
  rows: [
    ms('1,000 connections, 10 requests/s each, median', { overKafka: 1 }),
    ms('1,000 connections, 10 requests/s each, 99 %', { overKafka: 1 }),
  ],
  measure: (trial) => measureAck(trial, CROWD),
};

const oldSegments: Question = {
  rows: [
    ms('acknowledgement, quiet, 99 %'),
    ms('acknowledgement while a consumer reads old segments, 99 %', { overKafka: 1 }),
    { name: 'old segments read meanwhile', unit: 'MB/s' },
    { name: 'while reading / quiet, 99 %', unit: '×', isCost: true, goal: { atMost: 2 } },
  ],
  prepare: async (trial) => {
    await trial.keep('old', { partitions: PARTITIONS, configs: { 'segment.bytes': String(SEGMENT_BYTES) } }, OLD_BYTES);
    writeBack();
  },
  measure: measureBesideReader,
  skipSink: true,
  missing: whyNoDropping,
};

export const LATENCY: readonly Question[] = [acknowledgement, endToEnd];
export const LATENCY_UNDER_LOAD: readonly Question[] = [crowd, oldSegments];

function measureAck(trial: Trial, flags: typeof CALM): Promise<[median: number, p99: number]> {
  return trial.withTopic({ partitions: PARTITIONS }, async (t) =>
    percentiles(trial, (await trial.load({ ...flags, t })).ack),
  );
}

function percentiles(trial: Trial, latency: Latency | undefined): [median: number, p99: number] {
  if (latency === undefined || latency.count < trial.seconds * 500) {
    throw new Error(`${trial.system.name}: only ${latency?.count ?? 0} latencies were measured`);
  }
  return [latency.p50Ms, latency.p99Ms];
}

/** What the consumer has read leaves the page cache again, so that it goes on reading from the disk. */
async function measureBesideReader(trial: Trial): Promise<readonly number[]> {
  const [, quiet] = await measureAck(trial, CALM);
  const old = trial.topics.paths(trial.kept('old'));
  dropSegments(old);
  const reader = trial.startLoad({ m: 'fetch', c: 1, p: PARTITIONS, t: trial.kept('old'), warm: 0 });
  const dropping = setInterval(() => dropSegments(old), DROP_EVERY_MS);
  let read: LoadResult = {};
  let busy = Number.NaN;
  try {
    await sleep(READER_AHEAD_MS);
    [, busy] = await measureAck(trial, CALM);
  } finally {
    clearInterval(dropping);
    read = await reader.stop();
  }
  return [quiet, busy, read.megabytesPerSecond ?? Number.NaN, busy / quiet];
}
