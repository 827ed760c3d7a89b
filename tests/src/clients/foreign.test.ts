// Clients in other languages, each a program under tests/foreign that scripts/foreign-setup.sh made ready: what it checks is said there.
// It runs once, and once more when the broker was restarted in between.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { startBroker } from 'ottla';
import { projectRoot } from '../support/broker-process.ts';
import { skipUnless } from '../support/foreign.ts';

const cache = process.env.OTTLA_FOREIGN_CACHE ?? join(homedir(), '.cache/ottla-foreign');
const python = join(cache, 'python/bin/python');
const goClient = join(cache, 'go-client');
const script = (name: string): string => join(projectRoot, 'tests/foreign/python', name);

const CLIENTS = [
  { name: 'kafka-python', command: [python, script('kafka_python_client.py')] },
  { name: 'aiokafka', command: [python, script('aiokafka_client.py')] },
  { name: 'franz-go', command: [goClient] },
];
/** Compiled on the spot, where the machine can: it may be missing even where the others are required. */
const rdkafka = join(cache, 'node-rdkafka');
const TIMEOUT_MS = 120_000;

/** @returns what it printed. @throws AssertionError with it when it failed */
async function run(command: readonly string[], ...given: readonly string[]): Promise<string> {
  const [program = '', ...fixed] = command;
  const child = spawn(program, [...fixed, ...given], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
    env: { ...process.env, NODE_RDKAFKA: rdkafka },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  await once(child, 'close');
  assert.equal(child.exitCode, 0, output);
  return output;
}

describe('clients in other languages', () => {
  for (const { name, command } of CLIENTS) {
    const skip = skipUnless(existsSync(command[0] ?? ''), `${name} (scripts/foreign-setup.sh)`);
    testClient(name, command, skip);
  }

  const rdkafkaClient = join(projectRoot, 'tests/foreign/node/rdkafka-client.mjs');
  const isBuilt = existsSync(join(rdkafka, 'node_modules/node-rdkafka/build/Release/node-librdkafka.node'));
  const skip = isBuilt ? false : 'node-rdkafka is missing (OTTLA_FOREIGN_RDKAFKA=1 scripts/foreign-setup.sh)';
  testClient('node-rdkafka', [process.execPath, rdkafkaClient], skip);
});

function testClient(name: string, command: readonly string[], skip: false | string): void {
  test(`${name} works with the broker, and with the same broker restarted`, { skip }, async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'ottla-foreign-'));
    const config = { 'group.initial.rebalance.delay.ms': 0 };
    let broker = await startBroker({ dataDir, config });
    try {
      assert.match(await run(command, broker.bootstrapServers, `${name}-`, 'before'), /ok codecs[\s\S]*ok group/);
      await broker.close();
      broker = await startBroker({ dataDir, config, port: broker.port });
      assert.match(await run(command, broker.bootstrapServers, `${name}-`, 'after'), /ok resume/);
    } finally {
      await broker.close();
      rmSync(dataDir, { recursive: true });
    }
  });
}
