// Several cleaners at once: who cleans what, what they share, and what happens when their number changes.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type TopicPartition, yieldToEventLoop } from '@ottla/base';
import { append, COMPACT, cleanedFilesOf, PLACES, roll, type Started, shown, startedIn } from './cleaner-testing.ts';
import type { Log } from './log.ts';
import type { LogCleanerSettings } from './log-cleaner-settings.ts';
import { logConfig } from './testing.ts';

const BACKOFF_MS = 15_000;
const MIB = 1 << 20;
/** Of one pass over a log that `dirtyLog` makes: read for its map, read to be copied; 41 bytes a batch and 2 % for the rest. */
const PASS_BYTES = 2 * 20 * 100_000;

const tpOf = (topic: string): TopicPartition => ({ topic, partition: 0 });

async function started(
  cleanerSettings: Partial<LogCleanerSettings>,
  place: (typeof PLACES)[number] = 'in a thread',
): Promise<Started> {
  return startedIn(place, { cleanerSettings });
}

/** Large enough that a cleaner asks several times whether it may go on. One value of twenty is to stay. */
function dirtyLog({ manager }: Started, topic: string): Log {
  const config = logConfig({ ...COMPACT, 'segment.bytes': '10000000' });
  const log = manager.getOrCreateLog(tpOf(topic), { topicId: undefined, isNew: true, config });
  for (let i = 0; i < 20; i++) append(log, [['k', 'x'.repeat(100_000)]]);
  roll(log);
  return log;
}

function dirtyLogs(fixture: Started, count: number): Log[] {
  return Array.from({ length: count }, (_, index) => dirtyLog(fixture, `t${index}`));
}

/** Moves time on, and lets all that does not wait for time come to its end. */
async function pass({ clock }: Started, ms: number): Promise<void> {
  await clock.advance(ms);
  for (let turn = 0; turn < 200; turn++) await yieldToEventLoop();
}

function setSpeed({ manager }: Started, ioMaxBytesPerSecond: number, changes: Partial<LogCleanerSettings> = {}): void {
  manager.cleaner.reconfigure({ ...manager.cleaner.settings, ioMaxBytesPerSecond, ...changes });
}

function topicsAtWork({ threads }: Started): string[] {
  return threads.works.map(({ directory }) => directory.replace('/logs/', ''));
}

function isCleaned(log: Log): boolean {
  return shown(log).length === 1;
}

function checkpointOf({ fileSystem }: Started, logDirectory = '/logs'): string[] {
  const lines = String(fileSystem.readFileSync(`${logDirectory}/cleaner-offset-checkpoint`)).split('\n');
  return lines.slice(2).filter((line) => line !== '');
}

