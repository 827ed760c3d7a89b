import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ReadPace } from './read-pace.ts';

const PIECE_BYTES = 256 * 1024;

function readOffLoop(pace: ReadPace, tookMs: number, times: number): void {
  for (let i = 0; i < times; i++) pace.noteOffLoop(tookMs);
}

describe('the pace of old bytes', () => {
  test('is not known at first: the loop waits for nothing', () => {
    assert.equal(new ReadPace().mayWait, true);
  });

  test('is that of the page cache after four quick reads in a row', () => {
    const pace = new ReadPace();
    readOffLoop(pace, 0.3, 3);
    assert.equal(pace.mayWait, true);
    readOffLoop(pace, 0.3, 1);
    assert.equal(pace.mayWait, false);
    pace.noteOnLoop(0.06, PIECE_BYTES);
    assert.equal(pace.mayWait, false);
  });

  test('is that of a disk after a slow read, however many quick ones there were', () => {
    const pace = new ReadPace();
    readOffLoop(pace, 0.3, 3);
    readOffLoop(pace, 7, 1);
    readOffLoop(pace, 0.3, 3);
    assert.equal(pace.mayWait, true);
  });

  test('is tried again much later once the loop had to wait', () => {
    const pace = new ReadPace();
    readOffLoop(pace, 0.3, 4);
    pace.noteOnLoop(0.5, PIECE_BYTES);
    assert.equal(pace.mayWait, true);
    readOffLoop(pace, 0.3, 63);
    assert.equal(pace.mayWait, true);
    readOffLoop(pace, 0.3, 1);
    assert.equal(pace.mayWait, false);
  });

  test('allows a long read more time than a short one', () => {
    const pace = new ReadPace();
    readOffLoop(pace, 0.3, 4);
    pace.noteOnLoop(0.5, 1024 * 1024);
    assert.equal(pace.mayWait, false);
  });
});
