// A write that a crash cut short, in every format and codec that Kafka writes: the log ends with the last whole batch, at once and for good.
// OTTLA_TORN_STEP=1 tries every length (default every 29th, starting anywhere).

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MemoryFileSystem, SeededRandom } from '@ottla/base';
import { goldenSegment, SEED, validBatches, validPrefix } from './damage-testing.ts';
import { batchOf, filesOf, GOLDEN_SKIP, openLog } from './testing.ts';

const STEP = Number(process.env.OTTLA_TORN_STEP ?? 29);
const DIRECTORY = '/logs/orders-3';
const SEGMENT = `${DIRECTORY}/00000000000000000000.log`;

type Tail = (whole: Buffer, length: number, random: SeededRandom) => Buffer;

const TAILS: readonly (readonly [what: string, tail: Tail])[] = [
  ['cut', (whole, length) => whole.subarray(0, length)],
  ['zeroes', (whole, length) => Buffer.concat([whole.subarray(0, length), Buffer.alloc(whole.length - length)])],
  [
    'random bytes',
    (whole, length, random) => Buffer.concat([whole.subarray(0, length), random.bytes(whole.length - length)]),
  ],
  [
    'the last batch twice',
    (whole, length) => {
      const last = validBatches(whole.subarray(0, length)).at(-1);
      if (last === undefined) return whole.subarray(0, length);
      const end = last.position + last.sizeInBytes;
      return Buffer.concat([whole.subarray(0, end), whole.subarray(last.position, length)]);
    },
  ],
];

function diskWith(bytes: Buffer): MemoryFileSystem {
  const fileSystem = new MemoryFileSystem();
  fileSystem.makeDirectorySync(DIRECTORY);
  fileSystem.openSync(SEGMENT, 'create').writeSync(bytes, 0);
  return fileSystem;
}

/** @returns what the disk holds after the first start */
function checkStarts(damaged: Buffer, what: string): void {
  const fileSystem = diskWith(damaged);
  const prefix = validPrefix(damaged);
  const first = openLog({ fileSystem });
  assert.equal(first.logEndOffset, (validBatches(damaged).at(-1)?.lastOffset ?? -1) + 1, what);
  assert.ok(fileSystem.readFileSync(SEGMENT).equals(damaged.subarray(0, prefix)), `${what}: ${prefix} bytes stay`);
  const found = filesOf(fileSystem, '/');
  const again = fileSystem.restart();
  const second = openLog({ fileSystem: again });
  assert.deepEqual(filesOf(again, '/'), found, `${what}: the second start`);
  const appended = second.appendAsLeader(batchOf(['next']), { leaderEpoch: 99, origin: 'client' });
  assert.equal(appended.firstOffset, first.logEndOffset, `${what}: the log goes on`);
}

describe('a segment of every format and codec whose end is torn', { skip: GOLDEN_SKIP }, () => {
  for (const [what, tail] of TAILS) {
    test(`keeps exactly its longest valid prefix: ${what}`, (t) => {
      const random = new SeededRandom(SEED);
      const whole = goldenSegment();
      assert.equal(validPrefix(whole), whole.length);
      let count = 0;
      for (let length = STEP === 1 ? 0 : random.nextInt(STEP); length <= whole.length; length += STEP) {
        checkStarts(tail(whole, length, random), `${what} at ${length}, seed ${SEED}`);
        count++;
      }
      t.diagnostic(`${count} of ${whole.length + 1} lengths, seed ${SEED}`);
    });
  }
});
