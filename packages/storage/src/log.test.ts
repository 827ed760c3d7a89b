import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Errors, FakeClock, KafkaError, MemoryFileSystem, readFully } from '@ottla/base';
import { batchesIn } from '@ottla/records';
import type { Log } from './log.ts';
import { appendValues, batchOf, logConfig, NOW_MS, openLog, readBatches, readRecords, readValues } from './testing.ts';

const DAY_MS = 86_400_000;

function hasErrorCode(code: number): (error: unknown) => boolean {
  return (error) => error instanceof KafkaError && error.code === code;
}

function countTo(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `v${i}`);
}

describe('append', () => {
  test('records get the next offsets and the leader epoch', () => {
    const log = openLog();
    assert.equal(appendValues(log, ['a', 'b']), 0);
    const info = log.appendAsLeader(batchOf(['c']), { leaderEpoch: 5, origin: 'client' });
    assert.deepEqual([info.firstOffset, info.lastOffset, info.logStartOffset, info.isDuplicate], [2, 2, 0, false]);
    assert.deepEqual(
      readBatches(log, 0).map((batch) => [batch.baseOffset, batch.lastOffset, batch.partitionLeaderEpoch]),
      [
        [0, 1, 0],
        [2, 2, 5],
      ],
    );
    assert.deepEqual(log.leaderEpochCache.entries, [
      { epoch: 0, startOffset: 0 },
      { epoch: 5, startOffset: 2 },
    ]);
  });

  test("with LogAppendTime records carry the broker's time", () => {
    const log = openLog({ settings: { 'message.timestamp.type': 'LogAppendTime' } });
    const info = log.appendAsLeader(batchOf(['a'], { timestamp: 1 }), { leaderEpoch: 0, origin: 'client' });
    assert.equal(info.logAppendTime, NOW_MS);
    assert.equal(readRecords(log)[0]?.timestamp, NOW_MS);
  });

  for (const [what, records, settings, code] of [
    [
      'a batch above max.message.bytes',
      batchOf(['x'.repeat(200)]),
      { 'max.message.bytes': '200' },
      Errors.MESSAGE_TOO_LARGE,
    ],
    [
      'more than a segment may have',
      batchOf(['x'.repeat(200)]),
      { 'segment.bytes': '200' },
      Errors.RECORD_LIST_TOO_LARGE,
    ],
    ['a batch whose offsets do not begin at 0', batchOf(['x'], { baseOffset: 1 }), {}, Errors.INVALID_RECORD],
    [
      'a record without a key on a compacted topic',
      batchOf(['x']),
      { 'cleanup.policy': 'compact' },
      Errors.INVALID_RECORD,
    ],
    ['two batches at once', Buffer.concat([batchOf(['x']), batchOf(['y'])]), {}, Errors.INVALID_RECORD],
    [
      'a timestamp too far ahead',
      batchOf(['x'], { timestamp: NOW_MS + 2000 }),
      { 'message.timestamp.after.max.ms': '1000' },
      Errors.INVALID_TIMESTAMP,
    ],
  ] as const) {
    test(`${what} is refused, and nothing is written`, () => {
      const log = openLog({ settings });
      assert.throws(() => log.appendAsLeader(records, { leaderEpoch: 0, origin: 'client' }), hasErrorCode(code));
      assert.equal(log.logEndOffset, 0);
      assert.equal(log.sizeInBytes, 0);
      assert.equal(appendValues(log, ['k'], { key: 'k' }), 0);
    });
  }

  test('a batch whose checksum does not hold is refused', () => {
    const log = openLog();
    const records = batchOf(['x']);
    records[records.length - 1] = (records.at(-1) ?? 0) ^ 1;
    assert.throws(
      () => log.appendAsLeader(records, { leaderEpoch: 0, origin: 'client' }),
      hasErrorCode(Errors.CORRUPT_MESSAGE),
    );
  });

  test('a follower takes batches as they are, and leaves out one that was cut', () => {
    const leader = openLog();
    appendValues(leader, ['a', 'b']);
    appendValues(leader, ['c']);
    const { records } = leader.read({ startOffset: 0, maxBytes: 1000, isolation: 'logEnd', minOneMessage: true });
    const bytes = readFully(records);
    const follower = openLog();
    follower.appendAsFollower(bytes.subarray(0, bytes.length - 1));
    assert.equal(follower.logEndOffset, 2);
    follower.appendAsFollower(readBatches(leader, 2)[0]?.bytes() ?? Buffer.alloc(0));
    assert.deepEqual(readValues(follower), ['a', 'b', 'c']);
    assert.throws(() => follower.appendAsFollower(bytes), hasErrorCode(Errors.OFFSET_OUT_OF_RANGE));
  });
});

