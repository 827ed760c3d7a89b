// What the tests of this room share: logs and managers on a disk in memory, batches, golden data. Not part of the room's face.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import {
  type BackgroundThreads,
  FakeClock,
  type FileSystem,
  type Logger,
  MemoryFileSystem,
  readFully,
  SeededRandom,
  type StorageError,
  silentLogger,
} from '@ottla/base';
import {
  batchesIn,
  type KafkaRecord,
  type RecordBatch,
  RecordsBuilder,
  type RecordsBuilderOptions,
} from '@ottla/records';
import { FullLogDirs } from './full-log-dirs.ts';
import type { Log } from './log.ts';
import type { LogCleanerSettings } from './log-cleaner-settings.ts';
import { type LogConfig, parseLogConfig } from './log-config.ts';
import { type LoadLogOptions, loadLog } from './log-loader.ts';
import { LogManager } from './log-manager.ts';
import type { LogManagerSettings } from './log-manager-settings.ts';

export const TP = { topic: 'orders', partition: 3 };
export const NOW_MS = 1_700_000_000_000;

export function logConfig(settings: Record<string, string> = {}): LogConfig {
  return parseLogConfig(new Map(Object.entries(settings)));
}

/** One batch of `values`, offsets from 0 (or `baseOffset`). */
export function batchOf(
  values: readonly string[],
  options: Partial<RecordsBuilderOptions> & { timestamp?: number; key?: string } = {},
): Buffer {
  const { timestamp = NOW_MS, key, ...builderOptions } = options;
  const builder = new RecordsBuilder({
    magic: 2,
    compressionType: 'none',
    timestampType: 'CreateTime',
    baseOffset: 0,
    ...builderOptions,
  });
  for (const value of values) {
    builder.append({ timestamp, key: key === undefined ? null : Buffer.from(key), value: Buffer.from(value) });
  }
  return builder.build();
}

export interface TestLog {
  readonly fileSystem: MemoryFileSystem;
  readonly clock: FakeClock;
  readonly log: Log;
  readonly errors: StorageError[];
}

/** Opens `/logs/orders-3`. */
export function openLog(
  options: Partial<LoadLogOptions> & {
    fileSystem?: FileSystem;
    clock?: FakeClock;
    logger?: Logger;
    errors?: StorageError[];
    settings?: Record<string, string>;
  } = {},
): Log {
  const {
    fileSystem = new MemoryFileSystem(),
    clock = new FakeClock(NOW_MS),
    errors = [],
    settings,
    ...rest
  } = options;
  return loadLog({
    context: {
      fileSystem,
      clock,
      random: new SeededRandom(1),
      logger: options.logger ?? silentLogger,
      onStorageError: (error) => errors.push(error),
      fullLogDirs: new FullLogDirs({ clock, logger: options.logger ?? silentLogger }),
    },
    topicPartition: TP,
    directory: '/logs/orders-3',
    config: logConfig(settings),
    logStartOffsetCheckpoint: 0,
    recoveryPointCheckpoint: 0,
    hadCleanShutdown: false,
    maxTransactionTimeoutMs: 900_000,
    producerIdExpirationMs: () => 86_400_000,
    transactionVerificationEnabled: () => false,
    ...rest,
  });
}

export function newManager(
  options: {
    fileSystem?: FileSystem;
    clock?: FakeClock;
    logDirs?: string[];
    logger?: Logger;
    topicSettings?: Record<string, string>;
    settings?: Partial<LogManagerSettings>;
    cleanerSettings?: Partial<LogCleanerSettings>;
    backgroundThreads?: BackgroundThreads;
  } = {},
): LogManager {
  return new LogManager({
    fileSystem: options.fileSystem ?? new MemoryFileSystem(),
    clock: options.clock ?? new FakeClock(NOW_MS),
    random: new SeededRandom(1),
    logger: options.logger ?? silentLogger,
    logDirs: options.logDirs ?? ['/logs'],
    topicConfig: () => logConfig(options.topicSettings),
    backgroundThreads: options.backgroundThreads,
    ...(options.settings === undefined ? {} : { settings: options.settings }),
    ...(options.cleanerSettings === undefined ? {} : { cleanerSettings: options.cleanerSettings }),
  });
}

export function appendValues(log: Log, values: readonly string[], options: Parameters<typeof batchOf>[1] = {}): number {
  return log.appendAsLeader(batchOf(values, options), { leaderEpoch: 0, origin: 'client' }).firstOffset;
}

