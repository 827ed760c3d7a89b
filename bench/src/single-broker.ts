// `npm run bench`: the same load on Apache Kafka, on the bare sink and on us, and a table with the ratios. All run at the same time; each
// question goes to one after the other, several rounds in turn, so that what disturbs the machine for a while disturbs all of them.
// Absolute numbers move with the machine; the ratios are what counts.
//   npm run bench -- --quick                     the main rows, two seconds each
//   npm run bench -- --only 'produce 1'          rows whose name matches this
//   npm run bench -- --systems ottla,sink        without Apache Kafka
//   npm run bench -- --seconds 10 --rounds 5     a measurement's length (4) and how many there are of each (3)
//   npm run bench -- --warm-up 20                seconds of each load before the first round (5)

import { rmSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { FURTHER_QUESTIONS, MAIN_QUESTIONS } from './questions/index.ts';
import type { Question } from './questions/question.ts';
import { GoPrograms } from './support/go-programs.ts';
import { kafka, newDataDirectory, ottla, type SystemKind, sink, startSystem } from './support/system-under-test.ts';
import { printTable, type Row, type RowHead } from './support/table.ts';
import { Topics } from './support/topics.ts';
import { Trial } from './support/trial.ts';

const SETTLE_MS = 3000;
/** Deleted topics leave the disk at once, as far as Kafka goes; see support/topics.ts. */
const SETTINGS = { 'log.segment.delete.delay.ms': '1000' };
const START: RowHead = { name: 'start to first answer', unit: 'ms', isCost: true, goal: { atMost: 300 } };
const IDLE: RowHead = { name: 'resident idle', unit: 'MB', isCost: true, goal: { atMost: 80 } };
const LOADED: RowHead = { name: 'resident after load', unit: 'MB', isCost: true, goal: { atMost: 220 } };
const ENDED: RowHead = { name: 'resident after all rows', unit: 'MB', isCost: true };

const { values } = parseArgs({
  options: {
    seconds: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    'warm-up': { type: 'string' },
    only: { type: 'string', default: '' },
    systems: { type: 'string', default: 'kafka,sink,ottla' },
    quick: { type: 'boolean', default: false },
  },
});
const seconds = Number(values.seconds ?? (values.quick ? 2 : 4));
const warmUpSeconds = Number(values['warm-up'] ?? (values.quick ? 2 : 5));
const rounds = Number(values.rounds);
const wanted = values.systems.split(',');
const kinds = [kafka, sink, ottla].filter(({ key }) => wanted.includes(key));

// Ending runs what ends the systems.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
process.setMaxListeners(0);

const programs = new GoPrograms();
const rows = new Map<string, Row>();
const trials: Trial[] = [];
const directories: string[] = [];
try {
  for (const kind of kinds) {
    if (kind.missing === undefined) trials.push(await start(kind));
    else console.error(`${kind.name} is left out: ${kind.missing}`);
  }
  await askAll(MAIN_QUESTIONS);
  if (values.only === '') noteMemory(LOADED);
  if (!values.quick) {
    await askAll(FURTHER_QUESTIONS);
    if (values.only === '') noteMemory(ENDED);
  }
} finally {
  for (const { topics, system } of trials) {
    topics.close();
    await system.stop();
  }
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
}
const machine = `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`;
const length = `${rounds} rounds of ${seconds} s`;
console.log(`${new Date().toISOString().slice(0, 10)}, ${machine}, Node ${process.version}, ${length}, medians\n`);
printTable({ kafka: kafka.name, sink: sink.name, subject: ottla.name }, [...rows.values()]);

/** Starts it again and again where it stopped cleanly, after a first time that makes its directory. */
async function start(kind: SystemKind): Promise<Trial> {
  const directory = newDataDirectory();
  directories.push(directory);
  await (await startSystem(kind, directory, SETTINGS)).stop();
  for (let round = 1; ; round++) {
    const system = await startSystem(kind, directory, SETTINGS);
    note(kind.name, START, system.startMs);
    if (round < rounds) {
      await system.stop();
      continue;
    }
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    note(kind.name, IDLE, system.residentMegabytes());
    return new Trial({ system, topics: await Topics.connect(system), programs });
  }
}

function noteMemory(head: RowHead): void {
  for (const { system } of trials) note(system.name, head, system.residentMegabytes());
}

async function askAll(questions: readonly Question[]): Promise<void> {
  for (const question of questions) {
    if (!question.rows.some(({ name }) => name.match(values.only))) continue;
    const missing = question.missing?.();
    if (missing === undefined) await ask(question);
    else console.error(`${question.rows[0]?.name} is left out: ${missing}`);
  }
}

async function ask(question: Question): Promise<void> {
  const asked = trials.filter(({ system }) => system.isBroker || question.skipSink !== true);
  for (const trial of asked) {
    await question.prepare?.(trial);
    // Just-in-time compilers get to see the load.
    trial.seconds = warmUpSeconds;
    await question.measure(trial);
    trial.seconds = seconds;
  }
  for (let round = 0; round < rounds; round++) {
    for (const trial of rotated(asked, round)) {
      const figures = await question.measure(trial);
      question.rows.forEach((head, i) => {
        note(trial.system.name, head, figures[i] ?? Number.NaN);
      });
    }
  }
  for (const trial of asked) await trial.deleteKept();
}

/** So that no system always comes after the same other one. */
function rotated<T>(items: readonly T[], by: number): T[] {
  const first = by % Math.max(1, items.length);
  return [...items.slice(first), ...items.slice(0, first)];
}

function note(system: string, head: RowHead, figure: number): void {
  const row = rows.get(head.name) ?? { head, figures: new Map<string, number[]>() };
  row.figures.set(system, [...(row.figures.get(system) ?? []), figure]);
  rows.set(head.name, row);
  const elapsedSeconds = (performance.now() / 1000).toFixed(0);
  console.error(`${elapsedSeconds} s: ${system}: ${head.name} ${figure.toFixed(2)} ${head.unit}`);
}