describe('read', () => {
  test('reads by isolation', () => {
    const log = openLog();
    appendValues(log, ['a', 'b']);
    appendValues(log, ['c']);
    const sizeOf = (isolation: 'logEnd' | 'highWatermark'): number =>
      readBatches(log, 0, isolation).reduce((count, batch) => count + (batch.recordCount ?? 0), 0);
    assert.equal(sizeOf('logEnd'), 3);
    assert.equal(sizeOf('highWatermark'), 0);
    log.updateHighWatermark(2);
    assert.equal(sizeOf('highWatermark'), 2);
    log.updateHighWatermark(100);
    assert.equal(log.highWatermark, 3);
    assert.equal(sizeOf('highWatermark'), 3);
  });

  test('offsets outside the log are refused', () => {
    const log = openLog();
    appendValues(log, countTo(3));
    log.updateHighWatermark(3);
    log.maybeIncrementLogStartOffset(2);
    const read = (startOffset: number): number =>
      log.read({ startOffset, maxBytes: 100, isolation: 'logEnd', minOneMessage: true }).records.sizeInBytes;
    assert.throws(() => read(1), hasErrorCode(Errors.OFFSET_OUT_OF_RANGE));
    assert.throws(() => read(4), hasErrorCode(Errors.OFFSET_OUT_OF_RANGE));
    assert.ok(read(2) > 0);
    assert.equal(read(3), 0);
  });

  test('a first batch above maxBytes comes whole with minOneMessage, and cut without', () => {
    const log = openLog();
    appendValues(log, ['x'.repeat(500)]);
    const read = (minOneMessage: boolean) => {
      const fetched = log.read({ startOffset: 0, maxBytes: 100, isolation: 'logEnd', minOneMessage });
      fetched.records.release();
      return [fetched.records.sizeInBytes, fetched.firstEntryIncomplete];
    };
    assert.deepEqual(read(false), [100, true]);
    assert.deepEqual(read(true), [log.sizeInBytes, false]);
  });

  test('every offset is found from every other, over rolls and index entries', () => {
    const fileSystem = new MemoryFileSystem();
    const log = openLog({ fileSystem, settings: { 'segment.bytes': '2000', 'index.interval.bytes': '100' } });
    for (let i = 0; i < 200; i++) appendValues(log, countTo(1 + (i % 3)));
    assert.ok(log.numberOfSegments > 5);
    const check = (read: Log): void => {
      for (let offset = 0; offset < read.logEndOffset; offset++) {
        const fetched = read.read({ startOffset: offset, maxBytes: 1, isolation: 'logEnd', minOneMessage: true });
        const [batch] = batchesIn(readFully(fetched.records));
        assert.ok(batch !== undefined && batch.baseOffset <= offset && offset <= batch.lastOffset, `offset ${offset}`);
      }
    };
    check(log);
    check(openLog({ fileSystem: fileSystem.restart() }));
  });

  test('a slice stays readable when its segment is deleted meanwhile', async () => {
    const clock = new FakeClock(NOW_MS);
    const fileSystem = new MemoryFileSystem();
    const log = openLog({ clock, fileSystem, settings: { 'retention.bytes': '0' } });
    appendValues(log, ['a']);
    log.updateHighWatermark(1);
    const { records } = log.read({ startOffset: 0, maxBytes: 1000, isolation: 'logEnd', minOneMessage: true });
    assert.equal(log.deleteOldSegments(), 1);
    await clock.advance(60_000);
    assert.deepEqual(
      fileSystem.readDirectorySync('/logs/orders-3').filter((name) => name.startsWith('00000000000000000000')),
      [],
    );
    const [batch] = batchesIn(readFully(records));
    assert.equal(batch?.baseOffset, 0);
    assert.throws(() => records.release(), /released twice/);
  });
});

