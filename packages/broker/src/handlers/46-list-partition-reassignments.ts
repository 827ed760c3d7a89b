// ListPartitionReassignments (46), version 0. Which partitions are being moved, from where to where. Only the controller knows.
// Source: kafka.server.KafkaApis.handleListPartitionReassignmentsRequest (3.9), KIP-455.

import { Errors } from '@ottla/base';
import { listPartitionReassignments as api, type ListPartitionReassignmentsResponse } from '@ottla/protocol';
import { defineHandler } from '../server/handler.ts';

export const listPartitionReassignments = defineHandler(
  api,
  {
    minVersion: 0,
    maxVersion: 0,
    errorResponse: (_request, errorCode, errorMessage) => ({ throttleTimeMs: 0, errorCode, errorMessage, topics: [] }),
  },
  async ({ topics }, { broker }): Promise<ListPartitionReassignmentsResponse> => {
    const partitions = topics?.flatMap(({ name, partitionIndexes }) =>
      partitionIndexes.map((partition) => ({ topic: name, partition })),
    );
    const byTopic = new Map<string, ListPartitionReassignmentsResponse['topics'][number]>();
    for (const [{ topic, partition }, assignment] of await broker.controller.listPartitionReassignments(partitions)) {
      const ofTopic = byTopic.get(topic) ?? { name: topic, partitions: [] };
      byTopic.set(topic, ofTopic);
      ofTopic.partitions.push({
        partitionIndex: partition,
        replicas: [...assignment.replicas],
        addingReplicas: [...assignment.addingReplicas],
        removingReplicas: [...assignment.removingReplicas],
      });
    }
    return { throttleTimeMs: 0, errorCode: Errors.NONE, errorMessage: '', topics: [...byTopic.values()] };
  },
);
