import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  Errors,
  FakeClock,
  type File,
  KafkaError,
  MemoryFileSystem,
  StorageError,
  topicPartitionKey,
} from '@ottla/base';
import type { Log } from './log.ts';
import type { LogManager } from './log-manager.ts';
import { InconsistentMetaPropertiesError } from './meta-properties.ts';
import { appendValues, filesOf, logConfig, NOW_MS, newManager, readValues } from './testing.ts';

const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAg';
const OTHER_TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAw';

function open(manager: LogManager, partition: number, settings: Record<string, string> = {}): Log {
  return manager.getOrCreateLog(
    { topic: 'orders', partition },
    { topicId: TOPIC_ID, isNew: true, config: logConfig(settings) },
  );
}

async function started(options: Parameters<typeof newManager>[0] = {}): Promise<LogManager> {
  const manager = newManager(options);
  await manager.start();
  return manager;
}

function isStorageError(error: unknown): boolean {
  return error instanceof KafkaError && error.code === Errors.KAFKA_STORAGE_ERROR;
}

describe('starting and stopping', () => {
  test('what was written is there again, with its offsets, after a clean stop', async () => {
    const fileSystem = new MemoryFileSystem();
    const first = await started({ fileSystem });
    first.writeMetaProperties({ brokerId: 1, clusterId: 'cluster=one' });
    const log = open(first, 3);
    appendValues(log, ['a', 'b', 'c']);
    log.updateHighWatermark(3);
    log.maybeIncrementLogStartOffset(1);
    await first.close();
    await first.close();
    assert.equal(fileSystem.readFileSync('/logs/.kafka_cleanshutdown').toString(), '{"version":0,"brokerEpoch":-1}');
    const second = await started({ fileSystem: fileSystem.restart() });
    assert.deepEqual(second.partitionDirectories(), [
      {
        tp: { topic: 'orders', partition: 3 },
        topicId: TOPIC_ID,
        logDirectory: '/logs',
        directory: '/logs/orders-3',
        state: 'current',
      },
    ]);
    assert.equal(second.getLog({ topic: 'orders', partition: 3 }), undefined);
    const again = open(second, 3);
    assert.deepEqual(readValues(again), ['b', 'c']);
    assert.deepEqual([again.logStartOffset, again.highWatermark, again.recoveryPoint], [1, 3, 3]);
    assert.deepEqual(second.readMetaProperties(), { brokerId: 1, clusterId: 'cluster=one', others: new Map() });
    assert.deepEqual(second.partitionDirectories(), []);
  });

  test('checkpoints of partitions nobody opened are kept', async () => {
    const fileSystem = new MemoryFileSystem();
    const first = await started({ fileSystem });
    appendValues(open(first, 0), ['a']);
    appendValues(open(first, 1), ['b']);
    await first.close();
    const second = await started({ fileSystem });
    open(second, 1);
    await second.checkpointLogRecoveryOffsets();
    await second.close();
    const text = fileSystem.readFileSync('/logs/recovery-point-offset-checkpoint').toString();
    assert.equal(text, '0\n2\norders 0 1\norders 1 1\n');
    assert.ok(fileSystem.statSync('/logs/.kafka_cleanshutdown') !== undefined);
  });

  test('no clean marker while something of an unclean stop was not scanned', async () => {
    const fileSystem = new MemoryFileSystem();
    appendValues(open(await started({ fileSystem }), 0), ['a']);
    const next = fileSystem.restart();
    const second = await started({ fileSystem: next });
    open(second, 1);
    await second.close();
    assert.equal(next.statSync('/logs/.kafka_cleanshutdown'), undefined);
    const third = await started({ fileSystem: next });
    await third.loadAll();
    await third.close();
    assert.ok(next.statSync('/logs/.kafka_cleanshutdown') !== undefined);
  });

  test('no clean marker when a log did not close', async () => {
    const fileSystem = new MemoryFileSystem();
    const manager = await started({ fileSystem });
    appendValues(open(manager, 0), ['a']);
    fileSystem.failSyncOf = (path) => path.endsWith('.log');
    await manager.close();
    assert.equal(fileSystem.statSync('/logs/.kafka_cleanshutdown'), undefined);
    assert.deepEqual(manager.offlineLogDirs, ['/logs']);
  });

  test('a stop syncs only logs that changed', async () => {
    const fileSystem = new MemoryFileSystem();
    const first = await started({ fileSystem });
    for (const partition of [0, 1]) appendValues(open(first, partition), ['a']);
    open(first, 2);
    await first.close();
    const second = await started({ fileSystem });
    for (const partition of [0, 1, 2]) open(second, partition);
    appendValues(open(second, 1), ['b']);
    // The first epoch of a partition is not synced when it is noted.
    open(second, 2).leaderEpochCache.assign(5, 0);
    const synced = new Set<string>();
    fileSystem.failSyncOf = (path) => {
      if (path.startsWith('/logs/orders-')) synced.add(path.split('/')[2] ?? '');
      return false;
    };
    await second.close();
    assert.deepEqual([...synced].sort(), ['orders-1', 'orders-2']);
  });

  test('a dir that another process uses stops the start', async () => {
    const fileSystem = new MemoryFileSystem();
    await started({ fileSystem, logDirs: ['/a'] });
    const second = newManager({ fileSystem, logDirs: ['/b', '/a'] });
    await assert.rejects(second.start(), (error) => error instanceof StorageError && error.code === 'ELOCKED');
    // The one it had locked is free again.
    await started({ fileSystem, logDirs: ['/b'] });
  });

  test('dirs of different brokers are refused', async () => {
    const fileSystem = new MemoryFileSystem();
    for (const [path, brokerId] of [
      ['/a', 1],
      ['/b', 2],
    ] as const) {
      newManager({ fileSystem, logDirs: [path] }).writeMetaProperties({ brokerId, clusterId: 'c' });
    }
    assert.throws(
      () => newManager({ fileSystem, logDirs: ['/a', '/b'] }).readMetaProperties(),
      InconsistentMetaPropertiesError,
    );
  });

  test('a crash at any step of a stop, a start or a deletion loses nothing', async () => {
    const work = async (fileSystem: MemoryFileSystem): Promise<void> => {
      const clock = new FakeClock(NOW_MS);
      const first = await started({ fileSystem, clock });
      await first.checkpointLogStartOffsets();
      await first.close();
      const second = await started({ fileSystem, clock });
      await second.loadAll();
      second.asyncDelete({ topic: 'orders', partition: 1 });
      await clock.advance(60_000);
      await second.checkpointLogRecoveryOffsets();
      await second.close();
    };
    const prepare = async (): Promise<MemoryFileSystem> => {
      const fileSystem = new MemoryFileSystem();
      const manager = await started({ fileSystem });
      for (const partition of [0, 1]) {
        const log = open(manager, partition);
        appendValues(log, ['a', 'b'], { producerId: 7, producerEpoch: 0, baseSequence: 0 });
        log.roll();
        appendValues(log, ['c'], { producerId: 7, producerEpoch: 0, baseSequence: 2 });
        log.updateHighWatermark(3);
        log.maybeIncrementLogStartOffset(1);
        await log.flush();
      }
      await manager.close();
      return fileSystem.restart();
    };
    const whole = await prepare();
    await work(whole);
    const steps = whole.stepCount;
    assert.ok(steps > 50, `${steps} steps`);
    for (const ending of ['restart', 'losePower'] as const) {
      for (let step = 0; step < steps; step++) {
        const fileSystem = await prepare();
        fileSystem.stopAfterSteps(step);
        await work(fileSystem).catch((error: unknown) => {
          assert.ok(error instanceof KafkaError || error instanceof StorageError, String(error));
        });
        const manager = await started({ fileSystem: fileSystem[ending]() });
        const log = open(manager, 0);
        assert.deepEqual(readValues(log), ['b', 'c'], `${ending} after ${step}`);
        assert.equal(log.topicId, TOPIC_ID);
        assert.equal(log.producerStateManager.lastEntry(7)?.lastSequence, 2, `${ending} after ${step}`);
        const [other] = manager.partitionDirectories().filter((found) => found.tp.partition === 1);
        if (other !== undefined) assert.deepEqual(readValues(open(manager, 1)), ['b', 'c'], `${ending} after ${step}`);
      }
    }
  });
});

