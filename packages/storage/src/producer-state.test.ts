import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Errors, errorName, FakeClock, KafkaError, MemoryFileSystem } from '@ottla/base';
import { endTransactionMarker } from '@ottla/records';
import type { Log } from './log.ts';
import type { LogAppendInfo } from './log-append-info.ts';
import { batchOf, filesOf, NOW_MS, openLog } from './testing.ts';

const PID = 7;

interface Append {
  readonly epoch?: number;
  readonly sequence: number;
  readonly count?: number;
  readonly txn?: boolean;
  readonly pid?: number;
}

function append(log: Log, { epoch = 0, sequence, count = 1, txn = false, pid = PID }: Append): LogAppendInfo {
  const values = Array.from({ length: count }, (_, i) => `v${i}`);
  const records = batchOf(values, {
    producerId: pid,
    producerEpoch: epoch,
    baseSequence: sequence,
    isTransactional: txn,
  });
  return log.appendAsLeader(records, { leaderEpoch: 0, origin: 'client' });
}

function end(
  log: Log,
  type: 'commit' | 'abort',
  options: { epoch?: number; pid?: number; coordinatorEpoch?: number } = {},
): number {
  const records = endTransactionMarker({
    type,
    coordinatorEpoch: options.coordinatorEpoch ?? 1,
    producerId: options.pid ?? PID,
    producerEpoch: options.epoch ?? 0,
    timestamp: NOW_MS,
  });
  return log.appendAsLeader(records, { leaderEpoch: 0, origin: 'coordinator' }).firstOffset;
}

/** The error's name, or 'duplicate', or the offset. */
function outcome(run: () => LogAppendInfo): string | number {
  try {
    const info = run();
    return info.isDuplicate ? `duplicate of ${info.firstOffset}..${info.lastOffset}` : info.firstOffset;
  } catch (error) {
    if (error instanceof KafkaError) return errorName(error.code);
    throw error;
  }
}

const MAX = 0x7fffffff;

