// Reads one partition of __consumer_offsets into groups when this broker becomes its leader. Failing to read it is no reason to serve
// a partition without its offsets, from which consumers would start anew: the load is tried again until it succeeds or the leadership ends.
// Source: Kafka 3.9 GroupMetadataManager.loadGroupsAndOffsets.

import { type Clock, type Logger, sleep } from '@ottla/base';
import type { PartitionLoader } from '../partition-ports.ts';
import { GroupLogReplay, type ReplayedGroup } from './group-log-replay.ts';
import { OFFSETS_TOPIC } from './group-partition.ts';
import type { CoordinatedPartition } from './group-partitions.ts';

const RETRY_DELAY_MS = 1_000;
const PROGRESS_INTERVAL_MS = 5_000;
/** Groups put in place between two turns of the event loop. */
const GROUPS_PER_SLICE = 500;

export interface GroupLoaderOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly loader: PartitionLoader;
  /** Called for each group once it is in the partition, while the partition still counts as loading. */
  readonly onLoaded: (replayed: ReplayedGroup) => void;
}

/** The leadership ended while its partition was being read. */
class LoadAbandoned extends Error {
  override readonly name = 'LoadAbandoned';
}

export class GroupLoader {
  readonly #options: GroupLoaderOptions;

  constructor(options: GroupLoaderOptions) {
    this.#options = options;
  }

  /** Resolves when the partition is loaded or `isCurrent` says that nobody wants it any more. Never rejects.
   *  @returns was it loaded? */
  async load(owned: CoordinatedPartition, isCurrent: () => boolean): Promise<boolean> {
    const { clock, logger } = this.#options;
    while (isCurrent()) {
      try {
        await this.#loadOnce(owned, isCurrent);
        return true;
      } catch (error) {
        if (error instanceof LoadAbandoned) break;
        owned.groups.clear();
        owned.producers.clear();
        logger.error('loading groups and offsets failed, trying again', { partition: owned.partition, error });
        await sleep(clock, RETRY_DELAY_MS);
      }
    }
    logger.info('loading groups and offsets abandoned', { partition: owned.partition });
    return false;
  }

  async #loadOnce(owned: CoordinatedPartition, isCurrent: () => boolean): Promise<void> {
    const { clock, logger } = this.#options;
    const { partition, leaderEpoch } = owned;
    const startedMs = clock.monotonicMs();
    const replay = await this.#read(partition, startedMs, isCurrent);
    await this.#putInPlace(owned, replay, isCurrent);
    // Most partitions of a small broker are empty, and nobody wants to read that fifty times.
    logger[replay.recordCount === 0 ? 'debug' : 'info']('finished loading groups and offsets', {
      partition,
      leaderEpoch,
      records: replay.recordCount,
      groups: owned.groups.size,
      durationMs: Math.round(clock.monotonicMs() - startedMs),
    });
  }

  async #read(partition: number, startedMs: number, isCurrent: () => boolean): Promise<GroupLogReplay> {
    const { clock, logger, loader } = this.#options;
    const replay = new GroupLogReplay(logger, clock.nowMs());
    let reportAtMs = startedMs + PROGRESS_INTERVAL_MS;
    await loader.load(
      { topic: OFFSETS_TOPIC, partition },
      (batch) => {
        if (!isCurrent()) throw new LoadAbandoned();
        replay.add(batch);
        if (clock.monotonicMs() < reportAtMs) return;
        reportAtMs = clock.monotonicMs() + PROGRESS_INTERVAL_MS;
        logger.info('loading groups and offsets', { partition, records: replay.recordCount, offset: batch.lastOffset });
      },
      { from: 'logStart' },
    );
    if (!isCurrent()) throw new LoadAbandoned();
    return replay;
  }

  async #putInPlace(owned: CoordinatedPartition, replay: GroupLogReplay, isCurrent: () => boolean): Promise<void> {
    let count = 0;
    for (const replayed of replay.finish()) {
      const { group, producerIds } = replayed;
      owned.groups.set(group.groupId, group);
      for (const producerId of producerIds) owned.addProducer(producerId, group);
      this.#options.onLoaded(replayed);
      if (++count % GROUPS_PER_SLICE !== 0) continue;
      await sleep(this.#options.clock, 0);
      if (!isCurrent()) throw new LoadAbandoned();
    }
  }
}
