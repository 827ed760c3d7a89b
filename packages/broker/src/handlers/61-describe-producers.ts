// DescribeProducers, served in version 0 (KIP-664).
//
// The idempotent and transactional producers that partitions remember: which transactions are open, since which offset. Any replica answers.
// Source: kafka.server.KafkaApis.handleDescribeProducersRequest.

import { type ErrorCode, Errors } from '@ottla/base';
import {
  type Decoded,
  type DescribeProducersRequest,
  type DescribeProducersResponse,
  describeProducers as describeProducersApi,
  type PartitionResponse,
} from '@ottla/protocol';
import { validateTopicName } from '../admin/topic-names.ts';
import { mapError } from '../server/error-mapping.ts';
import { defineHandler } from '../server/handler.ts';
import type { RequestContext } from '../server/request-context.ts';

const UNKNOWN_TOPIC = 'This server does not host this topic-partition.';

export const describeProducers = defineHandler(
  describeProducersApi,
  { minVersion: 0, maxVersion: 0, errorResponse: failAll },
  (request, context) => ({
    throttleTimeMs: 0,
    topics: request.topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partition) => answer(name, partition, context)),
    })),
  }),
);

function answer(topic: string, partitionIndex: number, { broker }: RequestContext): PartitionResponse {
  const invalid = refusalOfName(topic);
  if (invalid !== undefined) return failed(partitionIndex, Errors.INVALID_TOPIC_EXCEPTION, invalid);
  if (!broker.metadataCache.containsTopic(topic)) {
    return failed(partitionIndex, Errors.UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC);
  }
  try {
    const activeProducers = broker.replicaManager.activeProducers({ topic, partition: partitionIndex });
    return { partitionIndex, errorCode: Errors.NONE, errorMessage: null, activeProducers };
  } catch (error) {
    const { code, isExpected } = mapError(error);
    if (!isExpected) broker.logger.error('cannot list producers', { topic, partition: partitionIndex, error });
    return failed(partitionIndex, code, null);
  }
}

function refusalOfName(topic: string): string | undefined {
  try {
    validateTopicName(topic);
    return undefined;
  } catch (error) {
    return mapError(error).message;
  }
}

function failed(partitionIndex: number, errorCode: ErrorCode, errorMessage: string | null): PartitionResponse {
  return { partitionIndex, errorCode, errorMessage, activeProducers: [] };
}

function failAll(
  request: Decoded<DescribeProducersRequest>,
  errorCode: ErrorCode,
  message: string,
): DescribeProducersResponse {
  const topics = request.topics.map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((partition) => failed(partition, errorCode, message)),
  }));
  return { throttleTimeMs: 0, topics };
}
