// AlterPartitionReassignments (45), version 0. Moves partitions to other brokers, or (replicas null) calls a move off. The answer says that
// the moves began, not that they ended. Source: kafka.server.KafkaApis.handleAlterPartitionReassignmentsRequest (3.9), KIP-455.

import { type ErrorCode, Errors, TopicPartitionMap } from '@ottla/base';
import {
  type AlterPartitionReassignmentsRequest,
  type AlterPartitionReassignmentsResponse,
  alterPartitionReassignments as api,
  type Decoded,
} from '@ottla/protocol';
import type { ApiError } from '../controller/partition-reassignments.ts';
import { defineHandler } from '../server/handler.ts';

export const alterPartitionReassignments = defineHandler(
  api,
  { minVersion: 0, maxVersion: 0, errorResponse: (request, code, message) => failed(request, code, message) },
  async (request, { broker }) => {
    const wanted = new TopicPartitionMap<readonly number[] | null>();
    for (const { name, partitions } of request.topics) {
      for (const { partitionIndex, replicas } of partitions) {
        wanted.set({ topic: name, partition: partitionIndex }, replicas);
      }
    }
    return response(await broker.controller.alterPartitionReassignments(wanted));
  },
);

function response(results: TopicPartitionMap<ApiError>): AlterPartitionReassignmentsResponse {
  const byTopic = new Map<string, AlterPartitionReassignmentsResponse['responses'][number]>();
  for (const [{ topic, partition }, { errorCode, message }] of results) {
    const ofTopic = byTopic.get(topic) ?? { name: topic, partitions: [] };
    byTopic.set(topic, ofTopic);
    ofTopic.partitions.push({ partitionIndex: partition, errorCode, errorMessage: message });
  }
  return { throttleTimeMs: 0, errorCode: Errors.NONE, errorMessage: '', responses: [...byTopic.values()] };
}

/** Source: AlterPartitionReassignmentsRequest.getErrorResponse: the whole and each partition carry the error. */
function failed(
  { topics }: Decoded<AlterPartitionReassignmentsRequest>,
  errorCode: ErrorCode,
  errorMessage: string,
): AlterPartitionReassignmentsResponse {
  const responses = topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode, errorMessage })),
  }));
  return { throttleTimeMs: 0, errorCode, errorMessage, responses };
}