describe('of several cleaners', () => {
  test('each takes the dirtiest log that no other has, and then the next', async () => {
    const fixture = await started({ threads: 2, ioMaxBytesPerSecond: 1 });
    const logs = dirtyLogs(fixture, 3);
    const { threads, manager } = fixture;
    await pass(fixture, BACKOFF_MS);
    assert.deepEqual([topicsAtWork(fixture), threads.runningCount], [['t0-0', 't1-0'], 2]);
    setSpeed(fixture, Number.MAX_VALUE);
    await pass(fixture, BACKOFF_MS - 1);
    assert.deepEqual(topicsAtWork(fixture), ['t0-0', 't1-0', 't2-0']);
    assert.deepEqual(logs.map(isCleaned), [true, true, true]);
    assert.equal(threads.startCount, 2);
    await manager.close();
    assert.equal(threads.runningCount, 0);
  });

  test('no thread starts that has no log to clean', async () => {
    const fixture = await started({ threads: 4 });
    await pass(fixture, BACKOFF_MS);
    assert.equal(fixture.threads.startCount, 0);
    dirtyLog(fixture, 'only');
    await pass(fixture, BACKOFF_MS);
    assert.deepEqual([fixture.threads.startCount, topicsAtWork(fixture)], [1, ['only-0']]);
    await pass(fixture, 10_000);
    assert.equal(fixture.threads.runningCount, 0);
    await fixture.manager.close();
  });

  test('each has its share of log.cleaner.dedupe.buffer.size, of which 2 GB can be used', async () => {
    for (const [threads, dedupeBufferSize, share] of [
      [3, 100 * MIB, Math.floor((100 * MIB) / 3)],
      [2, 2 ** 33, 2 ** 31 - 1],
    ] as const) {
      const fixture = await started({ threads, dedupeBufferSize, ioMaxBytesPerSecond: 1 });
      dirtyLogs(fixture, 2);
      await pass(fixture, BACKOFF_MS);
      assert.deepEqual(
        fixture.threads.works.map((work) => work.dedupeBufferSize),
        [share, share],
      );
      await closeSlow(fixture);
    }
  });

  test('all share log.cleaner.io.max.bytes.per.second', async () => {
    const tookMs = [];
    for (const threads of [1, 2]) {
      const fixture = await started({ threads, ioMaxBytesPerSecond: MIB });
      const logs = dirtyLogs(fixture, 2);
      await pass(fixture, BACKOFF_MS);
      let ms = 0;
      for (; !logs.every(isCleaned); ms += 100) await pass(fixture, 100);
      tookMs.push(ms);
      await fixture.manager.close();
    }
    const [alone = 0, together = 0] = tookMs;
    const leastMs = ((2 * PASS_BYTES) / MIB) * 1000;
    // Each rounds its last slice, which is not waited for, and what time allowed before counts for 300 ms.
    assert.ok(together > leastMs - 2 * 1000 - 300 && together < leastMs + 500, `${together} of ${leastMs} ms`);
    assert.ok(alone > together - 1500, `alone ${alone}, together ${together} ms`);
  });

  test('the file of checkpoints says what each of them has cleaned, though they finish together', async () => {
    const fixture = await started({ threads: 3 });
    dirtyLogs(fixture, 6);
    await pass(fixture, BACKOFF_MS);
    await pass(fixture, 1000);
    assert.deepEqual(
      checkpointOf(fixture).sort(),
      [0, 1, 2, 3, 4, 5].map((index) => `t${index} 0 20`),
    );
    await fixture.manager.close();
  });

  test('one whose thread dies leaves the others at their work, and counts as dead until it has cleaned a log', async () => {
    const fixture = await started({ threads: 2, ioMaxBytesPerSecond: 1 });
    const { threads, manager, errors } = fixture;
    const logs = dirtyLogs(fixture, 2);
    threads.diesAt = (report, work) => report.type === 'slice' && work?.directory === '/logs/t0-0';
    await pass(fixture, BACKOFF_MS);
    assert.deepEqual([manager.cleaner.stats.deadThreadCount, threads.runningCount], [1, 1]);
    const [died] = errors;
    assert.deepEqual([errors.length, died?.fields.partition, died?.fields.isLeftAlone], [1, 't0-0', false]);
    threads.diesAt = () => false;
    setSpeed(fixture, Number.MAX_VALUE);
    await pass(fixture, 2 * BACKOFF_MS);
    assert.deepEqual(logs.map(isCleaned), [true, true]);
    assert.deepEqual([manager.cleaner.stats.deadThreadCount, manager.cleaner.uncleanablePartitions], [0, []]);
    await manager.close();
  });

  test('one whose thread died does not count as dead any more when no log needs cleaning', async () => {
    const fixture = await started({ threads: 2 });
    const { threads, manager } = fixture;
    const log = dirtyLog(fixture, 't');
    threads.diesAt = ({ type }) => type === 'slice';
    await pass(fixture, BACKOFF_MS);
    assert.equal(manager.cleaner.stats.deadThreadCount, 1);
    manager.asyncDelete(log.topicPartition);
    await pass(fixture, BACKOFF_MS);
    assert.equal(manager.cleaner.stats.deadThreadCount, 0);
    await manager.close();
  });

  test('two that die at one log leave it alone, whatever else was cleaned in between', async () => {
    const fixture = await started({ threads: 2 });
    const { threads, manager } = fixture;
    const logs = dirtyLogs(fixture, 4);
    threads.diesAt = (report, work) => report.type === 'slice' && work?.directory === '/logs/t0-0';
    await pass(fixture, BACKOFF_MS);
    await pass(fixture, BACKOFF_MS - 1);
    assert.deepEqual([manager.cleaner.uncleanablePartitions, logs.map(isCleaned)], [[], [false, true, true, true]]);
    for (let rounds = 0; rounds < 5; rounds++) await pass(fixture, BACKOFF_MS);
    assert.deepEqual(manager.cleaner.uncleanablePartitions, ['t0-0']);
    assert.equal(topicsAtWork(fixture).filter((name) => name === 't0-0').length, 2);
    await manager.close();
  });

  test('on the event loop there is one, whatever log.cleaner.threads says, and it has all the memory', async () => {
    const fixture = await started({ threads: 4, ioMaxBytesPerSecond: 1, dedupeBufferSize: 240 }, 'on the event loop');
    const { manager } = fixture;
    const logs = dirtyLogs(fixture, 2);
    await pass(fixture, 2 * BACKOFF_MS);
    assert.deepEqual(cleanedFilesOf(fixture.fileSystem), []);
    setSpeed(fixture, Number.MAX_VALUE);
    for (let times = 0; times < 3; times++) await pass(fixture, BACKOFF_MS);
    assert.deepEqual(logs.map(isCleaned), [true, true]);
    assert.equal(manager.cleaner.stats.maxBufferUtilization, 0.1);
    await manager.close();
  });
});

