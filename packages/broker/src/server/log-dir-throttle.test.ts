// How fast a replica moves between the log dirs of a whole broker follows the setting in the tree.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Log } from '@ottla/storage';
import { batchOf } from '../replica/testing/batches.ts';
import { MEMORY_BROKER_ID, MemoryBroker } from './testing/memory-broker.ts';

const TP = { topic: 'orders', partition: 0 };
const THROTTLE = 'replica.alter.log.dirs.io.max.bytes.per.second';
const BATCH_BYTES = 600_000;
const STEP_MS = 50;

function logOf({ services }: MemoryBroker): Log | undefined {
  return services.replicaManager.getPartition(TP)?.log;
}

/** Moves the replica to the other dir. @returns how many seconds that took */
async function move(broker: MemoryBroker): Promise<number> {
  const { alterLogDirs } = broker.services.replicaManager;
  const target = logOf(broker)?.parentDirectory === '/one' ? '/two' : '/one';
  assert.equal(alterLogDirs.alter(TP, target), 0);
  for (let waitedMs = 0; waitedMs < 100_000; waitedMs += STEP_MS) {
    await alterLogDirs.idle();
    if (logOf(broker)?.parentDirectory === target) return waitedMs / 1000;
    await broker.clock.advance(STEP_MS);
  }
  return Number.POSITIVE_INFINITY;
}

test(`${THROTTLE} holds when it is set for the broker, or for all, and no longer when it is taken back`, async () => {
  const broker = await MemoryBroker.start({ 'log.dirs': '/one,/two' });
  try {
    const log = await broker.createTopic(TP);
    for (let i = 0; i < 4; i++) {
      log.appendAsLeader(batchOf(['x'.repeat(BATCH_BYTES)]), { leaderEpoch: 0, origin: 'client' });
    }
    assert.equal(await move(broker), 0, 'no limit by default');
    await broker.setBrokerConfig(MEMORY_BROKER_ID, THROTTLE, '240000');
    const slow = await move(broker);
    assert.ok(slow >= 9 && slow <= 11, `2.4 MB at 0.24 MB a second: ${slow} s`);
    await broker.setBrokerConfig('', THROTTLE, '1200000');
    assert.ok((await move(broker)) >= 9, "the broker's own value wins");
    await broker.setBrokerConfig(MEMORY_BROKER_ID, THROTTLE, null);
    const fast = await move(broker);
    assert.ok(fast >= 1.8 && fast <= 2.4, `at 1.2 MB a second: ${fast} s`);
    await broker.setBrokerConfig('', THROTTLE, null);
    assert.equal(await move(broker), 0);
  } finally {
    await broker.close();
  }
});
