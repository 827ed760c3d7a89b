import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryFileSystem, silentLogger, type TopicPartition, TopicPartitionMap } from '@ottla/base';
import { ANY_VERSION, type KafkaZkClient } from '@ottla/coordination';
import type { PartitionDirectory } from '@ottla/storage';
import { configFixture } from '../config/testing/config-fixture.ts';
import { raiseStaleLeaderEpochs } from './stale-leader-epochs.ts';

const IN_TREE = 4;

async function withPartition(
  options: { epochs: string; state?: PartitionDirectory['state'] },
  run: (raise: () => Promise<void>, zkClient: KafkaZkClient) => Promise<void>,
): Promise<void> {
  const fixture = await configFixture({});
  const { zkClient } = fixture;
  try {
    const fileSystem = new MemoryFileSystem({ clock: fixture.clock });
    fileSystem.makeDirectorySync('/logs/orders-0');
    const file = fileSystem.openSync('/logs/orders-0/leader-epoch-checkpoint', 'create');
    file.writeSync(Buffer.from(options.epochs), 0);
    file.closeSync();
    const { state = 'current' } = options;
    const tp: TopicPartition = { topic: 'orders', partition: 0 };
    const directories = [{ tp, topicId: undefined, logDirectory: '/logs', directory: '/logs/orders-0', state }];
    await run(() => raiseStaleLeaderEpochs({ zkClient, fileSystem, logger: silentLogger, directories }), zkClient);
  } finally {
    await fixture.close();
  }
}

async function createState(zkClient: KafkaZkClient): Promise<void> {
  await zkClient.createTopicAssignment('orders', undefined, new Map([[0, [7]]]));
  const leaderAndIsr = {
    leader: 7,
    leaderEpoch: IN_TREE,
    isr: [7],
    leaderRecoveryState: 0,
    partitionEpoch: 0,
  } as const;
  const states = new TopicPartitionMap([
    [
      { topic: 'orders', partition: 0 },
      { leaderAndIsr, controllerEpoch: 3 },
    ],
  ]);
  await zkClient.createTopicPartitionStatesRaw(states, ANY_VERSION);
}

async function epochOf(zkClient: KafkaZkClient): Promise<number | undefined> {
  return (await zkClient.getTopicPartitionState({ topic: 'orders', partition: 0 }))?.leaderAndIsr.leaderEpoch;
}

for (const [what, epochs, expected] of [
  ['goes on after a later one in the log', '0\n3\n0 0\n4 30\n9 70\n', 10],
  ['stays where the log has the same', '0\n2\n0 0\n4 30\n', IN_TREE],
  ['stays where the log has an earlier one', '0\n1\n0 0\n', IN_TREE],
  ['stays where the log has none', '0\n0\n', IN_TREE],
] as const) {
  test(`the leader epoch in the tree ${what}, however often it is asked`, async () => {
    await withPartition({ epochs }, async (raise, zkClient) => {
      await createState(zkClient);
      for (let i = 0; i < 2; i++) {
        await raise();
        assert.equal(await epochOf(zkClient), expected);
      }
      const state = await zkClient.getTopicPartitionState({ topic: 'orders', partition: 0 });
      assert.deepEqual([state?.leaderAndIsr.leader, state?.leaderAndIsr.isr, state?.controllerEpoch], [7, [7], 3]);
    });
  });
}

test('directories without a topic, and those that wait for deletion, raise nothing', async () => {
  const epochs = '0\n1\n9 0\n';
  await withPartition({ epochs }, async (raise, zkClient) => {
    await raise();
    assert.equal(await epochOf(zkClient), undefined);
  });
  await withPartition({ epochs, state: 'delete' }, async (raise, zkClient) => {
    await createState(zkClient);
    await raise();
    assert.equal(await epochOf(zkClient), IN_TREE);
  });
});
