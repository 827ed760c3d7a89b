// The real thread, on a real disk: what it makes of a log is, byte for byte, what is made on the event loop.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  type BackgroundThread,
  type BackgroundThreadListener,
  type BackgroundThreads,
  FakeClock,
  NodeBackgroundThreads,
  NodeFileSystem,
  SeededRandom,
} from '@ottla/base';
import {
  type CompressionType,
  crc32c,
  endTransactionMarker,
  loadCompressionCodecs,
  RecordsBuilder,
  type RecordsBuilderOptions,
} from '@ottla/records';
import type { CleanerReport } from './cleaner-messages.ts';
import type { Log } from './log.ts';
import type { LogManager } from './log-manager.ts';
import { filesOf, logConfig, NOW_MS, newManager, readRecords, TP } from './testing.ts';

const SEED = Number(process.env.OTTLA_SEED ?? 7);
const SETTINGS = {
  'cleanup.policy': 'compact',
  'min.cleanable.dirty.ratio': '0.01',
  'segment.bytes': '400000',
  'index.interval.bytes': '4096',
  'delete.retention.ms': '1000',
};
const CODECS: readonly CompressionType[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
const BATCHES = 400;
const KEYS = 200;

/** The real threads, one of which dies the first time it reports a slice. */
class DyingThreads implements BackgroundThreads {
  startCount = 0;
  readonly #inner = new NodeBackgroundThreads();

  start(program: URL, { name, listener }: { name: string; listener: BackgroundThreadListener }): BackgroundThread {
    const isFirst = this.startCount++ === 0;
    const onMessage = (message: unknown): void => {
      const isLast = isFirst && (message as CleanerReport).type === 'slice';
      if (isLast) void thread.close().then(() => listener.onDied(new Error('killed')));
      else listener.onMessage(message);
    };
    const thread = this.#inner.start(program, {
      name,
      listener: { onMessage, onDied: (error) => listener.onDied(error) },
    });
    return thread;
  }
}

