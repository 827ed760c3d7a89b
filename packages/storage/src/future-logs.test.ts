// Replicas that move between log dirs: the copy, the swap, and what a crash leaves.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Errors, FakeClock, KafkaError, MemoryFileSystem, StorageError, yieldToEventLoop } from '@ottla/base';
import { copyToFutureLog } from './future-log-copy.ts';
import type { Log } from './log.ts';
import type { LogManager } from './log-manager.ts';
import { appendValues, batchOf, logConfig, NOW_MS, newManager, readValues, TP } from './testing.ts';

const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAg';
const LOG_DIRS = ['/a', '/b'];

interface Disk {
  readonly fileSystem?: MemoryFileSystem;
  readonly clock?: FakeClock;
  readonly topicSettings?: Record<string, string>;
}

async function started(options: Disk = {}): Promise<LogManager> {
  const manager = newManager({ ...options, logDirs: LOG_DIRS });
  await manager.start();
  return manager;
}

function open(manager: LogManager, settings: Record<string, string> = {}): Log {
  return manager.getOrCreateLog(TP, { topicId: TOPIC_ID, isNew: true, config: logConfig(settings) });
}

function openFuture(manager: LogManager, logDirectory?: string): Log {
  const where = logDirectory === undefined ? {} : { logDirectory };
  return manager.getOrCreateFutureLog(TP, { topicId: TOPIC_ID, config: logConfig(), ...where });
}

function copyAll(current: Log, future: Log): void {
  while (copyToFutureLog(current, future, 100) > 0);
}

/** Kafka's whole move, as the replica room does it. */
async function move(manager: LogManager, to: string): Promise<void> {
  const current = open(manager);
  const future = openFuture(manager, to);
  copyAll(current, future);
  await future.flush();
  manager.replaceCurrentWithFutureLog(TP, () => {});
}

function directories(fileSystem: MemoryFileSystem): string[] {
  return LOG_DIRS.flatMap((path) =>
    fileSystem
      .readDirectorySync(path)
      .filter((name) => name.startsWith('orders'))
      .map((name) => `${path}/${name.replace(/[0-9a-f]{32}/, '*')}`),
  );
}

