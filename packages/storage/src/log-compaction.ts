// Compacts one log, as its owner: describes the work, watches that the log stays what it was while a cleaner is at it, has it keep to the
// speed limit, and puts the copies in the place of what they were made of.

import { type Clock, KafkaError, mustBePresent, StorageError } from '@ottla/base';
import {
  CleaningAbortedError,
  type CleaningHost,
  type CleaningPlace,
  type CleaningSlice,
  type CleanResult,
} from './cleaning-host.ts';
import { describeWork, segmentsToClean } from './cleaning-work.ts';
import { CLEANED_SUFFIX } from './log-file-names.ts';
import type { LogSegment } from './log-segment.ts';
import type { LogToClean } from './log-to-clean.ts';
import type { Throttler } from './throttler.ts';

/** Of one cleaner, for the next log it cleans. */
export interface CleanerSettings {
  /** Its share of log.cleaner.dedupe.buffer.size: the most memory its map of keys may take */
  readonly dedupeBufferSize: number;
  /** log.cleaner.io.buffer.load.factor: how full the map may be */
  readonly dedupeBufferLoadFactor: number;
}

export interface LogCompactionOptions {
  readonly clock: Clock;
  readonly place: CleaningPlace;
  readonly settings: () => CleanerSettings;
  readonly throttler: Throttler;
  /** Asked between slices. */
  readonly mustStop: () => boolean;
}

/** A segment that is read, as it was when that began. */
interface Source {
  readonly segment: LogSegment;
  readonly sizeInBytes: number;
}

export class LogCompaction implements CleaningHost {
  readonly #candidate: LogToClean;
  readonly #options: LogCompactionOptions;
  /** By base offset, those that no copy has replaced yet. */
  readonly #sources: Map<number, Source>;
  readonly #truncationCount: number;

  constructor(candidate: LogToClean, options: LogCompactionOptions) {
    this.#candidate = candidate;
    this.#options = options;
    this.#sources = new Map(segmentsToClean(candidate).map((segment) => [segment.baseOffset, sourceOf(segment)]));
    this.#truncationCount = candidate.log.localLog.truncationCount;
  }

  /** Called once. @throws CleaningAbortedError, StorageError, KafkaError; NoSpaceError when what was not replaced is as it was */
  async run(): Promise<CleanResult> {
    const { settings, clock, place } = this.#options;
    try {
      const work = await describeWork(this.#candidate, { ...settings(), nowMs: clock.nowMs() });
      this.#ensureMayGoOn();
      return await place.clean(work, this);
    } catch (error) {
      if (looksLikeChange(error)) this.#ensureUnchanged(error);
      throw error;
    }
  }

  async onSlice(slice: CleaningSlice): Promise<void> {
    this.#ensureMayGoOn();
    await this.#options.throttler.maybeThrottle(slice, () => this.#ensureMayGoOn());
  }

  async onGroupCleaned(baseOffsets: readonly number[]): Promise<void> {
    this.#ensureMayGoOn();
    const { log } = this.#candidate;
    const { localLog } = log;
    const group = baseOffsets.map(
      (baseOffset) => mustBePresent(this.#sources.get(baseOffset), `the segment at ${baseOffset}`).segment,
    );
    const first = mustBePresent(baseOffsets[0], 'the first segment of a group');
    await this.#prepareSwap(localLog.newSegment(first, CLEANED_SUFFIX));
    for (const baseOffset of baseOffsets) this.#sources.delete(baseOffset);
    const target = await this.#unlessGone(localLog.swapIn(group));
    this.#ensureNotGone();
    localLog.finishSwap(target);
  }

  /** Leaves nothing behind when the log has changed meanwhile, or the cleaner is to stop. */
  async #prepareSwap(target: LogSegment): Promise<void> {
    const { localLog } = this.#candidate.log;
    try {
      await this.#unlessGone(localLog.prepareSwap(target));
      this.#ensureMayGoOn();
    } catch (error) {
      if (error instanceof CleaningAbortedError) localLog.cancelSwap();
      throw error;
    }
  }

  /** A log that was deleted meanwhile, whose directory has another name, is no failure of the disk. */
  async #unlessGone<Result>(step: Promise<Result>): Promise<Result> {
    try {
      return await step;
    } catch (error) {
      this.#ensureNotGone(error);
      throw error;
    }
  }

  #ensureNotGone(cause?: unknown): void {
    const { log } = this.#candidate;
    if (log.isClosed || log.isOffline)
      throw new CleaningAbortedError(`${log.name} went while it was cleaned`, { cause });
  }

  #ensureMayGoOn(): void {
    if (this.#options.mustStop()) throw new CleaningAbortedError('the cleaner is stopping');
    this.#ensureUnchanged();
  }

  /** @throws CleaningAbortedError when a segment was cut, deleted, replaced or appended to, or the log is gone */
  #ensureUnchanged(cause?: unknown): void {
    const { log } = this.#candidate;
    const isUnchanged =
      !log.isClosed && !log.isOffline && log.localLog.truncationCount === this.#truncationCount && this.#isWhole();
    if (!isUnchanged) throw new CleaningAbortedError(`${log.name} changed while it was cleaned`, { cause });
  }

  #isWhole(): boolean {
    const { segments, activeSegment } = this.#candidate.log.localLog;
    for (const [baseOffset, { segment, sizeInBytes }] of this.#sources) {
      // A roll that was taken back makes the last one active again.
      const isSame = segments.get(baseOffset) === segment && segment !== activeSegment;
      if (!isSame || segment.sizeInBytes !== sizeInBytes) return false;
    }
    return true;
  }
}

/** Files that are cut or go away look like damage to whoever reads them. */
function looksLikeChange(error: unknown): boolean {
  return error instanceof KafkaError || (error instanceof StorageError && error.code === 'ENOENT');
}

function sourceOf(segment: LogSegment): Source {
  return { segment, sizeInBytes: segment.sizeInBytes };
}
