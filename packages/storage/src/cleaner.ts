// Compacts one log: learns the last offset of every key in its dirty part (offset-map-builder.ts), then copies segments without the records
// that a later one replaces. Knows the files only, so that it can run anywhere; what a copy replaces, its host decides (cleaning-host.ts).
// Source: Kafka's Cleaner (3.9), KIP-58, KIP-354, KIP-534.

import { type Clock, type FileSystem, mustBePresent, NoSpaceError, StorageError } from '@ottla/base';
import { type CleaningPass, cleanBatch } from './cleaned-batch.ts';
import { CleanedTransactionMetadata } from './cleaned-transaction-metadata.ts';
import { CleanedWriter } from './cleaned-writer.ts';
import { CleaningAbortedError, type CleaningHost, type CleanResult, type SliceLimits } from './cleaning-host.ts';
import type { CleaningWork, SegmentToClean } from './cleaning-work.ts';
import { CLEANED_SUFFIX } from './log-file-names.ts';
import { LogSegment } from './log-segment.ts';
import type { OffsetMap } from './offset-map.ts';
import { buildOffsetMap } from './offset-map-builder.ts';
import { groupSegmentsBySize } from './segment-groups.ts';
import { SliceMeter } from './slice-meter.ts';
import { SourceBatches } from './source-batches.ts';

export interface CleanerOptions {
  readonly fileSystem: FileSystem;
  readonly clock: Clock;
  readonly host: CleaningHost;
  readonly limits: SliceLimits;
  /** Nobody is served by this thread: it waits for the disk itself, and leaves libuv's threads, of which there are few, to others. */
  readonly mayBlock: boolean;
}

export class Cleaner {
  readonly #options: CleanerOptions;
  readonly #work: CleaningWork;
  readonly #meter: SliceMeter;
  #bytesRead = 0;
  #bytesWritten = 0;

  constructor(work: CleaningWork, options: CleanerOptions) {
    this.#work = work;
    this.#options = options;
    this.#meter = new SliceMeter(options);
  }

  /** Called once. @throws what the host throws, StorageError, CorruptRecordError; NoSpaceError when the group it stopped at is as it was */
  async clean(): Promise<CleanResult> {
    const { fileSystem } = this.#options;
    const { map, bytesRead } = await buildOffsetMap(this.#work, { fileSystem, meter: this.#meter });
    this.#bytesRead = bytesRead;
    const pass = passOver(this.#work, map);
    const segments = this.#work.segments.filter(({ baseOffset }) => baseOffset < pass.endOffset);
    for (const group of groupSegmentsBySize(segments, this.#work.config)) await this.#cleanGroup(group, pass);
    return {
      endOffset: pass.endOffset,
      bytesRead: this.#bytesRead,
      bytesWritten: this.#bytesWritten,
      keyCount: map.size,
    };
  }

  async #cleanGroup(group: readonly SegmentToClean[], pass: CleaningPass): Promise<void> {
    const baseOffsets = group.map(({ baseOffset }) => baseOffset);
    const first = mustBePresent(baseOffsets[0], 'the first segment of a group');
    // A pass that was stopped may have left one.
    this.#newTarget(first).deleteIfExists();
    const target = this.#newTarget(first);
    try {
      await this.#copy(group, target, pass);
    } catch (error) {
      if (!(error instanceof StorageError) || error instanceof NoSpaceError) target.deleteIfExists();
      throw error;
    }
    try {
      await this.#options.host.onGroupCleaned(baseOffsets);
    } catch (error) {
      // After any other failure some of the files may have their new names, and the next start needs the rest.
      if (error instanceof CleaningAbortedError) target.deleteIfExists();
      throw error;
    }
  }

  /** All of it is on disk afterwards, under the name of a copy. */
  async #copy(group: readonly SegmentToClean[], target: LogSegment, pass: CleaningPass): Promise<void> {
    target.create();
    pass.transactions.cleanedIndex = target.txnIndex;
    for (const segment of group) await this.#copySegment(segment, target, pass);
    target.onBecomeInactive();
    if (this.#options.mayBlock) target.flushSync();
    else await target.flush({ indexes: true });
    target.log.setLastModifiedMs(group.at(-1)?.lastModifiedMs ?? 0);
    target.close();
  }

  async #copySegment(segment: SegmentToClean, target: LogSegment, pass: CleaningPass): Promise<void> {
    const { directory, legacyDeleteHorizonMs } = this.#work;
    const retainsLegacyDeletes = segment.lastModifiedMs > legacyDeleteHorizonMs;
    const writer = new CleanedWriter(target);
    const source = new SourceBatches(this.#options.fileSystem, segment, { directory });
    try {
      for (let batch = source.next(); batch !== undefined; batch = source.next()) {
        const kept = cleanBatch(batch, pass, retainsLegacyDeletes);
        const bytesWritten = kept === undefined ? 0 : writer.add(kept);
        this.#bytesRead += batch.sizeInBytes;
        this.#bytesWritten += bytesWritten;
        if (this.#meter.isDue(batch.sizeInBytes + bytesWritten)) await this.#meter.endSlice();
      }
    } finally {
      source.close();
    }
    writer.write();
  }

  #newTarget(baseOffset: number): LogSegment {
    const { directory, config } = this.#work;
    return new LogSegment(this.#options.fileSystem, this.#options.clock, {
      directory,
      baseOffset,
      fileSuffix: CLEANED_SUFFIX,
      indexIntervalBytes: config.indexIntervalBytes,
      indexBytesMax: config.segmentIndexBytes,
      // It never rolls.
      rollJitterMs: 0,
    });
  }
}

function passOver(work: CleaningWork, map: OffsetMap): CleaningPass {
  const transactions = new CleanedTransactionMetadata();
  transactions.addAbortedTransactions(work.abortedTransactions);
  const producers = new Map(work.producers.map((producer) => [producer.producerId, producer]));
  return { work, map, transactions, producers, endOffset: map.latestOffset + 1 };
}
