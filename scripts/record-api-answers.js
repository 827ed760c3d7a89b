// Records what Apache Kafka 3.9.1 in ZooKeeper mode answers to the scenario of tests/src/recorder, as the golden transcript that
// tests/src/api-answers.test.ts holds our broker against. Run after a build; needs Java.
//   node scripts/record-api-answers.js [OUTPUT]
// REFERENCE_KAFKA is the script that runs the real Kafka, by default ../shared/reference-kafka/kafka.sh from the project's root:
// `zookeeper PORT DIR` and `broker VERSION PORT DIR ZOOKEEPER ID [key=value …]`, both in the foreground.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { BROKER_CONFIG, scenario } from '../tests/dist/recorder/scenario/index.js';
import { formatTranscript, record } from '../tests/dist/recorder/transcript.js';

const KAFKA_VERSION = '3.9.1';
const ZOOKEEPER_PORT = 19100;
const BROKER_PORT = 19101;
const START_TIMEOUT_MS = 90_000;

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const kafka = process.env.REFERENCE_KAFKA ?? join(root, '../shared/reference-kafka/kafka.sh');
const golden = join(root, `tests/golden/api-answers-kafka-${KAFKA_VERSION}.jsonl`);

/** Runs the reference's script in the foreground; `exec` makes its process Java's own. */
function start(args) {
  const child = spawn(kafka, args, { stdio: 'ignore', env: { KAFKA_HEAP: '512m', ...process.env } });
  child.on('error', (error) => console.error(`${kafka}: ${error.message}`));
  return child;
}

async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}

async function untilListening(child, port) {
  const deadlineMs = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadlineMs) {
    if (child.exitCode !== null) throw new Error(`the process for port ${port} ended with ${child.exitCode}`);
    if (await isListening(port)) return;
    await sleep(200);
  }
  throw new Error(`nothing listens on port ${port}`);
}

function isListening(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}

async function main() {
  if (!existsSync(kafka)) throw new Error(`no reference Kafka at ${kafka}: set REFERENCE_KAFKA`);
  if (await isListening(BROKER_PORT)) throw new Error(`port ${BROKER_PORT} is taken`);
  const folder = mkdtempSync(join(tmpdir(), 'record-api-answers-'));
  const children = [];
  try {
    children.push(start(['zookeeper', String(ZOOKEEPER_PORT), join(folder, 'zookeeper')]));
    await untilListening(children[0], ZOOKEEPER_PORT);
    const { 'broker.id': brokerId, ...config } = BROKER_CONFIG;
    const logDir = join(folder, 'broker');
    const settings = Object.entries(config).map(([key, value]) => `${key}=${value}`);
    const zookeeper = `127.0.0.1:${ZOOKEEPER_PORT}`;
    children.unshift(start(['broker', KAFKA_VERSION, String(BROKER_PORT), logDir, zookeeper, brokerId, ...settings]));
    await untilListening(children[0], BROKER_PORT);
    const broker = { port: BROKER_PORT, logDir };
    const entries = await record(broker, scenario(broker));
    const output = process.argv[2] ?? golden;
    writeFileSync(output, formatTranscript(entries));
    console.log(`${entries.length} answers of Kafka ${KAFKA_VERSION} in ${output}`);
  } finally {
    for (const child of children) await stop(child);
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
