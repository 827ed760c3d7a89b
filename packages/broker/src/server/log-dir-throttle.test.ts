// A whole broker with two log dirs: how fast a replica moves between them follows the setting in the tree.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  FakeClock,
  MemoryFileSystem,
  MemorySockets,
  MetricsRegistry,
  SeededRandom,
  silentLogger,
  yieldToEventLoop,
} from '@ottla/base';
import { AlterOperation } from '../config/config-admin.ts';
import { ConfigResourceType } from '../config/config-resource.ts';
import { KafkaConfig } from '../config/index.ts';
import { batchOf } from '../replica/testing/batches.ts';
import { BrokerServer } from './broker-server.ts';

const TP = { topic: 'orders', partition: 0 };
const THROTTLE = 'replica.alter.log.dirs.io.max.bytes.per.second';
const BATCH_BYTES = 600_000;
const STEP_MS = 50;

class TwoDirs {
  readonly clock = new FakeClock();
  readonly #broker = new BrokerServer({
    config: KafkaConfig.fromProperties(
      new Map(Object.entries({ 'broker.id': '7', listeners: 'PLAINTEXT://broker:9092', 'log.dirs': '/one,/two' })),
    ),
    ports: {
      clock: this.clock,
      random: new SeededRandom(1),
      fileSystem: new MemoryFileSystem({ clock: this.clock }),
      sockets: new MemorySockets(),
      logger: silentLogger,
      metrics: new MetricsRegistry(this.clock),
      hostName: 'machine',
    },
  });

  static async start(): Promise<TwoDirs> {
    const dirs = new TwoDirs();
    await dirs.#broker.start();
    const { autoTopicCreation, replicaManager } = dirs.#broker.services;
    autoTopicCreation.createTopics(new Set([TP.topic]));
    for (let turn = 0; turn < 2000 && replicaManager.getPartition(TP)?.log === undefined; turn++) {
      await yieldToEventLoop();
      if (turn % 20 === 19) await dirs.clock.advance(1);
    }
    const log = replicaManager.getPartition(TP)?.log;
    for (let i = 0; i < 4; i++) {
      log?.appendAsLeader(batchOf(['x'.repeat(BATCH_BYTES)]), { leaderEpoch: 0, origin: 'client' });
    }
    return dirs;
  }

  /** @param brokerId `''`: all brokers */
  async set(brokerId: string, bytesPerSecond: string | null): Promise<void> {
    const operation = bytesPerSecond === null ? AlterOperation.DELETE : AlterOperation.SET;
    const resource = { type: ConfigResourceType.BROKER, name: brokerId };
    const change = { name: THROTTLE, operation, value: bytesPerSecond };
    await this.#broker.services.configs.admin.incrementalAlter(resource, [change], false);
  }

  /** Moves the replica to the other dir. @returns how many seconds that took */
  async move(): Promise<number> {
    const { alterLogDirs } = this.#broker.services.replicaManager;
    const target = this.#dir() === '/one' ? '/two' : '/one';
    assert.equal(alterLogDirs.alter(TP, target), 0);
    for (let waitedMs = 0; waitedMs < 100_000; waitedMs += STEP_MS) {
      await alterLogDirs.idle();
      if (this.#dir() === target) return waitedMs / 1000;
      await this.clock.advance(STEP_MS);
    }
    return Number.POSITIVE_INFINITY;
  }

  #dir(): string | undefined {
    return this.#broker.services.replicaManager.getPartition(TP)?.log?.parentDirectory;
  }

  close(): Promise<void> {
    return this.#broker.close();
  }
}

test(`${THROTTLE} holds when it is set for the broker, or for all, and no longer when it is taken back`, async () => {
  const dirs = await TwoDirs.start();
  try {
    assert.equal(await dirs.move(), 0, 'no limit by default');
    await dirs.set('7', '240000');
    const slow = await dirs.move();
    assert.ok(slow >= 9 && slow <= 11, `2.4 MB at 0.24 MB a second: ${slow} s`);
    await dirs.set('', '1200000');
    assert.ok((await dirs.move()) >= 9, "the broker's own value wins");
    await dirs.set('7', null);
    const fast = await dirs.move();
    assert.ok(fast >= 1.8 && fast <= 2.4, `at 1.2 MB a second: ${fast} s`);
    await dirs.set('', null);
    assert.equal(await dirs.move(), 0);
  } finally {
    await dirs.close();
  }
});
