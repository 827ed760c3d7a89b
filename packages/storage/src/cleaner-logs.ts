// What cleaners know of the logs and their dirs: the log manager.

import { NoSpaceError, StorageError } from '@ottla/base';
import type { Log } from './log.ts';
import type { OffsetCheckpointFile } from './offset-checkpoint-file.ts';

export interface CleanerLogs {
  allLogs(): Iterable<Log>;
  /** cleaner-offset-checkpoint of each working dir. */
  cleanerCheckpoints(): Iterable<{ logDirectory: string; file: OffsetCheckpointFile }>;
  handleLogDirFailure(logDirectory: string, error: StorageError): void;
  /** There was no space in it, and nothing changed. */
  onRefused(logDirectory: string, error: NoSpaceError): void;
}

/** @throws what is not the disk's fault */
export function reportStorageError(logs: CleanerLogs, logDirectory: string, error: unknown): void {
  if (!(error instanceof StorageError)) throw error;
  if (error instanceof NoSpaceError) logs.onRefused(logDirectory, error);
  else logs.handleLogDirFailure(logDirectory, error);
}
