import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Errors, FakeClock, type File, KafkaError, MemoryFileSystem, StorageError } from '@ottla/base';
import { batchAt, CorruptRecordError } from '@ottla/records';
import type { Log } from './log.ts';
import { appendValues, batchOf, filesOf, NOW_MS, openLog, readValues } from './testing.ts';

const DIRECTORY = '/logs/orders-3';
const SEGMENT = `${DIRECTORY}/00000000000000000000.log`;

function fileSystemWith(bytes: Buffer): MemoryFileSystem {
  const fileSystem = new MemoryFileSystem();
  fileSystem.makeDirectorySync(DIRECTORY);
  fileSystem.openSync(SEGMENT, 'create').writeSync(bytes, 0);
  return fileSystem;
}

/** A segment with plain, idempotent, transactional and compressed batches. */
function segmentBytes(): Buffer {
  const fileSystem = new MemoryFileSystem();
  const log = openLog({ fileSystem });
  appendValues(log, ['a', 'b']);
  appendValues(log, ['c'], { producerId: 7, producerEpoch: 0, baseSequence: 0 });
  appendValues(log, ['d', 'e', 'f'], { compressionType: 'gzip' });
  appendValues(log, ['g'], { producerId: 7, producerEpoch: 0, baseSequence: 1, isTransactional: true });
  return fileSystem.readFileSync(SEGMENT);
}

/** How many bytes of `bytes` are whole batches in order with their checksums. */
function longestValidPrefix(bytes: Buffer): number {
  let position = 0;
  let nextOffset = 0;
  for (;;) {
    try {
      const batch = batchAt(bytes, position);
      if (batch === undefined || !batch.isValid()) return position;
      if (batch.baseOffset < nextOffset || batch.lastOffset < batch.baseOffset || batch.lastOffset > 0x7fffffff) {
        return position;
      }
      nextOffset = batch.lastOffset + 1;
      position += batch.sizeInBytes;
    } catch (error) {
      if (error instanceof CorruptRecordError) return position;
      throw error;
    }
  }
}

/** Opens the damaged segment twice: the valid prefix is there, and the second start changes nothing. */
function checkRecovery(damaged: Buffer, what: string): void {
  const fileSystem = fileSystemWith(damaged);
  openLog({ fileSystem });
  const expected = longestValidPrefix(damaged);
  assert.deepEqual(fileSystem.readFileSync(SEGMENT), damaged.subarray(0, expected), what);
  const first = filesOf(fileSystem, '/');
  const again = fileSystem.restart();
  const log = openLog({ fileSystem: again });
  assert.deepEqual(filesOf(again, '/'), first, `${what}: the second start`);
  const end = log.logEndOffset;
  assert.equal(appendValues(log, ['next']), end, `${what}: the log goes on`);
}

describe('recovery of a segment', () => {
  const whole = segmentBytes();

  test('a segment cut at any byte keeps its longest valid prefix', () => {
    for (let size = 0; size <= whole.length; size++) checkRecovery(whole.subarray(0, size), `cut at ${size}`);
  });

  test('a segment with any byte changed keeps its longest valid prefix', () => {
    for (let position = 0; position < whole.length; position++) {
      const change = position % 2 === 0 ? 0x01 : 0xff;
      const damaged = Buffer.from(whole);
      damaged[position] = (damaged[position] ?? 0) ^ change;
      checkRecovery(damaged, `byte ${position} ^ ${change}`);
    }
  });

  test('zeroes behind the last batch, as a crash of the file system leaves them, are cut off', () => {
    checkRecovery(Buffer.concat([whole, Buffer.alloc(5000)]), 'zeroes');
  });

  test('segments behind a damaged one go', () => {
    const fileSystem = new MemoryFileSystem();
    const log = openLog({ fileSystem });
    for (const value of ['a', 'b', 'c']) {
      appendValues(log, [value]);
      log.roll();
    }
    const damaged = fileSystem.openSync(`${DIRECTORY}/00000000000000000001.log`, 'read-write');
    damaged.writeSync(Buffer.from([0xff]), 40);
    const next = openLog({ fileSystem: fileSystem.restart() });
    assert.deepEqual(readValues(next), ['a']);
    assert.equal(next.logEndOffset, 1);
    assert.equal(next.numberOfSegments, 2);
  });

  test('what lies below the recovery point is not read', () => {
    const fileSystem = new MemoryFileSystem();
    const log = openLog({ fileSystem });
    appendValues(log, ['a']);
    log.roll();
    appendValues(log, ['b']);
    fileSystem.openSync(SEGMENT, 'read-write').writeSync(Buffer.from([0xff]), 40);
    const next = openLog({ fileSystem: fileSystem.restart(), recoveryPointCheckpoint: 1 });
    assert.equal(next.logEndOffset, 2);
    assert.equal(next.recoveryPoint, 1);
  });
});

