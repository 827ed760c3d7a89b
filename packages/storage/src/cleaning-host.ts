// Between a Cleaner and who has it do its work: the host hears of every slice and of every group of segments that is done, and may stop it.

import type { CleaningWork } from './cleaning-work.ts';

/** Some milliseconds of a cleaner's work. */
export interface CleaningSlice {
  /** Read and written. */
  readonly bytes: number;
  readonly tookMs: number;
}

export interface CleanResult {
  /** Everything below is cleaned now. */
  readonly endOffset: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** How many keys were told apart. */
  readonly keyCount: number;
}

export interface CleaningHost {
  /** The next slice begins when this has resolved. @throws CleaningAbortedError, or anything else, to stop the cleaner */
  onSlice(slice: CleaningSlice): Promise<void>;
  /** Files with the suffix `.cleaned` and the base offset of the first one are complete, on disk and closed: they may replace these
   *  segments. @throws CleaningAbortedError when they shall not: they are removed */
  onGroupCleaned(baseOffsets: readonly number[]): Promise<void>;
}

/** Where a cleaner does its work. */
export interface CleaningPlace {
  /** One at a time. @throws what the host throws, StorageError, KafkaError */
  clean(work: CleaningWork, host: CleaningHost): Promise<CleanResult>;
  /** Safe to call twice. Nothing may be under way. */
  close(): Promise<void>;
}

/** How much is done without asking the host. */
export interface SliceLimits {
  readonly sliceMs: number;
  readonly sliceBytes: number;
}

/** The log changed under the cleaner (truncated, deleted, closed), or the broker stops: nothing was replaced that should not be. */
export class CleaningAbortedError extends Error {
  override readonly name = 'CleaningAbortedError';
}
