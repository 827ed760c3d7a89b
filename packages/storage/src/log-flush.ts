// Makes a log durable: its segments and what lies beside them, one sync at a time for everybody who waits.
// Source: Kafka's UnifiedLog.{flush, close} (3.9).

import { StorageError } from '@ottla/base';
import { GroupCommit } from './group-commit.ts';
import type { LeaderEpochFileCache } from './leader-epoch-file-cache.ts';
import type { LocalLog } from './local-log.ts';
import type { LogAvailability } from './log-availability.ts';
import type { PartitionMetadataFile } from './partition-metadata-file.ts';
import type { ProducerStateManager } from './producer-state-manager.ts';

export interface LogFlushParts {
  readonly localLog: LocalLog;
  readonly leaderEpochCache: LeaderEpochFileCache;
  readonly producerStateManager: ProducerStateManager;
  readonly partitionMetadataFile: PartitionMetadataFile;
  readonly availability: LogAvailability;
}

export class LogFlush {
  readonly #parts: LogFlushParts;
  readonly #groupCommit = new GroupCommit(() => this.#flushGroup());
  /** Moved to another log dir: what was appended here and is waited for to be durable must be durable there. */
  #successor: { flush(): Promise<void> } | undefined;

  constructor(parts: LogFlushParts) {
    this.#parts = parts;
  }

  /** Resolves when everything appended before the call survives a power loss. @throws KafkaError KAFKA_STORAGE_ERROR */
  flush(): Promise<void> {
    return this.#successor?.flush() ?? this.#groupCommit.flush();
  }

  /** Who waits here waits there from now on. */
  handOverTo(successor: { flush(): Promise<void> }): void {
    this.#successor = successor;
  }

  /** Resolves when no sync is under way. */
  idle(): Promise<void> {
    return this.#groupCommit.idle();
  }

  /** Writes and syncs all there is: after this a start needs no recovery. @throws StorageError */
  async flushForStop(): Promise<void> {
    const { localLog, leaderEpochCache, producerStateManager } = this.#parts;
    await this.idle();
    if (producerStateManager.takeSnapshot()) localLog.markDirectoryDirty();
    if (await leaderEpochCache.flush()) localLog.markDirectoryDirty();
    if (localLog.isDurable) return;
    localLog.activeSegment.onBecomeInactive();
    await this.#flushAll({ allIndexes: true });
  }

  async #flushGroup(): Promise<void> {
    const { availability } = this.#parts;
    try {
      if (availability.isAbandoned) availability.ensureUsable();
      if (this.#successor === undefined) await this.#flushAll({});
    } catch (error) {
      // The directory went while the disk was waited for.
      if (availability.isAbandoned && error instanceof StorageError && error.code === 'ENOENT')
        availability.ensureUsable();
      throw availability.failed(error, 'sync');
    }
    // Also when it came while the disk was waited for.
    await this.#successor?.flush();
  }

  async #flushAll(options: { allIndexes?: boolean }): Promise<void> {
    const { localLog, leaderEpochCache, producerStateManager, partitionMetadataFile, availability } = this.#parts;
    availability.ensureOnline();
    if (await leaderEpochCache.flush()) localLog.markDirectoryDirty();
    await partitionMetadataFile.flush();
    if (await producerStateManager.flushSnapshots()) localLog.markDirectoryDirty();
    await localLog.flush(options);
  }
}