/** Knows which files are open. */
class WatchedFileSystem extends MemoryFileSystem {
  readonly openPaths: string[] = [];

  override openSync(path: string, mode: 'read' | 'read-write' | 'create'): File {
    const file = super.openSync(path, mode);
    const close = file.closeSync.bind(file);
    this.openPaths.push(path);
    let isOpen = true;
    file.closeSync = () => {
      if (isOpen) this.openPaths.splice(this.openPaths.indexOf(path), 1);
      isOpen = false;
      close();
    };
    return file;
  }
}

describe('an idle partition', () => {
  test('holds no open file, also after retention has asked for its age', async () => {
    const fileSystem = new WatchedFileSystem();
    const first = await started({ fileSystem });
    const log = open(first, 0, { 'segment.bytes': '1000', 'index.interval.bytes': '100' });
    for (let i = 0; i < 40; i++) appendValues(log, [`${i}`]);
    log.updateHighWatermark(40);
    await first.close();
    assert.deepEqual(fileSystem.openPaths, []);
    const second = newManager({ fileSystem });
    await second.start();
    const again = open(second, 0, { 'segment.bytes': '1000', 'index.interval.bytes': '100' });
    assert.ok(again.numberOfSegments >= 3);
    assert.deepEqual(fileSystem.openPaths, []);
    assert.equal(await second.cleanupLogs(), 0);
    assert.deepEqual(fileSystem.openPaths, []);
    assert.equal(readValues(again).length, 40);
    appendValues(again, ['one more']);
    assert.notDeepEqual(fileSystem.openPaths, []);
    await second.close();
    assert.deepEqual(fileSystem.openPaths, []);
  });
});

