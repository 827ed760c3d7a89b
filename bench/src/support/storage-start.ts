// A program: how long the storage room alone takes to open many partitions after a clean stop, and what each holds in memory. Makes them in
// a temporary directory and opens them in a fresh process: itself, with `--expose-gc`, the counts of partitions and segments, and a path.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NodeFileSystem, SeededRandom, SystemClock, silentLogger, yieldToEventLoop } from '@ottla/base';
import { RecordsBuilder } from '@ottla/records';
import { LogManager, parseLogConfig } from '@ottla/storage';

const [PARTITIONS, SEGMENTS] = process.argv.slice(2, 4).map(Number) as [number, number];
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
  const startedCpu = process.cpuUsage();
  const logManager = newLogManager(path);
  await logManager.start();
  await logManager.loadAll();
  const tookMs = clock.monotonicMs() - startedMs;
  const { user, system } = process.cpuUsage(startedCpu);
  const bytes = ((await memoryInUse()) - before) / PARTITIONS;
  process.stdout.write(
    `\nStorage alone: open after ${tookMs.toFixed(0)} ms (${((user + system) / 1000).toFixed(0)} ms of processor time), ` +
      `${bytes.toFixed(0)} bytes of memory a partition\n`,
  );
  await logManager.close();
}

const [path] = process.argv.slice(4);
if (path !== undefined) await open(path);
else {
  const made = mkdtempSync(join(tmpdir(), 'ottla-bench-'));
  try {
    await make(made);
    const args = ['--expose-gc', fileURLToPath(import.meta.url), String(PARTITIONS), String(SEGMENTS), made];
    execFileSync(process.execPath, args, { stdio: 'inherit' });
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}
