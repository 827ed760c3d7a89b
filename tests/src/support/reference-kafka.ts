// Real Apache Kafka and ZooKeeper beside ours, started by the script that REFERENCE_KAFKA names (default ../shared/reference-kafka/kafka.sh), and
// Kafka's own tools. Each is a process of its own, ended with the test.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { apiVersions } from '@ottla/protocol';
import { projectRoot } from './broker-process.ts';
import { hasKafka, kafkaJars, skipUnless } from './foreign.ts';
import { freePort } from './test-broker.ts';
import { connectTo } from './wire.ts';

const script = process.env.REFERENCE_KAFKA ?? join(projectRoot, '../shared/reference-kafka/kafka.sh');
const START_TIMEOUT_MS = 90_000;
const HEAP = '256m';
/** They live for seconds: the second compiler would cost them more than it gives. */
const QUICK_START = '-XX:TieredStopAtLevel=1';
const LOG4J = `-Dlog4j.configuration=file:${join(projectRoot, 'tests/src/support/kafka-log4j.properties')}`;

export type KafkaVersion = '2.8.2' | '3.9.1';

export interface ReferenceProcess {
  readonly port: number;
  /** The end of what it has printed: errors, and what a broker finds wrong with the files of its logs. */
  output(): string;
  /** Ends it as an operator does. @throws Error when it does not end */
  stop(): Promise<void>;
}

/** @returns what to hand to `test` as `skip` */
export function skipWithoutKafka(...versions: KafkaVersion[]): false | string {
  const isThere = existsSync(script) && versions.every(hasKafka);
  return skipUnless(isThere, `Apache Kafka ${versions.join(' and ')} (${script})`);
}

/** On a free port, as whoever else runs these tests on the machine. */
export async function startZooKeeper(t: TestContext, options: { directory: string }): Promise<ReferenceProcess> {
  const port = await freePort();
  return run(t, port, ['zookeeper', String(port), options.directory]);
}

/** A broker with id 1 in ZooKeeper mode, ready when it answers: it accepts connections a moment earlier, and drops them. */
export async function startKafka(
  t: TestContext,
  options: {
    version: KafkaVersion;
    directory: string;
    zooKeeper: ReferenceProcess;
    /** Where in ZooKeeper its tree is, /a for instance; the root where none is given. */
    chroot?: string;
    config?: Readonly<Record<string, string>>;
  },
): Promise<ReferenceProcess> {
  const { version, directory, zooKeeper, chroot = '', config = {} } = options;
  const port = await freePort();
  const settings = Object.entries(config).map(([key, value]) => `${key}=${value}`);
  const parts = ['broker', version, String(port), directory, `127.0.0.1:${zooKeeper.port}${chroot}`, '1', ...settings];
  const broker = await run(t, port, parts);
  for (let attempt = 0; !(await answers(port)); attempt++) {
    if (attempt === 100) throw new Error(`Kafka ${version} accepts connections but does not answer`);
    await sleep(100);
  }
  return broker;
}

async function answers(port: number): Promise<boolean> {
  try {
    const client = await connectTo(port);
    try {
      return (await client.send(apiVersions, {}, 0)).errorCode === 0;
    } finally {
      client.close();
    }
  } catch {
    return false;
  }
}

/** Runs one of Kafka's tools. @returns what it printed. @throws Error when it fails */
export async function kafkaTool(version: KafkaVersion, className: string, ...options: string[]): Promise<string> {
  return (await runKafkaClass(version, [className, ...options])).stdout;
}

/** Runs a class of Kafka's jars, which is given `input` to read. @throws Error when it fails */
export function runKafkaClass(
  version: KafkaVersion,
  parts: readonly string[],
  input = '',
): Promise<{ stdout: string; stderr: string }> {
  const level = '-Dorg.slf4j.simpleLogger.defaultLogLevel=error';
  const commandLine = ['-Xmx256m', QUICK_START, level, '-cp', join(kafkaJars(version), '*'), ...parts];
  return new Promise((resolve, reject) => {
    const child = execFile('java', commandLine, { maxBuffer: 512 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${parts[0]} failed\n${stdout}\n${stderr}`, { cause: error }));
      else resolve({ stdout, stderr });
    });
    child.stdin?.end(input);
  });
}

async function run(t: TestContext, port: number, parts: readonly string[]): Promise<ReferenceProcess> {
  const child = spawn('bash', [script, ...parts], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, KAFKA_HEAP: HEAP, JAVA_TOOL_OPTIONS: `${QUICK_START} ${LOG4J}` },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-20_000);
    });
  }
  t.after(() => end(child, 'SIGKILL'));
  const deadlineMs = Date.now() + START_TIMEOUT_MS;
  while (!(await accepts(port))) {
    if (child.exitCode !== null || Date.now() > deadlineMs) {
      throw new Error(`kafka.sh ${parts.join(' ')} did not start (exit code ${child.exitCode}):\n${output}`);
    }
    await sleep(100);
  }
  return { port, output: () => output, stop: () => end(child, 'SIGTERM') };
}

async function end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}

async function accepts(port: number): Promise<boolean> {
  const socket = createConnection({ host: '127.0.0.1', port });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
