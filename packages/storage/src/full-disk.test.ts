// Disks that have no space for one write, whichever it is, and then have some again.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  Errors,
  FakeClock,
  type File,
  KafkaError,
  type Logger,
  MemoryFileSystem,
  type StorageError,
  silentLogger,
} from '@ottla/base';
import { endTransactionMarker } from '@ottla/records';
import type { Log } from './log.ts';
import {
  appendValues,
  batchOf,
  copyFiles,
  filesOf,
  logConfig,
  NOW_MS,
  newManager,
  openLog,
  readBatches,
  readRecords,
  readValues,
  TP,
} from './testing.ts';

/** Counts the files that are open. */
class CountingFileSystem extends MemoryFileSystem {
  openCount = 0;

  override openSync(path: string, mode: 'read' | 'read-write' | 'create'): File {
    const file = super.openSync(path, mode);
    const closeSync = file.closeSync.bind(file);
    let isOpen = true;
    this.openCount++;
    file.closeSync = () => {
      if (isOpen) this.openCount--;
      isOpen = false;
      closeSync();
    };
    return file;
  }
}

function isStorageError(error: unknown): boolean {
  return error instanceof KafkaError && error.code === Errors.KAFKA_STORAGE_ERROR;
}

/** What a log answers to those who ask. */
function stateOf(log: Log): unknown {
  return {
    start: log.logStartOffset,
    end: log.logEndOffset,
    highWatermark: log.highWatermark,
    lastStable: log.lastStableOffset,
    epochs: log.leaderEpochCache.entries,
    producers: [...log.producerStateManager.activeProducers.values()].map((entry) => [
      entry.producerId,
      entry.producerEpoch,
      entry.lastSequence,
      entry.currentTxnFirstOffset,
    ]),
    ongoing: [...log.producerStateManager.ongoingTransactionOffsets],
    mapEnd: log.producerStateManager.mapEndOffset,
    aborted: log.collectAbortedTransactions(log.logStartOffset, log.logEndOffset),
    records: readRecords(log).map(({ offset, value }) => `${offset} ${value}`),
    batches: readBatches(log, log.logStartOffset).map(({ baseOffset, sizeInBytes }) => [baseOffset, sizeInBytes]),
    byTime: log.fetchOffsetByTimestamp(NOW_MS + 5)?.offset,
    maxTimestamp: log.fetchOffsetByTimestamp(-3)?.offset,
  };
}

const SETTINGS = { 'segment.bytes': '600', 'index.interval.bytes': '1', 'cleanup.policy': 'delete' };
const TRANSACTION = { producerId: 9, producerEpoch: 0, isTransactional: true };

function lead(log: Log, records: Buffer, leaderEpoch: number, origin: 'client' | 'coordinator' = 'client'): void {
  log.appendAsLeader(records, { leaderEpoch, origin });
  log.updateHighWatermark(log.logEndOffset);
}