describe('rolling', () => {
  test('a segment rolls when the next append would make it too large', () => {
    const log = openLog({ settings: { 'segment.bytes': '200' } });
    const size = batchOf(['x']).length;
    const perSegment = Math.floor(200 / size);
    for (let i = 0; i < 3 * perSegment; i++) appendValues(log, ['x']);
    assert.equal(log.numberOfSegments, 3);
    assert.equal(log.activeSegment.baseOffset, 2 * perSegment);
  });

  test("a segment rolls segment.ms after its first record, by the records' time", () => {
    const log = openLog({ settings: { 'segment.ms': '1000' } });
    appendValues(log, ['a'], { timestamp: NOW_MS });
    appendValues(log, ['b'], { timestamp: NOW_MS + 1000 });
    assert.equal(log.numberOfSegments, 1);
    appendValues(log, ['c'], { timestamp: NOW_MS + 1001 });
    assert.equal(log.numberOfSegments, 2);
  });

  test('a segment rolls when its index is full', () => {
    const log = openLog({ settings: { 'segment.index.bytes': '48', 'index.interval.bytes': '0' } });
    for (let i = 0; i < 20; i++) appendValues(log, ['x'], { timestamp: NOW_MS + i });
    assert.ok(log.numberOfSegments > 3);
    assert.equal(readValues(log).length, 20);
  });

  test('offsets too far from the base roll', () => {
    const log = openLog();
    log.appendAsFollower(batchOf(['a'], { baseOffset: 0 }));
    log.appendAsFollower(batchOf(['b'], { baseOffset: 2 ** 31 }));
    assert.deepEqual(
      log.segments.map((segment) => segment.baseOffset),
      [0, 2 ** 31],
    );
    assert.deepEqual(readValues(log), ['a', 'b']);
  });
});

describe('retention', () => {
  function filled(settings: Record<string, string>, clock = new FakeClock(NOW_MS)): Log {
    const log = openLog({ clock, settings: { 'segment.bytes': '100', ...settings } });
    for (let i = 0; i < 5; i++) appendValues(log, [`v${i}`], { timestamp: NOW_MS + i * DAY_MS });
    assert.equal(log.numberOfSegments, 5);
    return log;
  }

  test('only replicated segments go', () => {
    const log = filled({ 'retention.bytes': '0' });
    log.updateHighWatermark(3);
    assert.equal(log.deleteOldSegments(), 3);
    assert.equal(log.logStartOffset, 3);
    assert.deepEqual(readValues(log), ['v3', 'v4']);
  });

  test('by age of the youngest record; all may go, and offsets continue', async () => {
    const clock = new FakeClock(NOW_MS);
    const log = filled({ 'retention.ms': String(2 * DAY_MS), 'retention.bytes': '-1' }, clock);
    log.updateHighWatermark(5);
    assert.equal(log.deleteOldSegments(), 0);
    await clock.advance(3 * DAY_MS + 1);
    assert.equal(log.deleteOldSegments(), 2);
    await clock.advance(10 * DAY_MS);
    assert.equal(log.deleteOldSegments(), 3);
    assert.equal(log.logStartOffset, 5);
    assert.equal(appendValues(log, ['next']), 5);
  });

  test('by size: what stays is at least retention.bytes', () => {
    const log = filled({ 'retention.ms': '-1' });
    log.config = logConfig({ 'retention.bytes': String(Math.floor(log.sizeInBytes / 5) * 2), 'retention.ms': '-1' });
    log.updateHighWatermark(5);
    assert.equal(log.deleteOldSegments(), 3);
    assert.deepEqual(readValues(log), ['v3', 'v4']);
  });

  test('a compacted topic drops only what lies before its start offset', () => {
    const log = filled({ 'retention.bytes': '0' });
    log.config = logConfig({ 'cleanup.policy': 'compact', 'retention.bytes': '0' });
    log.updateHighWatermark(5);
    assert.equal(log.deleteOldSegments(), 0);
    log.maybeIncrementLogStartOffset(2);
    assert.equal(log.deleteOldSegments(), 2);
  });

  test('files go after file.delete.delay.ms under another name', async () => {
    const clock = new FakeClock(NOW_MS);
    const fileSystem = new MemoryFileSystem();
    const log = openLog({ clock, fileSystem, settings: { 'retention.bytes': '0', 'segment.bytes': '100' } });
    appendValues(log, ['a']);
    appendValues(log, ['b']);
    log.updateHighWatermark(1);
    log.deleteOldSegments();
    const deleted = (): string[] =>
      fileSystem.readDirectorySync('/logs/orders-3').filter((name) => name.endsWith('.deleted'));
    await clock.advance(59_999);
    assert.equal(deleted().length, 3);
    await clock.advance(1);
    assert.equal(deleted().length, 0);
  });

  test('the start offset cannot pass the high watermark', () => {
    const log = filled({});
    assert.throws(() => log.maybeIncrementLogStartOffset(1), hasErrorCode(Errors.OFFSET_OUT_OF_RANGE));
    log.updateHighWatermark(2);
    assert.equal(log.maybeIncrementLogStartOffset(2), true);
    assert.equal(log.maybeIncrementLogStartOffset(1), false);
    assert.equal(log.logStartOffset, 2);
  });
});

