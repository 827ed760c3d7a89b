// `npm run bench`: the same load on Apache Kafka, on the bare sink and on us, one after the other on this machine, and a table with
// the ratios. Absolute numbers move with the machine; the ratios are what counts.
//   npm run bench -- --seconds 5 --only produce

import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { type BlastOptions, type BlastResult, blast, buildBlast } from './support/blast.ts';
import { kafka, ottla, type RunningSystem, type SystemKind, sink, startSystem } from './support/system-under-test.ts';
import { printTable, type Row } from './support/table.ts';

interface Question {
  readonly name: string;
  readonly unit: string;
  readonly options: BlastOptions;
  readonly figure: (result: BlastResult) => number;
  /** Smaller is better: the ratio is turned over. */
  readonly isCost?: boolean;
  readonly skipSink?: boolean;
}

const megabytes = (result: BlastResult) => result.megabytesPerSecond;
const records = (result: BlastResult) => result.recordsPerSecond;

const QUESTIONS: readonly Question[] = [
  { name: 'produce 60 × 1 KiB', unit: 'MB/s', options: { t: 'large', size: 1024, recs: 60 }, figure: megabytes },
  { name: 'produce 500 × 100 B', unit: 'MB/s', options: { t: 'many', size: 100, recs: 500 }, figure: megabytes },
  { name: 'produce 1 × 100 B', unit: 'requests/s', options: { t: 'small', size: 100, recs: 1 }, figure: records },
  {
    name: 'fetch',
    unit: 'MB/s',
    options: { m: 'fetch', t: 'large', create: 'false' },
    figure: megabytes,
    skipSink: true,
  },
];

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '5' }, only: { type: 'string', default: '' } },
});

const binary = buildBlast();
const rows = new Map<string, Row>();
for (const kind of [kafka, sink, ottla]) await measure(kind);
console.log(
  `${new Date().toISOString().slice(0, 10)}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}\n`,
);
printTable([kafka.name, sink.name, ottla.name], [...rows.values()]);

async function measure(kind: SystemKind): Promise<void> {
  if (kind.missing) {
    console.error(`${kind.name} is left out: ${kind.missing}`);
    return;
  }
  const system = await startSystem(kind);
  try {
    note(system, { name: 'start to first answer', unit: 'ms', isCost: true }, system.startMs);
    await new Promise((resolve) => setTimeout(resolve, 3000));
    note(system, { name: 'resident idle', unit: 'MB', isCost: true }, system.residentMegabytes());
    for (const question of QUESTIONS) ask(system, question);
    note(system, { name: 'resident after load', unit: 'MB', isCost: true }, system.residentMegabytes());
  } finally {
    await system.stop();
  }
}

function ask(system: RunningSystem, question: Question): void {
  if (!question.name.includes(values.only) || (question.skipSink && system.name === sink.name)) return;
  // A short run first: just-in-time compilers on both sides get to see the load.
  blast(binary, system, { ...question.options, s: 2 });
  const result = blast(binary, system, { ...question.options, create: 'false', s: values.seconds });
  if (result.errors > 0) throw new Error(`${system.name}: ${result.errors} errors in ${question.name}`);
  note(system, question, question.figure(result));
}

function note(system: RunningSystem, question: Pick<Question, 'name' | 'unit' | 'isCost'>, figure: number): void {
  const row = rows.get(question.name) ?? { ...question, isCost: question.isCost ?? false, figures: new Map() };
  row.figures.set(system.name, figure);
  rows.set(question.name, row);
  console.error(`${system.name}: ${question.name} ${figure.toFixed(1)} ${question.unit}`);
}
