// Disks that are full, cannot sync, or take their time; and programs that stop at any step of retention, compaction and deletion.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  Errors,
  FakeClock,
  type File,
  type FileSystem,
  KafkaError,
  MemoryFileSystem,
  SeededRandom,
  StorageError,
  sleep,
} from '@ottla/base';
import { endTransactionMarker } from '@ottla/records';
import { SEED } from './damage-testing.ts';
import type { Log } from './log.ts';
import type { LogManager } from './log-manager.ts';
import { appendValues, batchOf, filesOf, logConfig, NOW_MS, newManager, readBatches, readValues } from './testing.ts';

const FULL_CYCLES = Number(process.env.OTTLA_FULL_CYCLES ?? 20);
const CLEAN_MARKER = '/logs/.kafka_cleanshutdown';

function tpOf(partition: number): { topic: string; partition: number } {
  return { topic: 'orders', partition };
}

async function started(
  fileSystem: FileSystem,
  options: { clock?: FakeClock; logDirs?: string[]; settings?: Record<string, string> } = {},
): Promise<{ manager: LogManager; open: (partition: number) => Log }> {
  const { clock = new FakeClock(NOW_MS), logDirs = ['/logs'], settings = {} } = options;
  const manager = newManager({ fileSystem, clock, logDirs, topicSettings: settings });
  await manager.start();
  const open = (partition: number): Log =>
    manager.getOrCreateLog(tpOf(partition), { topicId: undefined, isNew: true, config: logConfig(settings) });
  return { manager, open };
}

function isStorageError(error: unknown): boolean {
  return error instanceof KafkaError && error.code === Errors.KAFKA_STORAGE_ERROR;
}

describe('a disk that is full', () => {
  test('refuses appends, serves no half batch, and with space the same process goes on, or the next', async (t) => {
    const random = new SeededRandom(SEED);
    let fileSystem = new MemoryFileSystem();
    const settings = { 'segment.bytes': '5000' };
    let { manager, open } = await started(fileSystem, { settings });
    let logs = [open(0), open(1)];
    const acknowledged: string[][] = [[], []];
    let refusals = 0;
    for (let cycle = 0; cycle < FULL_CYCLES; cycle++) {
      const { totalBytes, usableBytes } = fileSystem.volumeSync('/');
      fileSystem.capacityBytes = totalBytes - usableBytes + 2000 + random.nextInt(20_000);
      for (let index = 0, refused = 0; refused < 10; index++) {
        const value = `${cycle}-${index}-${'x'.repeat(random.nextInt(200))}`;
        const partition = index % 2;
        const log = logs[partition];
        assert.ok(log !== undefined);
        try {
          appendValues(log, [value]);
          acknowledged[partition]?.push(value);
        } catch (error) {
          assert.ok(isStorageError(error), String(error));
          refused++;
          refusals++;
        }
      }
      assert.deepEqual(manager.liveLogDirs, ['/logs']);
      fileSystem.capacityBytes = Number.MAX_SAFE_INTEGER;
      if (cycle % 2 === 1) {
        // Killed while it was full.
        fileSystem = fileSystem.restart();
        ({ manager, open } = await started(fileSystem, { settings }));
        logs = [open(0), open(1)];
      }
      for (const [partition, log] of logs.entries()) {
        assert.deepEqual(readValues(log), acknowledged[partition], `cycle ${cycle}, seed ${SEED}`);
        for (const batch of readBatches(log, 0)) batch.ensureValid();
        appendValues(log, ['again']);
        acknowledged[partition]?.push('again');
      }
    }
    await manager.close();
    assert.ok(fileSystem.statSync(CLEAN_MARKER) !== undefined);
    const total = acknowledged.flat().length;
    t.diagnostic(`${FULL_CYCLES} times full, ${total} records acknowledged, ${refusals} refusals, seed ${SEED}`);
  });
});