/** Every change of a log that needs space, in ways that touch every file. */
const CHANGES: readonly (readonly [string, (log: Log) => unknown])[] = [
  ['the first append', (log) => lead(log, batchOf(['a', 'b']), 0)],
  ['an idempotent append', (log) => lead(log, batchOf(['c'], { producerId: 7, producerEpoch: 0, baseSequence: 0 }), 0)],
  ['an append in a new epoch', (log) => lead(log, batchOf(['d'], { timestamp: NOW_MS + 9 }), 3)],
  ['the first records of a transaction', (log) => lead(log, batchOf(['e'], { ...TRANSACTION, baseSequence: 0 }), 3)],
  ['an append that rolls', (log) => lead(log, batchOf(['x'.repeat(400)]), 3)],
  ['a roll', (log) => log.roll()],
  ['another roll, of an empty segment', (log) => log.roll()],
  [
    'the marker that aborts',
    (log) => {
      const { producerId, producerEpoch } = TRANSACTION;
      const timestamp = NOW_MS;
      const marker = endTransactionMarker({ type: 'abort', coordinatorEpoch: 1, producerId, producerEpoch, timestamp });
      lead(log, marker, 3, 'coordinator');
    },
  ],
  [
    'what a leader sent, of two epochs, behind a gap',
    (log) => {
      const next = log.logEndOffset + 5;
      const first = batchOf(['f', 'g'], { baseOffset: next, partitionLeaderEpoch: 4 });
      log.appendAsFollower(Buffer.concat([first, batchOf(['h'], { baseOffset: next + 2, partitionLeaderEpoch: 6 })]));
    },
  ],
  [
    'what a leader sent behind a gap, for which the log rolls',
    (log) => {
      const baseOffset = log.logEndOffset + 3;
      log.appendAsFollower(batchOf(['y'.repeat(500)], { baseOffset, partitionLeaderEpoch: 6 }));
    },
  ],
  ['a flush', (log) => log.flush()],
  ['a cut', (log) => log.truncateTo(log.logEndOffset - 1)],
  [
    'an append after the cut',
    (log) => lead(log, batchOf(['i'], { producerId: 7, producerEpoch: 0, baseSequence: 1 }), 8),
  ],
  ['a later start', (log) => log.maybeIncrementLogStartOffset(2)],
  ['retention', (log) => log.deleteOldSegments()],
  ['an append after retention', (log) => lead(log, batchOf(['j', 'k']), 8)],
  ['a move of the empty log', (log) => log.truncateFullyAndStartAt(100)],
  ['an append after the move', (log) => lead(log, batchOf(['l']), 9)],
  ['a topic id', (log) => log.assignTopicId('zHg53uw7RMC4hcbDG1s3Vw')],
];

