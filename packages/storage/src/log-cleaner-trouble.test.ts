// What may come in between while a log is compacted: a truncation, damage, a disk that fails or is full, a stop, the death of the thread.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { yieldToEventLoop } from '@ottla/base';
import {
  append,
  cleanedFilesOf,
  PLACES,
  roll,
  type Started,
  type StartOptions,
  shown,
  startedIn,
} from './cleaner-testing.ts';
import { NOW_MS, TP } from './testing.ts';

for (const place of PLACES) {
  describe(`while ${place} a log is compacted,`, () => {
    const started = (options?: StartOptions) => startedIn(place, options);

    test('a pass over a log that is truncated meanwhile gives up, and leaves nothing behind', async () => {
      const { manager, log, fileSystem } = await started();
      append(log, [['a', '1']]);
      append(log, [['a', '2']]);
      roll(log);
      fileSystem.failSyncOf = (path) => {
        if (path.endsWith('.cleaned')) log.truncateTo(1);
        return false;
      };
      assert.equal(await manager.cleaner.cleanFilthiestLog(), undefined);
      fileSystem.failSyncOf = () => false;
      assert.deepEqual(shown(log), ['0:a=1']);
      assert.deepEqual([cleanedFilesOf(fileSystem), manager.cleaner.uncleanablePartitions], [[], []]);
    });

    test('a log that cannot be read is left alone', async () => {
      const { manager, log, fileSystem } = await started();
      append(log, [['a', '1']]);
      append(log, [['a', '2']]);
      roll(log);
      fileSystem.openSync('/logs/orders-3/00000000000000000000.log', 'read-write').writeSync(Buffer.from([9]), 65);
      assert.equal(await manager.cleaner.cleanFilthiestLog(), undefined);
      assert.deepEqual(manager.cleaner.uncleanablePartitions, ['orders-3']);
      assert.equal(log.logEndOffset, 2);
    });

    test('a speed limit that changes holds for the log that is being cleaned', async () => {
      const { manager, log, clock } = await started({ topicSettings: { 'segment.bytes': '10000000' } });
      for (let i = 0; i < 20; i++) append(log, [['k', 'x'.repeat(100_000)]]);
      roll(log);
      const { settings } = manager.cleaner;
      manager.cleaner.reconfigure({ ...settings, ioMaxBytesPerSecond: 100_000 });
      const cleaning = manager.cleaner.cleanFilthiestLog();
      await clock.advance(10_000);
      assert.equal(manager.cleaner.lastCleanOffset(log), undefined, '2 MB at 0.1 MB a second, read twice');
      manager.cleaner.reconfigure({ ...settings, ioMaxBytesPerSecond: Number.MAX_VALUE });
      await clock.advance(10_000);
      assert.equal((await cleaning)?.endOffset, 20);
      assert.equal(clock.nowMs(), NOW_MS + 20_000);
    });

    test('a stop does not wait for the speed limit', async () => {
      const { manager, log, clock } = await started({ topicSettings: { 'segment.bytes': '10000000' } });
      for (let i = 0; i < 20; i++) append(log, [['k', 'x'.repeat(100_000)]]);
      roll(log);
      manager.cleaner.reconfigure({ ...manager.cleaner.settings, ioMaxBytesPerSecond: 1, backoffMs: 10 });
      await clock.advance(1000);
      let isClosed = false;
      const closing = manager.close().then(() => {
        isClosed = true;
      });
      await clock.advance(1000);
      for (let turn = 0; turn < 100 && !isClosed; turn++) await yieldToEventLoop();
      assert.ok(isClosed, 'a megabyte at a byte a second');
      await closing;
    });

    test('for want of space the log stays as it is, and is compacted when there is some', async () => {
      const { manager, log, fileSystem } = await started();
      for (const value of ['1', '2']) append(log, [['a', value]]);
      roll(log);
      for (const suffix of ['.log.cleaned', '.index.cleaned', '.timeindex.cleaned']) {
        fileSystem.refuseSpaceOf = (path) => path.endsWith(suffix);
        assert.equal(await manager.cleaner.cleanFilthiestLog(), undefined);
        assert.deepEqual(cleanedFilesOf(fileSystem), [], suffix);
      }
      assert.deepEqual([shown(log), manager.offlineLogDirs], [['0:a=1', '1:a=2'], []]);
      fileSystem.refuseSpaceOf = () => false;
      await manager.cleaner.cleanFilthiestLog();
      assert.deepEqual(shown(log), ['1:a=2']);
    });

    test('a disk that fails takes the log dir offline', async () => {
      const { manager, log, fileSystem } = await started();
      for (const value of ['1', '2']) append(log, [['a', value]]);
      roll(log);
      fileSystem.failSyncOf = (path) => path.endsWith('.cleaned');
      assert.equal(await manager.cleaner.cleanFilthiestLog(), undefined);
      assert.deepEqual([manager.offlineLogDirs, manager.cleaner.uncleanablePartitions], [['/logs'], []]);
    });

    test('a disk that fails while the copy takes its place takes the log dir offline, and the next start finishes it', async () => {
      for (let failing = 1; failing <= 2; failing++) {
        const { manager, log, fileSystem } = await started();
        for (const value of ['1', '2']) append(log, [['a', value]]);
        roll(log);
        await log.flush();
        let syncs = 0;
        fileSystem.failSyncOf = (path) => path === '/logs/orders-3' && ++syncs === failing;
        assert.equal(await manager.cleaner.cleanFilthiestLog(), undefined);
        assert.deepEqual([manager.offlineLogDirs, manager.cleaner.uncleanablePartitions], [['/logs'], []]);
        assert.deepEqual(
          shown((await started({ fileSystem: fileSystem.restart() })).log),
          ['1:a=2'],
          `sync ${failing}`,
        );
      }
    });

    describe('while the names of a copy are put on the disk', () => {
      /** Two values of a key, and what `meanwhile` does during the sync of that number. */
      async function cleanedWhile(sync: number, meanwhile: (started: Started) => void): Promise<Started> {
        const topicSettings = { 'cleanup.policy': 'compact,delete', 'file.delete.delay.ms': '0' };
        const result = await started({ topicSettings });
        const { manager, log, fileSystem } = result;
        for (const value of ['1', '2']) append(log, [['a', value]]);
        roll(log);
        append(log, [['a', '3']]);
        await log.flush();
        let syncs = 0;
        fileSystem.failSyncOf = (path) => {
          if (path === '/logs/orders-3' && ++syncs === sync) meanwhile(result);
          return false;
        };
        await manager.cleaner.cleanFilthiestLog();
        assert.ok(syncs >= sync);
        assert.deepEqual([manager.cleaner.uncleanablePartitions, manager.offlineLogDirs], [[], []]);
        return result;
      }

      async function ensureHolds({ log, fileSystem, clock }: Started, records: readonly string[]): Promise<void> {
        await clock.advance(1);
        assert.deepEqual(shown(log), records);
        const names = fileSystem.readDirectorySync('/logs/orders-3');
        assert.deepEqual(
          names.filter((name) => !/^[0-9]{20}\.(log|index|timeindex|snapshot)$/.test(name) && /^[0-9]/.test(name)),
          [],
        );
        await log.flush();
        assert.deepEqual(shown((await started({ fileSystem: fileSystem.restart() })).log), records);
      }

      test('a truncation leaves what is before it, and nothing of the copy', async () => {
        await ensureHolds(await cleanedWhile(1, ({ log }) => void log.truncateTo(1)), ['0:a=1']);
        await ensureHolds(await cleanedWhile(2, ({ log }) => void log.truncateTo(2)), ['1:a=2']);
      });

      test('retention takes the copy as well', async () => {
        const retain = ({ log }: Started): void => {
          log.maybeIncrementLogStartOffset(2);
          log.deleteOldSegments();
        };
        for (const sync of [1, 2]) await ensureHolds(await cleanedWhile(sync, retain), ['2:a=3']);
      });

      test('a partition that is let go of is as it was, or wholly compacted', async () => {
        const letGo = ({ manager }: Started): void => manager.cleaner.abortAndPause(TP);
        await ensureHolds(await cleanedWhile(1, letGo), ['0:a=1', '1:a=2', '2:a=3']);
        await ensureHolds(await cleanedWhile(2, letGo), ['1:a=2', '2:a=3']);
      });

      test('a partition may be deleted', async () => {
        for (const sync of [1, 2]) {
          const { manager, fileSystem } = await cleanedWhile(sync, (current) => current.manager.asyncDelete(TP));
          assert.equal(manager.getLog(TP), undefined);
          const { log } = await started({ fileSystem: fileSystem.restart() });
          assert.deepEqual(shown(log), []);
        }
      });
    });

    test('a segment that is gone is not made anew', async () => {
      const { manager, log, fileSystem } = await started({ topicSettings: { 'cleanup.policy': 'compact,delete' } });
      for (const value of ['1', '2']) append(log, [['a', value]]);
      roll(log);
      append(log, [['a', '3']]);
      roll(log);
      // While the first one is copied; then retention comes just before the second one is opened.
      let [isCopying, isDeleted] = [false, false];
      fileSystem.refuseSpaceOf = (path) => {
        isCopying ||= path.endsWith('.cleaned');
        return false;
      };
      fileSystem.failAllOf = (path) => {
        if (!isCopying || isDeleted || !path.endsWith('/00000000000000000002.log')) return false;
        isDeleted = true;
        log.maybeIncrementLogStartOffset(3);
        log.deleteOldSegments();
        return false;
      };
      assert.equal(await manager.cleaner.cleanFilthiestLog(), undefined);
      assert.ok(isDeleted);
      const names = fileSystem.readDirectorySync('/logs/orders-3').filter((name) => name.endsWith('.log'));
      assert.deepEqual(names, ['00000000000000000003.log']);
      assert.deepEqual([manager.cleaner.uncleanablePartitions, manager.offlineLogDirs], [[], []]);
    });

    test('a partition that begins to move is let go of, though the speed limit has it wait', async () => {
      const { manager, log, clock, fileSystem } = await started({ topicSettings: { 'segment.bytes': '10000000' } });
      for (let i = 0; i < 20; i++) append(log, [['k', 'x'.repeat(100_000)]]);
      roll(log);
      manager.cleaner.reconfigure({ ...manager.cleaner.settings, ioMaxBytesPerSecond: 1 });
      const cleaning = manager.cleaner.cleanFilthiestLog();
      await clock.advance(1000);
      manager.cleaner.abortAndPause(TP);
      await clock.advance(200);
      assert.equal(await cleaning, undefined);
      assert.equal(await manager.cleaner.cleanFilthiestLog(), undefined);
      assert.deepEqual([cleanedFilesOf(fileSystem), manager.cleaner.uncleanablePartitions], [[], []]);
    });
  });
}

