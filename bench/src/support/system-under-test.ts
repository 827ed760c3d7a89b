// Brokers to measure, each as a process of its own: ours, Apache Kafka, and the bare sink that shows what the language allows.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { answersMetadata } from './first-answer.ts';

export const projectRoot = fileURLToPath(new URL('../../..', import.meta.url));

/** Keys of server.properties. */
export type Settings = Readonly<Record<string, string>>;

/** How to start one kind of broker. */
export interface SystemKind {
  /** On the command line. */
  readonly key: string;
  readonly name: string;
  /** Why it cannot run here; undefined when it can. */
  readonly missing: string | undefined;
  /** Answers everything a Kafka client may ask. */
  readonly isBroker: boolean;
  /** Where it keeps partitions, below the data directory. */
  readonly logs: string;
  command(port: number, dataDirectory: string, settings: Settings): { file: string; args: string[] };
}

export interface RunningSystem {
  readonly name: string;
  readonly isBroker: boolean;
  readonly port: number;
  readonly pid: number;
  /** Where the partitions' directories are. */
  readonly logDirectory: string;
  /** From spawning the process to its first answer to a Metadata request. */
  readonly startMs: number;
  residentMegabytes(): number;
  /** As an operator does. */
  stop(): Promise<void>;
}

const START_MS_MAX = 180_000;
/** One that is killed earlier leaves work to its next start. */
const STOP_MS_MAX = 180_000;

export const referenceKafka = process.env.REFERENCE_KAFKA ?? join(projectRoot, '../shared/reference-kafka/kafka.sh');

export const ottla: SystemKind = {
  key: 'ottla',
  name: 'Ottla',
  missing: undefined,
  isBroker: true,
  logs: '.',
  command: (port, dataDirectory, settings) => ({
    file: process.execPath,
    args: [
      join(projectRoot, 'packages/ottla/bin/ottla.js'),
      'start',
      ...['--override', `listeners=PLAINTEXT://127.0.0.1:${port}`],
      ...['--override', `log.dirs=${dataDirectory}`],
      ...assignments(settings).flatMap((assignment) => ['--override', assignment]),
    ],
  }),
};

export const sink: SystemKind = {
  key: 'sink',
  name: 'bare sink',
  missing: undefined,
  isBroker: false,
  logs: '.',
  command: (port, dataDirectory) => ({
    file: process.execPath,
    args: [join(projectRoot, 'bench/dist/sink.js'), String(port), dataDirectory],
  }),
};

/** @param zooKeeper host:port; without one the broker is its own controller */
export function kafkaOf(version: string, zooKeeper = '-'): SystemKind {
  return {
    key: 'kafka',
    name: `Kafka ${version}`,
    missing: existsSync(referenceKafka) ? undefined : `${referenceKafka} is not there (REFERENCE_KAFKA names it)`,
    isBroker: true,
    logs: 'logs',
    command: (port, dataDirectory, settings) => ({
      file: 'bash',
      args: [
        ...[referenceKafka, 'broker', version, String(port), join(dataDirectory, 'logs'), zooKeeper, '1'],
        ...assignments(settings),
      ],
    }),
  };
}

export const kafka = kafkaOf('4.2.0');

export function assignments(settings: Settings): string[] {
  return Object.entries(settings).map(([key, value]) => `${key}=${value}`);
}

export function newDataDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'ottla-bench-'));
}

/** Does `work` with a data directory that is gone afterwards. */
export async function withDataDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = newDataDirectory();
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Starts `kind` on a free port and waits for its first answer. */
export async function startSystem(
  kind: SystemKind,
  dataDirectory: string,
  settings: Settings = {},
): Promise<RunningSystem> {
  const port = await freePort();
  const { file, args } = kind.command(port, dataDirectory, settings);
  const { NODE_EXTRA_CA_CERTS: _, ...environment } = process.env;
  const startedMs = performance.now();
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'inherit'], env: environment });
  process.once('exit', () => child.kill('SIGKILL'));
  await firstAnswer(child, port, kind.name);
  const startMs = performance.now() - startedMs;
  const pid = child.pid ?? 0;
  return {
    name: kind.name,
    isBroker: kind.isBroker,
    port,
    pid,
    startMs,
    logDirectory: join(dataDirectory, kind.logs),
    residentMegabytes: () => residentMegabytes(pid),
    stop: () => end(child),
  };
}

async function firstAnswer(child: ChildProcess, port: number, name: string): Promise<void> {
  const deadlineMs = performance.now() + START_MS_MAX;
  while (!(await answersMetadata(port))) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode} before it answered`);
    if (performance.now() > deadlineMs) throw new Error(`${name} did not answer within ${START_MS_MAX / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** With SIGTERM. Resolves when it has ended, also when it had before. */
export function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const kill = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
    child.once('exit', () => {
      clearTimeout(kill);
      resolve();
    });
    if (!child.kill('SIGTERM')) resolve();
  });
}

/** Resident memory of a process, from Linux' /proc; NaN elsewhere. */
function residentMegabytes(pid: number): number {
  const path = `/proc/${pid}/status`;
  if (!existsSync(path)) return Number.NaN;
  const line = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(path, 'utf8'));
  return line ? Number(line[1]) / 1024 : Number.NaN;
}

/** A port nobody listens on now, nor on the next one: Kafka's controller takes that. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = await tryPort(0);
    if (port !== undefined && port < 65_535 && (await tryPort(port + 1)) !== undefined) return port;
  }
  throw new Error('no two free ports beside each other');
}

/** @returns the port, undefined when somebody has it */
function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(undefined));
    probe.listen(port, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' ? address?.port : undefined));
    });
  });
}
