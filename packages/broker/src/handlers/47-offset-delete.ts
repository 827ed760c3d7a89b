// OffsetDelete (47), version 0. Removes a group's offsets of topics it does not subscribe to (KIP-496).

import { Errors, type TopicPartition } from '@ottla/base';
import { offsetDelete as api } from '@ottla/protocol';
import { defineHandler } from '../server/handler.ts';

export const offsetDelete = defineHandler(
  api,
  { minVersion: 0, maxVersion: 0, errorResponse: (_, errorCode) => ({ errorCode, throttleTimeMs: 0, topics: [] }) },
  async (request, context) => {
    const { groupCoordinator, metadataCache } = context.broker;
    const isKnown = (tp: TopicPartition): boolean => metadataCache.contains(tp);
    const asked = request.topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex }) => ({ topic: name, partition: partitionIndex })),
    );
    const { errorCode, errorOf } = await groupCoordinator.deleteOffsets(request.groupId, asked.filter(isKnown));
    if (errorCode !== Errors.NONE) return { errorCode, throttleTimeMs: 0, topics: [] };
    const topics = request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => {
        const tp = { topic: name, partition: partitionIndex };
        return { partitionIndex, errorCode: isKnown(tp) ? errorOf(tp) : Errors.UNKNOWN_TOPIC_OR_PARTITION };
      }),
    }));
    return { errorCode, throttleTimeMs: 0, topics };
  },
);