describe('a sync that fails', () => {
  test('is the last of its log dir: no acknowledgement follows, whatever the disk says later', async (t) => {
    let count = 0;
    for (const failing of ['.log', '.index', '.snapshot', 'leader-epoch-checkpoint', 'orders-0']) {
      const fileSystem = new MemoryFileSystem();
      const options = { logDirs: ['/a', '/b'], settings: { 'flush.messages': '1' } };
      const { manager, open } = await started(fileSystem, options);
      const [a, b] = [open(0), open(1)];
      assert.deepEqual([a.parentDirectory, b.parentDirectory], ['/a', '/b']);
      fileSystem.failSyncOf = (path) => path.startsWith('/a') && path.endsWith(failing);
      const durable = async (log: Log): Promise<void> => {
        const info = log.appendAsLeader(
          batchOf(['x'], { producerId: 7, producerEpoch: 0, baseSequence: log.logEndOffset }),
          {
            leaderEpoch: log.logEndOffset,
            origin: 'client',
          },
        );
        await info.durable;
      };
      // An index and a snapshot are synced with the roll.
      await assert.rejects(
        async () => {
          for (let i = 0; i < 3; i++) {
            await durable(a);
            a.roll();
            await a.flush();
          }
        },
        isStorageError,
        failing,
      );
      fileSystem.failSyncOf = () => false;
      assert.deepEqual(manager.liveLogDirs, ['/b'], failing);
      for (let i = 0; i < 5; i++) {
        await assert.rejects(durable(a), isStorageError);
        await durable(b);
        count++;
      }
      await assert.rejects(a.flush(), isStorageError);
      await manager.close();
      assert.equal(fileSystem.statSync('/a/.kafka_cleanshutdown'), undefined);
      assert.ok(fileSystem.statSync('/b/.kafka_cleanshutdown') !== undefined);
    }
    t.diagnostic(`${count} refusals after the failure`);
  });
});

/** Syncs of files under `slowPath` take `syncMs` of the clock. */
class SlowFileSystem extends MemoryFileSystem {
  readonly #slowPath: string;
  readonly #clock: FakeClock;
  readonly #syncMs: number;

  constructor(clock: FakeClock, slowPath: string, syncMs: number) {
    super({ clock });
    this.#clock = clock;
    this.#slowPath = slowPath;
    this.#syncMs = syncMs;
  }