describe('which batch of an idempotent producer may come next', () => {
  const cases: [what: string, before: Append[], next: Append, expected: string | number][] = [
    ['an unknown producer may begin anywhere', [], { sequence: 41 }, 0],
    ['the next sequence', [{ sequence: 0, count: 3 }], { sequence: 3 }, 3],
    ['a gap', [{ sequence: 0 }], { sequence: 2 }, 'OUT_OF_ORDER_SEQUENCE_NUMBER'],
    ['the last batch again', [{ sequence: 0, count: 3 }], { sequence: 0, count: 3 }, 'duplicate of 0..2'],
    [
      'the fifth last batch again',
      [0, 1, 2, 3, 4, 5].map((sequence) => ({ sequence })),
      { sequence: 1 },
      'duplicate of 1..1',
    ],
    [
      'the sixth last batch again',
      [0, 1, 2, 3, 4, 5].map((sequence) => ({ sequence })),
      { sequence: 0 },
      'OUT_OF_ORDER_SEQUENCE_NUMBER',
    ],
    ['part of a known batch', [{ sequence: 0, count: 3 }], { sequence: 1 }, 'OUT_OF_ORDER_SEQUENCE_NUMBER'],
    ['a new epoch from 0', [{ sequence: 5 }], { epoch: 1, sequence: 0 }, 1],
    ['a new epoch from elsewhere', [{ sequence: 5 }], { epoch: 1, sequence: 6 }, 'OUT_OF_ORDER_SEQUENCE_NUMBER'],
    ['an older epoch', [{ epoch: 1, sequence: 0 }], { epoch: 0, sequence: 1 }, 'INVALID_PRODUCER_EPOCH'],
    ['the same sequences of a new epoch', [{ sequence: 0 }], { epoch: 1, sequence: 0 }, 1],
    ['sequences wrap to 0', [{ sequence: MAX }], { sequence: 0 }, 1],
    ['a batch across the wrap', [{ sequence: MAX - 1, count: 3 }], { sequence: 1 }, 3],
    [
      'a batch across the wrap again',
      [{ sequence: MAX - 1, count: 3 }],
      { sequence: MAX - 1, count: 3 },
      'duplicate of 0..2',
    ],
    ['another producer', [{ sequence: 0 }], { pid: 8, sequence: 0 }, 1],
    ['outside its open transaction', [{ sequence: 0, txn: true }], { sequence: 1 }, 'INVALID_TXN_STATE'],
  ];
  for (const [what, before, next, expected] of cases) {
    for (const restarted of [false, true]) {
      // A snapshot keeps only the last batch of each producer.
      if (restarted && what.includes('fifth')) continue;
      test(`${what}: ${expected}${restarted ? ', also after a restart' : ''}`, () => {
        const fileSystem = new MemoryFileSystem();
        let log = openLog({ fileSystem });
        for (const each of before) append(log, each);
        if (restarted) log = openLog({ fileSystem: fileSystem.restart() });
        assert.equal(
          outcome(() => append(log, next)),
          expected,
        );
      });
    }
  }

  test('all five batches are known after an unclean stop, the last after a clean one', async () => {
    const fileSystem = new MemoryFileSystem();
    const log = openLog({ fileSystem });
    for (let sequence = 0; sequence < 6; sequence++) append(log, { sequence });
    await log.close();
    const next = openLog({ fileSystem: fileSystem.restart(), hadCleanShutdown: true });
    assert.equal(
      outcome(() => append(next, { sequence: 5 })),
      'duplicate of 5..5',
    );
    assert.equal(
      outcome(() => append(next, { sequence: 6 })),
      6,
    );
  });

  test('a producer is forgotten after producer.id.expiration.ms, unless its transaction is open', async () => {
    const clock = new FakeClock(NOW_MS);
    const log = openLog({ clock });
    append(log, { sequence: 5 });
    append(log, { pid: 8, sequence: 5, txn: true });
    await clock.advance(86_399_999);
    log.removeExpiredProducers(clock.nowMs());
    assert.equal(log.producerStateManager.producerCount, 2);
    await clock.advance(1);
    log.removeExpiredProducers(clock.nowMs());
    assert.deepEqual([...log.producerStateManager.activeProducers.keys()], [8]);
    assert.equal(
      outcome(() => append(log, { sequence: 99 })),
      2,
    );
  });

  test('a limit on remembered producers is kept', () => {
    const log = openLog({ producerIdsMax: 2 });
    append(log, { pid: 1, sequence: 0 });
    append(log, { pid: 2, sequence: 0 });
    assert.equal(
      outcome(() => append(log, { pid: 3, sequence: 0 })),
      'POLICY_VIOLATION',
    );
    assert.equal(
      outcome(() => append(log, { pid: 2, sequence: 1 })),
      2,
    );
  });
});

