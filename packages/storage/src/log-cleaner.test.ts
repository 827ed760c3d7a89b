import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Errors, FakeClock, KafkaError, StorageError } from '@ottla/base';
import { RecordsBuilder, type RecordsBuilderOptions } from '@ottla/records';
import {
  append,
  end,
  type Pair,
  PLACES,
  roll,
  type Started,
  type StartOptions,
  shown,
  startedIn,
} from './cleaner-testing.ts';
import { logToClean } from './log-to-clean.ts';
import { filesOf, NOW_MS, openLog, readBatches } from './testing.ts';

for (const place of PLACES) {
  describe(`compaction ${place}`, () => {
    const started = (options?: StartOptions) => startedIn(place, options);

    test('keeps the last record of every key, at its offset', async () => {
      const { manager, log } = await started();
      append(log, [
        ['a', '1'],
        ['b', '1'],
        ['a', '2'],
      ]);
      append(log, [['c', '1']]);
      roll(log);
      append(log, [['b', '2']]);
      append(log, [['a', '3']]);
      const result = await manager.cleaner.cleanFilthiestLog();
      assert.equal(result?.endOffset, 4);
      // What is in the active segment replaces nothing yet.
      assert.deepEqual(shown(log), ['1:b=1', '2:a=2', '3:c=1', '4:b=2', '5:a=3']);
      assert.equal(await manager.cleaner.cleanFilthiestLog(), undefined);
      roll(log);
      await manager.cleaner.cleanFilthiestLog();
      assert.deepEqual(shown(log), ['3:c=1', '4:b=2', '5:a=3']);
      assert.equal(log.logEndOffset, 6);
      assert.equal(log.numberOfSegments, 2);
    });

    test("of 500 random updates in 20 segments each key's last one stays, also after a restart", async () => {
      const clock = new FakeClock(NOW_MS);
      const { manager, log, fileSystem } = await started({
        clock,
        topicSettings: { 'segment.bytes': '2000', 'index.interval.bytes': '100' },
      });
      const last = new Map<string, string>();
      for (let i = 0; i < 500; i++) {
        const key = `k${(i * 7919) % 41}`;
        append(log, [[key, `v${i}`]], i % 3 === 0 ? { compressionType: 'gzip' } : {});
        last.set(key, `${i}:${key}=v${i}`);
      }
      roll(log);
      await manager.cleaner.cleanFilthiestLog();
      const expected = [...last.values()].sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
      assert.deepEqual(shown(log), expected);
      await manager.close();
      const next = await started({ clock, fileSystem: fileSystem.restart() });
      assert.deepEqual(shown(next.log), expected);
      // The checkpoint was kept: nothing is dirty.
      assert.equal(await next.manager.cleaner.cleanFilthiestLog(), undefined);
      for (let offset = 0; offset < 500; offset++) {
        const { records } = next.log.read({
          startOffset: offset,
          maxBytes: 1,
          isolation: 'logEnd',
          minOneMessage: true,
        });
        assert.ok(records.sizeInBytes > 0);
        records.release();
      }
    });

    test('a tombstone goes delete.retention.ms after the pass that met it', async () => {
      const { manager, log, clock } = await started({ topicSettings: { 'delete.retention.ms': '1000' } });
      append(log, [
        ['a', '1'],
        ['b', '1'],
      ]);
      append(log, [['a', null]]);
      roll(log);
      await manager.cleaner.cleanFilthiestLog();
      assert.deepEqual(shown(log), ['1:b=1', '2:a=null']);
      assert.equal(readBatches(log, 2)[0]?.deleteHorizonMs, NOW_MS + 1000);
      await clock.advance(999);
      append(log, [['c', '1']]);
      roll(log);
      await manager.cleaner.cleanFilthiestLog();
      assert.deepEqual(shown(log), ['1:b=1', '2:a=null', '3:c=1']);
      await clock.advance(1);
      append(log, [['d', '1']]);
      roll(log);
      await manager.cleaner.cleanFilthiestLog();
      assert.deepEqual(shown(log), ['1:b=1', '3:c=1', '4:d=1']);
    });

    test('records of aborted transactions go, and markers only after all their transaction wrote', async () => {
      const { manager, log, clock } = await started({ topicSettings: { 'delete.retention.ms': '1000' } });
      const txn = (producerId: number, baseSequence: number) => ({
        producerId,
        producerEpoch: 0,
        baseSequence,
        isTransactional: true,
      });
      append(log, [['a', 'kept']]); // 0
      append(
        log,
        [
          ['a', 'aborted'],
          ['b', 'aborted'],
        ],
        txn(7, 0),
      ); // 1, 2
      append(log, [['c', 'committed']], txn(8, 0)); // 3
      end(log, 'abort', 7); // 4
      end(log, 'commit', 8); // 5
      append(log, [['z', '1']], txn(7, 2)); // 6
      end(log, 'commit', 7); // 7
      roll(log);
      await manager.cleaner.cleanFilthiestLog();
      assert.deepEqual(shown(log), ['0:a=kept', '3:c=committed', '6:z=1']);
      assert.deepEqual(
        readBatches(log, 0).map((batch) => [batch.baseOffset, batch.isControlBatch]),
        [
          [0, false],
          [3, false],
          [4, true],
          [5, true],
          [6, false],
          [7, true],
        ],
      );
      await clock.advance(1000);
      append(log, [['c', '2']], txn(8, 1)); // 8
      end(log, 'commit', 8); // 9
      roll(log);
      await manager.cleaner.cleanFilthiestLog();
      assert.deepEqual(shown(log), ['0:a=kept', '6:z=1', '8:c=2']);
      const markers = (): number[] =>
        readBatches(log, 0)
          .filter((batch) => batch.isControlBatch)
          .map((batch) => batch.baseOffset);
      // This pass found the abort empty: from now on it stays for delete.retention.ms.
      assert.deepEqual(markers(), [4, 5, 7, 9]);
      await clock.advance(1000);
      append(log, [['y', '1']]); // 10
      roll(log);
      await manager.cleaner.cleanFilthiestLog();
      assert.deepEqual(markers(), [5, 7, 9]);
      log.updateHighWatermark(log.logEndOffset);
      assert.deepEqual(log.collectAbortedTransactions(0, 11), []);
    });

    test("an idempotent producer's last batch stays, empty, so that its sequence is known", async () => {
      const clock = new FakeClock(NOW_MS);
      const { manager, log, fileSystem } = await started({ clock });
      const producer = (baseSequence: number) => ({ producerId: 7, producerEpoch: 0, baseSequence });
      append(log, [['a', '1']], producer(0));
      append(log, [['a', '2']], producer(1));
      append(log, [['a', '3']]);
      roll(log);
      await manager.cleaner.cleanFilthiestLog();
      assert.deepEqual(shown(log), ['2:a=3']);
      assert.deepEqual(
        readBatches(log, 0).map((batch) => [batch.baseOffset, batch.recordCount]),
        [
          [1, 0],
          [2, 1],
        ],
      );
      // An unclean stop that finds no snapshot rebuilds the producer from it.
      const next = fileSystem.restart();
      for (const path of filesOf(next, '/').keys()) if (path.endsWith('.snapshot')) next.removeFileSync(path);
      const again = await started({ clock, fileSystem: next });
      assert.equal(again.log.producerStateManager.lastEntry(7)?.lastSequence, 1);
    });

    test('a map that holds three keys cleans in several passes', async () => {
      const { manager, log } = await started({ cleanerSettings: { dedupeBufferSize: 5 * 24 } });
      for (let i = 0; i < 40; i++) append(log, [[`k${i % 10}`, `v${i}`]]);
      roll(log);
      let passes = 0;
      while ((await manager.cleaner.cleanFilthiestLog()) !== undefined) assert.ok(++passes < 100);
      assert.ok(passes > 5, `${passes} passes`);
      assert.deepEqual(
        shown(log),
        [30, 31, 32, 33, 34, 35, 36, 37, 38, 39].map((i) => `${i}:k${i % 10}=v${i}`),
      );
    });

    test('what is undecided, unreplicated or younger than min.compaction.lag.ms is left', async () => {
      const { manager, log, clock } = await started({ topicSettings: { 'min.compaction.lag.ms': '1000' } });
      append(log, [['a', '1']]);
      append(log, [['a', '2']]);
      log.roll();
      assert.equal(await manager.cleaner.cleanFilthiestLog(), undefined);
      log.updateHighWatermark(2);
      assert.equal(await manager.cleaner.cleanFilthiestLog(), undefined);
      await clock.advance(1000);
      assert.equal((await manager.cleaner.cleanFilthiestLog())?.endOffset, 2);
      assert.deepEqual(shown(log), ['1:a=2']);
    });

    test('records that follow a truncation are dirty again', async () => {
      const { manager, log } = await started();
      append(log, [['a', '1']]);
      append(log, [['b', '1']]);
      roll(log);
      await manager.cleaner.cleanFilthiestLog();
      log.truncateTo(1);
      append(log, [['a', '2']]);
      roll(log);
      await manager.cleaner.cleanFilthiestLog();
      assert.deepEqual(shown(log), ['1:a=2']);
    });

    test('a crash at any step of a pass leaves the old records or the cleaned ones', async () => {
      const prepare = async (): Promise<Started> => {
        const result = await started({ topicSettings: { 'segment.bytes': '300' } });
        for (let i = 0; i < 12; i++)
          append(result.log, [[`k${i % 3}`, `v${i}`]], { producerId: 7, producerEpoch: 0, baseSequence: i });
        roll(result.log);
        await result.log.flush();
        return result;
      };
      const before = shown((await prepare()).log);
      const whole = await prepare();
      const stepsBefore = whole.fileSystem.stepCount;
      await whole.manager.cleaner.cleanFilthiestLog();
      const steps = whole.fileSystem.stepCount - stepsBefore;
      const after = shown(whole.log);
      assert.ok(steps > 20 && after.length < before.length, `${steps} steps, ${after.length} records`);
      for (const ending of ['restart', 'losePower'] as const) {
        for (let step = 0; step < steps; step++) {
          const { manager, fileSystem } = await prepare();
          fileSystem.stopAfterSteps(step);
          await manager.cleaner.cleanFilthiestLog().catch(mustBeStopped);
          const log = openLog({ fileSystem: fileSystem[ending]() });
          const found = shown(log);
          const lastOfKeys = new Map(found.map((line) => [line.replace(/^\d+:|=.*$/g, ''), line]));
          assert.deepEqual([...lastOfKeys.values()].sort(), [...after].sort(), `${ending} after ${step}`);
          assert.deepEqual(
            found.filter((line) => !before.includes(line)),
            [],
            `${ending} after ${step}`,
          );
          assert.equal(log.logEndOffset, 12);
        }
      }
    });

    test('a transaction that was aborted behind what fitted into the map stays aborted', async () => {
      const { manager, log } = await started({
        cleanerSettings: { dedupeBufferSize: 5 * 24 },
        topicSettings: { 'segment.bytes': '100000' },
      });
      for (let i = 0; i < 5; i++) append(log, [[`k${i}`, 'v']]); // 0 to 4: the map holds four
      append(log, [['k0', 'aborted']], { producerId: 7, producerEpoch: 0, baseSequence: 0, isTransactional: true }); // 5
      end(log, 'abort', 7); // 6
      roll(log);
      assert.equal((await manager.cleaner.cleanFilthiestLog())?.endOffset, 4);
      assert.deepEqual(shown(log), ['0:k0=v', '1:k1=v', '2:k2=v', '3:k3=v', '4:k4=v']);
    });

    test('says what it took of the map, and how late it is', async () => {
      const { manager, log, clock } = await started({
        cleanerSettings: { dedupeBufferSize: 240 },
        topicSettings: { 'max.compaction.lag.ms': '5000' },
      });
      append(log, [
        ['a', '1'],
        ['b', '1'],
      ]);
      append(log, [['a', '2']]);
      roll(log);
      await clock.advance(8000);
      await manager.cleaner.cleanFilthiestLog();
      const { maxBufferUtilization, maxCompactionDelayMs, deadThreadCount } = manager.cleaner.stats;
      assert.deepEqual([maxBufferUtilization, maxCompactionDelayMs, deadThreadCount], [0.2, 3000, 0]);
    });

    test('formats 0 and 1 are compacted too', async () => {
      const { manager, log } = await started();
      const build = (baseOffset: number, pairs: readonly Pair[], options: Partial<RecordsBuilderOptions>): void => {
        const builder = new RecordsBuilder({
          magic: 1,
          compressionType: 'none',
          timestampType: 'CreateTime',
          baseOffset,
          ...options,
        });
        for (const [key, value] of pairs) {
          builder.append({
            timestamp: NOW_MS,
            key: Buffer.from(key),
            value: value === null ? null : Buffer.from(value),
          });
        }
        log.appendAsFollower(builder.build());
      };
      build(
        0,
        [
          ['a', '1'],
          ['b', '1'],
        ],
        { magic: 0, timestampType: 'NoTimestampType' },
      );
      build(
        2,
        [
          ['a', '2'],
          ['c', '1'],
          ['b', '2'],
        ],
        { compressionType: 'gzip' },
      );
      build(5, [['c', '2']], {});
      roll(log);
      await manager.cleaner.cleanFilthiestLog();
      assert.deepEqual(shown(log), ['2:a=2', '4:b=2', '5:c=2']);
    });
  });
}