describe('the thread', () => {
  const dirty = async (): Promise<Started> => {
    const result = await startedIn('in a thread', { topicSettings: { 'segment.bytes': '10000000' } });
    for (const value of ['1', '2']) append(result.log, [['a', value]]);
    roll(result.log);
    return result;
  };

  test('that dies is reported, and the next round starts another', async () => {
    for (const type of ['slice', 'groupCleaned', 'done'] as const) {
      const { manager, log, threads, errors } = await dirty();
      // Large enough for a slice.
      for (let i = 0; i < 20; i++) append(log, [['b', 'x'.repeat(100_000)]]);
      roll(log);
      threads.diesAt = (report) => report.type === type;
      assert.equal(await manager.cleaner.cleanFilthiestLog(), undefined);
      assert.equal(manager.cleaner.stats.deadThreadCount, 1);
      assert.deepEqual(errors, [
        {
          message: 'the cleaner thread died',
          fields: { partition: 'orders-3', problem: 'out of memory', isLeftAlone: false },
        },
      ]);
      threads.diesAt = () => false;
      assert.equal((await manager.cleaner.cleanFilthiestLog())?.endOffset, 22, type);
      assert.deepEqual(
        shown(log).map((line) => line.slice(0, 6)),
        ['1:a=2', '21:b=x'],
      );
      assert.deepEqual([threads.startCount, manager.cleaner.stats.deadThreadCount], [2, 0]);
      await manager.close();
      assert.equal(threads.runningCount, 0);
    }
  });

  test('that dies twice in a row at one log leaves it alone', async () => {
    const { manager, log, threads, errors } = await dirty();
    threads.diesAt = (report) => report.type === 'groupCleaned';
    for (let times = 0; times < 3; times++) assert.equal(await manager.cleaner.cleanFilthiestLog(), undefined);
    assert.deepEqual([threads.startCount, errors.at(-1)?.fields.isLeftAlone], [2, true]);
    assert.deepEqual(manager.cleaner.uncleanablePartitions, ['orders-3']);
    assert.deepEqual(shown(log), ['0:a=1', '1:a=2']);
  });

  test('that cannot start blames no log', async () => {
    const { manager, threads, errors } = await dirty();
    threads.diesAt = (report) => report.type === 'ready';
    for (let times = 0; times < 3; times++) assert.equal(await manager.cleaner.cleanFilthiestLog(), undefined);
    assert.deepEqual(manager.cleaner.uncleanablePartitions, []);
    assert.equal(errors.at(-1)?.message, 'the cleaner thread cannot be started');
    threads.diesAt = () => false;
    assert.equal((await manager.cleaner.cleanFilthiestLog())?.endOffset, 2);
  });

  test('starts when there is something to clean, and ends after ten seconds without', async () => {
    const { manager, log, threads, clock } = await dirty();
    assert.equal(threads.startCount, 0);
    await manager.cleaner.cleanFilthiestLog();
    await clock.advance(9999);
    append(log, [['a', '3']]);
    roll(log);
    await manager.cleaner.cleanFilthiestLog();
    assert.equal(threads.startCount, 1);
    await clock.advance(9999);
    assert.equal(threads.runningCount, 1);
    await clock.advance(1);
    assert.equal(threads.runningCount, 0);
  });
});
