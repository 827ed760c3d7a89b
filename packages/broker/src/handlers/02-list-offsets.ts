// ListOffsets, served in versions 0 to 9.
//
// The offset of a timestamp, or one of the special ones: -1 latest (by isolation level from version 2 on), -2 earliest, -3 of the largest
// timestamp (version 7 on, KIP-734), -4 earliest local (version 8 on), -5 latest tiered (version 9 on, KIP-1005), which without tiered storage
// is none. Version 0 answers with segment boundaries instead. Source: kafka.server.KafkaApis.handleListOffsetRequest.

import { type ErrorCode, Errors } from '@ottla/base';
import {
  type Decoded,
  type ListOffsetsPartition,
  type ListOffsetsPartitionResponse,
  type ListOffsetsRequest,
  type ListOffsetsResponse,
  listOffsets as listOffsetsApi,
} from '@ottla/protocol';
import {
  CONSUMER_REPLICA_ID,
  DEBUGGING_REPLICA_ID,
  type IsolationLevel,
  isolationLevelOf,
} from '../replica/fetch-params.ts';
import { mapError } from '../server/error-mapping.ts';
import { defineHandler } from '../server/handler.ts';
import type { RequestContext } from '../server/request-context.ts';

const FIRST_VERSION_WITH_LEADER_EPOCH = 4;
const FIRST_VERSION_WITH_OFFSET_NOT_AVAILABLE = 5;
/** The first version that may ask for a special timestamp. */
const SPECIAL_TIMESTAMPS: ReadonlyMap<number, number> = new Map([
  [-1, 1],
  [-2, 1],
  [-3, 7],
  [-4, 8],
  [-5, 9],
]);

type Request = Decoded<ListOffsetsRequest>;
type Partition = Decoded<ListOffsetsPartition>;

export const listOffsets = defineHandler(
  listOffsetsApi,
  { minVersion: 0, maxVersion: 9, errorResponse },
  (request, context) => {
    const { apiVersion } = context.header;
    const duplicates = apiVersion === 0 ? undefined : duplicatesIn(request);
    const answer = apiVersion === 0 ? answerVersion0 : answerPartition;
    const topics = request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map((partition) => {
        if (duplicates?.get(name)?.has(partition.partitionIndex)) return failed(partition, Errors.INVALID_REQUEST);
        return answer(name, partition, request, context);
      }),
    }));
    return { throttleTimeMs: 0, topics };
  },
);

/** Partitions that are asked for more than once, by topic: from version 1 on they are refused. */
function duplicatesIn(request: Request): Map<string, Set<number>> {
  const seen = new Map<string, Set<number>>();
  const duplicates = new Map<string, Set<number>>();
  for (const { name, partitions } of request.topics) {
    const ofTopic = seen.get(name) ?? new Set<number>();
    seen.set(name, ofTopic);
    for (const { partitionIndex } of partitions) {
      if (!ofTopic.has(partitionIndex)) {
        ofTopic.add(partitionIndex);
        continue;
      }
      const twice = duplicates.get(name) ?? new Set<number>();
      duplicates.set(name, twice.add(partitionIndex));
    }
  }
  return duplicates;
}

function answerPartition(
  topic: string,
  partition: Partition,
  request: Request,
  context: RequestContext,
): ListOffsetsPartitionResponse {
  const { apiVersion } = context.header;
  const { timestamp, partitionIndex, currentLeaderEpoch } = partition;
  if (isUnsupported(timestamp, apiVersion)) return failed(partition, Errors.UNSUPPORTED_VERSION);
  try {
    const found = context.broker.replicaManager.fetchOffsetForTimestamp(
      { topic, partition: partitionIndex },
      {
        timestamp,
        isolation: isolationOf(request),
        currentLeaderEpoch,
        requireLeader: request.replicaId !== DEBUGGING_REPLICA_ID,
      },
    );
    if (found === undefined) return failed(partition, Errors.NONE);
    const response = { partitionIndex, errorCode: Errors.NONE, timestamp: found.timestamp, offset: found.offset };
    const hasEpoch = apiVersion >= FIRST_VERSION_WITH_LEADER_EPOCH && found.leaderEpoch !== undefined;
    return hasEpoch ? { ...response, leaderEpoch: found.leaderEpoch } : response;
  } catch (error) {
    return failed(partition, codeFor(error, topic, context));
  }
}

function answerVersion0(
  topic: string,
  partition: Partition,
  { replicaId }: Request,
  context: RequestContext,
): ListOffsetsPartitionResponse {
  const { timestamp, maxNumOffsets, partitionIndex } = partition;
  try {
    const oldStyleOffsets = context.broker.replicaManager.legacyFetchOffsetsBefore(
      { topic, partition: partitionIndex },
      {
        timestamp,
        maxNumOffsets,
        isFromConsumer: replicaId === CONSUMER_REPLICA_ID,
        requireLeader: replicaId !== DEBUGGING_REPLICA_ID,
      },
    );
    return { partitionIndex, errorCode: Errors.NONE, oldStyleOffsets };
  } catch (error) {
    return failed(partition, codeFor(error, topic, context));
  }
}

function isUnsupported(timestamp: number, version: number): boolean {
  return timestamp < 0 && version < (SPECIAL_TIMESTAMPS.get(timestamp) ?? Number.POSITIVE_INFINITY);
}

/** Brokers and tools see everything. */
function isolationOf({ replicaId, isolationLevel }: Request): IsolationLevel | undefined {
  return replicaId === CONSUMER_REPLICA_ID ? isolationLevelOf(isolationLevel) : undefined;
}

function codeFor(error: unknown, topic: string, { header, broker }: RequestContext): ErrorCode {
  const { code, isExpected } = mapError(error);
  if (!isExpected) broker.logger.error('error while responding to offset request', { topic, error });
  const isTooNew = code === Errors.OFFSET_NOT_AVAILABLE && header.apiVersion < FIRST_VERSION_WITH_OFFSET_NOT_AVAILABLE;
  return isTooNew ? Errors.LEADER_NOT_AVAILABLE : code;
}

/** Timestamp and offset are -1 unless said otherwise. */
function failed({ partitionIndex }: Partition, errorCode: ErrorCode): ListOffsetsPartitionResponse {
  return { partitionIndex, errorCode };
}

function errorResponse(request: Request, errorCode: ErrorCode): ListOffsetsResponse {
  const topics = request.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map((partition) => failed(partition, errorCode)),
  }));
  return { throttleTimeMs: 0, topics };
}
