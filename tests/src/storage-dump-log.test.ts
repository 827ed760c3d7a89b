// Apache Kafka's own tool reads what our log writes: segments, indexes, producer snapshots and transaction indexes, of a log that
// was closed and of one that is still open. Needs Java and Kafka's jars (REFERENCE_KAFKA_HOME, default ~/.cache/reference-kafka).

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { FakeClock, NodeFileSystem, readFully, SeededRandom, silentLogger } from '@ottla/base';
import { batchesIn, endTransactionMarker, RecordsBuilder, type RecordsBuilderOptions } from '@ottla/records';
import { type Log, LogManager, parseLogConfig } from '@ottla/storage';

const NOW_MS = 1_700_000_000_000;
const libraries = join(process.env.REFERENCE_KAFKA_HOME ?? join(homedir(), '.cache/reference-kafka'), '3.9.1', 'lib');

/** Why the tool cannot run here, or false. With OTTLA_REQUIRE_FOREIGN=1 it must. */
function skipReason(): string | false {
  if (process.env.OTTLA_REQUIRE_FOREIGN === '1') return false;
  if (!existsSync(libraries)) return `no jars of Kafka 3.9.1 at ${libraries} (set REFERENCE_KAFKA_HOME)`;
  return spawnSync('java', ['-version']).status === 0 ? false : 'no java on the path';
}

function dump(...options: string[]): string {
  const run = spawnSync('java', ['-cp', join(libraries, '*'), 'kafka.tools.DumpLogSegments', ...options], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  assert.equal(run.status, 0, `${run.stdout}\n${run.stderr}`);
  return run.stdout;
}

function append(log: Log, index: number, options: Partial<RecordsBuilderOptions> = {}): void {
  const builder = new RecordsBuilder({
    magic: 2,
    compressionType: 'none',
    timestampType: 'CreateTime',
    baseOffset: 0,
    ...options,
  });
  for (let i = 0; i <= index % 3; i++) {
    const key = Buffer.from(`k${(index * 7 + i) % 13}`);
    builder.append({ timestamp: NOW_MS + index * 100 + i, key, value: Buffer.from(`v${index}-${i}`) });
  }
  log.appendAsLeader(builder.build(), { leaderEpoch: Math.floor(index / 40), origin: 'client' });
}

/** @returns how many records are in the logs */
async function writeLogs(root: string, options: { isClosed: boolean }): Promise<number> {
  const manager = new LogManager({
    fileSystem: new NodeFileSystem(),
    clock: new FakeClock(NOW_MS),
    random: new SeededRandom(1),
    logger: silentLogger,
    logDirs: [root],
    topicConfig: () => parseLogConfig(),
    settings: { transactionPartitionVerificationEnable: false },
  });
  await manager.start();
  const open = (topic: string, settings: Record<string, string>): Log =>
    manager.getOrCreateLog(
      { topic, partition: 0 },
      { topicId: 'AAAAAAAAAAAAAAAAAAAAAg', isNew: true, config: parseLogConfig(new Map(Object.entries(settings))) },
    );
  const small = { 'segment.bytes': '4000', 'index.interval.bytes': '300' };
  const plain = open('plain', small);
  for (let i = 0; i < 100; i++) append(plain, i, i % 5 === 0 ? { compressionType: 'gzip' } : {});
  const txn = open('txn', small);
  for (let i = 0; i < 60; i++) {
    append(txn, i, { producerId: 7, producerEpoch: 0, baseSequence: txnSequence(i), isTransactional: true });
    const type = i % 4 === 1 ? 'abort' : 'commit';
    const marker = endTransactionMarker({
      type,
      coordinatorEpoch: 1,
      producerId: 7,
      producerEpoch: 0,
      timestamp: NOW_MS,
    });
    txn.appendAsLeader(marker, { leaderEpoch: 0, origin: 'coordinator' });
  }
  const compacted = open('compacted', { ...small, 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0.01' });
  for (let i = 0; i < 100; i++) append(compacted, i);
  compacted.updateHighWatermark(compacted.logEndOffset);
  assert.ok((await manager.cleaner.cleanFilthiestLog()) !== undefined);
  let count = 0;
  for (const log of manager.allLogs()) count += countRecords(log);
  if (options.isClosed) await manager.close();
  else for (const log of manager.allLogs()) await log.flush();
  return count;
}

function countRecords(log: Log): number {
  let count = 0;
  let startOffset = 0;
  while (startOffset < log.logEndOffset) {
    const { records } = log.read({ startOffset, maxBytes: 1_000_000, isolation: 'logEnd', minOneMessage: true });
    for (const batch of batchesIn(readFully(records))) {
      if (!batch.isControlBatch) count += batch.recordCount ?? 0;
      startOffset = batch.nextOffset;
    }
  }
  return count;
}

function txnSequence(index: number): number {
  let sequence = 0;
  for (let i = 0; i < index; i++) sequence += 1 + (i % 3);
  return sequence;
}

function filesWith(root: string, ...suffixes: string[]): string {
  const paths: string[] = [];
  for (const partition of ['plain-0', 'txn-0', 'compacted-0']) {
    for (const name of readdirSync(join(root, partition))) {
      if (suffixes.some((suffix) => name.endsWith(suffix))) paths.push(join(root, partition, name));
    }
  }
  assert.ok(paths.length > 0);
  return paths.join(',');
}

describe('DumpLogSegments of Apache Kafka 3.9', { skip: skipReason() }, () => {
  const root = mkdtempSync(join(tmpdir(), 'ottla-dump-'));
  const closed = join(root, 'closed');
  const open = join(root, 'open');
  let recordCount = 0;
  before(async () => {
    recordCount = await writeLogs(closed, { isClosed: true });
    await writeLogs(open, { isClosed: false });
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  for (const [what, path] of [
    ['closed', closed],
    ['open', open],
  ] as const) {
    test(`indexes of a log that is ${what} pass its sanity check`, () => {
      const output = dump('--index-sanity-check', '--files', filesWith(path, '.index', '.timeindex'));
      assert.match(output, /passed sanity check/);
      assert.doesNotMatch(output, /Mismatch|should be|not found|Exception/i);
    });

    test(`indexes of a log that is ${what} agree with its segments`, () => {
      const output = dump('--verify-index-only', '--files', filesWith(path, '.index', '.timeindex'));
      assert.doesNotMatch(output, /Mismatches in|Found timestamp mismatch|out of order|not found|Exception/i);
    });
  }

  test('records, snapshots and aborted transactions are read', () => {
    const files = filesWith(closed, '.log', '.snapshot', '.txnindex');
    const output = dump('--deep-iteration', '--print-data-log', '--files', files);
    assert.equal(output.match(/payload: v/g)?.length ?? 0, recordCount);
    assert.match(output, /endTxnMarker: ABORT coordinatorEpoch: 1/);
    assert.match(output, /producerId: 7 producerEpoch: 0 coordinatorEpoch: 1/);
    assert.match(output, /version: 0 producerId: 7 firstOffset: 2 lastOffset: 4 lastStableOffset: 5/);
    assert.doesNotMatch(output, /isvalid: false|Found invalid|Exception/i);
  });
});
