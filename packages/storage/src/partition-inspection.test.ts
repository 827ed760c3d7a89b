import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MemoryFileSystem, SeededRandom } from '@ottla/base';
import { goldenSegment, SEED } from './damage-testing.ts';
import { hasBeenCompacted, inspectPartition } from './partition-inspection.ts';
import { appendValues, batchOf, filesOf, GOLDEN_SKIP, openLog } from './testing.ts';

const DIRECTORY = '/logs/orders-3';
const SEGMENT = `${DIRECTORY}/00000000000000000000.log`;
const DAMAGES = 200;

describe('a look at a partition', () => {
  test('tells what its log holds, and leaves it alone', () => {
    const fileSystem = new MemoryFileSystem();
    const log = openLog({ fileSystem, settings: { 'segment.bytes': '300' } });
    for (let i = 0; i < 10; i++) appendValues(log, ['a', 'b']);
    log.closeHandlers();
    const files = filesOf(fileSystem, '/');
    const found = inspectPartition(fileSystem, DIRECTORY);
    assert.deepEqual(filesOf(fileSystem, '/'), files);
    assert.deepEqual(
      { ...found, brokenIndexes: 0 },
      {
        segmentCount: log.numberOfSegments,
        sizeInBytes: log.sizeInBytes,
        startOffset: 0,
        endOffset: 20,
        formats: [2],
        problems: [],
        brokenIndexes: 0,
        isCompactionUnfinished: false,
      },
    );
    assert.equal(hasBeenCompacted(fileSystem, DIRECTORY, undefined), false);
  });

  test('finds the end that recovery finds, whatever is damaged', { skip: GOLDEN_SKIP }, (t) => {
    const whole = goldenSegment();
    const random = new SeededRandom(SEED);
    for (let count = 0; count < DAMAGES; count++) {
      const bytes = Buffer.from(whole.subarray(0, random.nextInt(whole.length)));
      if (count % 2 === 0 && bytes.length > 0) bytes[random.nextInt(bytes.length)] = random.nextInt(256);
      const fileSystem = new MemoryFileSystem();
      fileSystem.makeDirectorySync(DIRECTORY);
      fileSystem.openSync(SEGMENT, 'create').writeSync(bytes, 0);
      const { endOffset, problems } = inspectPartition(fileSystem, DIRECTORY);
      const log = openLog({ fileSystem });
      assert.equal(endOffset, log.logEndOffset, `damage ${count}, seed ${SEED}`);
      assert.equal(problems.length, log.sizeInBytes < bytes.length ? 1 : 0, `damage ${count}, seed ${SEED}`);
    }
    t.diagnostic(`${DAMAGES} damages, seed ${SEED}`);
  });

  test('sees a segment that overlaps the next one', () => {
    const fileSystem = new MemoryFileSystem();
    fileSystem.makeDirectorySync(DIRECTORY);
    fileSystem.openSync(SEGMENT, 'create').writeSync(batchOf(['a', 'b', 'c']), 0);
    fileSystem.openSync(SEGMENT.replace('00.log', '02.log'), 'create').writeSync(batchOf(['x'], { baseOffset: 2 }), 0);
    assert.match(inspectPartition(fileSystem, DIRECTORY).problems[0] ?? '', /offsets 0 to 2 are out of order/);
  });
});
