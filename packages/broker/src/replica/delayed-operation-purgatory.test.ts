import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FakeClock } from '@ottla/base';
import { DelayedOperation, DelayedOperationPurgatory } from './delayed-operation-purgatory.ts';

class Waiting extends DelayedOperation<string> {
  satisfied = false;
  expired = false;
  completions = 0;
  triedCount = 0;

  protected override isSatisfied(): boolean {
    this.triedCount++;
    return this.satisfied;
  }

  protected override complete(): string {
    this.completions++;
    return this.expired ? 'expired' : 'satisfied';
  }

  protected override onExpiration(): void {
    this.expired = true;
  }
}

describe('DelayedOperationPurgatory', () => {
  test('an operation that is satisfied at once is never watched', async () => {
    const clock = new FakeClock();
    const purgatory = new DelayedOperationPurgatory<string>(clock);
    const operation = new Waiting(100);
    operation.satisfied = true;
    assert.equal(purgatory.tryCompleteElseWatch(operation, ['a']), true);
    assert.equal(await operation.result, 'satisfied');
    assert.equal(purgatory.watchedCount, 0);
    assert.equal(clock.pendingCount, 0);
  });

  test('a check completes what is satisfied, leaves the rest, and takes the completed off every key', async () => {
    const clock = new FakeClock();
    const purgatory = new DelayedOperationPurgatory<string>(clock);
    const first = new Waiting(100);
    const second = new Waiting(100);
    assert.equal(purgatory.tryCompleteElseWatch(first, ['a', 'b', 'a']), false);
    assert.equal(purgatory.tryCompleteElseWatch(second, ['b']), false);
    assert.equal(purgatory.watchedCount, 3);
    assert.equal(purgatory.checkAndComplete('a'), 0);
    first.satisfied = true;
    assert.equal(purgatory.checkAndComplete('b'), 1);
    assert.equal(await first.result, 'satisfied');
    assert.equal(purgatory.watchedCount, 1);
    assert.equal(purgatory.isWatched('a'), false);
    assert.equal(purgatory.delayedCount, 1);
    assert.equal(clock.pendingCount, 1);
  });

  test('time completes an operation once, and a check afterwards does nothing', async () => {
    const clock = new FakeClock();
    const purgatory = new DelayedOperationPurgatory<string>(clock);
    const operation = new Waiting(100);
    purgatory.tryCompleteElseWatch(operation, ['a']);
    await clock.advance(99);
    assert.equal(operation.isCompleted, false);
    await clock.advance(1);
    assert.equal(await operation.result, 'expired');
    operation.satisfied = true;
    assert.equal(purgatory.checkAndComplete('a'), 0);
    assert.equal(operation.completions, 1);
    assert.equal(purgatory.watchedCount, 0);
  });

  test('a satisfied operation no longer expires', async () => {
    const clock = new FakeClock();
    const purgatory = new DelayedOperationPurgatory<string>(clock);
    const operation = new Waiting(100);
    purgatory.tryCompleteElseWatch(operation, ['a']);
    operation.satisfied = true;
    purgatory.checkAndComplete('a');
    await clock.advance(1000);
    assert.equal(operation.expired, false);
    assert.equal(await operation.result, 'satisfied');
  });

  test('an operation that must not wait expires at once', async () => {
    const purgatory = new DelayedOperationPurgatory<string>(new FakeClock());
    const operation = new Waiting(0);
    assert.equal(purgatory.tryCompleteElseWatch(operation, ['a']), true);
    assert.equal(await operation.result, 'expired');
  });

  test('closing expires what waits and what comes later', async () => {
    const clock = new FakeClock();
    const purgatory = new DelayedOperationPurgatory<string>(clock);
    const early = new Waiting(100);
    const late = new Waiting(100);
    purgatory.tryCompleteElseWatch(early, ['a']);
    purgatory.close();
    purgatory.close();
    assert.equal(purgatory.tryCompleteElseWatch(late, ['a']), true);
    assert.equal(await early.result, 'expired');
    assert.equal(await late.result, 'expired');
    assert.equal(clock.pendingCount, 0);
  });

  test('an operation whose completion fails rejects its result and is forgotten', async () => {
    class Failing extends Waiting {
      protected override complete(): string {
        throw new Error('disk gone');
      }
    }
    const clock = new FakeClock();
    const purgatory = new DelayedOperationPurgatory<string>(clock);
    const operation = new Failing(100);
    purgatory.tryCompleteElseWatch(operation, ['a']);
    operation.satisfied = true;
    purgatory.checkAndComplete('a');
    await assert.rejects(operation.result, /disk gone/);
    assert.equal(purgatory.watchedCount, 0);
  });

  test('an operation that watches again while its key is checked is not tried twice in that check', () => {
    const purgatory = new DelayedOperationPurgatory<string>(new FakeClock());
    const successor = new Waiting(100);
    class Chaining extends Waiting {
      protected override complete(): string {
        purgatory.tryCompleteElseWatch(successor, ['a']);
        return super.complete();
      }
    }
    const first = new Chaining(100);
    purgatory.tryCompleteElseWatch(first, ['a']);
    first.satisfied = true;
    assert.equal(purgatory.checkAndComplete('a'), 1);
    assert.equal(successor.triedCount, 1);
    assert.equal(purgatory.watchedCount, 1);
  });
});
