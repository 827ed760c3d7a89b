// `npm run bench`: the same load on Apache Kafka, on the bare sink and on us, one after the other on this machine, and a table with
// the ratios. Absolute numbers move with the machine; the ratios are what counts.
//   npm run bench -- --quick                     the main rows, two seconds each
//   npm run bench -- --only 'produce 1'          rows whose name contains this
//   npm run bench -- --systems ottla,sink        without Apache Kafka
//   npm run bench -- --seconds 10                a row's length; 5 without

import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { type BlastResult, blast, buildBlast } from './support/blast.ts';
import { QUESTIONS, type Question } from './support/questions.ts';
import { kafka, ottla, type RunningSystem, type SystemKind, sink, startSystem } from './support/system-under-test.ts';
import { printTable, type Row } from './support/table.ts';

const SETTLE_MS = 3000;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
    systems: { type: 'string', default: 'kafka,sink,ottla' },
    quick: { type: 'boolean', default: false },
  },
});
const seconds = values.quick ? '2' : values.seconds;
const wanted = values.systems.split(',');
const kinds = [kafka, sink, ottla].filter(({ key }) => wanted.includes(key));
const questions = QUESTIONS.filter(({ name, isSlow }) => name.includes(values.only) && !(values.quick && isSlow));

const binary = buildBlast();
const rows = new Map<string, Row>();
for (const kind of kinds) {
  if (kind.missing) console.error(`${kind.name} is left out: ${kind.missing}`);
  else await measure(kind);
}
const machine = `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`;
console.log(`${new Date().toISOString().slice(0, 10)}, ${machine}, Node ${process.version}, ${seconds} s a row\n`);
printTable(
  kinds.map(({ name }) => name),
  [...rows.values()],
);

async function measure(kind: SystemKind): Promise<void> {
  await measurePlain(kind);
  for (const question of questions) {
    if (question.settings === undefined || isSkipped(kind, question)) continue;
    const system = await startSystem(kind, question.settings);
    try {
      ask(system, question);
    } finally {
      await system.stop();
    }
  }
}

/** All that needs no settings, one after the other on one broker, and what that does to its memory. */
async function measurePlain(kind: SystemKind): Promise<void> {
  const system = await startSystem(kind);
  try {
    note(system, { name: 'start to first answer', unit: 'ms', isCost: true }, system.startMs);
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    note(system, { name: 'resident idle', unit: 'MB', isCost: true }, system.residentMegabytes());
    for (const question of questions) {
      if (question.settings === undefined && !isSkipped(kind, question)) ask(system, question);
    }
    note(system, { name: 'resident after load', unit: 'MB', isCost: true }, system.residentMegabytes());
  } finally {
    await system.stop();
  }
}

function isSkipped(kind: SystemKind, question: Question): boolean {
  return question.skipSink === true && kind === sink;
}

function ask(system: RunningSystem, question: Question): void {
  // A short run first: just-in-time compilers on both sides get to see the load.
  blast(binary, system, { ...question.options, s: 2 });
  const result: BlastResult = blast(binary, system, { ...question.options, create: 'false', s: seconds });
  if (result.errors > 0) throw new Error(`${system.name}: ${result.errors} errors in ${question.name}`);
  note(system, question, question.figure(result));
}

function note(system: RunningSystem, question: Pick<Question, 'name' | 'unit' | 'isCost'>, figure: number): void {
  const { name, unit, isCost = false } = question;
  const row = rows.get(name) ?? { name, unit, isCost, figures: new Map() };
  row.figures.set(system.name, figure);
  rows.set(name, row);
  console.error(`${system.name}: ${name} ${figure.toFixed(2)} ${unit}`);
}
