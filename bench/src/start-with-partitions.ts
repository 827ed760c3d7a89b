// How long does a broker take to be back that has many partitions, and what does each cost in memory? Makes PARTITIONS (default 2000) of
// three segments over the wire, stops cleanly and starts again, Ottla and Apache Kafka 3.9.1 (in ZooKeeper mode) one after the other.
// SYSTEMS=ottla leaves Kafka out. Then the same for the storage room alone, in a process with nothing else in it.
//
// Memory of a partition: what the process holds more than one without partitions, divided. ZooKeeper is not counted.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ManyPartitions, makePartitions, untilAllAnswer } from './support/many-partitions.ts';
import { processorSeconds } from './support/process-usage.ts';
import {
  kafkaOf,
  ottla,
  type RunningSystem,
  type SystemKind,
  startSystem,
  withDataDirectory,
} from './support/system-under-test.ts';
import { printTable, type Row } from './support/table.ts';
import { withKafka } from './support/zookeeper.ts';

const WANTED: ManyPartitions = { partitions: Number(process.env.PARTITIONS ?? 2000), segments: 3 };
const SYSTEMS = (process.env.SYSTEMS ?? 'kafka,ottla').split(',');
/** V8 gives back what a start left behind when it has been idle for half a minute. */
const SETTLE_MS = 45_000;
const KAFKA = '3.9.1';

interface Figures {
  readonly firstAnswerSeconds: number;
  readonly allLeadSeconds: number;
  readonly processorSeconds: number;
  readonly residentMegabytes: number;
  readonly kibibytesPerPartition: number;
}

const figures = new Map<string, Figures>();
if (SYSTEMS.includes('kafka')) await withKafka(KAFKA, measure);
if (SYSTEMS.includes('ottla')) await measure(ottla);
console.log(`${WANTED.partitions} partitions of ${WANTED.segments} segments, after a clean stop\n`);
printTable({ kafka: kafkaOf(KAFKA).name, subject: ottla.name }, [
  row('first answer', 's', (each) => each.firstAnswerSeconds),
  row('every partition has a leader', 's', (each) => each.allLeadSeconds),
  row('processor time until then', 's', (each) => each.processorSeconds),
  row('resident', 'MB', (each) => each.residentMegabytes),
  row('resident per partition', 'KiB', (each) => each.kibibytesPerPartition),
]);
measureStorage();

function measure(kind: SystemKind): Promise<void> {
  return withDataDirectory((directory) => measureIn(directory, kind));
}

async function measureIn(directory: string, kind: SystemKind): Promise<void> {
  const emptyMegabytes = await running(kind, directory, settledMegabytes);
  await running(kind, directory, (system) => makePartitions(system.port, WANTED));
  if (!existsSync(join(directory, kind.logs, '.kafka_cleanshutdown')))
    throw new Error(`${kind.name} did not stop cleanly`);
  await running(kind, directory, async (system) => {
    const firstAnswerMs = system.startMs;
    const answeredMs = performance.now();
    await untilAllAnswer(system.port, WANTED);
    const allLeadMs = firstAnswerMs + performance.now() - answeredMs;
    const usedSeconds = processorSeconds(system.pid);
    const residentMegabytes = await settledMegabytes(system);
    figures.set(kind.name, {
      firstAnswerSeconds: firstAnswerMs / 1000,
      allLeadSeconds: allLeadMs / 1000,
      processorSeconds: usedSeconds,
      residentMegabytes,
      kibibytesPerPartition: ((residentMegabytes - emptyMegabytes) * 1024) / WANTED.partitions,
    });
  });
}

async function running<T>(
  kind: SystemKind,
  directory: string,
  work: (system: RunningSystem) => Promise<T>,
): Promise<T> {
  const system = await startSystem(kind, directory);
  try {
    return await work(system);
  } finally {
    await system.stop();
  }
}

async function settledMegabytes(system: RunningSystem): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  return system.residentMegabytes();
}

function row(name: string, unit: string, of: (each: Figures) => number): Row {
  const values = Array.from(figures, ([system, each]): [string, number[]] => [system, [of(each)]]);
  return { head: { name, unit, isCost: true }, figures: new Map(values) };
}

function measureStorage(): void {
  const script = fileURLToPath(new URL('support/storage-start.js', import.meta.url));
  const args = ['--expose-gc', script, String(WANTED.partitions), String(WANTED.segments)];
  execFileSync(process.execPath, args, { stdio: 'inherit' });
}
