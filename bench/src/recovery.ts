// How long is a broker away that was killed? Fills PARTITIONS (default 4) partitions with GIGABYTES (default 2) in all, kills the broker,
// sets its recovery points, and starts it again: Ottla and Apache Kafka 3.9.1 (in ZooKeeper mode) one after the other, each on a log dir
// of its own. Twice: with recovery points at 0, where everything must be scanned, and at the half, where no more than that half may be.
// SYSTEMS=ottla leaves Kafka out. What is read comes from the page cache where the machine has room for it.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bytesRead, processorSeconds } from './support/process-usage.ts';
import {
  kafkaOf,
  ottla,
  type RunningSystem,
  type SystemKind,
  startSystem,
  withDataDirectory,
} from './support/system-under-test.ts';
import { printTable, type Row, type RowHead } from './support/table.ts';
import { connected, createTopic, produceToEach, type Topic, untilAllLead } from './support/wire-topics.ts';
import { withKafka } from './support/zookeeper.ts';

const GIGABYTE = 2 ** 30;
const TOTAL_BYTES = Number(process.env.GIGABYTES ?? 2) * GIGABYTE;
const TOPIC: Topic = { name: 'bench', partitionCount: Number(process.env.PARTITIONS ?? 4) };
const SYSTEMS = (process.env.SYSTEMS ?? 'kafka,ottla').split(',');
/** One batch is a bit more than a megabyte's sixteenth. */
const BATCH = { count: 60, valueBytes: 1024 };
const BATCHES = Math.ceil(TOTAL_BYTES / TOPIC.partitionCount / (BATCH.count * BATCH.valueBytes));
const END_OFFSET = BATCHES * BATCH.count;
/** Eight segments a partition, so that the half is a segment's beginning, nearly. */
const SEGMENT_BYTES = Math.ceil((TOTAL_BYTES / TOPIC.partitionCount / 8) * 1.05);
const SESSION_TIMEOUT_MS = 10_000;
const KAFKA = '3.9.1';
const SETTINGS = { 'zookeeper.session.timeout.ms': String(SESSION_TIMEOUT_MS) };

const rows = new Map<string, Row>();
if (SYSTEMS.includes('kafka')) await withKafka(KAFKA, measure);
if (SYSTEMS.includes('ottla')) await measure(ottla);
console.log(`${(TOTAL_BYTES / GIGABYTE).toFixed(1)} GiB in ${TOPIC.partitionCount} partitions, after kill -9\n`);
printTable({ kafka: kafkaOf(KAFKA).name, subject: ottla.name }, [...rows.values()]);

function measure(kind: SystemKind): Promise<void> {
  return withDataDirectory((directory) => measureIn(directory, kind));
}

async function measureIn(directory: string, kind: SystemKind): Promise<void> {
  const logDir = join(directory, kind.logs);
  await running(kind, directory, fill);
  await running(
    kind,
    directory,
    (system) => note(system, 'everything'),
    () => setRecoveryPoints(logDir, 0),
  );
  const half = Math.ceil(END_OFFSET / 2);
  await running(
    kind,
    directory,
    (system) => note(system, 'half'),
    () => setRecoveryPoints(logDir, half),
  );
}

/** Ends the broker with SIGKILL. */
async function running(
  kind: SystemKind,
  directory: string,
  work: (system: RunningSystem) => Promise<void>,
  prepare: () => void = () => {},
): Promise<void> {
  prepare();
  const system = await startSystem(kind, directory, SETTINGS);
  try {
    await work(system);
  } finally {
    process.kill(system.pid, 'SIGKILL');
    await system.stop();
  }
  // Until ZooKeeper has noticed, the next one would be taken for a second broker of that id.
  if (kind !== ottla) await new Promise((resolve) => setTimeout(resolve, SESSION_TIMEOUT_MS * 1.5));
}

function fill(system: RunningSystem): Promise<void> {
  return connected(system.port, async (client) => {
    await createTopic(client, TOPIC, SEGMENT_BYTES);
    for (let i = 0; i < BATCHES; i++) await produceToEach(client, TOPIC, BATCH);
  });
}

async function note(system: RunningSystem, scanned: 'everything' | 'half'): Promise<void> {
  const answeredMs = performance.now();
  await connected(system.port, (client) => untilAllLead(client, [TOPIC], END_OFFSET));
  const seconds = (system.startMs + performance.now() - answeredMs) / 1000;
  const usedSeconds = processorSeconds(system.pid);
  const readBytes = bytesRead(system.pid);
  const toScanBytes = TOTAL_BYTES * (scanned === 'half' ? 0.5 : 1);
  const add = (head: RowHead, figure: number): void => addFigure(system.name, head, figure);
  add({ name: `${scanned}: until every partition leads`, unit: 's', isCost: true }, seconds);
  add({ name: `${scanned}: processor time`, unit: 's', isCost: true }, usedSeconds);
  add({ name: `${scanned}: scanned`, unit: 'MB/s' }, toScanBytes / 1e6 / seconds);
  add({ name: `${scanned}: read of what is to be scanned`, unit: '%', isCost: true }, (readBytes / toScanBytes) * 100);
}

function setRecoveryPoints(logDir: string, offset: number): void {
  const lines = Array.from({ length: TOPIC.partitionCount }, (_, index) => `${TOPIC.name} ${index} ${offset}`);
  writeFileSync(join(logDir, 'recovery-point-offset-checkpoint'), `0\n${lines.length}\n${lines.join('\n')}\n`);
}

function addFigure(system: string, head: RowHead, figure: number): void {
  const row = rows.get(head.name) ?? { head, figures: new Map<string, number[]>() };
  row.figures.set(system, [figure]);
  rows.set(head.name, row);
}
