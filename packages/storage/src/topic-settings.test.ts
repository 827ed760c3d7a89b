// Each topic setting that the log obeys is altered on a log that runs, and takes effect without a restart. docs/topic-configuration.md is
// the table of all keys; a test holds that it names each.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { FakeClock, KafkaError, MemoryFileSystem, SeededRandom } from '@ottla/base';
import { loadCompressionCodecs, RecordsBuilder } from '@ottla/records';
import type { Log } from './log.ts';
import { logConfigDef } from './log-config-def.ts';
import type { LogManager } from './log-manager.ts';
import { appendValues, batchOf, logConfig, NOW_MS, newManager, readBatches, readRecords, TP } from './testing.ts';

interface Running {
  readonly manager: LogManager;
  readonly log: Log;
  readonly clock: FakeClock;
  readonly fileSystem: MemoryFileSystem;
}

type Observation = string | number | boolean | undefined;

/** Settings, then what is seen without and with them, and what both have besides. */
type Case = readonly [
  Record<string, string>,
  (running: Running) => Observation | Promise<Observation>,
  [Observation, Observation],
  Record<string, string>?,
];

const COMPACT = { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0' };
/** Nothing is that dirty. */
const NEVER_DIRTY = { ...COMPACT, 'min.cleanable.dirty.ratio': '1' };

const CASES: Case[] = [
  [{ 'segment.bytes': '100' }, (running) => appended(running, 3).numberOfSegments, [1, 3]],
  [{ 'segment.ms': '1000' }, rolledAfterTwoSeconds, [1, 2]],
  [{ 'retention.bytes': '0' }, async (running) => (await rolledAndCleaned(running)).numberOfSegments, [2, 1]],
  [{ 'retention.ms': '1000' }, async (running) => (await rolledAndCleaned(running)).numberOfSegments, [2, 1]],
  [{ 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0' }, compacts, [false, true]],
  [{ 'max.message.bytes': '100' }, ({ log }) => refusal(() => appendValues(log, ['x'.repeat(200)])), [undefined, 10]],
  [{ 'message.timestamp.type': 'LogAppendTime' }, ({ log }) => timestampTypeOf(log), ['CreateTime', 'LogAppendTime']],
  [
    { 'message.timestamp.before.max.ms': '10' },
    ({ log }) => refusal(() => appendValues(log, ['a'], { timestamp: NOW_MS - 1000 })),
    [undefined, 32],
  ],
  [
    { 'message.timestamp.after.max.ms': '10' },
    ({ log }) => refusal(() => appendValues(log, ['a'], { timestamp: NOW_MS + 1000 })),
    [undefined, 32],
  ],
  [{ 'compression.type': 'gzip' }, ({ log }) => compressionOf(log), ['none', 'gzip']],
  [
    { 'flush.messages': '1' },
    ({ log }) => log.appendAsLeader(batchOf(['a']), { leaderEpoch: 0, origin: 'client' }).durable !== undefined,
    [false, true],
  ],
  [{ 'flush.ms': '1000' }, flushedAfterTwoSeconds, [0, 1]],
  [{ 'file.delete.delay.ms': '1000' }, deletedAfterTwoSeconds, [false, true]],
  [{ 'index.interval.bytes': '0' }, indexEntriesOfTheNextSegment, [0, 2]],
  [
    { 'message.timestamp.difference.max.ms': '10' },
    ({ log }) => refusal(() => appendValues(log, ['a'], { timestamp: NOW_MS - 1000 })),
    [undefined, 32],
  ],
  [{ 'min.compaction.lag.ms': '5000' }, compacts, [true, false], COMPACT],
  [{ 'min.cleanable.dirty.ratio': '0' }, compacts, [false, true], NEVER_DIRTY],
  [{ 'max.compaction.lag.ms': '1000' }, compactsAfterTwoSeconds, [false, true], NEVER_DIRTY],
  [{ 'max.compaction.lag.ms': '1000' }, rolledAfterTwoSeconds, [1, 2], COMPACT],
  [{ 'delete.retention.ms': '0' }, tombstonesAfterTwoPasses, [1, 0], COMPACT],
  [{ 'segment.jitter.ms': '4999' }, segmentsJustBeforeTheRoll, [2, 3], { 'segment.ms': '5000' }],
  [{ 'segment.index.bytes': '16' }, segmentsOfFourAppends, [2, 5], { 'index.interval.bytes': '0' }],
];
/** Their effect is not the log's. */
const ELSEWHERE = ['min.insync.replicas', 'message.downconversion.enable', 'unclean.leader.election.enable'];

/** A low level and a high one. */
const LEVELS = [
  ['gzip', '1', '9'],
  ['lz4', '1', '17'],
  ['zstd', '-1000', '19'],
] as const;

function appended({ log }: Running, count: number): Log {
  for (let i = 0; i < count; i++) appendValues(log, ['a']);
  return log;
}

function appendKeyed(log: Log, value: string | null, timestamp = NOW_MS): void {
  const builder = new RecordsBuilder({
    magic: 2,
    compressionType: 'none',
    timestampType: 'CreateTime',
    baseOffset: 0,
  });
  builder.append({ timestamp, key: Buffer.from('k'), value: value === null ? null : Buffer.from(value) });
  log.appendAsLeader(builder.build(), { leaderEpoch: 0, origin: 'client' });
}

async function rolledAfterTwoSeconds({ log, clock }: Running): Promise<number> {
  appendKeyed(log, 'a');
  await clock.advance(2000);
  appendKeyed(log, 'b', NOW_MS + 2000);
  return log.numberOfSegments;
}

async function compactsAfterTwoSeconds(running: Running): Promise<boolean> {
  appendKeyed(running.log, 'old');
  await running.clock.advance(2000);
  return compacts(running);
}

async function tombstonesAfterTwoPasses({ manager, log, clock }: Running): Promise<number> {
  appendKeyed(log, 'a');
  appendKeyed(log, null);
  for (const value of ['other', 'another']) {
    log.roll();
    log.updateHighWatermark(log.logEndOffset);
    await manager.cleaner.cleanFilthiestLog();
    await clock.advance(1);
    appendValues(log, [value], { key: 'x' });
  }
  return readRecords(log).filter(({ value }) => value === null).length;
}

/** The jitter of a segment is drawn when it is begun. */
async function segmentsJustBeforeTheRoll({ log, clock }: Running): Promise<number> {
  appendValues(log, ['a']);
  log.roll();
  appendValues(log, ['b']);
  await clock.advance(4999);
  appendValues(log, ['c'], { timestamp: NOW_MS + 4999 });
  return log.numberOfSegments;
}

/** In the segment after the roll. */
function segmentsOfFourAppends({ log }: Running): number {
  appendValues(log, ['a']);
  log.roll();
  for (let i = 0; i < 4; i++) appendValues(log, ['a'], { timestamp: NOW_MS + i });
  return log.numberOfSegments;
}

/** Two segments, the first old; then the check for what retention keeps. */
async function rolledAndCleaned({ manager, log, clock }: Running): Promise<Log> {
  appendValues(log, ['a']);
  log.roll();
  appendValues(log, ['b'], { timestamp: NOW_MS + 5000 });
  log.updateHighWatermark(2);
  await clock.advance(5000);
  await manager.cleanupLogs();
  return log;
}

async function compacts({ manager, log }: Running): Promise<boolean> {
  for (const value of ['a', 'b']) appendKeyed(log, value);
  log.updateHighWatermark(log.logEndOffset);
  log.roll();
  return (await manager.cleaner.cleanFilthiestLog()) !== undefined;
}

function refusal(act: () => unknown): number | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    return error instanceof KafkaError ? error.code : -1;
  }
}

function timestampTypeOf(log: Log): string | undefined {
  appendValues(log, ['a']);
  return readBatches(log, 0)[0]?.timestampType;
}

function compressionOf(log: Log): string | undefined {
  appendValues(log, ['a'.repeat(1000)]);
  return readBatches(log, 0)[0]?.compressionType;
}

async function flushedAfterTwoSeconds({ manager, log, clock }: Running): Promise<number> {
  appendValues(log, ['a']);
  await clock.advance(2000);
  await manager.flushDirtyLogs();
  return log.recoveryPoint;
}

async function deletedAfterTwoSeconds({ manager, clock, fileSystem }: Running): Promise<boolean> {
  manager.asyncDelete(TP);
  await clock.advance(2000);
  return !fileSystem.readDirectorySync('/logs').some((name) => name.endsWith('-delete'));
}

function indexEntriesOfTheNextSegment({ log }: Running): number {
  log.roll();
  for (let i = 0; i < 3; i++) appendValues(log, ['a']);
  return log.activeSegment.offsetIndex.entryCount;
}

async function start(settings: Record<string, string> = {}): Promise<Running> {
  const clock = new FakeClock(NOW_MS);
  const fileSystem = new MemoryFileSystem({ clock });
  const manager = newManager({ fileSystem, clock });
  await manager.start();
  const log = manager.getOrCreateLog(TP, { topicId: undefined, isNew: true, config: logConfig(settings) });
  return { manager, log, clock, fileSystem };
}

describe('a topic setting that is altered on a running log', () => {
  for (const [settings, observe, [before, after], always = {}] of CASES) {
    const what = Object.entries(settings).map(([key, value]) => `${key}=${value}`);
    test(`${what.join(', ')} takes effect at once`, async () => {
      assert.equal(await observe(await start(always)), before, 'without it');
      const running = await start(always);
      running.manager.updateTopicConfig(TP.topic, logConfig({ ...always, ...settings }));
      assert.equal(await observe(running), after);
    });
  }

  for (const [codec, ...levels] of LEVELS) {
    test(`compression.${codec}.level takes effect at once`, async () => {
      await loadCompressionCodecs();
      const { manager, log } = await start();
      const random = new SeededRandom(1);
      const text = Array.from({ length: 20_000 }, () => `word${random.nextInt(300)}`).join(' ');
      const sizes = levels.map((level) => {
        const settings = { 'compression.type': codec, [`compression.${codec}.level`]: level };
        manager.updateTopicConfig(TP.topic, logConfig(settings));
        const before = log.sizeInBytes;
        appendValues(log, [text]);
        return log.sizeInBytes - before;
      });
      const [low = 0, high = 0] = sizes;
      assert.ok(high < low && low < text.length, `${sizes}`);
    });
  }

  test('stands in docs/topic-configuration.md, whichever it is', () => {
    const text = readFileSync(resolve(import.meta.dirname, '../../../docs/topic-configuration.md'), 'utf8');
    const missing = [...logConfigDef.keys.keys()].filter((name) => !text.includes(`| \`${name}\` |`));
    assert.deepEqual(missing, []);
    // And what it says to take effect is tried here.
    const tried = new Set([...CASES.flatMap(([settings]) => Object.keys(settings)), ...ELSEWHERE]);
    for (const [codec] of LEVELS) tried.add(`compression.${codec}.level`);
    const rows = [...text.matchAll(/^\| `([a-z.]+)` \| (.*) \|$/gm)];
    const untried = rows.filter(([, name = '', effect = '']) => !/^(None|Refused)/.test(effect) && !tried.has(name));
    assert.deepEqual(
      untried.map(([, name]) => name),
      [],
    );
  });
});