describe('log.cleaner.threads, changed while logs are cleaned,', () => {
  test('has more begin at once', async () => {
    const fixture = await started({ threads: 1, ioMaxBytesPerSecond: 1 });
    dirtyLogs(fixture, 3);
    await pass(fixture, BACKOFF_MS);
    assert.deepEqual(topicsAtWork(fixture), ['t0-0']);
    setSpeed(fixture, 1, { threads: 2 });
    await pass(fixture, 0);
    assert.deepEqual(topicsAtWork(fixture), ['t0-0', 't1-0']);
    await closeSlow(fixture);
  });

  test('has those that are too many finish what they are at, and end', async () => {
    const fixture = await started({ threads: 2, ioMaxBytesPerSecond: 1 });
    const { threads, manager } = fixture;
    const logs = dirtyLogs(fixture, 4);
    await pass(fixture, BACKOFF_MS);
    setSpeed(fixture, 1, { threads: 1 });
    await pass(fixture, 1000);
    assert.deepEqual([threads.runningCount, topicsAtWork(fixture)], [2, ['t0-0', 't1-0']]);
    threads.onReport = ({ type }) => {
      if (type === 'done') runningAtDone.push(threads.runningCount);
    };
    const runningAtDone: number[] = [];
    setSpeed(fixture, Number.MAX_VALUE);
    await pass(fixture, 5000);
    assert.deepEqual(logs.map(isCleaned), [true, true, true, true]);
    assert.deepEqual([runningAtDone.slice(-2), threads.startCount, threads.runningCount], [[1, 1], 2, 1]);
    await manager.close();
  });

  test('takes one back that has not ended yet', async () => {
    const fixture = await started({ threads: 2, ioMaxBytesPerSecond: 1 });
    const { threads } = fixture;
    dirtyLogs(fixture, 4);
    await pass(fixture, BACKOFF_MS);
    for (const count of [1, 2, 1, 2]) setSpeed(fixture, 1, { threads: count });
    await pass(fixture, 1000);
    assert.deepEqual([threads.startCount, topicsAtWork(fixture)], [2, ['t0-0', 't1-0']]);
    setSpeed(fixture, Number.MAX_VALUE);
    await pass(fixture, 5000);
    assert.deepEqual([topicsAtWork(fixture).length, threads.startCount, threads.runningCount], [4, 2, 2]);
    await closeSlow(fixture);
  });

  test('ends a thread that waits for work', async () => {
    const fixture = await started({ threads: 2 });
    dirtyLogs(fixture, 2);
    await pass(fixture, BACKOFF_MS);
    assert.equal(fixture.threads.runningCount, 2);
    setSpeed(fixture, Number.MAX_VALUE, { threads: 1 });
    await pass(fixture, 0);
    assert.equal(fixture.threads.runningCount, 1);
    await fixture.manager.close();
  });
});