describe('placing and deleting', () => {
  test('a new partition goes to the dir with the fewest', async () => {
    const manager = await started({ logDirs: ['/a', '/b'] });
    for (let partition = 0; partition < 4; partition++) open(manager, partition);
    const directories = [...manager.allLogs()].map((log) => log.parentDirectory);
    assert.deepEqual(directories, ['/a', '/b', '/a', '/b']);
  });

  test('a deleted partition is gone at once, from disk after file.delete.delay.ms, and may come again', async () => {
    const clock = new FakeClock(NOW_MS);
    const fileSystem = new MemoryFileSystem();
    const manager = await started({ fileSystem, clock });
    const tp = { topic: 'orders', partition: 0 };
    appendValues(open(manager, 0), ['a']);
    manager.asyncDelete(tp);
    assert.equal(manager.getLog(tp), undefined);
    const [renamed = ''] = fileSystem.readDirectorySync('/logs').filter((name) => name.endsWith('-delete'));
    assert.match(renamed, /^orders-0\.[0-9a-f]{32}-delete$/);
    assert.equal(open(manager, 0).logEndOffset, 0);
    await clock.advance(59_999);
    assert.ok(fileSystem.statSync(`/logs/${renamed}`) !== undefined);
    await clock.advance(1);
    assert.equal(fileSystem.statSync(`/logs/${renamed}`), undefined);
    manager.asyncDelete({ topic: 'absent', partition: 0 });
  });

  test('a deletion that a stop interrupted goes on after the next start', async () => {
    const fileSystem = new MemoryFileSystem();
    const first = await started({ fileSystem });
    open(first, 0);
    open(first, 1);
    first.asyncDelete({ topic: 'orders', partition: 0 });
    await first.close();
    const clock = new FakeClock(NOW_MS);
    const next = fileSystem.restart();
    const second = await started({ fileSystem: next, clock });
    // One nobody opened is deleted as well.
    second.asyncDelete({ topic: 'orders', partition: 1 });
    await clock.advance(60_000);
    assert.deepEqual(
      next.readDirectorySync('/logs').filter((name) => name.startsWith('orders')),
      [],
    );
  });

  test('a directory that was left alone may be removed by hand, and a topic of its name begins anew', async () => {
    const fileSystem = new MemoryFileSystem();
    const first = await started({ fileSystem });
    const log = open(first, 0);
    appendValues(log, ['a', 'b', 'c']);
    log.updateHighWatermark(3);
    log.maybeIncrementLogStartOffset(2);
    await first.close();
    const disk = fileSystem.restart();
    const second = await started({ fileSystem: disk });
    disk.removeDirectorySync('/logs/orders-0');
    const anew = second.getOrCreateLog(
      { topic: 'orders', partition: 0 },
      { topicId: OTHER_TOPIC_ID, isNew: true, config: logConfig({}) },
    );
    assert.deepEqual([anew.logStartOffset, anew.logEndOffset, anew.topicId], [0, 0, OTHER_TOPIC_ID]);
    assert.deepEqual(second.offlineLogDirs, []);
    appendValues(anew, ['d']);
    await second.close();
  });

  test('a partition of another topic id is refused', async () => {
    const manager = await started();
    open(manager, 0);
    assert.throws(
      () =>
        manager.getOrCreateLog(
          { topic: 'orders', partition: 0 },
          { topicId: 'AAAAAAAAAAAAAAAAAAAAAw', isNew: false, config: logConfig() },
        ),
      (error) => error instanceof KafkaError && error.code === Errors.INCONSISTENT_TOPIC_ID,
    );
  });

  test('hostile topic names stay in their place', async () => {
    const manager = await started();
    for (const topic of ['__proto__', 'a-b', 'a.b-delete', '-']) {
      const tp = { topic, partition: 0 };
      const log = manager.getOrCreateLog(tp, { topicId: undefined, isNew: true, config: logConfig() });
      assert.equal(manager.getLog(tp), log);
      assert.equal(log.directory, `/logs/${topicPartitionKey(tp)}`);
    }
  });
});