describe('transactions', () => {
  test('the last stable offset stops at the first undecided transaction', () => {
    const log = openLog();
    const stable = (): number => {
      log.updateHighWatermark(log.logEndOffset);
      return log.lastStableOffset;
    };
    append(log, { sequence: 0 }); // 0
    append(log, { pid: 8, sequence: 0, txn: true }); // 1
    append(log, { pid: 9, sequence: 0, txn: true }); // 2
    assert.equal(stable(), 1);
    end(log, 'commit', { pid: 9 }); // 3
    assert.equal(stable(), 1);
    end(log, 'abort', { pid: 8 }); // 4
    assert.equal(stable(), 5);
    assert.deepEqual(log.collectAbortedTransactions(0, 5), [
      { producerId: 8, firstOffset: 1, lastOffset: 4, lastStableOffset: 5 },
    ]);
    assert.deepEqual(log.collectAbortedTransactions(0, 1), []);
  });

  test('a decision counts when its marker is replicated', () => {
    const log = openLog();
    append(log, { sequence: 0, txn: true });
    end(log, 'commit');
    log.updateHighWatermark(1);
    assert.equal(log.lastStableOffset, 0);
    log.updateHighWatermark(2);
    assert.equal(log.lastStableOffset, 2);
  });

  test('a marker of an older coordinator is refused', () => {
    const log = openLog();
    append(log, { sequence: 0, txn: true });
    end(log, 'commit', { coordinatorEpoch: 5 });
    append(log, { sequence: 1, txn: true });
    assert.throws(
      () => end(log, 'abort', { coordinatorEpoch: 4 }),
      (error) => error instanceof KafkaError && error.code === Errors.TRANSACTION_COORDINATOR_FENCED,
    );
    assert.equal(end(log, 'abort', { coordinatorEpoch: 5 }), 3);
  });

  test('a marker of an older epoch is refused, one of a newer fences the producer', () => {
    const log = openLog();
    append(log, { epoch: 1, sequence: 0, txn: true });
    assert.throws(
      () => end(log, 'abort', { epoch: 0 }),
      (error) => error instanceof KafkaError && error.code === Errors.INVALID_PRODUCER_EPOCH,
    );
    end(log, 'abort', { epoch: 2 });
    assert.equal(
      outcome(() => append(log, { epoch: 1, sequence: 1, txn: true })),
      'INVALID_PRODUCER_EPOCH',
    );
    assert.equal(
      outcome(() => append(log, { epoch: 2, sequence: 0, txn: true })),
      2,
    );
  });

  test('a marker without a transaction completes nothing', () => {
    const log = openLog();
    assert.equal(end(log, 'abort'), 0);
    log.updateHighWatermark(1);
    assert.equal(log.lastStableOffset, 1);
    assert.deepEqual(log.collectAbortedTransactions(0, 1), []);
  });

  for (const clean of [true, false]) {
    test(`open and aborted transactions are known after a ${clean ? 'clean' : 'unclean'} stop`, async () => {
      const fileSystem = new MemoryFileSystem();
      const log = openLog({ fileSystem });
      append(log, { sequence: 0, txn: true }); // 0
      end(log, 'abort'); // 1
      log.roll();
      append(log, { pid: 8, sequence: 0, txn: true }); // 2
      log.roll();
      append(log, { pid: 9, sequence: 0 }); // 3
      log.updateHighWatermark(4);
      if (clean) await log.close();
      const next = openLog({ fileSystem: fileSystem.restart(), hadCleanShutdown: clean });
      next.updateHighWatermark(4);
      assert.equal(next.lastStableOffset, 2);
      assert.equal(next.fetchLastStableOffsetMetadata().segmentBaseOffset, 2);
      assert.deepEqual(
        next.collectAbortedTransactions(0, 4).map((each) => [each.producerId, each.firstOffset, each.lastOffset]),
        [[PID, 0, 1]],
      );
      end(next, 'commit', { pid: 8 });
      next.updateHighWatermark(5);
      assert.equal(next.lastStableOffset, 5);
    });
  }

  test('a truncation takes back a decision', () => {
    const log = openLog();
    append(log, { sequence: 0, txn: true });
    end(log, 'abort');
    log.updateHighWatermark(2);
    log.truncateTo(1);
    assert.equal(log.lastStableOffset, 0);
    assert.deepEqual(log.collectAbortedTransactions(0, 1), []);
    end(log, 'commit');
    log.updateHighWatermark(2);
    assert.equal(log.lastStableOffset, 2);
  });

  test('the first batch of a transaction must have been verified where that is asked for', () => {
    const log = openLog({ transactionVerificationEnabled: () => true });
    const records = (sequence: number): Buffer =>
      batchOf(['a'], { producerId: PID, producerEpoch: 0, baseSequence: sequence, isTransactional: true });
    const run = (sequence: number, guard?: ReturnType<Log['maybeStartTransactionVerification']>): string | number =>
      outcome(() =>
        log.appendAsLeader(records(sequence), { leaderEpoch: 0, origin: 'client', verificationGuard: guard }),
      );
    assert.equal(run(0), 'INVALID_TXN_STATE');
    const guard = log.maybeStartTransactionVerification(PID, 0, 0);
    assert.equal(run(1, guard), 'OUT_OF_ORDER_SEQUENCE_NUMBER');
    assert.equal(run(0, guard), 0);
    assert.equal(log.maybeStartTransactionVerification(PID, 1, 0), undefined);
    assert.equal(run(1), 1);
    end(log, 'commit');
    assert.equal(run(2, guard), 'INVALID_TXN_STATE');
  });
});

test('snapshots stand at the beginnings of segments and at the end after a stop', async () => {
  const fileSystem = new MemoryFileSystem();
  const log = openLog({ fileSystem });
  append(log, { sequence: 0 });
  log.roll();
  append(log, { sequence: 1 });
  await log.close();
  const names = [...filesOf(fileSystem, '/').keys()].filter((name) => name.endsWith('.snapshot'));
  assert.deepEqual(names, [
    '/logs/orders-3/00000000000000000001.snapshot',
    '/logs/orders-3/00000000000000000002.snapshot',
  ]);
});