describe('a log that a cleaner is at', () => {
  test('and that is deleted when the cleaner is through is not noted as cleaned', async () => {
    const fixture = await started({ threads: 1 });
    const log = dirtyLog(fixture, 't');
    fixture.threads.onReport = ({ type }) => {
      if (type === 'done') fixture.manager.asyncDelete(log.topicPartition);
    };
    await pass(fixture, BACKOFF_MS);
    assert.equal(fixture.manager.cleaner.lastCleanOffset(log), undefined);
    await fixture.manager.close();
  });

  test('and that begins to move keeps its segments, and nothing is noted as cleaned', async () => {
    for (const type of ['groupCleaned', 'done'] as const) {
      const fixture = await started({ threads: 1 });
      const log = dirtyLog(fixture, 't');
      fixture.threads.onReport = (report) => {
        if (report.type === type) fixture.manager.cleaner.abortAndPause(log.topicPartition);
      };
      await pass(fixture, BACKOFF_MS);
      assert.equal(isCleaned(log), type === 'done');
      assert.equal(fixture.manager.cleaner.lastCleanOffset(log), undefined, type);
      assert.deepEqual([cleanedFilesOf(fixture.fileSystem), fixture.manager.cleaner.uncleanablePartitions], [[], []]);
      await fixture.manager.close();
    }
  });

  test('and whose topic is deleted and made anew holds the new one back until the cleaner is gone', async () => {
    const fixture = await started({ threads: 2, ioMaxBytesPerSecond: 1 });
    const { manager } = fixture;
    const old = dirtyLog(fixture, 't');
    await pass(fixture, BACKOFF_MS);
    manager.asyncDelete(old.topicPartition);
    const log = dirtyLog(fixture, 't');
    // The cleaner that is free looks again, the other one sleeps for the speed limit.
    setSpeed(fixture, 1, { threads: 3 });
    assert.equal(fixture.threads.works.length, 1);
    setSpeed(fixture, Number.MAX_VALUE);
    for (let times = 0; times < 3; times++) await pass(fixture, BACKOFF_MS);
    assert.deepEqual([fixture.threads.works.length, isCleaned(log)], [2, true]);
    assert.deepEqual(checkpointOf(fixture), ['t 0 20']);
    await manager.close();
  });
});

test('what was cleaned of a topic that is deleted is not said of a later one of that name, after a crash either', async () => {
  const fixture = await started({ threads: 2 });
  const [log] = dirtyLogs(fixture, 3);
  assert.ok(log !== undefined);
  await pass(fixture, BACKOFF_MS);
  await pass(fixture, 1000);
  assert.deepEqual(checkpointOf(fixture).sort(), ['t0 0 20', 't1 0 20', 't2 0 20']);
  for (const topic of ['t0', 't1']) fixture.manager.asyncDelete(tpOf(topic));
  await pass(fixture, 1000);
  assert.deepEqual(checkpointOf(fixture), ['t2 0 20']);
  await fixture.manager.close();
});

