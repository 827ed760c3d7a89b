import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MemoryFileSystem, SeededRandom } from '@ottla/base';
import { CheckpointFormatError } from './checkpoint-file.ts';
import { parseLogConfig } from './log-config.ts';
import { parseLogDirectoryName, uniqueDirectoryName } from './log-file-names.ts';
import { MetaPropertiesFile } from './meta-properties.ts';
import { OffsetCheckpointFile } from './offset-checkpoint-file.ts';
import { PartitionMetadataFile } from './partition-metadata-file.ts';
import { CorruptSnapshotError, decodeProducerSnapshot, encodeProducerSnapshot } from './producer-snapshot.ts';
import { ProducerStateEntry } from './producer-state-entry.ts';

function fileSystemWith(path: string, text: string): MemoryFileSystem {
  const fileSystem = new MemoryFileSystem();
  fileSystem.openSync(path, 'create').writeSync(Buffer.from(text), 0);
  return fileSystem;
}

describe('OffsetCheckpointFile', () => {
  test('is written whole or not at all, whatever step the process stops at', async () => {
    for (let step = 0; ; step++) {
      const fileSystem = new MemoryFileSystem();
      const file = new OffsetCheckpointFile(fileSystem, '/c');
      await file.write([{ tp: { topic: 'a', partition: 0 }, offset: 1 }]);
      fileSystem.stopAfterSteps(step, { tearsWrite: true });
      let isWritten = true;
      await file
        .write([
          { tp: { topic: 'a', partition: 0 }, offset: 2 },
          { tp: { topic: 'b', partition: 7 }, offset: 3 },
        ])
        .catch(() => {
          isWritten = false;
        });
      const text = (fileSystem.isStopped ? fileSystem.losePower() : fileSystem).readFileSync('/c').toString();
      const [old, next] = ['0\n1\na 0 1\n', '0\n2\na 0 2\nb 7 3\n'];
      assert.ok(isWritten ? text === next : text === old || text === next, `step ${step}: ${JSON.stringify(text)}`);
      if (isWritten) return;
    }
  });

  test('writes asked for at once are served in order', async () => {
    const fileSystem = new MemoryFileSystem();
    const file = new OffsetCheckpointFile(fileSystem, '/c');
    const offsets = [1, 2, 3].map((offset) => file.write([{ tp: { topic: 'a', partition: 0 }, offset }]));
    await Promise.all(offsets);
    assert.equal(file.read().get('a-0')?.offset, 3);
  });

  test('a write that would change nothing leaves the file alone', async () => {
    const fileSystem = new MemoryFileSystem();
    const file = new OffsetCheckpointFile(fileSystem, '/c');
    const offsets = [{ tp: { topic: 'orders', partition: 3 }, offset: 290 }];
    await file.write(offsets);
    fileSystem.removeFileSync('/c');
    await file.write(offsets);
    assert.equal(fileSystem.statSync('/c'), undefined);
    await file.write([{ tp: { topic: 'orders', partition: 3 }, offset: 291 }]);
    assert.equal(fileSystem.readFileSync('/c').toString(), '0\n1\norders 3 291\n');
  });

  test('an empty file holds no entries: Kafka creates cleaner-offset-checkpoint like that', () => {
    assert.deepEqual([...new OffsetCheckpointFile(fileSystemWith('/c', ''), '/c').read()], []);
  });

  for (const text of [
    '\n',
    '1\n0\n',
    '0\nx\n',
    '0\n2\na 0 1\n',
    '0\n1\na 0\n',
    '0\n1\na 0 x\n',
    '0\n1\na 0 1 2\n',
    '0\n1\na 1.5 1\n',
  ]) {
    test(`${JSON.stringify(text)} is refused`, () => {
      assert.throws(() => new OffsetCheckpointFile(fileSystemWith('/c', text), '/c').read(), CheckpointFormatError);
    });
  }

  test('a file that is not there holds nothing', () => {
    assert.equal(new OffsetCheckpointFile(new MemoryFileSystem(), '/c').read().size, 0);
  });
});

test('partition.metadata is read as Kafka writes it, and nonsense refused', () => {
  const read = (text: string) => new PartitionMetadataFile(fileSystemWith('/p', text), '/p').read();
  assert.equal(read('version: 0\ntopic_id: zHg53uw7RMC4hcbDG1s3Vw'), 'zHg53uw7RMC4hcbDG1s3Vw');
  assert.equal(read(''), undefined);
  for (const text of [
    'version: 1\ntopic_id: zHg53uw7RMC4hcbDG1s3Vw',
    'version: 0\ntopic_id: short',
    'version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA',
  ]) {
    assert.throws(() => read(text), CheckpointFormatError);
  }
});

