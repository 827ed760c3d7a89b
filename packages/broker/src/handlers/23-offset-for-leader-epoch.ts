// OffsetForLeaderEpoch, served in versions 0 to 4 (KIP-101, KIP-279, KIP-320).
//
// Where a leader epoch ends in this leader's log, so that a follower or a consumer can see whether its own records are still there.
// Source: kafka.server.KafkaApis.handleOffsetForLeaderEpochRequest, ReplicaManager.lastOffsetForLeaderEpoch.

import { type ErrorCode, Errors } from '@ottla/base';
import {
  type Decoded,
  type OffsetForLeaderEpochRequest,
  type OffsetForLeaderEpochResponse,
  type OffsetForLeaderEpochResponseEpochEndOffset,
  offsetForLeaderEpoch as offsetForLeaderEpochApi,
} from '@ottla/protocol';
import { mapError } from '../server/error-mapping.ts';
import { defineHandler } from '../server/handler.ts';
import type { RequestContext } from '../server/request-context.ts';

type Request = Decoded<OffsetForLeaderEpochRequest>;
type Partition = Request['topics'][number]['partitions'][number];

export const offsetForLeaderEpoch = defineHandler(
  offsetForLeaderEpochApi,
  { minVersion: 0, maxVersion: 4, errorResponse },
  (request, context) => ({
    throttleTimeMs: 0,
    topics: request.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map((partition) => answer(topic, partition, context)),
    })),
  }),
);

function answer(
  topic: string,
  { partition, currentLeaderEpoch, leaderEpoch }: Partition,
  { broker }: RequestContext,
): OffsetForLeaderEpochResponseEpochEndOffset {
  try {
    const query = { currentLeaderEpoch, leaderEpoch };
    const end = broker.replicaManager.lastOffsetForLeaderEpoch({ topic, partition }, query);
    return { errorCode: Errors.NONE, partition, leaderEpoch: end.epoch, endOffset: end.endOffset };
  } catch (error) {
    const { code, isExpected } = mapError(error);
    if (!isExpected) broker.logger.error('cannot find the end of a leader epoch', { topic, partition, error });
    return failed(partition, code);
  }
}

/** Epoch and offset are -1 unless said otherwise. */
function failed(partition: number, errorCode: ErrorCode): OffsetForLeaderEpochResponseEpochEndOffset {
  return { errorCode, partition };
}

function errorResponse(request: Request, errorCode: ErrorCode): OffsetForLeaderEpochResponse {
  const topics = request.topics.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.map(({ partition }) => failed(partition, errorCode)),
  }));
  return { throttleTimeMs: 0, topics };
}
