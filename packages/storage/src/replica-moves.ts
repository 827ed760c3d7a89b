// Replicas that move to another log dir (AlterReplicaLogDirs): a copy is begun there, filled by future-log-copy.ts, and put in the place of
// the log, or given up. Source: Kafka's LogManager (futureLogs, replaceCurrentWithFutureLog).

import { type Logger, type TopicPartition, topicPartitionKey } from '@ottla/base';
import type { Log } from './log.ts';
import type { LogCheckpoints } from './log-checkpoints.ts';
import type { LogCleaner } from './log-cleaner.ts';
import type { LogDeletion } from './log-deletion.ts';
import { unavailable } from './log-directories.ts';
import type { LogOpener, OpenLogOptions } from './log-opener.ts';
import type { ManagedLogs } from './managed-logs.ts';

export interface ReplicaMovesParts {
  readonly logger: Logger;
  readonly logs: ManagedLogs;
  readonly opener: LogOpener;
  readonly deletion: LogDeletion;
  readonly checkpoints: LogCheckpoints;
  readonly cleaner: LogCleaner;
}

export class ReplicaMoves {
  readonly #parts: ReplicaMovesParts;

  constructor(parts: ReplicaMovesParts) {
    this.#parts = parts;
  }

  /** Opens the copy, or begins it; the cleaner leaves the partition alone meanwhile. @throws KafkaError KAFKA_STORAGE_ERROR */
  getOrCreate(tp: TopicPartition, options: OpenLogOptions): Log {
    const { logs, opener, cleaner } = this.#parts;
    const key = topicPartitionKey(tp);
    const log = logs.future.get(key) ?? opener.openOrCreateFuture(tp, options);
    logs.future.add(key, log);
    cleaner.abortAndPause(tp);
    return log;
  }

  /** Puts the copy in the place of the log, whose directory is then deleted. Both must end at the same offset.
   *
   *    before   /a/orders-3                    /b/orders-3.5d…1-future
   *    then     /a/orders-3                    /b/orders-3                a crash here leaves two, and the next start keeps one
   *    after    /a/orders-3.77…c-delete        /b/orders-3
   *
   *  @param onReplaced is told before the old directory is touched
   *  @throws KafkaError KAFKA_STORAGE_ERROR when the copy's dir failed: the log stays where it is */
  finish(tp: TopicPartition, onReplaced: (log: Log) => void): void {
    const { logs, deletion, checkpoints, cleaner, logger } = this.#parts;
    const key = topicPartitionKey(tp);
    const current = logs.current.get(key);
    const future = logs.future.get(key);
    if (current === undefined || future === undefined) throw unavailable(`${key} has no copy in another dir`);
    future.takeOver(current);
    future.renameDirectory(key);
    logs.future.delete(key);
    logs.current.set(key, future);
    cleaner.alterCheckpointDir(tp, current.parentDirectory, future.parentDirectory);
    cleaner.resume(tp);
    onReplaced(future);
    logger.info('a replica moved', { partition: key, from: current.parentDirectory, to: future.parentDirectory });
    checkpoints.writeRecoveryPointsSoon();
    deletion.discard(current, () => current.retireFor(future));
  }

  /** Deletes the copy. Nothing happens when there is none. @throws KafkaError KAFKA_STORAGE_ERROR */
  giveUp(tp: TopicPartition): void {
    const { logs, deletion, cleaner } = this.#parts;
    const key = topicPartitionKey(tp);
    cleaner.resume(tp);
    const unloaded = logs.future.takeUnloaded(key);
    if (unloaded !== undefined) deletion.discardUnloaded(unloaded);
    const log = logs.future.get(key);
    if (log === undefined) return;
    logs.future.delete(key);
    deletion.discard(log, () => log.closeHandlers());
  }
}
