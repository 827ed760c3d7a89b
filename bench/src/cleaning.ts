// `node bench/dist/cleaning.js`: how fast is a compacted topic cleaned, and what does a producer of another topic notice? A topic is filled with
// 1 KiB values over KEYS keys, then compaction is allowed; the time runs until cleaner-offset-checkpoint says that all but the active segment
// is clean. Beside it 1,000 small requests a second, their acknowledgements measured before and meanwhile. First Apache Kafka 3.9.1 in
// ZooKeeper mode, then us. Each several times: on a shared machine one round's 99 % says little.
//   --megabytes 2000 --keys 50000 --rounds 3 --systems kafka,ottla

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { GoPrograms } from './support/go-programs.ts';
import { ottla, type SystemKind, startSystem, withDataDirectory } from './support/system-under-test.ts';
import { median, withSpread } from './support/table.ts';
import { Topics, until } from './support/topics.ts';
import { Trial } from './support/trial.ts';
import { withKafka } from './support/zookeeper.ts';

const SETTINGS = { 'log.cleaner.backoff.ms': '100', 'log.segment.delete.delay.ms': '1000' };
const SEGMENT_BYTES = 100_000_000;
const QUIET_SECONDS = 10;
const WARM_SECONDS = 2;
const CALM = { m: 'pace', c: 3, p: 3, rate: 333.3, size: 100, warm: WARM_SECONDS };
const KAFKA = '3.9.1';
const RATE_MIN = 60;
const SLOWER_MAX = 2;

interface Result {
  readonly megabytesPerSecond: number;
  readonly quietMs: number;
  readonly meanwhileMs: number;
  /** Of the topic, cleaned, and its active segment. */
  readonly megabytesLeft: number;
}

const { values } = parseArgs({
  options: {
    megabytes: { type: 'string', default: '2000' },
    keys: { type: 'string', default: '50000' },
    rounds: { type: 'string', default: '3' },
    systems: { type: 'string', default: 'kafka,ottla' },
  },
});
const programs = new GoPrograms();
const wanted = values.systems.split(',');
console.log(
  '| | input cleaned | left | 99 % of acknowledgements, quiet | while cleaning | ratio |\n|---|---|---|---|---|---|',
);
if (wanted.includes('kafka')) await withKafka(KAFKA, measure);
if (wanted.includes('ottla')) {
  const rounds = await measure(ottla);
  const isMet = median(rounds.map(speed)) >= RATE_MIN && median(rounds.map(slower)) < SLOWER_MAX;
  console.log(`\naim: ≥ ${RATE_MIN} MB/s, ratio below ${SLOWER_MAX}: ${isMet ? 'met' : 'missed'}`);
}

/** A result a round. */
function measure(kind: SystemKind): Promise<Result[]> {
  return withDataDirectory(async (directory) => {
    const system = await startSystem(kind, directory, SETTINGS);
    const topics = await Topics.connect(system);
    try {
      const trial = new Trial({ system, topics, programs });
      const rounds: Result[] = [];
      for (let round = 0; round < Number(values.rounds); round++) rounds.push(await cleanOne(trial));
      print(kind.name, rounds);
      return rounds;
    } finally {
      topics.close();
      await system.stop();
    }
  });
}

function cleanOne(trial: Trial): Promise<Result> {
  const configs = { 'cleanup.policy': 'delete', 'segment.bytes': String(SEGMENT_BYTES) };
  return trial.withTopic({ partitions: 1, configs }, (dirty) =>
    trial.withTopic({ partitions: 3 }, (producing) => cleanBesideProducer(trial, dirty, producing)),
  );
}

async function cleanBesideProducer(trial: Trial, dirty: string, producing: string): Promise<Result> {
  const { topics } = trial;
  const bytes = Number(values.megabytes) * 1_000_000;
  await trial.load({ m: 'fill', t: dirty, p: 1, c: 1, size: 1024, recs: 60, keys: values.keys, bytes });
  // Just-in-time compilers get to see the load.
  await trial.load({ ...CALM, t: producing, s: QUIET_SECONDS });
  const quiet = await trial.load({ ...CALM, t: producing, s: QUIET_SECONDS });
  const [path = ''] = topics.paths(dirty);
  const input = sealedSegments(path);
  const load = trial.startLoad({ ...CALM, t: producing });
  await sleep((WARM_SECONDS + 1) * 1000);
  const startedMs = performance.now();
  await topics.alter(dirty, { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0.01' });
  await until(`${dirty} is cleaned`, async () => cleanedTo(trial, dirty) >= input.endOffset);
  const seconds = (performance.now() - startedMs) / 1000;
  const meanwhile = await load.stop();
  return {
    megabytesPerSecond: input.bytes / 1e6 / seconds,
    quietMs: quiet.ack?.p99Ms ?? Number.NaN,
    meanwhileMs: meanwhile.ack?.p99Ms ?? Number.NaN,
    megabytesLeft: segmentsOf(path).reduce((sum, name) => sum + statSync(join(path, name)).size, 0) / 1e6,
  };
}

function segmentsOf(path: string): string[] {
  return readdirSync(path)
    .filter((name) => name.endsWith('.log'))
    .toSorted();
}

/** All but the active segment. */
function sealedSegments(path: string): { bytes: number; endOffset: number } {
  const names = segmentsOf(path);
  const sealed = names.slice(0, -1);
  const bytes = sealed.reduce((sum, name) => sum + statSync(join(path, name)).size, 0);
  return { bytes, endOffset: Number.parseInt(names.at(-1) ?? '0', 10) };
}

/** From lines of "topic partition offset". */
function cleanedTo(trial: Trial, topic: string): number {
  const path = join(trial.system.logDirectory, 'cleaner-offset-checkpoint');
  if (!existsSync(path)) return 0;
  const line = readFileSync(path, 'utf8')
    .split('\n')
    .find((each) => each.startsWith(`${topic} 0 `));
  return Number(line?.split(' ')[2] ?? 0);
}

function speed({ megabytesPerSecond }: Result): number {
  return megabytesPerSecond;
}

function slower({ quietMs, meanwhileMs }: Result): number {
  return meanwhileMs / quietMs;
}

function print(name: string, rounds: readonly Result[]): void {
  const inAll = (figure: (round: Result) => number, unit: string, digits: number): string =>
    withSpread(rounds.map(figure), unit, digits);
  const figures = [
    inAll(speed, 'MB/s', 0),
    inAll(({ megabytesLeft }) => megabytesLeft, 'MB', 0),
    inAll(({ quietMs }) => quietMs, 'ms', 2),
    inAll(({ meanwhileMs }) => meanwhileMs, 'ms', 2),
    inAll(slower, '×', 2),
  ];
  console.log(`| ${name} | ${figures.join(' | ')} |`);
}
