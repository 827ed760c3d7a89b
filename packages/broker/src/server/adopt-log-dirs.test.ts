import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryFileSystem, silentLogger, type TopicPartition, type Uuid } from '@ottla/base';
import { RecordsBuilder } from '@ottla/records';
import type { PartitionDirectory } from '@ottla/storage';
import { type ConfigFixture, configFixture } from '../config/testing/config-fixture.ts';
import { type AdoptLogDirsOptions, adoptLogDirs, findUnknownTopics } from './adopt-log-dirs.ts';
import { adoptionTable } from './adoption-table.ts';

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
    assert.match(tableOf(options), /orders-0 .*different topic ids/);
  });
});

function batch(baseOffset: number): Buffer {
  const builder = new RecordsBuilder({ magic: 2, compressionType: 'none', timestampType: 'CreateTime', baseOffset });
  builder.append({ timestamp: 1, key: Buffer.from('k'), value: Buffer.from('v') });
  return builder.build();
}

/** With indexes, which are empty. */
function writeSegment(fileSystem: MemoryFileSystem, path: string, bytes: Buffer): void {
  for (const suffix of ['log', 'index', 'timeindex']) {
    const file = fileSystem.openSync(`${path}.${suffix}`, 'create');
    if (suffix === 'log') file.writeSync(bytes, 0);
    file.closeSync();
  }
}

const FIRST = '00000000000000000000';
const SECOND = '00000000000000000003';

function tableOf({ fileSystem, logger, directories }: AdoptLogDirsOptions): string {
  const unknown = findUnknownTopics(directories, new Set());
  return adoptionTable(unknown, { fileSystem, logger, logDirs: ['/logs'] });
}

test('a topic that was compacted stays so: the cleaner left a checkpoint, or gaps between offsets', async () => {
  const names = ['checkpointed', 'gaps', 'stale', 'plain', 'torn'];
  const directories = names.map((name) => directory(partition(name, 0)));
  await withOptions(directories, async (options, { zkClient }, fileSystem) => {
    const whole = Buffer.concat([batch(0), batch(1), batch(2)]);
    writeSegment(fileSystem, `/logs/checkpointed-0/${FIRST}`, whole);
    writeSegment(fileSystem, `/logs/gaps-0/${FIRST}`, Buffer.concat([batch(0), batch(2)]));
    writeSegment(fileSystem, `/logs/stale-0/${SECOND}`, batch(3));
    writeSegment(fileSystem, `/logs/plain-0/${FIRST}`, whole);
    // A segment that lost its end is no evidence.
    writeSegment(fileSystem, `/logs/torn-0/${FIRST}`, whole.subarray(0, -10));
    writeSegment(fileSystem, `/logs/torn-0/${SECOND}`, batch(3));
    const checkpoint = fileSystem.openSync('/logs/cleaner-offset-checkpoint', 'create');
    checkpoint.writeSync(Buffer.from('0\n2\ncheckpointed 0 2\nstale 0 3\n'), 0);
    checkpoint.closeSync();
    await adoptLogDirs(options);
    const policies = await Promise.all(
      names.map(async (name) => (await zkClient.getEntityConfigs('topics', name)).get('cleanup.policy')),
    );
    assert.deepEqual(policies, ['compact', 'compact', undefined, undefined, undefined]);
  });
});

test('what would be adopted is a table of partitions with their damage, and nothing is written', async () => {
  const directories = [
    directory(partition('orders', 2), ID),
    directory(partition('bare', 0)),
    directory(partition('gaps', 0)),
  ];
  await withOptions(directories, async (options, { zkClient }, fileSystem) => {
    const whole = Buffer.concat([batch(0), batch(1), batch(2)]);
    writeSegment(fileSystem, `/logs/orders-2/${FIRST}`, whole);
    writeSegment(fileSystem, `/logs/orders-2/${SECOND}`, Buffer.concat([batch(3), batch(4).subarray(0, -1)]));
    fileSystem.removeFileSync(`/logs/orders-2/${SECOND}.index`);
    writeSegment(fileSystem, `/logs/gaps-0/${FIRST}`, Buffer.concat([batch(0), batch(2)]));
    const damaged = fileSystem.openSync('/logs/recovery-point-offset-checkpoint', 'create');
    damaged.writeSync(Buffer.from('nonsense'), 0);
    damaged.closeSync();
    const before = filesOf(fileSystem);
    const size = batch(0).length;
    assert.deepEqual(tableOf(options).split('\n'), [
      'PARTITION  TOPIC ID                CLEANUP  FORMAT  OFFSETS  SEGMENTS  BYTES  REMARK',
      'bare-0     a new one               delete           [0, 0)   0         0      holds no segment',
      `gaps-0     a new one               compact  2       [0, 3)   1         ${2 * size}`,
      'orders-0   zHg53uw7RMC4hcbDG1s3Vw  delete                                     is not there and will be empty',
      'orders-1   zHg53uw7RMC4hcbDG1s3Vw  delete                                     is not there and will be empty',
      `orders-2   zHg53uw7RMC4hcbDG1s3Vw  delete   2       [0, 4)   2         ${5 * size - 1}    ${SECOND}.log: ${size - 1} bytes from byte ${size} on, offset 4: the last batch is not whole; indexes to build anew: 1`,
      '',
      `5 partitions of 3 topics, ${7 * size - 1} bytes, 1 damaged`,
      '/logs: of no broker, not stopped cleanly: the first damage above its recovery point ends a log',
      '/logs: malformed checkpoint /logs/recovery-point-offset-checkpoint: version "nonsense", expected 0',
      '',
    ]);
    assert.deepEqual(filesOf(fileSystem), before);
    assert.deepEqual(await zkClient.getAllTopicsInCluster(), []);
    assert.match(tableOf({ ...options, directories: [] }), /nothing to adopt/);
  });
});

/** Paths and sizes. */
function filesOf(fileSystem: MemoryFileSystem, path = '/logs'): string[] {
  return fileSystem.readDirectorySync(path).flatMap((name) => {
    const child = `${path}/${name}`;
    const stat = fileSystem.statSync(child);
    return stat?.isDirectory === true ? filesOf(fileSystem, child) : [`${child} ${stat?.sizeInBytes}`];
  });
}
