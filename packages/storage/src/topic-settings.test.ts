// Each topic setting that the log obeys is altered on a log that runs, and takes effect without a restart. docs/topic-configuration.md is
// the table of all keys; a test holds that it names each.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { FakeClock, KafkaError, MemoryFileSystem } from '@ottla/base';
import type { Log } from './log.ts';
import { logConfigDef } from './log-config-def.ts';
import type { LogManager } from './log-manager.ts';
import { appendValues, batchOf, logConfig, NOW_MS, newManager, readBatches, TP } from './testing.ts';

interface Running {
  readonly manager: LogManager;
  readonly log: Log;
  readonly clock: FakeClock;
  readonly fileSystem: MemoryFileSystem;
}

type Observation = string | number | boolean | undefined;

/** Settings, then what is seen with the defaults and with them. */
type Case = readonly [
  Record<string, string>,
  (running: Running) => Observation | Promise<Observation>,
  [Observation, Observation],
];

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
];

function appended({ log }: Running, count: number): Log {
  for (let i = 0; i < count; i++) appendValues(log, ['a']);
  return log;
}

async function rolledAfterTwoSeconds(running: Running): Promise<number> {
  appendValues(running.log, ['a']);
  await running.clock.advance(2000);
  appendValues(running.log, ['b'], { timestamp: NOW_MS + 2000 });
  return running.log.numberOfSegments;
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
  for (const value of ['a', 'b']) appendValues(log, [value], { key: 'k' });
  log.updateHighWatermark(2);
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

async function start(): Promise<Running> {
  const clock = new FakeClock(NOW_MS);
  const fileSystem = new MemoryFileSystem({ clock });
  const manager = newManager({ fileSystem, clock });
  await manager.start();
  const log = manager.getOrCreateLog(TP, { topicId: undefined, isNew: true, config: logConfig() });
  return { manager, log, clock, fileSystem };
}

describe('a topic setting that is altered on a running log', () => {
  for (const [settings, observe, [before, after]] of CASES) {
    const what = Object.entries(settings).map(([key, value]) => `${key}=${value}`);
    test(`${what.join(', ')} takes effect at once`, async () => {
      assert.equal(await observe(await start()), before, 'with the defaults');
      const running = await start();
      running.manager.updateTopicConfig(TP.topic, logConfig(settings));
      assert.equal(await observe(running), after);
    });
  }

  test('stands in docs/topic-configuration.md, whichever it is', () => {
    const text = readFileSync(resolve(import.meta.dirname, '../../../docs/topic-configuration.md'), 'utf8');
    const missing = [...logConfigDef.keys.keys()].filter((name) => !text.includes(`| \`${name}\` |`));
    assert.deepEqual(missing, []);
  });
});
