// Every log the log manager knows of: the replicas that take part, and copies on their way to another dir.

import { CurrentLogs } from './current-logs.ts';
import { FutureLogs } from './future-logs.ts';
import type { Log } from './log.ts';
import type { PartitionDirectory } from './log-directory.ts';

export class ManagedLogs implements Iterable<Log> {
  readonly current = new CurrentLogs();
  readonly future = new FutureLogs();

  /** Those that are open, copies included. */
  *[Symbol.iterator](): Generator<Log, void, void> {
    yield* this.current.logs();
    yield* this.future.logs();
  }

  in(logDirectory: string): Log[] {
    return [...this].filter((log) => log.parentDirectory === logDirectory);
  }

  /** Those found on disk that are not open, copies included. */
  *unloaded(): Generator<PartitionDirectory, void, void> {
    yield* this.current.unloaded();
    yield* this.future.unloaded();
  }

  /** The dir failed. */
  takeOfflineIn(logDirectory: string): void {
    this.current.takeOfflineIn(logDirectory);
    this.future.dropIn(logDirectory);
  }
}
