import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FakeClock } from '@ottla/base';
import { Throttler } from './throttler.ts';

const RATE = 1000;

function throttled(bytesPerSecond = RATE) {
  const clock = new FakeClock();
  const limit = { bytesPerSecond };
  const throttler = new Throttler(clock, () => limit.bytesPerSecond);
  const released: string[] = [];
  const report = (name: string, bytes: number, tookMs = 0): void => {
    void throttler
      .maybeThrottle({ bytes, tookMs }, () => {})
      .then(() => released.push(`${name} ${clock.monotonicMs()}`));
  };
  return { clock, limit, throttler, released, report };
}

describe('a throttler', () => {
  test('has who reports wait until time has paid for it', async () => {
    const { clock, released, report } = throttled();
    report('a', 1000);
    await clock.advance(999);
    assert.deepEqual(released, []);
    await clock.advance(1);
    assert.deepEqual(released, ['a 1000']);
  });

  test('has one limit for all, who are served in turn', async () => {
    const { clock, released, report } = throttled();
    report('a', 500);
    report('b', 500);
    await clock.advance(500);
    report('a', 500);
    await clock.advance(1000);
    assert.deepEqual(released, ['a 500', 'b 1000', 'a 1500']);
  });

  test('saves up 300 ms that nobody used, and no more', async () => {
    const { clock, released, report } = throttled();
    await clock.advance(60_000);
    report('a', 400);
    await clock.advance(100);
    assert.deepEqual(released, ['a 60100']);
  });

  test('counts all the time that the work itself took', async () => {
    const { clock, released, report } = throttled();
    await clock.advance(2000);
    report('a', 2000, 2000);
    await clock.advance(0);
    assert.deepEqual(released, ['a 2000']);
  });

  test('takes a new limit at once, for those who wait as well', async () => {
    const { clock, limit, released, report } = throttled(1);
    report('a', 1000);
    await clock.advance(1000);
    limit.bytesPerSecond = Number.MAX_VALUE;
    await clock.advance(200);
    assert.deepEqual(released, ['a 1200']);
    report('b', 1e12);
    await clock.advance(0);
    limit.bytesPerSecond = RATE;
    await clock.advance(1000);
    report('c', 1000);
    await clock.advance(2000);
    assert.deepEqual(released, ['a 1200', 'b 1200', 'c 2900']);
  });

  test('lets go of who may not go on, and what that one did stays to be paid for', async () => {
    const { clock, throttler, released, report } = throttled();
    let isStopped = false;
    const stopped = throttler.maybeThrottle({ bytes: 1000, tookMs: 0 }, () => {
      if (isStopped) throw new Error('stopped');
    });
    const refused = assert.rejects(stopped, /stopped/);
    isStopped = true;
    await clock.advance(200);
    await refused;
    report('b', 100);
    await clock.advance(2000);
    assert.deepEqual(released, ['b 1100']);
  });
});