describe('opening after a clean stop', () => {
  async function closedLog(): Promise<MemoryFileSystem> {
    const fileSystem = new MemoryFileSystem();
    const log = openLog({ fileSystem, settings: { 'index.interval.bytes': '0' } });
    for (let i = 0; i < 10; i++) appendValues(log, [`v${i}`], { timestamp: NOW_MS + i });
    log.roll();
    appendValues(log, ['last']);
    await log.close();
    return fileSystem.restart();
  }

  test('nothing is scanned, and nothing changes', async () => {
    const fileSystem = await closedLog();
    const before = filesOf(fileSystem, '/');
    const log = openLog({ fileSystem, hadCleanShutdown: true });
    assert.equal(log.logEndOffset, 11);
    assert.equal(log.recoveryPoint, 11);
    await log.close();
    assert.deepEqual(filesOf(fileSystem, '/'), before);
  });

  for (const [what, damage] of [
    ['an index that is gone', (_file: () => File, remove: () => void) => remove()],
    ['an index with half an entry', (file: () => File) => file().truncateSync(10)],
    ['an index of zeroes', (file: () => File) => file().writeSync(Buffer.alloc(120), 0)],
  ] as const) {
    for (const suffix of ['index', 'timeindex']) {
      test(`${what} (.${suffix}) is built anew`, async () => {
        const fileSystem = await closedLog();
        const path = `${DIRECTORY}/00000000000000000000.${suffix}`;
        const intact = fileSystem.readFileSync(path);
        damage(
          () => fileSystem.openSync(path, 'read-write'),
          () => fileSystem.removeFileSync(path),
        );
        const log = openLog({ fileSystem, hadCleanShutdown: true, settings: { 'index.interval.bytes': '0' } });
        assert.equal(readValues(log).length, 11);
        assert.equal(log.fetchOffsetByTimestamp(NOW_MS + 4)?.offset, 4);
        await log.close();
        assert.deepEqual(fileSystem.readFileSync(path), intact);
      });
    }
  }

  test('a snapshot with a wrong checksum is not believed', async () => {
    const fileSystem = new MemoryFileSystem();
    const log = openLog({ fileSystem });
    appendValues(log, ['a'], { producerId: 7, producerEpoch: 0, baseSequence: 0 });
    await log.close();
    const path = `${DIRECTORY}/00000000000000000001.snapshot`;
    fileSystem.openSync(path, 'read-write').writeSync(Buffer.from([0xff]), 20);
    const next = openLog({ fileSystem: fileSystem.restart(), hadCleanShutdown: true });
    assert.equal(next.producerStateManager.lastEntry(7)?.lastSequence, 0);
  });
});

describe('leftovers of a crash', () => {
  function write(fileSystem: MemoryFileSystem, name: string, bytes: Buffer): void {
    const file = fileSystem.openSync(`${DIRECTORY}/${name}`, 'read-write');
    file.writeSync(bytes, 0);
  }

  function loaded(names: Record<string, Buffer>): { log: Log; fileSystem: MemoryFileSystem } {
    const fileSystem = new MemoryFileSystem();
    fileSystem.makeDirectorySync(DIRECTORY);
    for (const [name, bytes] of Object.entries(names)) write(fileSystem, name, bytes);
    return { log: openLog({ fileSystem }), fileSystem };
  }

  const P = '0000000000000000000';
  const at = (offset: number, value: string): Buffer =>
    batchOf([value], { baseOffset: offset, partitionLeaderEpoch: 0 });

  test('.deleted and .cleaned files are removed', () => {
    const { log, fileSystem } = loaded({
      [`${P}0.log`]: at(0, 'a'),
      [`${P}1.log.deleted`]: at(1, 'x'),
      [`${P}1.index.deleted`]: Buffer.alloc(0),
      [`${P}2.log.cleaned`]: at(2, 'y'),
    });
    assert.deepEqual(readValues(log), ['a']);
    assert.deepEqual(
      fileSystem.readDirectorySync(DIRECTORY).filter((name) => /deleted|cleaned/.test(name)),
      [],
    );
  });

  test('.swap files of a finished compaction take the place of what they stand for', () => {
    const { log } = loaded({
      [`${P}0.log`]: at(0, 'old'),
      [`${P}1.log`]: at(1, 'old'),
      [`${P}2.log`]: at(2, 'c'),
      [`${P}0.log.swap`]: at(1, 'new'),
      [`${P}0.index.swap`]: Buffer.alloc(0),
      [`${P}0.timeindex.swap`]: Buffer.alloc(0),
    });
    assert.deepEqual(readValues(log), ['new', 'c']);
    assert.equal(log.numberOfSegments, 2);
  });

  test('.swap files above a .cleaned one are of an unfinished compaction, and are removed', () => {
    const { log } = loaded({
      [`${P}0.log`]: at(0, 'a'),
      [`${P}1.log`]: at(1, 'b'),
      [`${P}0.log.cleaned`]: at(0, 'x'),
      [`${P}1.log.swap`]: at(1, 'y'),
    });
    assert.deepEqual(readValues(log), ['a', 'b']);
  });

  test('an index without its segment is removed', () => {
    const { fileSystem } = loaded({ [`${P}0.log`]: at(0, 'a'), [`${P}5.index`]: Buffer.alloc(8) });
    assert.equal(fileSystem.statSync(`${DIRECTORY}/${P}5.index`), undefined);
  });

  test('a log that ends before its start offset begins there, empty', () => {
    const fileSystem = fileSystemWith(at(0, 'a'));
    const log = openLog({ fileSystem, logStartOffsetCheckpoint: 40 });
    assert.equal(log.logStartOffset, 40);
    assert.equal(log.logEndOffset, 40);
    assert.equal(appendValues(log, ['b']), 40);
  });
});

