// CreateTopics (19), versions 0-7. Version 1: validateOnly and messages. Version 4: counts may be left to the broker. Version 5: settings and
// counts of what was created (KIP-525). Version 7: topic ids (KIP-516). Only the controller answers.
// Source: kafka.server.KafkaApis.handleCreateTopicsRequest (3.9).

import { Errors, ZERO_UUID } from '@ottla/base';
import {
  createTopics as api,
  type CreatableTopicResult,
  type CreateTopicsRequest,
  type Decoded,
} from '@ottla/protocol';
import { CLUSTER_METADATA_TOPIC } from '../admin/topic-names.ts';
import type { CreatedTopic } from '../admin/zk-admin-manager.ts';
import type { ApiError } from '../controller/partition-reassignments.ts';
import { defineHandler } from '../server/handler.ts';
import type { RequestContext } from '../server/request-context.ts';

export const createTopics = defineHandler(
  api,
  {
    minVersion: 0,
    maxVersion: 7,
    errorResponse: ({ topics }, errorCode, message) => ({
      throttleTimeMs: 0,
      topics: topics.map(({ name }) => refused(name, { errorCode, message })),
    }),
  },
  async (request, context) => {
    const { controller, adminManager } = context.broker;
    if (!controller.isActive) {
      const error = { errorCode: Errors.NOT_CONTROLLER, message: null };
      return { throttleTimeMs: 0, topics: request.topics.map(({ name }) => refused(name, error)) };
    }
    const refusals = refusalsOf(request);
    const creatable = request.topics.filter(({ name }) => !refusals.has(name));
    const created = await adminManager.createTopics(creatable, request);
    const topics = request.topics.map(({ name }) => {
      const result = created.get(name);
      return result === undefined ? refused(name, refusals.get(name)) : answer(name, result, context);
    });
    return { throttleTimeMs: 0, topics };
  },
);

function refusalsOf({ topics }: Decoded<CreateTopicsRequest>): Map<string, ApiError> {
  const refusals = new Map<string, ApiError>();
  const seen = new Set<string>();
  const invalid = (message: string): ApiError => ({ errorCode: Errors.INVALID_REQUEST, message });
  for (const { name } of topics) {
    if (name === CLUSTER_METADATA_TOPIC) {
      refusals.set(name, invalid(`Creation of internal topic ${CLUSTER_METADATA_TOPIC} is prohibited.`));
    } else if (seen.has(name)) refusals.set(name, invalid('Found multiple entries for this topic.'));
    seen.add(name);
  }
  return refusals;
}

function refused(name: string, error: ApiError | undefined): CreatableTopicResult {
  return {
    name,
    topicId: ZERO_UUID,
    errorCode: error?.errorCode ?? Errors.UNKNOWN_SERVER_ERROR,
    errorMessage: error?.message ?? null,
    topicConfigErrorCode: Errors.NONE,
    numPartitions: -1,
    replicationFactor: -1,
    configs: [],
  };
}

function answer(name: string, created: CreatedTopic, { broker }: RequestContext): CreatableTopicResult {
  const { error, topicId, partitionCount, replicationFactor, config } = created;
  if (error.errorCode !== Errors.NONE) return { ...refused(name, error), topicId };
  const configs = broker.configs.describer.describeTopic(config).map((described) => ({
    name: described.name,
    value: described.isSensitive ? null : described.value,
    readOnly: described.readOnly,
    configSource: described.source,
    isSensitive: described.isSensitive,
  }));
  return {
    name,
    topicId,
    errorCode: Errors.NONE,
    errorMessage: null,
    topicConfigErrorCode: Errors.NONE,
    numPartitions: partitionCount,
    replicationFactor,
    configs,
  };
}
