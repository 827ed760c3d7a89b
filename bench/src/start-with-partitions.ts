// How long does a start take that finds many partitions, and what does each cost in memory? Makes PARTITIONS (default 2000) of three
// segments in a temporary directory, stops cleanly, and opens them again in a fresh process (this file with `--expose-gc` and a path).

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NodeFileSystem, SeededRandom, SystemClock, silentLogger, yieldToEventLoop } from '@ottla/base';
import { RecordsBuilder } from '@ottla/records';
import { LogManager, parseLogConfig } from '@ottla/storage';

const PARTITIONS = Number(process.env.PARTITIONS ?? 2000);
const SEGMENTS = 3;
const BATCHES_PER_SEGMENT = 10;
const VALUE_BYTES = 100;
const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAg';

const clock = new SystemClock();
const config = parseLogConfig(new Map());

function newLogManager(path: string): LogManager {
  return new LogManager({
    fileSystem: new NodeFileSystem(),
    clock,
    random: new SeededRandom(1),
    logger: silentLogger,
    logDirs: [path],
    topicConfig: () => config,
  });
}

function batch(): Buffer {
  const builder = new RecordsBuilder({
    magic: 2,
    compressionType: 'none',
    timestampType: 'CreateTime',
    baseOffset: 0,
  });
  builder.append({ timestamp: clock.nowMs(), key: null, value: Buffer.alloc(VALUE_BYTES) });
  return builder.build();
}

async function make(path: string): Promise<void> {
  const logManager = newLogManager(path);
  await logManager.start();
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const log = logManager.getOrCreateLog({ topic: 'bench', partition }, { topicId: TOPIC_ID, isNew: true, config });
    for (let segment = 0; segment < SEGMENTS; segment++) {
      if (segment > 0) log.roll();
      for (let i = 0; i < BATCHES_PER_SEGMENT; i++) log.appendAsLeader(batch(), { leaderEpoch: 0, origin: 'client' });
    }
  }
  await logManager.close();
}

/** Buffers go with the second collection after their last use. */
async function memoryInUse(): Promise<number> {
  for (let i = 0; i < 2; i++) {
    globalThis.gc?.();
    await yieldToEventLoop();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function open(path: string): Promise<void> {
  const before = await memoryInUse();
  const startedMs = clock.monotonicMs();
  const logManager = newLogManager(path);
  await logManager.start();
  await logManager.loadAll();
  const tookMs = clock.monotonicMs() - startedMs;
  const bytes = ((await memoryInUse()) - before) / PARTITIONS;
  process.stdout.write(
    `${PARTITIONS} partitions of ${SEGMENTS} segments: open after ${tookMs.toFixed(0)} ms, ${bytes.toFixed(0)} bytes of memory each\n`,
  );
  await logManager.close();
}

const [path] = process.argv.slice(2);
if (path !== undefined) await open(path);
else {
  const made = mkdtempSync(join(tmpdir(), 'ottla-bench-'));
  try {
    await make(made);
    execFileSync(process.execPath, ['--expose-gc', fileURLToPath(import.meta.url), made], { stdio: 'inherit' });
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}