describe('periodic work', () => {
  test('retention, checkpoints and producers run on their clocks', async () => {
    const clock = new FakeClock(NOW_MS);
    const fileSystem = new MemoryFileSystem({ clock });
    const manager = await started({ fileSystem, clock });
    const log = open(manager, 0, { 'retention.ms': '1000', 'segment.bytes': '100' });
    appendValues(log, ['a'], { producerId: 7, producerEpoch: 0, baseSequence: 0 });
    appendValues(log, ['b']);
    log.updateHighWatermark(2);
    await log.flush();
    await clock.advance(30_000);
    for (let i = 0; i < 20; i++) await clock.advance(0);
    assert.equal(log.logStartOffset, 2, 'retention ran after log.initial.task.delay.ms');
    assert.match(fileSystem.readFileSync('/logs/recovery-point-offset-checkpoint').toString(), /orders 0 2/);
    await clock.advance(86_400_000);
    assert.equal(log.producerStateManager.producerCount, 0);
    await manager.close();
    assert.equal(clock.pendingCount, 0);
  });

  test('a truncation lowers the recovery point on disk soon', async () => {
    const fileSystem = new MemoryFileSystem();
    const clock = new FakeClock(NOW_MS);
    const manager = await started({ fileSystem, clock });
    const log = open(manager, 0);
    appendValues(log, ['a']);
    appendValues(log, ['b']);
    await log.flush();
    await manager.checkpointLogRecoveryOffsets();
    const text = (): string => fileSystem.readFileSync('/logs/recovery-point-offset-checkpoint').toString();
    assert.match(text(), /orders 0 2\n/);
    log.truncateTo(1);
    for (let i = 0; i < 5; i++) await clock.advance(0);
    assert.match(text(), /orders 0 1\n/);
    await manager.close();
  });

  test('flush.ms counts when log.flush.scheduler.interval.ms is set', async () => {
    const clock = new FakeClock(NOW_MS);
    const manager = await started({ clock, settings: { flushSchedulerIntervalMs: 100 } });
    const log = open(manager, 0, { 'flush.ms': '500' });
    appendValues(log, ['a']);
    await clock.advance(400);
    assert.equal(log.recoveryPoint, 0);
    await clock.advance(200);
    assert.equal(log.recoveryPoint, 1);
  });

  test("a topic's new settings hold for its open logs", async () => {
    const manager = await started();
    const log = open(manager, 0);
    manager.updateTopicConfig('orders', logConfig({ 'max.message.bytes': '10' }));
    assert.throws(() => appendValues(log, ['a']), /exceeds the maximum/);
  });
});

