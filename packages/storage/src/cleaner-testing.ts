// What the tests of compaction share: a log to be compacted on the event loop or in a thread that is none, over a disk in memory.

import {
  type BackgroundThread,
  type BackgroundThreadListener,
  type BackgroundThreads,
  type Clock,
  FakeClock,
  type FileSystem,
  type LogFields,
  type Logger,
  MemoryFileSystem,
  silentLogger,
} from '@ottla/base';
import { endTransactionMarker, RecordsBuilder, type RecordsBuilderOptions } from '@ottla/records';
import type { CleanerReport, CleanerRequest } from './cleaner-messages.ts';
import { CleanerProgram } from './cleaner-program.ts';
import type { CleaningWork } from './cleaning-work.ts';
import type { Log } from './log.ts';
import type { LogCleanerSettings } from './log-cleaner-settings.ts';
import type { LogManager } from './log-manager.ts';
import { filesOf, logConfig, NOW_MS, newManager, readRecords, TP } from './testing.ts';

export const COMPACT = { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0.01', 'segment.bytes': '1000' };

export type Pair = readonly [key: string, value: string | null];

export function append(log: Log, pairs: readonly Pair[], options: Partial<RecordsBuilderOptions> = {}): void {
  const builder = new RecordsBuilder({
    magic: 2,
    compressionType: 'none',
    timestampType: 'CreateTime',
    baseOffset: 0,
    ...options,
  });
  for (const [key, value] of pairs) {
    builder.append({ timestamp: NOW_MS, key: Buffer.from(key), value: value === null ? null : Buffer.from(value) });
  }
  log.appendAsLeader(builder.build(), { leaderEpoch: 0, origin: 'client' });
}

export function end(log: Log, type: 'commit' | 'abort', producerId: number): void {
  const marker = endTransactionMarker({ type, coordinatorEpoch: 1, producerId, producerEpoch: 0, timestamp: NOW_MS });
  log.appendAsLeader(marker, { leaderEpoch: 0, origin: 'coordinator' });
}

/** The roll makes everything before cleanable. */
export function roll(log: Log): void {
  log.roll();
  log.updateHighWatermark(log.logEndOffset);
}

/** What a pass has not put in the place of anything. */
export function cleanedFilesOf(fileSystem: MemoryFileSystem): string[] {
  return [...filesOf(fileSystem, '/').keys()].filter((path) => path.endsWith('.cleaned'));
}

/** offset:key=value of every record. */
export function shown(log: Log): string[] {
  return readRecords(log).map((record) => `${record.offset}:${record.key}=${record.value}`);
}

/** A log to be compacted, and who does it. */
export interface Started {
  manager: LogManager;
  log: Log;
  clock: FakeClock;
  fileSystem: MemoryFileSystem;
  threads: CleanerThreadsInProcess;
  /** What the broker's log says is wrong. */
  errors: { message: string; fields: LogFields }[];
}

export interface StartOptions {
  fileSystem?: MemoryFileSystem;
  clock?: FakeClock;
  logDirs?: string[];
  topicSettings?: Record<string, string>;
  cleanerSettings?: Partial<LogCleanerSettings>;
}

export const PLACES = ['on the event loop', 'in a thread'] as const;

export async function startedIn(place: (typeof PLACES)[number], options: StartOptions = {}): Promise<Started> {
  const clock = options.clock ?? new FakeClock(NOW_MS);
  const fileSystem = options.fileSystem ?? new MemoryFileSystem({ clock });
  const threads = new CleanerThreadsInProcess({ fileSystem, clock });
  const { cleanerSettings } = options;
  const errors: Started['errors'] = [];
  const error = (message: string, fields: LogFields = {}): void => void errors.push({ message, fields });
  const logger: Logger = { ...silentLogger, error, child: () => logger };
  const manager = newManager({
    fileSystem,
    clock,
    logger,
    ...(options.logDirs === undefined ? {} : { logDirs: options.logDirs }),
    ...(place === 'in a thread' ? { backgroundThreads: threads } : {}),
    settings: { transactionPartitionVerificationEnable: false },
    ...(cleanerSettings === undefined ? {} : { cleanerSettings }),
  });
  await manager.start();
  const config = logConfig({ ...COMPACT, ...options.topicSettings });
  const log = manager.getOrCreateLog(TP, { topicId: undefined, isNew: false, config });
  return { manager, log, clock, fileSystem, threads, errors };
}

/** The cleaner's program over the same disk in memory, with messages that are copied all the same. It may die at any of them. */
export class CleanerThreadsInProcess implements BackgroundThreads {
  startCount = 0;
  /** Programs that have not ended. */
  runningCount = 0;
  /** What they were sent, in that order. */
  readonly works: CleaningWork[] = [];
  /** Whether a thread dies when it would say this. */
  diesAt: (report: CleanerReport, work: CleaningWork | undefined) => boolean = () => false;
  /** Called before a thread says it. */
  onReport: (report: CleanerReport) => void = () => {};
  readonly #ports: { readonly fileSystem: FileSystem; readonly clock: Clock };

  constructor(ports: { fileSystem: FileSystem; clock: Clock }) {
    this.#ports = ports;
  }

  start(_program: URL, { listener }: { listener: BackgroundThreadListener }): BackgroundThread {
    this.startCount++;
    this.runningCount++;
    let isEnded = false;
    const end = (): void => {
      if (!isEnded) this.runningCount--;
      isEnded = true;
    };
    const deliver = (message: unknown, to: (message: unknown) => void): void => {
      const copy = structuredClone(message);
      queueMicrotask(() => isEnded || to(copy));
    };
    let toProgram: (message: unknown) => void = () => {};
    let work: CleaningWork | undefined;
    const toHost = (message: unknown): void => {
      if (isEnded) return;
      this.onReport(message as CleanerReport);
      if (this.diesAt(message as CleanerReport, work)) {
        end();
        queueMicrotask(() => listener.onDied(new Error('out of memory')));
      } else deliver(message, (copy) => listener.onMessage(copy));
    };
    const listen = (to: typeof toProgram): void => {
      toProgram = to;
    };
    const parent = { listen, post: toHost };
    queueMicrotask(() => new CleanerProgram(parent, this.#ports).start());
    return {
      post: (message) => {
        const request = message as CleanerRequest;
        if (request.type === 'clean') {
          work = request.work;
          this.works.push(work);
        }
        queueMicrotask(() => deliver(message, (copy) => toProgram(copy)));
      },
      ref() {},
      unref() {},
      close: async () => end(),
    };
  }
}
