import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock, silentLogger, yieldToEventLoop } from '@ottla/base';
import { KafkaScheduler } from './kafka-scheduler.ts';

describe('a scheduler', () => {
  it('counts the interval from the end of a run', async () => {
    const clock = new FakeClock();
    const scheduler = new KafkaScheduler(clock, silentLogger);
    let runs = 0;
    let finish = (): void => {};
    scheduler.every(100, 10, () => {
      runs++;
      return new Promise((resolve) => {
        finish = resolve;
      });
    });
    await clock.advance(10);
    await clock.advance(1000);
    assert.equal(runs, 1, 'the first run is not over');
    finish();
    await yieldToEventLoop();
    await clock.advance(99);
    assert.equal(runs, 1);
    await clock.advance(1);
    assert.equal(runs, 2);
  });

  it('goes on after a run that fails', async () => {
    const clock = new FakeClock();
    const scheduler = new KafkaScheduler(clock, silentLogger);
    let runs = 0;
    scheduler.every(100, 100, async () => {
      runs++;
      throw new Error('no');
    });
    for (let i = 0; i < 3; i++) {
      await clock.advance(100);
      await yieldToEventLoop();
    }
    assert.equal(runs, 3);
  });

  it('waits, when it closes, for what runs, and begins nothing any more', async () => {
    const clock = new FakeClock();
    const scheduler = new KafkaScheduler(clock, silentLogger);
    const events: string[] = [];
    scheduler.soon(async () => {
      await yieldToEventLoop();
      events.push('soon');
    });
    scheduler.after(50, () => events.push('after'));
    await scheduler.close();
    assert.deepEqual(events, ['soon']);
    scheduler.after(50, () => events.push('late'));
    scheduler.soon(async () => void events.push('late'));
    await clock.advance(100);
    await yieldToEventLoop();
    assert.deepEqual(events, ['soon']);
  });
});
