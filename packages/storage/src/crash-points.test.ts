// A program that stops at any write, rename, unlink or sync of what a broker does with its disk. Whatever the step, the next start is clean,
// what was acknowledged is there, and after two starts no file is left that should not be.
//
// Each operation is run once to count its steps, then once for each step and each way to stop: killed, killed in the middle of a write, power lost.
// Everything is acknowledged after a sync (flush.messages=1), so that the power loss must not cost anything either.
// OTTLA_CRASH_STEP=1 tries every step (default every 5th, starting anywhere).

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FakeClock, KafkaError, MemoryFileSystem, SeededRandom, StorageError, yieldToEventLoop } from '@ottla/base';
import { CleanerThreadsInProcess } from './cleaner-testing.ts';
import { SEED } from './damage-testing.ts';
import { copyToFutureLog } from './future-log-copy.ts';
import type { Log } from './log.ts';
import { filenamePrefixFromOffset } from './log-file-names.ts';
import type { LogManager } from './log-manager.ts';
import { batchOf, filesOf, logConfig, NOW_MS, newManager, readRecords } from './testing.ts';

const STEP = Number(process.env.OTTLA_CRASH_STEP ?? 5);
const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAg';
const LOG_DIRS = ['/a', '/b'];
const PARTITIONS = [0, 1];
const SETTINGS = {
  'segment.bytes': '400',
  'index.interval.bytes': '100',
  'flush.messages': '1',
  'file.delete.delay.ms': '1000',
  'min.cleanable.dirty.ratio': '0.01',
};
const ENDINGS = ['killed', 'killed in the middle of a write', 'power lost'] as const;

/** A record that was acknowledged. */
interface Acked {
  readonly offset: number;
  readonly key: string;
  readonly value: string;
}

/** A program over a disk, which may stop at any moment, and what it promised before. */
class Program {
  readonly clock: FakeClock;
  readonly manager: LogManager;
  readonly acked = new Map<number, Acked[]>(PARTITIONS.map((partition) => [partition, []]));
  readonly #settings: Record<string, string>;

  constructor(fileSystem: MemoryFileSystem, { settings, hasThreads }: Pick<Operation, 'settings' | 'hasThreads'>) {
    const clock = new FakeClock(NOW_MS);
    this.clock = clock;
    this.#settings = { ...SETTINGS, ...settings };
    const topicSettings = this.#settings;
    const threads =
      hasThreads === true ? { backgroundThreads: new CleanerThreadsInProcess({ fileSystem, clock }) } : {};
    this.manager = newManager({ fileSystem, clock, logDirs: LOG_DIRS, topicSettings, ...threads });
  }