test('a log that could not be cleaned is tried again after log.cleaner.backoff.ms, though there is always something else to do', async () => {
  const cleanerSettings = { threads: 1, ioMaxBytesPerSecond: 200_000 };
  const fixture = await startedIn('in a thread', { logDirs: ['/a', '/b'], cleanerSettings });
  const { manager, fileSystem } = fixture;
  const logs = dirtyLogs(fixture, 8);
  const triesMs: number[] = [];
  fileSystem.refuseSpaceOf = (path) => {
    const isRefused = path.startsWith('/a') && path.endsWith('.log.cleaned');
    if (isRefused) triesMs.push(fixture.clock.monotonicMs());
    return isRefused;
  };
  // A log takes 20 s.
  while (logs.filter(isCleaned).length < 4) await pass(fixture, 1000);
  assert.ok(triesMs.length >= 3, `tried at ${triesMs}`);
  for (const [index, atMs] of triesMs.entries()) {
    const sinceMs = atMs - (triesMs[index - 1] ?? Number.NEGATIVE_INFINITY);
    assert.ok(sinceMs >= BACKOFF_MS, `tried at ${triesMs}`);
  }
  await closeSlow(fixture);
  assert.deepEqual(manager.offlineLogDirs, []);
});

for (const place of PLACES) {
  test(`a log dir without space keeps a cleaner ${place} from no other, and is tried once a round`, async () => {
    const fixture = await startedIn(place, { logDirs: ['/a', '/b'], cleanerSettings: { threads: 1 } });
    const { manager, fileSystem } = fixture;
    const logs = dirtyLogs(fixture, 4);
    const inA = logs.filter(({ parentDirectory }) => parentDirectory === '/a');
    let tries = 0;
    fileSystem.refuseSpaceOf = (path) => {
      const isRefused = path.startsWith('/a') && path.endsWith('.log.cleaned');
      if (isRefused) tries++;
      return isRefused;
    };
    const cleaned = () => logs.filter(isCleaned).map(({ parentDirectory }) => parentDirectory);
    for (const round of [1, 2]) {
      await pass(fixture, BACKOFF_MS);
      await pass(fixture, 1000);
      assert.deepEqual([inA.length, tries, cleaned()], [2, round, ['/b', '/b']]);
    }
    fileSystem.refuseSpaceOf = () => false;
    await pass(fixture, BACKOFF_MS);
    await pass(fixture, 1000);
    assert.deepEqual([logs.map(isCleaned), manager.offlineLogDirs], [[true, true, true, true], []]);
    await manager.close();
  });

  test(`a log whose segments cannot be looked into keeps a cleaner ${place} from no other`, async () => {
    const fixture = await started({ threads: 1 }, place);
    const { fileSystem, clock, manager, errors } = fixture;
    dirtyLogs(fixture, 2);
    await manager.close();
    const next = await startedIn(place, { fileSystem: fileSystem.restart(), clock });
    const path = '/logs/t0-0/00000000000000000000.log';
    const logs = ['t0', 't1'].map((topic) => open(next, topic));
    const file = next.fileSystem.openSync(path, 'read-write');
    // The length of the first batch: less than a batch has.
    file.writeSync(Buffer.from([0, 0, 0, 1]), 8);
    await pass(next, BACKOFF_MS);
    assert.deepEqual(next.manager.cleaner.uncleanablePartitions, ['t0-0']);
    assert.equal(next.errors.length, 1, JSON.stringify([errors, next.errors]));
    assert.ok(next.manager.cleaner.uncleanableIn('/logs').sizeInBytes > MIB);
    assert.equal(shown(logs[1] ?? assert.fail()).length, 1);
    await next.manager.close();
  });
}

function open({ manager }: Started, topic: string): Log {
  const config = logConfig({ ...COMPACT, 'segment.bytes': '10000000' });
  const log = manager.getOrCreateLog(tpOf(topic), { topicId: undefined, isNew: false, config });
  log.updateHighWatermark(log.logEndOffset);
  return log;
}

/** Whose cleaners sleep for the speed limit. */
async function closeSlow(fixture: Started): Promise<void> {
  const closing = fixture.manager.close();
  await pass(fixture, 1000);
  await closing;
}