  override openSync(path: string, mode: 'read' | 'read-write' | 'create'): File {
    const file = super.openSync(path, mode);
    if (!path.startsWith(this.#slowPath)) return file;
    const [clock, syncMs, sync] = [this.#clock, this.#syncMs, file.sync.bind(file)];
    file.sync = async () => {
      await sleep(clock, syncMs);
      await sync();
    };
    return file;
  }
}

describe('a disk whose syncs take 5 s', () => {
  test('holds up who waits for them, and no other partition, read or append', async (t) => {
    const clock = new FakeClock(NOW_MS);
    const fileSystem = new SlowFileSystem(clock, '/a', 5000);
    const options = { clock, logDirs: ['/a', '/b'], settings: { 'flush.messages': '1' } };
    const { open } = await started(fileSystem, options);
    const [slow, fast] = [open(0), open(1)];
    const append = (log: Log): Promise<void> | undefined =>
      log.appendAsLeader(batchOf(['x']), { leaderEpoch: 0, origin: 'client' }).durable;
    let slowAcks = 0;
    const waiting = Array.from({ length: 10 }, () => append(slow)?.then(() => slowAcks++));
    let fastAcks = 0;
    for (let i = 0; i < 100; i++) {
      await append(fast);
      fastAcks++;
      assert.equal(readValues(slow).length, 10, 'what waits is there for its leader to read');
    }
    assert.deepEqual([slowAcks, clock.nowMs()], [0, NOW_MS], 'no time has passed');
    for (let i = 0; i < 100 && slowAcks < 10; i++) await clock.advance(1000);
    await Promise.all(waiting);
    const waitedMs = clock.nowMs() - NOW_MS;
    // Those that wait while a sync runs share the next one: two rounds of a few files each.
    assert.ok(waitedMs <= 60_000, `${waitedMs} ms`);
    t.diagnostic(`${fastAcks} acknowledged elsewhere meanwhile; 10 shared ${waitedMs / 1000} s of syncs`);
  });
});

describe('a partition that is deleted while its sync waits for the disk', () => {
  test('takes no log dir along when its files are gone by then', async () => {
    const clock = new FakeClock(NOW_MS);
    const fileSystem = new SlowFileSystem(clock, '/a', 5000);
    const options = { clock, logDirs: ['/a'], settings: { 'file.delete.delay.ms': '1000', 'flush.ms': '0' } };
    const { manager, open } = await started(fileSystem, options);
    const log = open(0);
    appendValues(log, ['x']);
    const periodic = manager.flushDirtyLogs();
    const waiting = assert.rejects(log.flush(), /orders-0 is closed/);
    manager.asyncDelete(tpOf(0));
    for (let i = 0; i < 20; i++) await clock.advance(1000);
    await Promise.all([periodic, waiting]);
    assert.deepEqual(manager.liveLogDirs, ['/a']);
    assert.deepEqual(
      fileSystem.readDirectorySync('/a').filter((name) => name.startsWith('orders')),
      [],
    );
    await assert.rejects(log.flush(), /orders-0 is closed/);
  });
});

describe('a power loss after a roll', () => {
  test('forgets no aborted transaction below the recovery point', async () => {
    const fileSystem = new MemoryFileSystem();
    const settings = { 'flush.messages': '1' };
    const { manager, open } = await started(fileSystem, { settings });
    const log = open(0);
    const transaction = { producerId: 9, producerEpoch: 0 };
    const records = batchOf(['aborted'], { ...transaction, baseSequence: 0, isTransactional: true });
    const guard = log.maybeStartTransactionVerification(9, 0, 0);
    await log.appendAsLeader(records, {
      leaderEpoch: 0,
      origin: 'client',
      ...(guard === undefined ? {} : { verificationGuard: guard }),
    }).durable;
    const marker = endTransactionMarker({ type: 'abort', coordinatorEpoch: 1, ...transaction, timestamp: NOW_MS });
    await log.appendAsLeader(marker, { leaderEpoch: 0, origin: 'coordinator' }).durable;
    // Names change while files are closed, and what was written to them is still to be synced.
    for (const name of ['orders-0.elsewhere', 'orders-0']) log.renameDirectory(name);
    log.roll();
    await log.flush();
    await manager.checkpointLogRecoveryOffsets();
    const next = await started(fileSystem.losePower(), { settings });
    const found = next.open(0);
    assert.equal(found.recoveryPoint, 2);
    assert.deepEqual(
      found.collectAbortedTransactions(0, 2).map(({ producerId, firstOffset }) => ({ producerId, firstOffset })),
      [{ producerId: 9, firstOffset: 0 }],
    );
  });
});

describe('a program that stops at any step of retention and compaction', () => {
  const settings = {
    'cleanup.policy': 'compact,delete',
    'min.cleanable.dirty.ratio': '0.01',
    'segment.bytes': '400',
    'retention.bytes': '600',
    'file.delete.delay.ms': '10',
    'index.interval.bytes': '100',
  };

  async function work(fileSystem: MemoryFileSystem, acknowledged: Map<string, number>): Promise<void> {
    const clock = new FakeClock(NOW_MS);
    const { manager, open } = await started(fileSystem, { clock, settings });
    const log = open(0);
    const append = (key: string, sequence: number): void => {
      const batch = batchOf([`${key}-${sequence}`], { key, producerId: 7, producerEpoch: 0, baseSequence: sequence });
      log.appendAsLeader(batch, { leaderEpoch: 0, origin: 'client' });
      acknowledged.set(key, sequence);
    };
    for (let i = 0; i < 12; i++) append(`k${i % 3}`, i);
    log.updateHighWatermark(log.logEndOffset);
    await manager.cleaner.cleanFilthiestLog();
    await clock.advance(20);
    for (let i = 12; i < 16; i++) append(`k${i % 3}`, i);
    log.updateHighWatermark(log.logEndOffset);
    await manager.cleanupLogs();
    await clock.advance(20);
    await manager.checkpointLogStartOffsets();
    await manager.close();
  }

  test('starts clean, with the last record of every key, and without strays after two starts', async (t) => {
    const whole = new MemoryFileSystem();
    await work(whole, new Map());
    const steps = whole.stepCount;
    for (const ending of ['restart', 'tornRestart'] as const) {
      for (let step = 0; step < steps; step++) {
        const fileSystem = new MemoryFileSystem();
        fileSystem.stopAfterSteps(step, { tearsWrite: ending === 'tornRestart' });
        const acknowledged = new Map<string, number>();
        await work(fileSystem, acknowledged).catch((error: unknown) => {
          assert.ok(error instanceof KafkaError || error instanceof StorageError, String(error));
        });
        const what = `${ending} after ${step} of ${steps}`;
        let next = fileSystem.restart();
        for (let start = 0; start < 2; start++) {
          const { manager, open } = await started(next, { settings });
          const log = open(0);
          const newest = new Map(
            readValues(log)
              .map((value) => value.split('-'))
              .map(([key = '', n]) => [key, Number(n)]),
          );
          for (const [key, sequence] of acknowledged) {
            // Retention may have taken the oldest; what is there must not be older than what was acknowledged.
            const found = newest.get(key);
            if (found !== undefined) assert.ok(found >= sequence, `${what}: ${key} is ${found}, not ${sequence}`);
          }
          const last = Math.max(-1, ...acknowledged.values());
          if (last >= 0) assert.ok((log.producerStateManager.lastEntry(7)?.lastSequence ?? -1) >= last, what);
          assert.ok(log.logEndOffset >= last + 1, what);
          await manager.close();
          next = next.restart();
        }
        const strays = [...filesOf(next, '/').keys()].filter((path) => /\.(cleaned|swap|deleted|tmp)$/.test(path));
        assert.deepEqual(strays, [], what);
      }
    }
    t.diagnostic(`stopped at each of ${steps} steps, twice`);
  });
});
