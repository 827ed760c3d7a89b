// DeleteTopics (20), versions 0-6. Version 3: its own error where deletion is switched off. Version 6: by id too (KIP-516). Only the
// controller answers. Source: kafka.server.KafkaApis.handleDeleteTopicsRequest (3.9).

import { type ErrorCode, Errors, KafkaError, type Uuid, ZERO_UUID } from '@ottla/base';
import {
  deleteTopics as api,
  type Decoded,
  type DeletableTopicResult,
  type DeleteTopicsRequest,
  type DeleteTopicsResponse,
} from '@ottla/protocol';
import { defineHandler } from '../server/handler.ts';
import type { RequestContext } from '../server/request-context.ts';

/** From this version on clients know TOPIC_DELETION_DISABLED. */
const FIRST_VERSION_WITH_DELETION_DISABLED = 3;

/** A topic of a request, whichever version it came in. */
interface Wanted {
  readonly name: string | null;
  readonly topicId: Uuid;
}

export const deleteTopics = defineHandler(
  api,
  { minVersion: 0, maxVersion: 6, errorResponse: (request, code) => all(wantedTopics(request), code) },
  async (request, context) => {
    const { broker, header } = context;
    const wanted = wantedTopics(request);
    if (!broker.controller.isActive) return all(wanted, Errors.NOT_CONTROLLER);
    if (!broker.config.boolean('delete.topic.enable')) {
      const hasOwnError = header.apiVersion >= FIRST_VERSION_WITH_DELETION_DISABLED;
      return all(wanted, hasOwnError ? Errors.TOPIC_DELETION_DISABLED : Errors.INVALID_REQUEST);
    }
    return deleteEach(wanted, request.timeoutMs, context);
  },
);

function wantedTopics({ topics, topicNames }: Decoded<DeleteTopicsRequest>): Wanted[] {
  return [...topics, ...topicNames.map((name) => ({ name, topicId: ZERO_UUID }))];
}

async function deleteEach(
  wanted: readonly Wanted[],
  timeoutMs: number,
  { broker }: RequestContext,
): Promise<DeleteTopicsResponse> {
  const results = wanted.map((topic) => resolve(topic, broker.metadataCache));
  const names = results.filter(({ errorCode }) => errorCode === Errors.NONE).map(({ name }) => name);
  const known = new Set(names.filter((name) => name !== null));
  const deleted = await broker.adminManager.deleteTopics([...known], timeoutMs);
  const responses = results.map((result) => {
    const errorCode = (result.name === null ? undefined : deleted.get(result.name)?.errorCode) ?? result.errorCode;
    return { ...result, errorCode: result.errorCode === Errors.NONE ? errorCode : result.errorCode };
  });
  return { throttleTimeMs: 0, responses };
}

/** @throws KafkaError INVALID_REQUEST for one that is named twice over */
function resolve(
  { name, topicId }: Wanted,
  topics: RequestContext['broker']['metadataCache'],
): DeletableTopicResult & { errorCode: ErrorCode } {
  if (topicId === ZERO_UUID) {
    // Kafka takes no name for one that the client may not see.
    if (name === null) return result(null, topicId, Errors.TOPIC_AUTHORIZATION_FAILED);
    return result(name, topicId, topics.containsTopic(name) ? Errors.NONE : Errors.UNKNOWN_TOPIC_OR_PARTITION);
  }
  if (name !== null) {
    throw new KafkaError(Errors.INVALID_REQUEST, 'Topic name and topic ID can not both be specified.');
  }
  const known = topics.getTopicName(topicId) ?? null;
  return result(known, topicId, known === null ? Errors.UNKNOWN_TOPIC_ID : Errors.NONE);
}

function result(name: string | null, topicId: Uuid, errorCode: ErrorCode): DeletableTopicResult {
  return { name, topicId, errorCode, errorMessage: null };
}

function all(wanted: readonly Wanted[], errorCode: ErrorCode): DeleteTopicsResponse {
  return { throttleTimeMs: 0, responses: wanted.map(({ name, topicId }) => result(name, topicId, errorCode)) };
}
