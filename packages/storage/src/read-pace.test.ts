import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ReadPace } from './read-pace.ts';

const PIECE_BYTES = 256 * 1024;

/** A pace on disks of which each read is counted, those that no test names too. */
function newPace(): ReadPace {
  let diskReads = 0;
  return new ReadPace({ diskReads: () => diskReads++ });
}

function readOffLoop(pace: ReadPace, tookMs: number, times: number): void {
  for (let i = 0; i < times; i++) pace.noteOffLoop(tookMs);
}

describe('the pace of old bytes', () => {
  test('is not known at first: the loop waits for nothing', () => {
    assert.equal(newPace().mayWait, true);
  });

  test('is that of the page cache after four quick reads in a row', () => {
    const pace = newPace();
    readOffLoop(pace, 0.3, 3);
    assert.equal(pace.mayWait, true);
    readOffLoop(pace, 0.3, 1);
    assert.equal(pace.mayWait, false);
    pace.noteOnLoop(0.06, PIECE_BYTES);
    assert.equal(pace.mayWait, false);
  });

  test('is that of a disk after a slow read, however many quick ones there were', () => {
    const pace = newPace();
    readOffLoop(pace, 0.3, 3);
    readOffLoop(pace, 7, 1);
    readOffLoop(pace, 0.3, 3);
    assert.equal(pace.mayWait, true);
  });

  test('is tried again much later once the loop had to wait', () => {
    const pace = newPace();
    readOffLoop(pace, 0.3, 4);
    pace.noteOnLoop(0.5, PIECE_BYTES);
    assert.equal(pace.mayWait, true);
    readOffLoop(pace, 0.3, 63);
    assert.equal(pace.mayWait, true);
    readOffLoop(pace, 0.3, 1);
    assert.equal(pace.mayWait, false);
  });

  test('allows a long read more time than a short one', () => {
    const pace = newPace();
    readOffLoop(pace, 0.3, 4);
    pace.noteOnLoop(0.5, 1024 * 1024);
    assert.equal(pace.mayWait, false);
  });

  describe('where nothing was read from a disk', () => {
    test('stays that of the page cache: slow reads have waited for the processor', () => {
      const pace = new ReadPace({ diskReads: () => 7 });
      readOffLoop(pace, 5, 4);
      assert.equal(pace.mayWait, false);
      pace.noteOnLoop(5, PIECE_BYTES);
      assert.equal(pace.mayWait, false);
    });

    test('is that of a disk all the same when a read takes longer than any processor would', () => {
      const pace = new ReadPace({ diskReads: () => 7 });
      readOffLoop(pace, 5, 4);
      pace.noteOnLoop(25, PIECE_BYTES);
      assert.equal(pace.mayWait, true);
      readOffLoop(pace, 25, 100);
      assert.equal(pace.mayWait, true);
    });
  });

  test('is that of a disk where the system does not count', () => {
    const pace = new ReadPace({ diskReads: () => Number.NaN });
    readOffLoop(pace, 0.3, 4);
    pace.noteOnLoop(0.5, PIECE_BYTES);
    assert.equal(pace.mayWait, true);
  });
});