describe('a replica that moves', () => {
  test('is copied beside, takes the name, and leaves its old directory to be deleted', async () => {
    const clock = new FakeClock(NOW_MS);
    const fileSystem = new MemoryFileSystem({ clock });
    const manager = await started({ fileSystem, clock });
    const current = open(manager);
    appendValues(current, ['a', 'b'], { producerId: 7, producerEpoch: 0, baseSequence: 0 });
    current.roll();
    appendValues(current, ['c']);
    current.updateHighWatermark(3);
    current.maybeIncrementLogStartOffset(1);
    const future = openFuture(manager, '/b');
    assert.deepEqual(directories(fileSystem), ['/a/orders-3', '/b/orders-3.*-future']);
    copyAll(current, future);
    const replaced: Log[] = [];
    manager.replaceCurrentWithFutureLog(TP, (log) => replaced.push(log));
    assert.deepEqual(replaced, [future]);
    assert.equal(manager.getLog(TP), future);
    assert.equal(manager.getFutureLog(TP), undefined);
    assert.deepEqual(directories(fileSystem), ['/a/orders-3.*-delete', '/b/orders-3']);
    assert.deepEqual(readValues(future), ['b', 'c']);
    assert.deepEqual([future.logStartOffset, future.highWatermark], [1, 3]);
    assert.equal(future.topicId, TOPIC_ID);
    const again = appendValues(future, ['a', 'b'], { producerId: 7, producerEpoch: 0, baseSequence: 0 });
    assert.equal(again, 0, 'a batch the producer repeats is known to be there');
    assert.throws(() => appendValues(current, ['x']), isCode(Errors.NOT_LEADER_OR_FOLLOWER));
    await clock.advance(60_000);
    assert.deepEqual(directories(fileSystem), ['/b/orders-3']);
  });

  test('keeps the epoch of a leader that appended nothing yet', async () => {
    const manager = await started();
    const current = open(manager);
    appendValues(current, ['a']);
    current.leaderEpochCache.assign(4, 1);
    await move(manager, '/b');
    assert.equal(manager.getLog(TP)?.latestEpoch, 4);
  });

  test('is cut where the log was cut meanwhile, by epochs', async () => {
    const manager = await started();
    const current = open(manager);
    appendValues(current, ['a', 'b', 'c']);
    const future = openFuture(manager, '/b');
    copyAll(current, future);
    current.truncateTo(1);
    current.appendAsLeader(batchOf(['x', 'y', 'z']), { leaderEpoch: 2, origin: 'client' });
    copyAll(current, future);
    assert.deepEqual(readValues(future), readValues(current));
    assert.deepEqual(future.leaderEpochCache.entries, current.leaderEpochCache.entries);
  });

  test('begins anew where retention took away what it had not copied', async () => {
    const manager = await started();
    const current = open(manager);
    const future = openFuture(manager, '/b');
    appendValues(current, ['a', 'b']);
    current.roll();
    appendValues(current, ['c']);
    current.updateHighWatermark(3);
    current.maybeIncrementLogStartOffset(2);
    current.deleteOldSegments();
    copyAll(current, future);
    assert.deepEqual([future.logStartOffset, readValues(future)], [2, ['c']]);
  });

  test('has its acknowledgements made durable where it went', async () => {
    const fileSystem = new MemoryFileSystem();
    const manager = await started({ fileSystem });
    const current = open(manager, { 'flush.messages': '1' });
    const { durable } = current.appendAsLeader(batchOf(['a']), { leaderEpoch: 0, origin: 'client' });
    const future = openFuture(manager, '/b');
    copyAll(current, future);
    manager.replaceCurrentWithFutureLog(TP, () => {});
    await durable;
    const after = await started({ fileSystem: fileSystem.losePower() });
    assert.deepEqual(readValues(open(after)), ['a']);
    assert.equal(open(after).parentDirectory, '/b');
  });

  test('deletes what its copy was to delete, though the copy has another name by then', async () => {
    const clock = new FakeClock(NOW_MS);
    const fileSystem = new MemoryFileSystem({ clock });
    const manager = await started({ fileSystem, clock });
    const current = open(manager);
    for (const value of ['a', 'b', 'c']) {
      appendValues(current, [value]);
      current.roll();
    }
    const future = openFuture(manager, '/b');
    copyAll(current, future);
    future.roll();
    current.truncateTo(1);
    copyAll(current, future);
    const deleted = (): string[] => fileSystem.readDirectorySync('/b/orders-3').filter((name) => /deleted$/.test(name));
    manager.replaceCurrentWithFutureLog(TP, () => {});
    assert.ok(deleted().length > 0);
    await clock.advance(60_000);
    assert.deepEqual(deleted(), []);
    assert.deepEqual(manager.offlineLogDirs, []);
  });

  test('a copy after a crash holds what was synced, and no hole where a power loss took the rest', async () => {
    const fileSystem = new MemoryFileSystem();
    const manager = await started({ fileSystem });
    const current = open(manager);
    for (const value of ['a', 'b', 'c', 'd']) {
      appendValues(current, [value]);
      if (value === 'b') current.roll();
    }
    await current.flush();
    const future = openFuture(manager, '/b');
    copyToFutureLog(current, future, 1);
    await future.flush();
    await manager.checkpointLogRecoveryOffsets();
    copyToFutureLog(current, future, 1);
    future.roll();
    copyAll(current, future);
    // The names are on the disk, the second record is not.
    fileSystem.syncDirectorySync(future.directory);
    const next = fileSystem.losePower();
    const after = await started({ fileSystem: next });
    assert.deepEqual(readValues(open(after)), ['a', 'b', 'c', 'd']);
    const again = openFuture(after);
    assert.equal(again.logEndOffset, 1);
    copyAll(open(after), again);
    assert.deepEqual(readValues(again), ['a', 'b', 'c', 'd']);
  });

  test('takes what was compacted of it along', async () => {
    const fileSystem = new MemoryFileSystem();
    const manager = await started({ fileSystem });
    const current = open(manager, { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0' });
    for (const value of ['a', 'b']) appendValues(current, [value], { key: 'k' });
    current.updateHighWatermark(2);
    current.roll();
    assert.ok((await manager.cleaner.cleanFilthiestLog()) !== undefined);
    assert.equal(manager.cleaner.lastCleanOffset(current), 2);
    const future = openFuture(manager, '/b');
    appendValues(current, ['c'], { key: 'k' });
    current.updateHighWatermark(3);
    current.roll();
    assert.equal(await manager.cleaner.cleanFilthiestLog(), undefined, 'the cleaner leaves it alone while it moves');
    copyAll(current, future);
    manager.replaceCurrentWithFutureLog(TP, () => {});
    assert.equal(manager.cleaner.lastCleanOffset(future), 2);
    await manager.close();
    assert.equal(fileSystem.readFileSync('/a/cleaner-offset-checkpoint').toString(), '0\n0\n');
    assert.equal(fileSystem.readFileSync('/b/cleaner-offset-checkpoint').toString(), '0\n1\norders 3 2\n');
  });

  test('stays where it is when it is told so, and is deleted with its copy', async () => {
    const fileSystem = new MemoryFileSystem();
    const manager = await started({ fileSystem });
    open(manager);
    openFuture(manager, '/b');
    manager.asyncDeleteFuture(TP);
    assert.deepEqual(directories(fileSystem), ['/a/orders-3', '/b/orders-3.*-delete']);
    openFuture(manager, '/b');
    manager.asyncDelete(TP);
    assert.ok(directories(fileSystem).every((name) => name.endsWith('-delete')));
  });

  test('stays where it is when the other dir fails', async () => {
    const fileSystem = new MemoryFileSystem();
    const manager = await started({ fileSystem });
    const current = open(manager);
    appendValues(current, ['a']);
    const future = openFuture(manager, '/b');
    copyAll(current, future);
    fileSystem.failAllOf = (path) => path.startsWith('/b');
    assert.throws(() => manager.replaceCurrentWithFutureLog(TP, () => {}), isCode(Errors.KAFKA_STORAGE_ERROR));
    assert.deepEqual([manager.getLog(TP), manager.getFutureLog(TP)], [current, undefined]);
    assert.equal(appendValues(current, ['b']), 1);
  });

  test('is where it went when its old dir fails at that moment', async () => {
    const fileSystem = new MemoryFileSystem();
    const manager = await started({ fileSystem });
    const current = open(manager);
    appendValues(current, ['a']);
    const future = openFuture(manager, '/b');
    copyAll(current, future);
    let isReplaced = false;
    const replace = () =>
      manager.replaceCurrentWithFutureLog(TP, () => {
        isReplaced = true;
        fileSystem.failAllOf = (path) => path.startsWith('/a');
      });
    assert.throws(replace, isCode(Errors.KAFKA_STORAGE_ERROR));
    assert.equal(isReplaced, true);
    assert.equal(manager.getLog(TP), future);
    appendValues(future, ['b']);
    await manager.close();
    // The old dir comes back with the directory that could not be renamed.
    fileSystem.failAllOf = () => false;
    const next = fileSystem.restart();
    const after = await started({ fileSystem: next });
    assert.deepEqual([open(after).parentDirectory, readValues(open(after))], ['/b', ['a', 'b']]);
    assert.ok(directories(next).includes('/a/orders-3.*-stray'));
  });

  test('survives a crash at any step, and the move can go on', async () => {
    const prepare = async (): Promise<MemoryFileSystem> => {
      const fileSystem = new MemoryFileSystem();
      const manager = await started({ fileSystem });
      const log = open(manager);
      appendValues(log, ['a', 'b']);
      log.roll();
      appendValues(log, ['c']);
      log.updateHighWatermark(3);
      log.maybeIncrementLogStartOffset(1);
      await manager.close();
      return fileSystem.restart();
    };
    const work = async (fileSystem: MemoryFileSystem): Promise<void> => {
      const manager = await started({ fileSystem });
      await move(manager, '/b');
      await yieldToEventLoop();
      await manager.close();
    };
    const whole = await prepare();
    await work(whole);
    for (const ending of ['restart', 'losePower'] as const) {
      for (let step = 0; step < whole.stepCount; step++) {
        const fileSystem = await prepare();
        fileSystem.stopAfterSteps(step);
        await work(fileSystem).catch((error: unknown) => {
          assert.ok(error instanceof KafkaError || error instanceof StorageError, String(error));
        });
        const next = fileSystem[ending]();
        const manager = await started({ fileSystem: next });
        const what = `${ending} after ${step}: ${directories(next)}`;
        assert.deepEqual(manager.offlineLogDirs, [], what);
        assert.deepEqual(readValues(open(manager)).slice(-2), ['b', 'c'], what);
        if (open(manager).parentDirectory === '/a') await move(manager, '/b');
        assert.deepEqual(readValues(open(manager)).slice(-2), ['b', 'c'], what);
        assert.equal(open(manager).parentDirectory, '/b', what);
        await manager.close();
        assert.ok(!directories(next).some((name) => name.endsWith('-future')), what);
      }
    }
  });

  test('a partition is made in the dir that was wished for, once', async () => {
    const manager = await started();
    manager.setPreferredLogDir(TP, '/b');
    assert.equal(open(manager).parentDirectory, '/b');
    manager.asyncDelete(TP);
    assert.equal(open(manager).parentDirectory, '/a');
  });
});

function isCode(code: number): (error: unknown) => boolean {
  return (error) => error instanceof KafkaError && error.code === code;
}
