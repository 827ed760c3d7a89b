// A whole broker with two log dirs, of which one dies, then the other.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  FakeClock,
  MemoryFileSystem,
  MemorySockets,
  MetricsRegistry,
  SeededRandom,
  StorageError,
  silentLogger,
  yieldToEventLoop,
} from '@ottla/base';
import { KafkaConfig } from '../config/index.ts';
import { BrokerServer } from './broker-server.ts';

const TOPICS = ['orders', 'payments'];

test('the partitions of a dir that dies lose their leader for all to see; with the last dir the broker stops', async () => {
  const clock = new FakeClock();
  const fileSystem = new MemoryFileSystem({ clock });
  const fatal: Error[] = [];
  const properties = { 'broker.id': '7', listeners: 'PLAINTEXT://broker:9092', 'log.dirs': '/tree,/other' };
  const broker = new BrokerServer({
    config: KafkaConfig.fromProperties(new Map(Object.entries(properties))),
    ports: {
      clock,
      random: new SeededRandom(1),
      fileSystem,
      sockets: new MemorySockets(),
      logger: silentLogger,
      metrics: new MetricsRegistry(clock),
      hostName: 'machine',
    },
    onFatal: (error) => fatal.push(error),
  });
  await broker.start();
  broker.services.autoTopicCreation.createTopics(new Set(TOPICS));
  const leaders = () => TOPICS.map((topic) => broker.services.metadataCache.getPartitionInfo(topic, 0)?.leader);
  await until(() => leaders().every((leader) => leader === 7), clock);
  const { replicaManager } = broker.services;
  const lost = TOPICS.findIndex(
    (topic) => replicaManager.getPartition({ topic, partition: 0 })?.log?.parentDirectory === '/other',
  );
  assert.ok(lost >= 0);
  fileSystem.failAllOf = (path) => path.startsWith('/other');
  const partition = replicaManager.getPartition({ topic: TOPICS[lost] ?? '', partition: 0 });
  await assert.rejects(async () => partition?.log?.flush() ?? partition?.log?.roll());
  await until(() => leaders()[lost] === -1, clock);
  assert.equal(leaders()[1 - lost], 7);
  assert.equal(fatal.length, 0);
  fileSystem.failAllOf = (path) => path.startsWith('/');
  const other = replicaManager.getPartition({ topic: TOPICS[1 - lost] ?? '', partition: 0 });
  assert.throws(() => other?.log?.roll());
  assert.match(fatal[0]?.message ?? '', /Shutdown broker because all log dirs in \/tree,\/other have failed/);
  fileSystem.failAllOf = () => false;
  await broker.close().catch((error: unknown) => assert.ok(error instanceof StorageError, String(error)));
});

async function until(isTrue: () => boolean, clock: FakeClock): Promise<void> {
  for (let turn = 0; turn < 2000 && !isTrue(); turn++) {
    await yieldToEventLoop();
    if (turn % 20 === 19) await clock.advance(1);
  }
  assert.ok(isTrue(), 'it did not happen');
}