describe('a disk without space for one write', () => {
  async function reference(): Promise<{ states: unknown[]; calls: number }> {
    const fileSystem = new MemoryFileSystem();
    const log = openLog({ fileSystem, settings: SETTINGS });
    fileSystem.spaceCallCount = 0;
    const states: unknown[] = [];
    for (const [, change] of CHANGES) {
      await change(log);
      await log.flush();
      states.push(stateOf(log));
    }
    return { states, calls: fileSystem.spaceCallCount };
  }

  test('changes nothing, and the same works when there is space', async (t) => {
    const { states, calls } = await reference();
    const refused = new Map<string, number>();
    for (let call = 0; call < calls; call++) {
      const fileSystem = new MemoryFileSystem();
      const errors: StorageError[] = [];
      const log = openLog({ fileSystem, errors, settings: SETTINGS });
      fileSystem.spaceCallCount = 0;
      fileSystem.refuseSpaceOf = () => fileSystem.spaceCallCount > call;
      for (const [index, [name, change]] of CHANGES.entries()) {
        const what = `${name}, refused at call ${call} of ${calls}`;
        const before = stateOf(log);
        try {
          await change(log);
        } catch (error) {
          assert.ok(isStorageError(error), `${what}: ${error}`);
          assert.deepEqual(stateOf(log), before, what);
          refused.set(name, (refused.get(name) ?? 0) + 1);
          const crashed = openLog({
            fileSystem: copyFiles(filesOf(fileSystem, '/')),
            settings: SETTINGS,
            logStartOffsetCheckpoint: log.logStartOffset,
          });
          assert.deepEqual([crashed.logEndOffset, readValues(crashed)], [log.logEndOffset, readValues(log)], what);
          fileSystem.refuseSpaceOf = () => false;
          await change(log);
        }
        await log.flush();
        assert.deepEqual(stateOf(log), states[index], what);
      }
      fileSystem.refuseSpaceOf = () => false;
      assert.deepEqual(errors, [], `call ${call}: the log dir went offline`);
      const strays = [...filesOf(fileSystem, '/').keys()].filter((path) => /\.(tmp|cleaned|swap)$/.test(path));
      assert.deepEqual(strays, [], `call ${call}`);
      const state = stateOf(log);
      await log.close();
      const reopened = openLog({
        fileSystem: fileSystem.restart(),
        settings: SETTINGS,
        hadCleanShutdown: true,
        logStartOffsetCheckpoint: log.logStartOffset,
      });
      reopened.updateHighWatermark(log.highWatermark);
      assert.deepEqual(stateOf(reopened), state, `call ${call}, after a restart`);
    }
    // Retention and cuts go on without space.
    const never = ['another roll, of an empty segment', 'a flush', 'a cut', 'a later start', 'retention'];
    assert.deepEqual(
      CHANGES.map(([name]) => name).filter((name) => !refused.has(name)),
      never,
    );
    t.diagnostic(`refused ${[...refused.values()].reduce((a, b) => a + b)} changes at ${calls} calls`);
  });

  for (const suffix of ['.index', '.timeindex']) {
    test(`a full page of a ${suffix} that cannot be written refuses the append, and no entry is lost`, () => {
      const fileSystem = new MemoryFileSystem();
      const errors: StorageError[] = [];
      const log = openLog({ fileSystem, errors, settings: { 'index.interval.bytes': '0' } });
      fileSystem.refuseSpaceOf = (path) => path.endsWith(suffix);
      const append = (): number => {
        const offset = log.logEndOffset;
        return appendValues(log, [`${offset}`], { timestamp: NOW_MS + offset });
      };
      assert.throws(() => {
        for (let i = 0; i < 2000; i++) append();
      }, isStorageError);
      assert.throws(append, isStorageError);
      fileSystem.refuseSpaceOf = () => false;
      for (let i = 0; i < 600; i++) append();
      const count = log.logEndOffset;
      assert.deepEqual(
        readValues(log),
        Array.from({ length: count }, (_, index) => `${index}`),
      );
      const { offsetIndex, timeIndex } = log.activeSegment;
      assert.deepEqual([offsetIndex.entryCount, timeIndex.entryCount], [count - 1, count - 1]);
      for (let offset = 0; offset < count; offset++) {
        assert.equal(log.fetchOffsetByTimestamp(NOW_MS + offset)?.offset, offset);
      }
      assert.deepEqual(errors, []);
    });
  }

  test('an epoch whose first records were refused is not in the file when others come in their place', async () => {
    const fileSystem = new MemoryFileSystem();
    const log = openLog({ fileSystem });
    lead(log, batchOf(['a']), 1);
    let isLogRefused = false;
    fileSystem.refuseSpaceOf = (path) => {
      if (path.endsWith('.log')) isLogRefused = true;
      return isLogRefused;
    };
    assert.throws(() => lead(log, batchOf(['b']), 2), isStorageError);
    assert.throws(() => lead(log, batchOf(['b']), 1), isStorageError);
    fileSystem.refuseSpaceOf = () => false;
    log.appendAsFollower(batchOf(['c'], { baseOffset: 1, partitionLeaderEpoch: 1 }));
    assert.deepEqual(log.leaderEpochCache.entries, [{ epoch: 1, startOffset: 0 }]);
    await log.close();
    const next = openLog({ fileSystem: fileSystem.restart(), hadCleanShutdown: true });
    assert.deepEqual(next.leaderEpochCache.entries, [{ epoch: 1, startOffset: 0 }]);
  });

  test('a stop without space says that it failed; all that was acknowledged is there at the next start', async () => {
    const fileSystem = new MemoryFileSystem();
    const log = openLog({ fileSystem });
    lead(log, batchOf(['a'], { producerId: 7, producerEpoch: 0, baseSequence: 0 }), 0);
    fileSystem.refuseSpaceOf = () => true;
    await assert.rejects(log.close(), isStorageError);
    const next = openLog({ fileSystem: fileSystem.restart() });
    assert.deepEqual(readValues(next), ['a']);
    assert.equal(next.producerStateManager.lastEntry(7)?.lastSequence, 0);
  });

  test('what can be cut back no more takes the log offline', () => {
    const fileSystem = new MemoryFileSystem();
    const errors: StorageError[] = [];
    const log = openLog({ fileSystem, errors });
    lead(log, batchOf(['a']), 0);
    fileSystem.refuseSpaceOf = (path) => {
      fileSystem.failAllOf = (other) => other.endsWith('.log');
      return path.endsWith('.log');
    };
    assert.throws(() => lead(log, batchOf(['b']), 0), isStorageError);
    assert.equal(errors.length, 1);
    fileSystem.refuseSpaceOf = () => false;
    fileSystem.failAllOf = () => false;
    assert.throws(() => lead(log, batchOf(['b']), 0), isStorageError);
  });
});

