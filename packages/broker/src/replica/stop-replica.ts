// What the controller tells this broker to give up, and to delete. Source: kafka.server.ReplicaManager (stopReplicas).

import { type ErrorCode, Errors, type Logger, type TopicPartition } from '@ottla/base';
import type { Decoded, StopReplicaRequest, StopReplicaResponse } from '@ottla/protocol';
import type { LogManager } from '@ottla/storage';
import { mapError } from '../server/error-mapping.ts';
import type { AlterLogDirs } from './alter-log-dirs.ts';
import type { BrokerTopicStats } from './broker-topic-stats.ts';
import type { DelayedOperations } from './delayed-operations.ts';
import type { HostedPartitions } from './hosted-partitions.ts';
import type { FollowerFetchers, LeadershipListener } from './leader-and-isr.ts';
import type { ReplicaStateChanges } from './replica-state-changes.ts';

/** The leader epoch of a request that deletes whatever the epoch is. */
const EPOCH_DURING_DELETE = -2;
/** The leader epoch of a request too old to say. */
const NO_EPOCH = -1;

export interface StopReplicaParts {
  readonly changes: ReplicaStateChanges;
  readonly hosted: HostedPartitions;
  readonly delayed: DelayedOperations;
  readonly stats: BrokerTopicStats;
  readonly logManager: LogManager;
  readonly alterLogDirs: AlterLogDirs;
  readonly logger: Logger;
  readonly listeners: readonly LeadershipListener[];
  readonly followerFetchers?: FollowerFetchers | undefined;
}

interface StopState {
  readonly topic: string;
  readonly partition: number;
  readonly leaderEpoch: number;
  readonly deletePartition: boolean;
}

export class StopReplica {
  readonly #parts: StopReplicaParts;

  constructor(parts: StopReplicaParts) {
    this.#parts = parts;
  }

  stopReplicas(request: Decoded<StopReplicaRequest>): Promise<StopReplicaResponse> {
    return this.#parts.changes.run(() => this.#stopReplicas(request));
  }

  async #stopReplicas(request: Decoded<StopReplicaRequest>): Promise<StopReplicaResponse> {
    const { changes } = this.#parts;
    if (request.controllerEpoch < changes.controllerEpoch) {
      return { errorCode: Errors.STALE_CONTROLLER_EPOCH, partitionErrors: [] };
    }
    changes.obey(request.controllerEpoch);
    const partitionErrors: StopReplicaResponse['partitionErrors'] = [];
    for (const stop of stopStates(request)) {
      if (changes.isSliceOver) await changes.nextSlice();
      const errorCode = this.#stopReplica(stop);
      partitionErrors.push({ topicName: stop.topic, partitionIndex: stop.partition, errorCode });
    }
    return { errorCode: Errors.NONE, partitionErrors };
  }

  #stopReplica({ topic, partition, leaderEpoch, deletePartition }: StopState): ErrorCode {
    const { hosted, delayed, stats, logManager, followerFetchers, alterLogDirs, listeners } = this.#parts;
    const tp = { topic, partition };
    const found = hosted.get(topic, partition);
    if (found === 'offline') return Errors.KAFKA_STORAGE_ERROR;
    const isForced = leaderEpoch === EPOCH_DURING_DELETE || leaderEpoch === NO_EPOCH;
    if (found !== undefined && !isForced && leaderEpoch < found.leaderEpoch) return Errors.FENCED_LEADER_EPOCH;
    followerFetchers?.removeFetchers([tp]);
    if (deletePartition) {
      alterLogDirs.abandon(tp);
      hosted.delete(tp);
      found?.markOffline();
      if (!hosted.hasTopic(topic)) stats.remove(topic);
    }
    if (found !== undefined) delayed.checkAndCompleteAll(found);
    const errorCode = deletePartition ? this.#deleteLog(logManager, tp) : Errors.NONE;
    if (errorCode === Errors.NONE) {
      const epoch = leaderEpoch >= 0 ? leaderEpoch : undefined;
      for (const listener of listeners) {
        listener.onReplicaStopped(tp, { deleted: deletePartition, leaderEpoch: epoch });
      }
    }
    return errorCode;
  }

  /** The log may be there without the partition: the topic may have been deleted while this broker was away. */
  #deleteLog(logManager: LogManager, tp: TopicPartition): ErrorCode {
    if (logManager.getLog(tp) === undefined) return Errors.NONE;
    try {
      logManager.asyncDelete(tp);
      return Errors.NONE;
    } catch (error) {
      this.#parts.logger.error('cannot delete a log', { ...tp, error });
      return mapError(error).code;
    }
  }
}

/** The partitions of a request, whichever version it came in. */
function stopStates(request: Decoded<StopReplicaRequest>): StopState[] {
  const { deletePartitions } = request;
  const old = (topic: string, partition: number) => ({
    topic,
    partition,
    leaderEpoch: NO_EPOCH,
    deletePartition: deletePartitions,
  });
  return [
    ...request.ungroupedPartitions.map(({ topicName, partitionIndex }) => old(topicName, partitionIndex)),
    ...request.topics.flatMap(({ name, partitionIndexes }) => partitionIndexes.map((index) => old(name, index))),
    ...request.topicStates.flatMap(({ topicName, partitionStates }) =>
      partitionStates.map(({ partitionIndex, leaderEpoch, deletePartition }) => ({
        topic: topicName,
        partition: partitionIndex,
        leaderEpoch,
        deletePartition,
      })),
    ),
  ];
}