  log(partition: number): Log {
    const options = { topicId: TOPIC_ID, isNew: true, config: logConfig(this.#settings) };
    return this.manager.getOrCreateLog({ topic: 'orders', partition }, options);
  }

  /** Every partition's `count` records, three keys, one producer. */
  async append(count: number): Promise<void> {
    for (let i = 0; i < count; i++) for (const partition of PARTITIONS) await this.#appendTo(partition);
  }

  async #appendTo(partition: number): Promise<void> {
    const log = this.log(partition);
    const offset = log.logEndOffset;
    const key = `k${offset % 3}`;
    const value = `${partition}-${offset}`;
    const producer = { producerId: 7, producerEpoch: 0, baseSequence: offset };
    const { durable } = log.appendAsLeader(batchOf([value], { key, ...producer }), {
      leaderEpoch: Math.floor(offset / 5),
      origin: 'client',
    });
    await durable;
    log.updateHighWatermark(log.logEndOffset);
    this.acked.get(partition)?.push({ offset, key, value });
  }

  /** Deletions that wait take place. */
  async pass(ms: number): Promise<void> {
    await this.clock.advance(ms);
    await yieldToEventLoop();
  }

  async move(partition: number, logDirectory: string): Promise<void> {
    const tp = { topic: 'orders', partition };
    const current = this.log(partition);
    const options = { topicId: TOPIC_ID, config: current.config };
    const future = this.manager.getOrCreateFutureLog(tp, { ...options, logDirectory });
    while (copyToFutureLog(current, future, 300) > 0);
    await future.flush();
    this.manager.replaceCurrentWithFutureLog(tp, () => {});
  }
}

interface Operation {
  readonly name: string;
  readonly settings?: Record<string, string>;
  readonly hasThreads?: boolean;
  /** Changes the disk, after `BEFORE` records were written and the logs closed. */
  readonly leave?: (fileSystem: MemoryFileSystem) => void;
  readonly run: (program: Program) => Promise<void>;
  /** Default 'all': nothing may be missing. 'suffix': the oldest may be. 'newest': all but the newest of each key may be. */
  readonly keeps?: 'all' | 'suffix' | 'newest';
  /** Partitions that may be gone. */
  readonly mayDelete?: readonly number[];
}

const BEFORE = 9;

const OPERATIONS: readonly Operation[] = [
  { name: 'appends and rolls', run: (program) => program.append(8) },
  {
    name: 'checkpoints',
    run: async (program) => {
      await program.append(2);
      program.log(0).maybeIncrementLogStartOffset(2);
      await program.manager.checkpointLogRecoveryOffsets();
      await program.manager.checkpointLogStartOffsets();
      await program.manager.checkpointHighWatermarks();
      await program.append(1);
      await program.manager.checkpointLogRecoveryOffsets();
    },
    keeps: 'suffix',
  },
  {
    name: 'retention by size',
    settings: { 'retention.bytes': '500' },
    run: async (program) => {
      await program.append(3);
      await program.manager.cleanupLogs();
      await program.pass(1000);
    },
    keeps: 'suffix',
  },
  {
    name: 'retention by log start offset',
    run: async (program) => {
      await program.append(3);
      for (const partition of PARTITIONS) program.log(partition).maybeIncrementLogStartOffset(8);
      await program.manager.cleanupLogs();
      await program.manager.checkpointLogStartOffsets();
      await program.pass(1000);
    },
    keeps: 'suffix',
  },
  { name: 'compaction', settings: { 'cleanup.policy': 'compact' }, run: compact, keeps: 'newest' },
  {
    name: 'compaction in a thread',
    settings: { 'cleanup.policy': 'compact' },
    hasThreads: true,
    run: compact,
    keeps: 'newest',
  },
  {
    name: 'a move to another directory and back',
    run: async (program) => {
      await program.move(0, '/b');
      await program.append(2);
      await program.pass(1000);
      await program.move(0, '/a');
      await program.pass(1000);
    },
  },
  {
    name: 'the deletion of a partition',
    run: async (program) => {
      await program.append(1);
      program.manager.asyncDelete({ topic: 'orders', partition: 1 });
      program.acked.set(1, []);
      await program.pass(1000);
    },
    mayDelete: [1],
  },
  { name: 'a start after a clean stop, and a stop', run: (program) => program.manager.loadAll() },
  {
    name: 'a start over what a crash left',
    leave: leaveStrays,
    run: async (program) => {
      await program.manager.loadAll();
      await program.pass(1000);
      await program.append(1);
    },
  },
];

async function compact(program: Program): Promise<void> {
  for (const count of [3, 6]) {
    await program.append(count);
    for (let times = 0; times < 2; times++) await program.manager.cleaner.cleanFilthiestLog();
    await program.pass(1000);
  }
}

/** A torn tail, files of a compaction and of checkpoints that were not finished, files and directories that were to be deleted. */
function leaveStrays(fileSystem: MemoryFileSystem): void {
  fileSystem.removeFileSync('/a/.kafka_cleanshutdown');
  fileSystem.removeFileSync('/b/.kafka_cleanshutdown');
  const write = (path: string, bytes: Buffer, position = 0): void => {
    const file = fileSystem.openSync(path, position === 0 ? 'create' : 'read-write');
    file.writeSync(bytes, position);
    file.syncSync();
    file.closeSync();
  };
  const segments = fileSystem.readDirectorySync('/a/orders-0').filter((name) => name.endsWith('.log'));
  const active = `/a/orders-0/${segments.sort().at(-1)}`;
  const size = fileSystem.statSync(active)?.sizeInBytes ?? 0;
  write(active, batchOf(['torn'], { baseOffset: 1000 }).subarray(0, 50), size);
  for (const suffix of ['log.cleaned', 'index.cleaned', 'log.deleted', 'timeindex.deleted', 'snapshot.deleted']) {
    write(`/a/orders-0/${filenamePrefixFromOffset(0)}.${suffix}`, Buffer.from('rubbish'));
  }
  write('/a/orders-0/leader-epoch-checkpoint.tmp', Buffer.from('0\n'));
  write('/a/recovery-point-offset-checkpoint.tmp', Buffer.from('0\n'));
  fileSystem.makeDirectorySync(`/b/orders-5.${'0'.repeat(32)}-delete`);
  write(`/b/orders-5.${'0'.repeat(32)}-delete/${filenamePrefixFromOffset(0)}.log`, batchOf(['gone']));
  for (const path of ['/a/orders-0', '/a', '/b', `/b/orders-5.${'0'.repeat(32)}-delete`]) {
    fileSystem.syncDirectorySync(path);
  }
}

/** The disk before the operation, and what is promised of it. */
async function prepare(operation: Operation): Promise<{ disk: MemoryFileSystem; before: Program }> {
  const fileSystem = new MemoryFileSystem();
  const before = new Program(fileSystem, operation);
  await before.manager.start();
  await before.append(BEFORE);
  await before.manager.close();
  operation.leave?.(fileSystem);
  return { disk: fileSystem.restart(), before };
}

/** Runs the operation on the disk, which may stop it. @returns what was acknowledged, and whether all of it was done */
async function perform(operation: Operation, disk: MemoryFileSystem, before: Program) {
  const program = new Program(disk, operation);
  for (const [partition, acked] of before.acked) program.acked.set(partition, [...acked]);
  let isDone = false;
  try {
    await program.manager.start();
    await operation.run(program);
    await program.manager.close();
    isDone = !disk.isStopped;
  } catch (error) {
    assert.ok(error instanceof KafkaError || error instanceof StorageError, String(error));
  }
  return { acked: program.acked, isDone };
}

function mustHold(log: Log, acked: readonly Acked[], keeps: Operation['keeps'], what: string): void {
  const found = new Map(readRecords(log).map(({ offset, value }) => [offset, String(value)]));
  const newest = new Map(acked.map((record) => [record.key, record.offset]));
  for (const { offset, key, value } of acked) {
    const there = found.get(offset);
    if (there !== undefined) assert.equal(there, value, what);
    else if (keeps === 'suffix') assert.ok(offset < log.logStartOffset, `${what}: offset ${offset} is gone`);
    else if (keeps === 'newest') assert.notEqual(newest.get(key), offset, `${what}: the newest of ${key} is gone`);
    else assert.fail(`${what}: offset ${offset} is gone`);
  }
  const end = (acked.at(-1)?.offset ?? -1) + 1;
  // What was on its way may be there, or not.
  assert.ok(
    log.logEndOffset === end || log.logEndOffset === end + 1,
    `${what}: ends at ${log.logEndOffset}, not ${end}`,
  );
  assert.equal(log.producerStateManager.lastEntry(7)?.lastSequence, log.logEndOffset - 1, what);
}

const DIRECTORY_FILES =
  /^\/[ab]\/(\.lock|\.kafka_cleanshutdown|(cleaner-offset|log-start-offset|recovery-point-offset|replication-offset)-checkpoint)$/;
const PARTITION_FILES =
  /^\/[ab]\/orders-[01]\/(\d{20}\.(log|index|timeindex|txnindex|snapshot)|leader-epoch-checkpoint|partition\.metadata)$/;

/** Files that no running broker would have. */
function strays(fileSystem: MemoryFileSystem): string[] {
  const paths = [...filesOf(fileSystem, '/').keys()];
  const segments = new Set(paths.filter((path) => path.endsWith('.log')).map((path) => path.slice(0, -4)));
  const twins = PARTITIONS.filter((partition) =>
    LOG_DIRS.every((path) => fileSystem.statSync(`${path}/orders-${partition}`) !== undefined),
  );
  return [
    ...paths.filter((path) => !DIRECTORY_FILES.test(path) && !PARTITION_FILES.test(path)),
    ...paths.filter((path) => /index$/.test(path) && !segments.has(path.slice(0, path.lastIndexOf('.')))),
    ...LOG_DIRS.flatMap((path) => fileSystem.readDirectorySync(path)).filter((name) =>
      /-(delete|future|stray)$/.test(name),
    ),
    ...twins.map((partition) => `orders-${partition} is in both`),
  ];
}

/** Two starts. @returns the disk behind them */
async function checkStarts(operation: Operation, disk: MemoryFileSystem, acked: Program['acked'], what: string) {
  let next = disk;
  for (let start = 1; start <= 2; start++) {
    const program = new Program(next, operation);
    const { manager } = program;
    await manager.start();
    assert.deepEqual(manager.offlineLogDirs, [], what);
    const there = new Set(manager.partitionDirectories().map(({ tp }) => tp.partition));
    for (const partition of PARTITIONS) {
      const records = acked.get(partition) ?? [];
      const isOpen = manager.getLog({ topic: 'orders', partition }) !== undefined;
      if (!there.has(partition) && !isOpen && operation.mayDelete?.includes(partition) === true) continue;
      mustHold(program.log(partition), records, operation.keeps, `${what}, start ${start}, partition ${partition}`);
      // As a broker does that finds a copy.
      if (manager.hasFutureLog({ topic: 'orders', partition })) await program.move(partition, '/b');
    }
    await program.pass(1000);
    await manager.close();
    assert.deepEqual(manager.offlineLogDirs, [], what);
    next = next.restart();
  }
  return next;
}

describe('a program that stops at any step of', () => {
  for (const operation of OPERATIONS) {
    test(operation.name, async (t) => {
      const { disk, before } = await prepare(operation);
      const { isDone } = await perform(operation, disk, before);
      assert.ok(isDone);
      const steps = disk.stepCount;
      const random = new SeededRandom(SEED);
      let count = 0;
      for (const ending of ENDINGS) {
        for (let step = random.nextInt(STEP); step <= steps; step += STEP, count++) {
          const prepared = await prepare(operation);
          prepared.disk.stopAfterSteps(step, { tearsWrite: ending === 'killed in the middle of a write' });
          const { acked } = await perform(operation, prepared.disk, prepared.before);
          const left = ending === 'power lost' ? prepared.disk.losePower() : prepared.disk.restart();
          const what = `${operation.name}, ${ending} after ${step} of ${steps} steps, seed ${SEED}`;
          assert.deepEqual(strays(await checkStarts(operation, left, acked, what)), [], what);
        }
      }
      t.diagnostic(`${count} crashes of ${ENDINGS.length} × ${steps + 1}: ${ENDINGS.join(', ')}; seed ${SEED}`);
    });
  }
});
