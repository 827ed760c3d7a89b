import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ConfigError } from '@ottla/base';
import { startBroker } from './start-broker.ts';

/** Sends ApiVersions version 0. @returns the error code of the answer */
function askApiVersions(host: string, port: number): Promise<number> {
  const request = Buffer.from('0000000e' + '0012' + '0000' + '00000007' + '0004' + '74657374', 'hex');
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host, port }, () => socket.write(request));
    socket.on('error', reject);
    socket.on('data', (answer) => {
      socket.destroy();
      assert.equal(answer.readInt32BE(4), 7);
      resolve(answer.readInt16BE(8));
    });
  });
}

function openResources(): string[] {
  const ours = process.getActiveResourcesInfo();
  return ours.filter((name) => name === 'TCPServerWrap' || name === 'TCPSocketWrap' || name === 'Timeout').sort();
}

test('a broker answers, and close leaves nothing open and no temporary directory', async () => {
  const before = openResources();
  const broker = await startBroker();
  assert.equal(broker.bootstrapServers, `127.0.0.1:${broker.port}`);
  assert.equal(broker.brokerId, 0);
  assert.match(broker.clusterId, /^[\w-]{22}$/);
  assert(existsSync(broker.dataDir));
  assert.equal(await askApiVersions(broker.host, broker.port), 0);
  await broker.close();
  await broker.close();
  // The client's socket and the server's ends are freed a turn after they closed.
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(openResources(), before);
  assert(!existsSync(broker.dataDir));
});

test('several brokers run in one process, each in its own directory', async () => {
  const brokers = await Promise.all([startBroker(), startBroker({ config: { 'broker.id': 4 } }), startBroker()]);
  assert.equal(new Set(brokers.map(({ port }) => port)).size, 3);
  assert.equal(new Set(brokers.map(({ dataDir }) => dataDir)).size, 3);
  assert.equal(new Set(brokers.map(({ clusterId }) => clusterId)).size, 3);
  assert.equal(brokers[1]?.brokerId, 4);
  assert.deepEqual(await Promise.all(brokers.map(({ host, port }) => askApiVersions(host, port))), [0, 0, 0]);
  await Promise.all(brokers.map((broker) => broker.close()));
});

test('a data directory that is given stays, and brings id and cluster back', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'ottla-test-'));
  try {
    const first = await startBroker({ dataDir, config: { 'broker.id': 3 } });
    await first.close();
    const second = await startBroker({ dataDir });
    assert.deepEqual([second.brokerId, second.clusterId, second.dataDir], [3, first.clusterId, dataDir]);
    await second.close();
  } finally {
    rmSync(dataDir, { recursive: true });
  }
});

test('a start that fails says why and leaves nothing', async () => {
  const before = openResources();
  const broker = await startBroker();
  await assert.rejects(startBroker({ port: broker.port }), /another program listens there/);
  await assert.rejects(startBroker({ dataDir: broker.dataDir }), /is using this directory/);
  await assert.rejects(startBroker({ config: { 'num.partitions': 'many' } }), ConfigError);
  await broker.close();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(openResources(), before);
});