/** Every batch a reader gets from `startOffset` to where its isolation ends. */
export function readBatches(
  log: Log,
  startOffset: number,
  isolation: 'logEnd' | 'highWatermark' | 'txnCommitted' = 'logEnd',
): RecordBatch[] {
  const batches: RecordBatch[] = [];
  let offset = startOffset;
  for (;;) {
    const { records } = log.read({ startOffset: offset, maxBytes: 2 ** 20, isolation, minOneMessage: true });
    const found = [...batchesIn(readFully(records))];
    const last = found.at(-1);
    if (last === undefined) return batches;
    batches.push(...found);
    offset = last.nextOffset;
  }
}

/** Records from `startOffset` on as a consumer shows them: without control records. */
export function readRecords(
  log: Log,
  startOffset = log.logStartOffset,
  isolation: 'logEnd' | 'highWatermark' | 'txnCommitted' = 'logEnd',
): KafkaRecord[] {
  return readBatches(log, startOffset, isolation)
    .filter((batch) => !batch.isControlBatch)
    .flatMap((batch) => [...batch.records()])
    .filter((record) => record.offset >= startOffset);
}

export function readValues(log: Log, startOffset = log.logStartOffset): string[] {
  return readRecords(log, startOffset).map((record) => String(record.value));
}

// Golden data.

export const FACTS = process.env.KAFKA_FACTS ?? resolve(import.meta.dirname, '../../../../shared/kafka');

/** Why golden tests cannot run here, or false. With CI=true they run, and fail. */
export const GOLDEN_SKIP: string | false =
  existsSync(FACTS) || process.env.CI === 'true' ? false : `no golden data at ${FACTS} (set KAFKA_FACTS)`;

/** Unpacks `log-dirs/<name>.tgz`. @returns the log dir on disk, and how to remove it */
export function unpackGolden(name: string): { path: string; remove: () => void } {
  const root = mkdtempSync(join(tmpdir(), 'ottla-golden-'));
  execFileSync('tar', ['xzf', join(FACTS, 'log-dirs', `${name}.tgz`), '-C', root]);
  const [inner = ''] = readdirSync(root);
  return { path: join(root, inner), remove: () => rmSync(root, { recursive: true, force: true }) };
}

export type GoldenRecord = [
  offset: number,
  timestamp: number,
  key: string | null,
  value: string | null,
  ...headers: string[],
];
export type GoldenPartitions = Record<string, { start: number; end: number; records: GoldenRecord[] }>;

export function goldenExpectation(
  version: '2.8' | '3.9',
): Record<'read_uncommitted' | 'read_committed', GoldenPartitions> {
  return JSON.parse(readFileSync(join(FACTS, 'log-dirs', `expected-${version}.json`), 'utf8'));
}

/** Copies a directory of the real disk into a file system. */
export function copyInto(fileSystem: FileSystem, from: string, to: string): void {
  fileSystem.makeDirectorySync(to);
  for (const name of readdirSync(from)) {
    const path = join(from, name);
    if (statSync(path).isDirectory()) {
      copyInto(fileSystem, path, `${to}/${name}`);
      continue;
    }
    const file = fileSystem.openSync(`${to}/${name}`, 'create');
    file.writeSync(readFileSync(path), 0);
    file.syncSync();
    file.closeSync();
  }
  fileSystem.syncDirectorySync(to);
}

/** Every file below `path` with its bytes. */
export function filesOf(fileSystem: FileSystem, path: string): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (const name of fileSystem.readDirectorySync(path)) {
    const child = `${path === '/' ? '' : path}/${name}`;
    if (fileSystem.statSync(child)?.isDirectory === true) {
      for (const [inner, bytes] of filesOf(fileSystem, child)) files.set(inner, bytes);
    } else files.set(child, fileSystem.readFileSync(child));
  }
  return files;
}

/** A new disk that holds `files`, as `filesOf` gave them. */
export function copyFiles(files: ReadonlyMap<string, Buffer>): MemoryFileSystem {
  const fileSystem = new MemoryFileSystem();
  for (const [path, bytes] of files) {
    fileSystem.makeDirectorySync(path.slice(0, path.lastIndexOf('/')));
    const file = fileSystem.openSync(path, 'create');
    file.writeSync(bytes, 0);
    file.closeSync();
  }
  return fileSystem;
}