test('meta.properties is written as Java writes it', () => {
  const fileSystem = new MemoryFileSystem();
  fileSystem.makeDirectorySync('/logs');
  const file = new MetaPropertiesFile(fileSystem, '/logs');
  const others = new Map([['directory.id', 'a=b']]);
  file.write({ brokerId: 1, clusterId: '_5TMM3fyT_-H15po_NPj4Q', others }, new Date(Date.UTC(2026, 10, 20, 23, 1, 17)));
  assert.equal(
    fileSystem.readFileSync('/logs/meta.properties').toString(),
    '#\n#Fri Nov 20 23:01:17 UTC 2026\nbroker.id=1\nversion=0\ncluster.id=_5TMM3fyT_-H15po_NPj4Q\ndirectory.id=a\\=b\n',
  );
  assert.deepEqual(file.read(), { brokerId: 1, clusterId: '_5TMM3fyT_-H15po_NPj4Q', others });
});

for (const [name, expected] of [
  ['orders-3', 'orders 3 current'],
  ['a-b-0', 'a-b 0 current'],
  ['a.b-1.0123456789abcdef0123456789abcdef-delete', 'a.b 1 delete'],
  ['a-1.0123456789abcdef0123456789abcdef-future', 'a 1 future'],
  ['a-1.0123456789abcdef0123456789abcdef-stray', 'a 1 stray'],
  ['orders', undefined],
  ['-3', undefined],
  ['orders-', undefined],
  ['orders-x', undefined],
  ['orders-99999999999', undefined],
  ['orders-3-delete', undefined],
] as const) {
  test(`a directory called ${name} is ${expected ?? 'no partition'}`, () => {
    const found = parseLogDirectoryName(name);
    assert.equal(found && `${found.tp.topic} ${found.tp.partition} ${found.state}`, expected);
  });
}

test('names of directories to be deleted fit the file system', () => {
  const name = uniqueDirectoryName({ topic: 'x'.repeat(249), partition: 12345 }, 'delete', new SeededRandom(1));
  assert.equal(name.length, 255);
  assert.equal(parseLogDirectoryName(name)?.tp.partition, 12345);
});

test('a producer snapshot damaged in any byte is refused', () => {
  const entry = new ProducerStateEntry(7, {
    producerEpoch: 3,
    coordinatorEpoch: 2,
    lastTimestamp: 9,
    currentTxnFirstOffset: 40,
  });
  entry.batches.push({ lastSequence: 5, lastOffset: 44, offsetDelta: 4, timestamp: 9 });
  const bytes = encodeProducerSnapshot([entry, new ProducerStateEntry(8)]);
  assert.deepEqual(decodeProducerSnapshot(bytes, 's'), [entry, new ProducerStateEntry(8)]);
  for (let position = 0; position < bytes.length; position++) {
    const damaged = Buffer.from(bytes);
    damaged[position] = (damaged[position] ?? 0) ^ 0x10;
    assert.throws(() => decodeProducerSnapshot(damaged, 's'), CorruptSnapshotError, `byte ${position}`);
    assert.throws(() => decodeProducerSnapshot(bytes.subarray(0, position), 's'), CorruptSnapshotError);
  }
});

test('settings of a topic are those of Kafka 3.9', () => {
  const config = parseLogConfig(
    new Map([
      ['compression.type', 'zstd'],
      ['message.timestamp.difference.max.ms', '5'],
    ]),
  );
  assert.deepEqual(
    [
      config.segmentBytes,
      config.retentionMs,
      config.compressionType,
      config.compressionLevel,
      config.compact,
      config.delete,
    ],
    [1_073_741_824, 604_800_000, 'zstd', 3, false, true],
  );
  assert.deepEqual([config.messageTimestampBeforeMaxMs, config.messageTimestampAfterMaxMs], [5, 5]);
  for (const [name, value] of [
    ['segment.bytes', '13'],
    ['cleanup.policy', 'forget'],
    ['min.cleanable.dirty.ratio', '1.1'],
    ['leader.replication.throttled.replicas', '1-2'],
    ['message.format.version', '9.9'],
  ] as const) {
    assert.throws(() => parseLogConfig(new Map([[name, value]])), /Invalid value/, name);
  }
  for (const version of ['0.10.2', '2.8', '3.9-IV0', '3.9'])
    parseLogConfig(new Map([['message.format.version', version]]));
  assert.throws(
    () =>
      parseLogConfig(
        new Map([
          ['min.compaction.lag.ms', '10'],
          ['max.compaction.lag.ms', '5'],
        ]),
      ),
    /conflict/,
  );
});