describe('a dir that fails', () => {
  async function two(): Promise<{
    manager: LogManager;
    fileSystem: MemoryFileSystem;
    a: Log;
    b: Log;
    failed: string[];
  }> {
    const fileSystem = new MemoryFileSystem();
    const manager = await started({ fileSystem, logDirs: ['/a', '/b'] });
    const failed: string[] = [];
    manager.onLogDirFailure((directory) => failed.push(directory));
    const [a, b] = [open(manager, 0), open(manager, 1)];
    return { manager, fileSystem, a, b, failed };
  }

  test('goes offline with its logs; the others work on', async () => {
    const { manager, fileSystem, a, b, failed } = await two();
    fileSystem.failAllOf = (path) => path.startsWith('/a');
    assert.throws(() => appendValues(a, ['x']), isStorageError);
    assert.deepEqual(failed, ['/a']);
    assert.deepEqual(manager.liveLogDirs, ['/b']);
    assert.deepEqual([...manager.allLogs()], [b]);
    assert.equal(manager.getLog(a.topicPartition), a);
    assert.throws(
      () => a.read({ startOffset: 0, maxBytes: 1, isolation: 'logEnd', minOneMessage: true }),
      isStorageError,
    );
    assert.equal(appendValues(b, ['y']), 0);
    assert.throws(() => open(manager, 0), isStorageError);
    // An unknown old partition may be in the dir that is away; a new one may not.
    const tp = { topic: 'orders', partition: 9 };
    assert.throws(
      () => manager.getOrCreateLog(tp, { topicId: undefined, isNew: false, config: logConfig() }),
      isStorageError,
    );
    assert.equal(open(manager, 9).parentDirectory, '/b');
    await manager.close();
    fileSystem.failAllOf = () => false;
    assert.ok(fileSystem.statSync('/b/.kafka_cleanshutdown') !== undefined);
    assert.equal(fileSystem.statSync('/a/.kafka_cleanshutdown'), undefined);
  });

  test('keeps its checkpoints when it fails while its logs are closed', async () => {
    const fileSystem = new MemoryFileSystem();
    const manager = await started({ fileSystem });
    const log = open(manager, 0);
    appendValues(log, ['a', 'b']);
    await log.flush();
    log.updateHighWatermark(2);
    await manager.checkpointLogRecoveryOffsets();
    await manager.checkpointHighWatermarks();
    appendValues(log, ['c']);
    fileSystem.failSyncOf = (path) => path.endsWith('.log');
    await manager.close();
    assert.deepEqual(manager.offlineLogDirs, ['/logs']);
    for (const name of ['recovery-point-offset-checkpoint', 'replication-offset-checkpoint']) {
      assert.equal(fileSystem.readFileSync(`/logs/${name}`).toString(), '0\n1\norders 0 2\n', name);
    }
    assert.equal(fileSystem.statSync('/logs/.kafka_cleanshutdown'), undefined);
  });

  test('a checkpoint that cannot be written takes its dir offline', async () => {
    const { manager, fileSystem, failed } = await two();
    fileSystem.failSyncOf = (path) => path.startsWith('/a/recovery-point');
    await manager.checkpointLogRecoveryOffsets();
    assert.deepEqual(failed, ['/a']);
  });

  test('a dir that fails while a partition is created is passed over', async () => {
    const { manager, fileSystem, failed } = await two();
    fileSystem.failAllOf = (path) => path.startsWith('/a');
    assert.equal(open(manager, 2).parentDirectory, '/b');
    assert.deepEqual(failed, ['/a']);
  });

  test('a dir that cannot be used at the start is offline; with none left the start fails', async () => {
    const fileSystem = new MemoryFileSystem();
    fileSystem.failAllOf = (path) => path.startsWith('/a');
    const manager = await started({ fileSystem, logDirs: ['/a', '/b'] });
    assert.deepEqual([manager.liveLogDirs, manager.offlineLogDirs], [['/b'], ['/a']]);
    await assert.rejects(newManager({ fileSystem, logDirs: ['/a'] }).start(), StorageError);
  });

  test('a checkpoint that makes no sense is as good as none, as in Kafka', async () => {
    const fileSystem = new MemoryFileSystem();
    const first = await started({ fileSystem });
    appendValues(open(first, 0), ['a']);
    await first.close();
    fileSystem.openSync('/logs/recovery-point-offset-checkpoint', 'read-write').writeSync(Buffer.from('nonsense'), 0);
    const second = await started({ fileSystem: fileSystem.restart() });
    assert.deepEqual(second.liveLogDirs, ['/logs']);
    assert.deepEqual(readValues(open(second, 0)), ['a']);
  });
});

test('the same partition in two dirs is refused', async () => {
  const fileSystem = new MemoryFileSystem();
  for (const path of ['/a', '/b']) fileSystem.makeDirectorySync(`${path}/orders-0`);
  const manager = await started({ fileSystem, logDirs: ['/a', '/b'] });
  assert.deepEqual(manager.offlineLogDirs, ['/b']);
  assert.equal(open(manager, 0).parentDirectory, '/a');
  assert.ok(filesOf(fileSystem, '/a').size > 0);
});