describe('a cleaner in a thread', () => {
  const fileSystem = new NodeFileSystem();
  let directory: string;
  before(async () => {
    await loadCompressionCodecs();
    directory = mkdtempSync(join(tmpdir(), 'ottla-cleaner-'));
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  async function started(name: string, backgroundThreads?: BackgroundThreads) {
    const clock = new FakeClock(NOW_MS);
    const logDir = join(directory, name);
    fileSystem.makeDirectorySync(logDir);
    const manager = newManager({
      fileSystem,
      clock,
      logDirs: [logDir],
      settings: { transactionPartitionVerificationEnable: false },
      ...(backgroundThreads === undefined ? {} : { backgroundThreads }),
    });
    await manager.start();
    const log = manager.getOrCreateLog(TP, { topicId: undefined, isNew: true, config: logConfig(SETTINGS) });
    return { manager, log, clock, logDir };
  }

  async function compact(manager: LogManager, log: Log): Promise<number> {
    log.roll();
    log.updateHighWatermark(log.logEndOffset);
    let passes = 0;
    while ((await manager.cleaner.cleanFilthiestLog()) !== undefined) passes++;
    return passes;
  }

  test('leaves the bytes that one on the event loop leaves, of all formats, codecs and transactions', async () => {
    const states: Map<string, string>[] = [];
    for (const [name, threads] of [
      ['loop', undefined],
      ['thread', new NodeBackgroundThreads()],
    ] as const) {
      const { manager, log, clock, logDir } = await started(name, threads);
      const random = new SeededRandom(SEED);
      fill(log, random);
      const sizeBefore = log.sizeInBytes;
      assert.ok((await compact(manager, log)) > 0);
      await clock.advance(2000);
      fill(log, random);
      assert.ok((await compact(manager, log)) > 0);
      assert.ok(log.sizeInBytes < sizeBefore, `${log.sizeInBytes} bytes of ${sizeBefore}`);
      await manager.close();
      const files = [...filesOf(fileSystem, logDir)].filter(([path]) => !path.endsWith('.deleted'));
      states.push(
        new Map(files.map(([path, bytes]) => [path.slice(logDir.length), `${bytes.length} bytes, ${crc32c(bytes)}`])),
      );
    }
    const [byLoop, byThread] = states;
    const names = [...(byLoop?.keys() ?? [])];
    for (const suffix of ['.log', '.index', '.timeindex', '.txnindex', 'cleaner-offset-checkpoint']) {
      assert.ok(
        names.some((path) => path.endsWith(suffix)),
        `${suffix} among ${names}`,
      );
    }
    assert.deepEqual(byThread, byLoop, `seed ${SEED}`);
  });

  test('says what is wrong with records', async () => {
    const { manager, log } = await started('damaged', new NodeBackgroundThreads());
    fill(log, new SeededRandom(SEED));
    const [first] = log.segments;
    assert.ok(first !== undefined);
    const file = fileSystem.openSync(first.log.path, 'read-write');
    file.writeSync(Buffer.from([9]), 40);
    file.closeSync();
    assert.equal(await compact(manager, log), 0);
    assert.deepEqual(manager.cleaner.uncleanablePartitions, ['orders-3']);
    await manager.close();
  });

  test('that is killed in the middle of it is survived', async () => {
    const threads = new DyingThreads();
    const { manager, log, logDir } = await started('killed', threads);
    fill(log, new SeededRandom(SEED), ['commit']);
    const lastOfKeys = lastValues(log);
    assert.equal(await compact(manager, log), 0);
    assert.deepEqual(lastValues(log), lastOfKeys);
    assert.ok((await compact(manager, log)) > 0);
    assert.deepEqual(lastValues(log), lastOfKeys);
    assert.equal(threads.startCount, 2);
    const left = [...filesOf(fileSystem, logDir).keys()].filter((path) => path.endsWith('.cleaned'));
    assert.deepEqual(left, []);
    await manager.close();
  });

  test('stops soon when the broker does, and leaves nothing behind', async () => {
    const { manager, log, clock, logDir } = await started('stopped', new NodeBackgroundThreads());
    fill(log, new SeededRandom(SEED), ['commit']);
    log.roll();
    log.updateHighWatermark(log.logEndOffset);
    const before = lastValues(log);
    await clock.advance(15_000);
    await manager.close();
    const left = [...filesOf(fileSystem, logDir).keys()].filter((path) => path.endsWith('.cleaned'));
    assert.deepEqual(left, []);
    const next = await started('stopped');
    assert.deepEqual(lastValues(next.log), before);
    await next.manager.close();
  });
});

/** Batches of all formats and codecs, tombstones among them, transactions that are committed and aborted. */
function fill(log: Log, random: SeededRandom, ends: readonly ('abort' | 'commit')[] = ['abort', 'commit']): void {
  const sequences = new Map<number, number>();
  for (let count = 0; count < BATCHES; count++) {
    const baseOffset = log.logEndOffset;
    const compressionType = CODECS[random.nextInt(CODECS.length)] ?? 'none';
    const kind = random.nextInt(4);
    if (kind < 2 && compressionType !== 'zstd') {
      const timestampType = kind === 0 ? 'NoTimestampType' : 'CreateTime';
      const codec = kind === 0 && compressionType === 'lz4' ? 'gzip' : compressionType;
      log.appendAsFollower(
        batch(random, { magic: kind === 0 ? 0 : 1, baseOffset, timestampType, compressionType: codec }),
      );
    } else if (kind === 2) {
      const producerId = 1 + random.nextInt(3);
      const baseSequence = sequences.get(producerId) ?? log.producerStateManager.lastEntry(producerId)?.lastSequence;
      const options = { producerId, producerEpoch: 0, isTransactional: true, baseSequence: (baseSequence ?? -1) + 1 };
      log.appendAsFollower(batch(random, { baseOffset, compressionType, ...options }));
      const type = ends[random.nextInt(ends.length)] ?? 'commit';
      const marker = { type, coordinatorEpoch: 1, producerId, producerEpoch: 0, timestamp: NOW_MS } as const;
      if (random.nextInt(3) > 0) {
        log.appendAsLeader(endTransactionMarker(marker), { leaderEpoch: 0, origin: 'coordinator' });
      }
    } else log.appendAsFollower(batch(random, { baseOffset, compressionType }));
  }
  for (const producerId of [1, 2, 3]) {
    const marker = { type: 'commit', coordinatorEpoch: 1, producerId, producerEpoch: 0, timestamp: NOW_MS } as const;
    log.appendAsLeader(endTransactionMarker(marker), { leaderEpoch: 0, origin: 'coordinator' });
  }
}

function batch(random: SeededRandom, options: Partial<RecordsBuilderOptions>): Buffer {
  const builder = new RecordsBuilder({
    magic: 2,
    compressionType: 'none',
    timestampType: 'CreateTime',
    baseOffset: 0,
    ...options,
  });
  const count = 1 + random.nextInt(20);
  for (let i = 0; i < count; i++) {
    const key = Buffer.from(`key ${random.nextInt(KEYS)}`);
    const value = random.nextInt(10) === 0 ? null : random.bytes(100 + random.nextInt(400));
    builder.append({ timestamp: NOW_MS + random.nextInt(1000), key, value });
  }
  return builder.build();
}

/** By key, the checksum of the value; 0: a tombstone. */
function lastValues(log: Log): Map<string, number> {
  return new Map(readRecords(log).map(({ key, value }) => [String(key), value === null ? 0 : crc32c(value)]));
}