describe('truncation', () => {
  test('every offset: what is before stays, and the log goes on there', () => {
    for (let offset = 0; offset <= 9; offset++) {
      const fileSystem = new MemoryFileSystem();
      const log = openLog({ fileSystem, settings: { 'segment.bytes': '170', 'index.interval.bytes': '0' } });
      for (let i = 0; i < 9; i++) {
        log.appendAsLeader(batchOf([`v${i}`], { producerId: 7, producerEpoch: 0, baseSequence: i }), {
          leaderEpoch: Math.floor(i / 3),
          origin: 'client',
        });
      }
      log.updateHighWatermark(9);
      assert.equal(log.truncateTo(offset), offset < 9);
      const check = (each: Log): void => {
        assert.deepEqual(readValues(each), countTo(offset), `to ${offset}`);
        assert.equal(each.logEndOffset, offset);
        assert.equal(each.latestEpoch, offset === 0 ? undefined : Math.floor((offset - 1) / 3));
        assert.equal(each.producerStateManager.lastEntry(7)?.lastSequence, offset === 0 ? undefined : offset - 1);
      };
      check(log);
      assert.equal(log.highWatermark, offset);
      check(openLog({ fileSystem: fileSystem.restart() }));
    }
  });

  test('fully, to begin elsewhere', () => {
    const log = openLog();
    appendValues(log, ['a'], { producerId: 7, producerEpoch: 0, baseSequence: 0 });
    log.truncateFullyAndStartAt(40);
    assert.deepEqual([log.logStartOffset, log.logEndOffset, log.highWatermark], [40, 40, 40]);
    assert.equal(log.producerStateManager.lastEntry(7), undefined);
    assert.equal(appendValues(log, ['b']), 40);
    log.truncateFullyAndStartAt(40);
    assert.equal(appendValues(log, ['c']), 40);
    assert.deepEqual(readValues(log), ['c']);
  });

  test('a sync under way does not vouch for what came after a truncation', async () => {
    const fileSystem = new MemoryFileSystem();
    const log = openLog({ fileSystem });
    appendValues(log, ['a']);
    appendValues(log, ['b', 'c']);
    fileSystem.failSyncOf = (path) => {
      if (!path.endsWith('.log')) return false;
      fileSystem.failSyncOf = () => false;
      log.truncateTo(1);
      appendValues(log, ['x', 'y']);
      return false;
    };
    await log.flush();
    assert.deepEqual(readValues(log), ['a', 'x', 'y']);
    assert.ok(log.recoveryPoint <= 1, `recovery point ${log.recoveryPoint}`);
    await log.flush();
    assert.equal(log.recoveryPoint, 3);
  });
});

describe('offsets by timestamp', () => {
  const log = openLog({ settings: { 'segment.bytes': '300', 'index.interval.bytes': '0' } });
  for (let i = 0; i < 10; i++) appendValues(log, [`a${i}`, `b${i}`], { timestamp: NOW_MS + i * 1000 });
  // A late record does not move the maximum.
  appendValues(log, ['late'], { timestamp: NOW_MS + 500 });

  for (const [what, timestamp, expected] of [
    ['the latest', -1, { timestamp: -1, offset: 21, leaderEpoch: 0 }],
    ['the earliest', -2, { timestamp: -1, offset: 0, leaderEpoch: 0 }],
    ['the earliest local', -4, { timestamp: -1, offset: 0, leaderEpoch: 0 }],
    ['the latest tiered, which is nowhere', -5, { timestamp: -1, offset: -1, leaderEpoch: -1 }],
    ['of the maximum timestamp', -3, { timestamp: NOW_MS + 9000, offset: 18, leaderEpoch: 0 }],
    ['before all', 0, { timestamp: NOW_MS, offset: 0, leaderEpoch: 0 }],
    ['an exact one', NOW_MS + 4000, { timestamp: NOW_MS + 4000, offset: 8, leaderEpoch: 0 }],
    ['between two', NOW_MS + 4001, { timestamp: NOW_MS + 5000, offset: 10, leaderEpoch: 0 }],
    ['after all', NOW_MS + 9001, undefined],
  ] as const) {
    test(what, () => assert.deepEqual(log.fetchOffsetByTimestamp(timestamp), expected));
  }

  test('an empty log has an earliest and a latest, and no maximum', () => {
    const empty = openLog();
    assert.deepEqual(empty.fetchOffsetByTimestamp(-1), { timestamp: -1, offset: 0, leaderEpoch: undefined });
    assert.equal(empty.fetchOffsetByTimestamp(-3), undefined);
    assert.equal(empty.fetchOffsetByTimestamp(0), undefined);
  });
});

