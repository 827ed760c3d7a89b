// DescribeTopicPartitions, version 0 (KIP-966).
//
// Topics in order of their names, page by page: a page holds so many partitions at most, and says where the next begins. A broker in
// ZooKeeper mode does not serve this, so it is offered only where newer APIs than that of such a broker are.
// Source: kafka.server.handlers.DescribeTopicPartitionsRequestHandler.

import { type ErrorCode, Errors, KafkaError, ZERO_UUID } from '@ottla/base';
import {
  type Decoded,
  type DescribeTopicPartitionsRequest,
  type DescribeTopicPartitionsResponse,
  describeTopicPartitions as describeTopicPartitionsApi,
} from '@ottla/protocol';
import { isInternalTopic, isValidTopicName } from '../admin/topic-names.ts';
import { defineHandler } from '../server/handler.ts';
import type { RequestContext } from '../server/request-context.ts';

/** Bits of AclOperation: read, write, create, delete, alter, describe, describe configs, alter configs. */
const ALL_TOPIC_OPERATIONS = 0b1101_1111_1000;

type Request = Decoded<DescribeTopicPartitionsRequest>;

export const describeTopicPartitions = defineHandler(
  describeTopicPartitionsApi,
  { minVersion: 0, maxVersion: 0, errorResponse },
  (request, { broker, listenerName }) => {
    const { cursor } = request;
    if (cursor !== null && cursor.partitionIndex < 0) {
      throw new KafkaError(Errors.INVALID_REQUEST, 'DescribeTopicPartitionsRequest cursor partition must be valid.');
    }
    const topics = wantedTopics(request, broker);
    const response = broker.metadataCache.describeTopicPartitions({
      topics,
      listenerName,
      firstPartition: cursor !== null && topics[0] === cursor.topicName ? cursor.partitionIndex : 0,
      partitionCountMax: pageSize(request, broker),
      ignoreUnknownTopics: request.topics.length === 0,
    });
    for (const topic of response.topics) {
      topic.topicAuthorizedOperations = ALL_TOPIC_OPERATIONS;
      if (topic.errorCode === Errors.UNKNOWN_TOPIC_OR_PARTITION && !isValidTopicName(topic.name ?? '')) {
        topic.errorCode = Errors.INVALID_TOPIC_EXCEPTION;
      }
    }
    return response;
  },
);

/** In order; those before the cursor were told already. */
function wantedTopics({ topics, cursor }: Request, broker: RequestContext['broker']): string[] {
  const all = topics.length === 0 ? broker.metadataCache.getAllTopics() : topics.map(({ name }) => name);
  const names = [...new Set(all)].sort();
  const first = cursor?.topicName ?? '';
  // A client that goes on through topics it named must hear of the one it stands at, even when it is gone.
  if (topics.length === 0 || cursor === null || names.includes(first)) return names.filter((name) => name >= first);
  return [first, ...names.filter((name) => name > first)];
}

function pageSize({ responsePartitionLimit }: Request, { config }: RequestContext['broker']): number {
  return Math.max(1, Math.min(config.number('max.request.partition.size.limit'), responsePartitionLimit));
}

function errorResponse(request: Request, errorCode: ErrorCode): DescribeTopicPartitionsResponse {
  const topics = request.topics.map(({ name }) => ({
    errorCode,
    name,
    topicId: ZERO_UUID,
    isInternal: isInternalTopic(name),
    partitions: [],
  }));
  return { throttleTimeMs: 0, topics, nextCursor: null };
}