describe('a log dir without space', () => {
  const open = { topicId: 'zHg53uw7RMC4hcbDG1s3Vw', isNew: true, config: logConfig() };

  test('makes no log by half: neither the log nor its directory is there, or the next call finds it', async (t) => {
    let refusals = 0;
    for (let call = 0; ; call++) {
      const fileSystem = new MemoryFileSystem();
      const manager = newManager({ fileSystem });
      await manager.start();
      fileSystem.spaceCallCount = 0;
      fileSystem.refuseSpaceOf = () => fileSystem.spaceCallCount > call;
      try {
        manager.getOrCreateLog(TP, open);
        break;
      } catch (error) {
        assert.ok(isStorageError(error), String(error));
        refusals++;
      }
      const isThere = fileSystem.statSync('/logs/orders-3') !== undefined;
      assert.equal(isThere, manager.getLog(TP) !== undefined, `call ${call}`);
      fileSystem.refuseSpaceOf = () => false;
      const log = manager.getOrCreateLog(TP, open);
      assert.equal(appendValues(log, ['a']), 0);
      assert.equal(log.topicId, open.topicId);
      assert.deepEqual(manager.liveLogDirs, ['/logs']);
      await manager.close();
    }
    t.diagnostic(`${refusals} refusals`);
  });

  test('holds no file of a log that could not be opened', async () => {
    const fileSystem = new CountingFileSystem();
    for (let call = 0; ; call++) {
      fileSystem.removeDirectorySync('/logs/orders-3');
      const manager = newManager({ fileSystem, logDirs: [`/logs`] });
      await manager.start();
      const openBefore = fileSystem.openCount;
      fileSystem.spaceCallCount = 0;
      fileSystem.refuseSpaceOf = () => fileSystem.spaceCallCount > call;
      let isOpen = true;
      try {
        manager.getOrCreateLog(TP, { ...open, topicId: undefined });
      } catch (error) {
        assert.ok(isStorageError(error), String(error));
        isOpen = false;
        assert.equal(fileSystem.openCount, openBefore, `call ${call}`);
      }
      fileSystem.refuseSpaceOf = () => false;
      await manager.close();
      if (isOpen) {
        assert.ok(call > 0);
        return;
      }
    }
  });

  test('opens a log as it was when there is space again', async () => {
    let fileSystem = new MemoryFileSystem();
    const before = newManager({ fileSystem });
    await before.start();
    const log = before.getOrCreateLog(TP, open);
    for (let i = 0; i < 5; i++) lead(log, batchOf(['x'], { producerId: 7, producerEpoch: 0, baseSequence: i }), 0);
    log.maybeIncrementLogStartOffset(2);
    await before.checkpointLogStartOffsets();
    fileSystem = fileSystem.restart();
    const manager = newManager({ fileSystem });
    await manager.start();
    fileSystem.refuseSpaceOf = () => true;
    assert.throws(() => manager.getOrCreateLog(TP, open), isStorageError);
    fileSystem.refuseSpaceOf = () => false;
    const { logStartOffset, logEndOffset } = manager.getOrCreateLog(TP, open);
    assert.deepEqual([logStartOffset, logEndOffset], [2, 5]);
  });

  test('keeps its old checkpoints, writes them later, and gets no clean marker if it could not', async () => {
    const fileSystem = new MemoryFileSystem();
    const manager = newManager({ fileSystem });
    await manager.start();
    const log = manager.getOrCreateLog(TP, open);
    for (let i = 0; i < 3; i++) lead(log, batchOf(['x']), 0);
    await log.flush();
    await manager.checkpointLogRecoveryOffsets();
    const path = '/logs/recovery-point-offset-checkpoint';
    const written = fileSystem.readFileSync(path).toString();
    lead(log, batchOf(['y']), 0);
    await log.flush();
    fileSystem.refuseSpaceOf = (name) => name.endsWith('.tmp');
    await manager.checkpointLogRecoveryOffsets();
    assert.equal(fileSystem.readFileSync(path).toString(), written);
    fileSystem.refuseSpaceOf = () => false;
    await manager.checkpointLogRecoveryOffsets();
    assert.match(fileSystem.readFileSync(path).toString(), /^orders 3 4$/m);
    fileSystem.refuseSpaceOf = (name) => name.includes('checkpoint');
    lead(log, batchOf(['z']), 0);
    await manager.close();
    assert.equal(fileSystem.statSync('/logs/.kafka_cleanshutdown'), undefined);
    assert.deepEqual(
      [...filesOf(fileSystem, '/').keys()].filter((name) => name.endsWith('.tmp')),
      [],
    );
  });

  test('compaction that finds no space leaves the log as it is, and is done later', async () => {
    const settings = { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0.01', 'segment.bytes': '300' };
    const fileSystem = new MemoryFileSystem();
    const manager = newManager({ fileSystem, topicSettings: settings });
    await manager.start();
    const log = manager.getOrCreateLog(TP, { ...open, config: logConfig(settings) });
    for (let i = 0; i < 20; i++) lead(log, batchOf([`v${i}`], { key: `k${i % 2}` }), 0);
    const before = readValues(log);
    for (const refused of [/\.log\.cleaned$/, /index\.cleaned$/]) {
      fileSystem.refuseSpaceOf = (path) => refused.test(path);
      assert.equal(await manager.cleaner.cleanFilthiestLog(), undefined);
      assert.deepEqual(readValues(log), before);
      assert.deepEqual(
        fileSystem.readDirectorySync(log.directory).filter((name) => name.endsWith('.cleaned')),
        [],
      );
    }
    fileSystem.refuseSpaceOf = () => false;
    assert.ok((await manager.cleaner.cleanFilthiestLog()) !== undefined);
    assert.ok(readValues(log).length < before.length);
    assert.deepEqual(manager.liveLogDirs, ['/logs']);
  });

  test('is told of once when it is full, and once when it has been written to for ten seconds without a refusal', async () => {
    const clock = new FakeClock(NOW_MS);
    const fileSystem = new MemoryFileSystem();
    const lines: string[] = [];
    const note = (message: string): void => {
      if (message.includes('space')) lines.push(message);
    };
    const logger: Logger = { ...silentLogger, error: note, info: note, warn: note, child: () => logger };
    const manager = newManager({ fileSystem, clock, logger });
    await manager.start();
    const log = manager.getOrCreateLog(TP, open);
    const refuse = (): void => {
      fileSystem.refuseSpaceOf = () => true;
      assert.throws(() => lead(log, batchOf(['x']), 0), isStorageError);
      fileSystem.refuseSpaceOf = () => false;
    };
    for (let i = 0; i < 5; i++) {
      refuse();
      lead(log, batchOf(['small']), 0);
      await clock.advance(5_000);
    }
    assert.deepEqual(lines.splice(0), ['a log dir has no space left: what needs some is refused until there is']);
    await clock.advance(5_000);
    lead(log, batchOf(['y']), 0);
    lead(log, batchOf(['y']), 0);
    assert.deepEqual(lines.splice(0), ['a log dir has space again']);
    refuse();
    assert.equal(lines.length, 1);
    await manager.close();
  });
});
