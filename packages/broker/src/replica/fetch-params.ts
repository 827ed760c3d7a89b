// How a fetch request reads: for whom, how much, how long. Source: org.apache.kafka.storage.internals.log.FetchParams, FetchIsolation.

import { Errors, KafkaError } from '@ottla/base';
import type { FetchIsolation } from '@ottla/storage';

/** The replica id of a consumer. */
export const CONSUMER_REPLICA_ID = -1;
/** The replica id of tools that may read from followers. */
export const DEBUGGING_REPLICA_ID = -2;

export type IsolationLevel = 'readUncommitted' | 'readCommitted';

/** @throws KafkaError for a number that is neither; the code is Kafka's, which has no better one */
export function isolationLevelOf(isolationLevel: number): IsolationLevel {
  if (isolationLevel === READ_UNCOMMITTED) return 'readUncommitted';
  if (isolationLevel === READ_COMMITTED) return 'readCommitted';
  throw new KafkaError(Errors.UNKNOWN_SERVER_ERROR, `Unknown isolation level ${isolationLevel}`);
}

/** First version that hard limits do not bind: a batch larger than every limit is returned, so that the fetcher can go on. */
const SOFT_LIMIT_VERSION = 3;
/** First version in which a consumer says where it is, and may read from followers (KIP-392). */
const FOLLOWER_READ_VERSION = 11;
const READ_UNCOMMITTED = 0;
const READ_COMMITTED = 1;

export interface FetchParams {
  /** A broker's id when a follower fetches. */
  readonly replicaId: number;
  readonly isFromFollower: boolean;
  /** Must this broker lead a partition to answer for it? */
  readonly requireLeader: boolean;
  readonly isolation: FetchIsolation;
  readonly maxWaitMs: number;
  readonly minBytes: number;
  /** Over all partitions. */
  readonly maxBytes: number;
  /** Return nothing rather than more than the limits. */
  readonly hasHardMaxBytes: boolean;
}

/** @throws KafkaError for an isolation level there is not */
export function fetchParams(request: {
  readonly version: number;
  readonly replicaId: number;
  readonly isolationLevel: number;
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
}): FetchParams {
  const isFromFollower = request.replicaId >= 0;
  const isFromConsumer = request.replicaId === CONSUMER_REPLICA_ID;
  return {
    replicaId: request.replicaId,
    isFromFollower,
    requireLeader: isFromFollower || (isFromConsumer && request.version < FOLLOWER_READ_VERSION),
    isolation: isolationOf(isFromFollower, request.isolationLevel),
    maxWaitMs: request.maxWaitMs,
    minBytes: Math.min(request.minBytes, request.maxBytes),
    maxBytes: request.maxBytes,
    hasHardMaxBytes: request.version < SOFT_LIMIT_VERSION,
  };
}

function isolationOf(isFromFollower: boolean, isolationLevel: number): FetchIsolation {
  const level = isolationLevelOf(isolationLevel);
  if (isFromFollower) return 'logEnd';
  return level === 'readCommitted' ? 'txnCommitted' : 'highWatermark';
}
