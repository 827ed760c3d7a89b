// What a start makes of the partition directories it finds: replicas to be opened when they are asked for, copies on their way, deletions
// to go on with, and partitions found in two dirs. Source: Kafka's LogManager (loadLogs).

import { KafkaError, type Logger, type Random, StorageError, topicPartitionKey } from '@ottla/base';
import type { Log } from './log.ts';
import type { LogConfig } from './log-config.ts';
import type { LogDeletion } from './log-deletion.ts';
import type { PartitionDirectory } from './log-directory.ts';
import { uniqueDirectoryName } from './log-file-names.ts';
import type { LogOpener } from './log-opener.ts';
import type { ManagedLogs } from './managed-logs.ts';

export interface FoundPartitionsParts {
  readonly random: Random;
  readonly logger: Logger;
  readonly logs: ManagedLogs;
  readonly opener: LogOpener;
  readonly deletion: LogDeletion;
  readonly topicConfig: (topic: string) => LogConfig;
}

export class FoundPartitions {
  readonly #parts: FoundPartitionsParts;
  /** Found in a second dir. */
  readonly #twins: PartitionDirectory[] = [];

  constructor(parts: FoundPartitionsParts) {
    this.#parts = parts;
  }

  /** @throws StorageError when another dir has a partition of that name and of another topic, or of one that does not say */
  register(found: PartitionDirectory): void {
    if (found.state === 'delete') this.#parts.deletion.finish(found);
    else if (found.state === 'future') this.#registerFuture(found);
    else if (found.state === 'current') this.#registerCurrent(found);
  }

  /** When all dirs are known: of each partition found twice, one stays. */
  resolveTwins(): void {
    for (const twin of this.#twins.splice(0)) this.#resolve(twin);
  }

  #registerCurrent(found: PartitionDirectory): void {
    const { current } = this.#parts.logs;
    const key = topicPartitionKey(found.tp);
    const twin = current.getUnloaded(key);
    if (twin === undefined) current.register(key, found);
    else if (found.topicId !== undefined && found.topicId === twin.topicId) this.#twins.push(found);
    else {
      throw new StorageError(`Duplicate log directories found: ${found.directory}, ${twin.directory}`, {
        code: 'EEXIST',
        path: found.directory,
      });
    }
  }

  #registerFuture(found: PartitionDirectory): void {
    const { logs, logger, deletion } = this.#parts;
    if (logs.future.register(topicPartitionKey(found.tp), found)) return;
    logger.warn('removing a second copy of a replica that moves', { directory: found.directory });
    deletion.finish(found);
  }

  /** A crash, or the failure of a dir, came while a copy took the place of a log. What is further on stays: by leader epoch, then by
   *  end, as an election would have it. Kafka leaves this to its operator. */
  #resolve(second: PartitionDirectory): void {
    const { current } = this.#parts.logs;
    const key = topicPartitionKey(second.tp);
    const first = current.takeUnloaded(key);
    if (first === undefined) return;
    const logs = [first, second].flatMap((found) => this.#tryLoad(found) ?? []);
    const [best, other] = logs.sort(byProgress);
    if (best === undefined) return;
    current.set(key, best);
    if (other !== undefined) this.#giveUp(other, best);
  }

  #giveUp(other: Log, best: Log): void {
    const { logger, random, deletion } = this.#parts;
    const isCopy = other.latestEpoch === best.latestEpoch && other.logEndOffset === best.logEndOffset;
    logger.warn(
      isCopy
        ? 'a partition was in two log dirs: a move was interrupted; one copy goes'
        : 'a partition was in two log dirs: the copy that is behind is set aside as -stray, to be deleted by hand',
      { kept: best.directory, other: other.directory, keptEnd: best.logEndOffset, otherEnd: other.logEndOffset },
    );
    if (isCopy) deletion.discard(other, () => other.closeHandlers());
    else {
      other.renameDirectory(uniqueDirectoryName(other.topicPartition, 'stray', random));
      other.closeHandlers();
    }
  }

  /** undefined: its dir is offline now. */
  #tryLoad(found: PartitionDirectory): Log | undefined {
    const { opener, topicConfig, logger } = this.#parts;
    try {
      return opener.load(found, topicConfig(found.tp.topic));
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      logger.error('cannot open a log', { directory: found.directory, problem: error.message });
      return undefined;
    }
  }
}

/** The one that is further on first. */
function byProgress(a: Log, b: Log): number {
  return (b.latestEpoch ?? -1) - (a.latestEpoch ?? -1) || b.logEndOffset - a.logEndOffset;
}
