import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryFileSystem, silentLogger, type TopicPartition, type Uuid } from '@ottla/base';
import type { PartitionDirectory } from '@ottla/storage';
import { type ConfigFixture, configFixture } from '../config/testing/config-fixture.ts';
import { type AdoptLogDirsOptions, adoptLogDirs, findUnknownTopics, formatUnknownTopics } from './adopt-log-dirs.ts';

const ID = 'zHg53uw7RMC4hcbDG1s3Vw';
const OTHER_ID = 'AHg53uw7RMC4hcbDG1s3Vw';

function directory(
  tp: TopicPartition,
  topicId?: Uuid,
  state: PartitionDirectory['state'] = 'current',
): PartitionDirectory {
  const name = `/logs/${tp.topic}-${tp.partition}`;
  return { tp, topicId, logDirectory: '/logs', directory: name, state };
}

function partition(topic: string, number: number): TopicPartition {
  return { topic, partition: number };
}

async function withOptions(
  directories: PartitionDirectory[],
  run: (options: AdoptLogDirsOptions, fixture: ConfigFixture, fileSystem: MemoryFileSystem) => Promise<void>,
  properties: Record<string, string> = {},
): Promise<void> {
  const fixture = await configFixture(properties);
  const { zkClient, config } = fixture;
  const fileSystem = new MemoryFileSystem({ clock: fixture.clock });
  for (const each of directories) fileSystem.makeDirectorySync(each.directory);
  try {
    await run({ zkClient, fileSystem, logger: silentLogger, config, brokerId: 7, directories }, fixture, fileSystem);
  } finally {
    await fixture.close();
  }
}

test('directories become a topic with their id and every partition up to the highest', async () => {
  const directories = [directory(partition('orders', 2), ID), directory(partition('orders', 0), ID)];
  await withOptions(directories, async (options, { zkClient }, fileSystem) => {
    const epochs = fileSystem.openSync('/logs/orders-2/leader-epoch-checkpoint', 'create');
    epochs.writeSync(Buffer.from('0\n2\n0 0\n5 90\n'), 0);
    epochs.closeSync();
    assert.deepEqual(
      (await adoptLogDirs(options)).map(({ topic }) => topic),
      ['orders'],
    );
    const [topic] = await zkClient.getReplicaAssignmentAndTopicIdForTopics(['orders']);
    assert.equal(topic?.topicId, ID);
    assert.deepEqual(
      [...(topic?.assignment ?? [])].map(([number, { replicas }]) => [number, replicas]),
      [
        [0, [7]],
        [1, [7]],
        [2, [7]],
      ],
    );
    const states = await Promise.all(
      [0, 1, 2].map((number) => zkClient.getTopicPartitionState(partition('orders', number))),
    );
    assert.deepEqual(
      states.map((state) => state?.leaderAndIsr.leaderEpoch),
      [0, undefined, 6],
    );
    assert.deepEqual(states[2]?.leaderAndIsr.isr, [7]);
  });
});

test('an adopted topic keeps its records until somebody sets its retention', async () => {
  await withOptions([directory(partition('orders', 0))], async (options, { zkClient }) => {
    await adoptLogDirs(options);
    assert.deepEqual(await zkClient.getEntityConfigs('topics', 'orders'), new Map([['retention.ms', '-1']]));
  });
  const forEver = { 'log.retention.ms': '-1' };
  await withOptions(
    [directory(partition('orders', 0))],
    async (options, { zkClient }) => {
      await adoptLogDirs(options);
      assert.deepEqual(await zkClient.getEntityConfigs('topics', 'orders'), new Map());
    },
    forEver,
  );
});

test('internal topics are adopted with the settings Kafka gives them', async () => {
  await withOptions([directory(partition('__consumer_offsets', 3), ID)], async (options, { zkClient }) => {
    await adoptLogDirs(options);
    assert.equal(await zkClient.getTopicPartitionCount('__consumer_offsets'), 4);
    assert.equal((await zkClient.getEntityConfigs('topics', '__consumer_offsets')).get('cleanup.policy'), 'compact');
  });
});

test('known topics, the tree, and directories that wait for deletion, are not adopted; doing it twice adopts nothing', async () => {
  const directories = [
    directory(partition('known', 0), ID),
    directory(partition('__ottla_tree', 0)),
    directory(partition('gone', 0), ID, 'delete'),
    directory(partition('new', 0), OTHER_ID),
  ];
  await withOptions(directories, async (options, { zkClient }) => {
    await zkClient.createTopicAssignment('known', ID, new Map([[0, [1]]]));
    assert.deepEqual(
      (await adoptLogDirs(options)).map(({ topic }) => topic),
      ['new'],
    );
    assert.deepEqual(await adoptLogDirs(options), []);
  });
});

test('partitions that disagree about the topic id are refused and left alone', async () => {
  const directories = [directory(partition('orders', 0), ID), directory(partition('orders', 1), OTHER_ID)];
  await withOptions(directories, async (options, { zkClient }) => {
    assert.deepEqual(await adoptLogDirs(options), []);
    assert.equal(await zkClient.topicExists('orders'), false);
    assert.match(
      formatUnknownTopics(findUnknownTopics(options.directories, new Set())),
      /orders .*different topic ids/,
    );
  });
});

test('what would be adopted is a table, and nothing is written', async () => {
  const directories = [directory(partition('orders', 2), ID), directory(partition('bare', 0))];
  await withOptions(directories, async (options, { zkClient }) => {
    assert.equal(
      formatUnknownTopics(findUnknownTopics(options.directories, new Set())),
      [
        'TOPIC   TOPIC ID                PARTITIONS  REMARK',
        'bare    a new one               1',
        'orders  zHg53uw7RMC4hcbDG1s3Vw  3           without 0, 1, which will be empty',
        '',
      ].join('\n'),
    );
    assert.deepEqual(await zkClient.getAllTopicsInCluster(), []);
    assert.match(formatUnknownTopics([]), /nothing to adopt/);
  });
});
