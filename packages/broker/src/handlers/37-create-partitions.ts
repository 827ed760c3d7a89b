// CreatePartitions (37), versions 0-3. Makes topics larger; the new partitions' replicas are given or chosen. Only the controller answers.
// Source: kafka.server.KafkaApis.handleCreatePartitionsRequest (3.9), KIP-195.

import { Errors } from '@ottla/base';
import { createPartitions as api, type CreatePartitionsResponse } from '@ottla/protocol';
import type { ApiError } from '../controller/partition-reassignments.ts';
import { defineHandler } from '../server/handler.ts';

export const createPartitions = defineHandler(
  api,
  {
    minVersion: 0,
    maxVersion: 3,
    errorResponse: ({ topics }, errorCode, message) =>
      response(new Map(topics.map(({ name }) => [name, { errorCode, message }]))),
  },
  async (request, { broker }) => {
    const { controller, adminManager } = broker;
    const results = new Map<string, ApiError>();
    const seen = new Set<string>();
    for (const { name } of request.topics) {
      if (!controller.isActive) results.set(name, { errorCode: Errors.NOT_CONTROLLER, message: null });
      else if (seen.has(name)) {
        results.set(name, { errorCode: Errors.INVALID_REQUEST, message: 'Duplicate topic in request.' });
      } else if (controller.isTopicQueuedForDeletion(name)) {
        const message = 'The topic is queued for deletion.';
        results.set(name, { errorCode: Errors.INVALID_TOPIC_EXCEPTION, message });
      }
      seen.add(name);
    }
    const valid = request.topics.filter(({ name }) => !results.has(name));
    if (valid.length === 0) return response(results);
    return response(new Map([...(await adminManager.createPartitions(valid, request)), ...results]));
  },
);

function response(results: ReadonlyMap<string, ApiError>): CreatePartitionsResponse {
  const each = [...results].map(([name, { errorCode, message }]) => ({ name, errorCode, errorMessage: message }));
  return { throttleTimeMs: 0, results: each };
}