describe('a crash at any step', () => {
  /** Appends, rolls, deletes, truncates, closes; notes what was acknowledged. */
  async function work(fileSystem: MemoryFileSystem, acknowledged: string[], durable: string[]): Promise<void> {
    const clock = new FakeClock(NOW_MS);
    const log = openLog({ fileSystem, clock, settings: { 'index.interval.bytes': '0', 'file.delete.delay.ms': '0' } });
    let sequence = 0;
    const append = (value: string): void => {
      appendValues(log, [value], { producerId: 7, producerEpoch: 0, baseSequence: sequence++ });
      acknowledged.push(value);
    };
    append('a');
    append('b');
    await log.flush();
    durable.push('a', 'b');
    log.roll();
    append('c');
    append('d');
    await log.flush();
    durable.push('c', 'd');
    append('e');
    log.roll();
    append('f');
    log.updateHighWatermark(log.logEndOffset);
    await log.close();
    durable.push('e', 'f');
  }

  async function stepsOf(): Promise<number> {
    const fileSystem = new MemoryFileSystem();
    await work(fileSystem, [], []);
    return fileSystem.stepCount;
  }

  for (const tearsWrite of [false, true]) {
    test(`a killed process loses nothing it acknowledged${tearsWrite ? ', though its last write is torn' : ''}`, async () => {
      const steps = await stepsOf();
      assert.ok(steps > 40, `${steps} steps`);
      for (let step = 0; step < steps; step++) {
        const fileSystem = new MemoryFileSystem();
        fileSystem.stopAfterSteps(step, { tearsWrite });
        const acknowledged: string[] = [];
        await work(fileSystem, acknowledged, []).then(() => assert.fail('was not stopped'), mustBeStopped);
        const next = fileSystem.restart();
        const log = openLog({ fileSystem: next });
        const values = readValues(log);
        assert.deepEqual(values.slice(0, acknowledged.length), acknowledged, `stopped after ${step}`);
        assert.ok(values.length <= acknowledged.length + 1, `stopped after ${step}: ${values}`);
        checkProducer(log, values.length);
      }
    });
  }

  test('a power loss loses nothing that was flushed', async () => {
    const steps = await stepsOf();
    for (let step = 0; step < steps; step++) {
      const fileSystem = new MemoryFileSystem();
      fileSystem.makeDirectorySync('/logs');
      fileSystem.syncDirectorySync('/');
      fileSystem.stopAfterSteps(step);
      const durable: string[] = [];
      await work(fileSystem, [], durable).catch(mustBeStopped);
      const log = openLog({ fileSystem: fileSystem.losePower() });
      const values = readValues(log);
      assert.deepEqual(values.slice(0, durable.length), durable, `stopped after ${step}`);
      checkProducer(log, values.length);
    }
  });

  /** The next sequence is accepted, the last one known as a duplicate. */
  function checkProducer(log: Log, count: number): void {
    const batch = (baseSequence: number): Buffer => batchOf(['z'], { producerId: 7, producerEpoch: 0, baseSequence });
    if (count > 0) {
      const repeated = log.appendAsLeader(batch(count - 1), { leaderEpoch: 0, origin: 'client' });
      assert.equal(repeated.isDuplicate, true);
      assert.equal(repeated.firstOffset, count - 1);
    }
    assert.equal(log.appendAsLeader(batch(count), { leaderEpoch: 0, origin: 'client' }).firstOffset, count);
  }

  function mustBeStopped(error: unknown): void {
    if (error instanceof KafkaError && error.code === Errors.KAFKA_STORAGE_ERROR) return;
    assert.ok(error instanceof StorageError && error.code === 'ESTOPPED', String(error));
  }
});