describe('leader epochs', () => {
  const log = openLog();
  for (const [epoch, count] of [
    [0, 40],
    [3, 50],
    [5, 30],
  ] as const) {
    log.appendAsLeader(batchOf(countTo(count)), { leaderEpoch: epoch, origin: 'client' });
  }

  for (const [asked, expected] of [
    [-1, undefined],
    [0, { epoch: 0, endOffset: 40 }],
    [1, { epoch: 0, endOffset: 40 }],
    [3, { epoch: 3, endOffset: 90 }],
    [4, { epoch: 3, endOffset: 90 }],
    [5, { epoch: 5, endOffset: 120 }],
    [6, undefined],
  ] as const) {
    test(`epoch ${asked} ends`, () => assert.deepEqual(log.endOffsetForEpoch(asked), expected));
  }
});

describe('durability', () => {
  test('with flush.messages=1 an append is durable when it says so', async () => {
    const fileSystem = new MemoryFileSystem();
    fileSystem.makeDirectorySync('/logs');
    fileSystem.syncDirectorySync('/');
    const log = openLog({ fileSystem, settings: { 'flush.messages': '1' } });
    const info = log.appendAsLeader(batchOf(['a']), { leaderEpoch: 0, origin: 'client' });
    assert.ok(info.durable !== undefined);
    await info.durable;
    assert.deepEqual(readValues(openLog({ fileSystem: fileSystem.losePower() })), ['a']);
  });

  test('without, an append survives the process and not the power', () => {
    const make = (): MemoryFileSystem => {
      const fileSystem = new MemoryFileSystem();
      const log = openLog({ fileSystem });
      assert.equal(log.appendAsLeader(batchOf(['a']), { leaderEpoch: 0, origin: 'client' }).durable, undefined);
      return fileSystem;
    };
    assert.deepEqual(readValues(openLog({ fileSystem: make().restart() })), ['a']);
    assert.deepEqual(readValues(openLog({ fileSystem: make().losePower() })), []);
  });

  test('with flush.messages=3 every third append waits', () => {
    const log = openLog({ settings: { 'flush.messages': '3' } });
    const waits = [0, 1, 2].map(
      () => log.appendAsLeader(batchOf(['a']), { leaderEpoch: 0, origin: 'client' }).durable !== undefined,
    );
    assert.deepEqual(waits, [false, false, true]);
  });

  test('appends that wait while a sync is under way share the next one', async () => {
    const fileSystem = new MemoryFileSystem();
    let syncs = 0;
    fileSystem.failSyncOf = (path) => {
      if (path.endsWith('.log')) syncs++;
      return false;
    };
    const log = openLog({ fileSystem, settings: { 'flush.messages': '1' } });
    const durable = countTo(100).map(
      (value) => log.appendAsLeader(batchOf([value]), { leaderEpoch: 0, origin: 'client' }).durable,
    );
    await Promise.all(durable);
    assert.ok(syncs <= 2, `${syncs} syncs`);
    assert.equal(log.recoveryPoint, 100);
  });

  test('a failed sync takes the log offline, and the append is not acknowledged', async () => {
    const fileSystem = new MemoryFileSystem();
    const errors: unknown[] = [];
    const log = openLog({ fileSystem, settings: { 'flush.messages': '1' }, errors: errors as never[] });
    fileSystem.failSyncOf = (path) => path.endsWith('.log');
    const { durable } = log.appendAsLeader(batchOf(['a']), { leaderEpoch: 0, origin: 'client' });
    await assert.rejects(durable ?? Promise.resolve(), hasErrorCode(Errors.KAFKA_STORAGE_ERROR));
    assert.equal(errors.length, 1);
    assert.throws(() => appendValues(log, ['b']), hasErrorCode(Errors.KAFKA_STORAGE_ERROR));
    assert.throws(
      () => log.read({ startOffset: 0, maxBytes: 1, isolation: 'logEnd', minOneMessage: true }),
      hasErrorCode(Errors.KAFKA_STORAGE_ERROR),
    );
  });

  test('a full disk refuses the append; what was acknowledged is there, now and after a restart', () => {
    const fileSystem = new MemoryFileSystem();
    const log = openLog({ fileSystem });
    appendValues(log, ['a']);
    const { usableBytes } = fileSystem.volumeSync('/');
    fileSystem.capacityBytes -= usableBytes - 4096;
    assert.throws(() => appendValues(log, ['x'.repeat(10_000)]), hasErrorCode(Errors.KAFKA_STORAGE_ERROR));
    assert.deepEqual(readValues(log), ['a']);
    const next = fileSystem.restart();
    next.capacityBytes = Number.MAX_SAFE_INTEGER;
    assert.deepEqual(readValues(openLog({ fileSystem: next })), ['a']);
  });
});