describe('when a log is cleaned', () => {
  test('the dirtiest first, above min.cleanable.dirty.ratio', async () => {
    const { log, clock } = await startedIn('on the event loop', {
      topicSettings: { 'min.cleanable.dirty.ratio': '0.5' },
    });
    append(log, [['a', 'x'.repeat(100)]]);
    roll(log);
    append(log, [['b', 'x'.repeat(100)]]);
    roll(log);
    const all = logToClean(log, undefined, clock.nowMs());
    assert.deepEqual([all.firstDirtyOffset, all.firstUncleanableOffset, all.cleanableRatio], [0, 2, 1]);
    const half = logToClean(log, 1, clock.nowMs());
    assert.equal(half.cleanableRatio, 0.5);
    assert.equal(half.cleanBytes, half.cleanableBytes);
  });

  test('at once when max.compaction.lag.ms has passed', async () => {
    const { manager, log, clock } = await startedIn('on the event loop', {
      topicSettings: { 'min.cleanable.dirty.ratio': '1', 'max.compaction.lag.ms': '5000' },
    });
    append(log, [['a', '1']]);
    append(log, [['a', '2']]);
    roll(log);
    assert.equal(await manager.cleaner.cleanFilthiestLog(), undefined);
    await clock.advance(5001);
    assert.equal((await manager.cleaner.cleanFilthiestLog())?.endOffset, 2);
  });

  test('every log.cleaner.backoff.ms by itself', async () => {
    const { manager, log, clock } = await startedIn('on the event loop');
    append(log, [['a', '1']]);
    append(log, [['a', '2']]);
    roll(log);
    await clock.advance(15_000);
    for (let i = 0; i < 50 && shown(log).length > 1; i++) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(shown(log), ['1:a=2']);
    await manager.close();
  });
});

function mustBeStopped(error: unknown): void {
  if (error instanceof KafkaError && error.code === Errors.KAFKA_STORAGE_ERROR) return;
  assert.ok(error instanceof StorageError && error.code === 'ESTOPPED', String(error));
}
