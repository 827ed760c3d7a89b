// Metadata, served in versions 0 to 12.
//
// Brokers as the client's listener shows them, and topics: all (null; in version 0 an empty list), none (an empty list from version 1 on) or
// those asked for, by name or, from version 12 on, by id (KIP-516). A topic that does not exist is created where the client (version 4 on may
// say no) and auto.create.topics.enable allow it; until it is there the answer is LEADER_NOT_AVAILABLE, and the client asks again. Version 8
// to 10 tell what the client may do to the cluster, version 8 on what it may do to a topic (KIP-430): without an authorizer, everything.
// Source: kafka.server.KafkaApis.handleTopicMetadataRequest.

import { type ErrorCode, Errors, KafkaError, type Uuid, ZERO_UUID } from '@ottla/base';
import {
  type Decoded,
  type MetadataRequest,
  type MetadataResponse,
  type MetadataResponseTopic,
  metadata as metadataApi,
} from '@ottla/protocol';
import { isInternalTopic, isValidTopicName } from '../admin/topic-names.ts';
import { defineHandler } from '../server/handler.ts';
import type { RequestContext } from '../server/request-context.ts';

const FIRST_VERSION_THAT_NAMES_LISTENERS = 6;
const FIRST_VERSION_WITH_AUTHORIZED_OPERATIONS = 8;
const LAST_VERSION_WITH_CLUSTER_OPERATIONS = 10;
const FIRST_VERSION_WITH_TOPIC_IDS = 12;
const NO_CONTROLLER_ID = -1;
/** Bits of AclOperation: read, write, create, delete, alter, describe, describe configs, alter configs. */
const ALL_TOPIC_OPERATIONS = 0b1101_1111_1000;
/** create, alter, describe, cluster action, describe configs, alter configs, idempotent write. */
const ALL_CLUSTER_OPERATIONS = 0b1_1111_1010_0000;

type Request = Decoded<MetadataRequest>;

export const metadata = defineHandler(
  metadataApi,
  { minVersion: 0, maxVersion: 12, errorResponse },
  (request, context) => {
    const { apiVersion } = context.header;
    refuseWhatVersionCannotAsk(request, apiVersion);
    const topics = topicsOf(request, context);
    if (apiVersion >= FIRST_VERSION_WITH_AUTHORIZED_OPERATIONS && request.includeTopicAuthorizedOperations) {
      for (const topic of topics) topic.topicAuthorizedOperations = ALL_TOPIC_OPERATIONS;
    }
    const response = { ...clusterOf(context), topics: [...unknownIdsOf(request, context), ...topics] };
    const tellsClusterOperations =
      apiVersion >= FIRST_VERSION_WITH_AUTHORIZED_OPERATIONS &&
      apiVersion <= LAST_VERSION_WITH_CLUSTER_OPERATIONS &&
      request.includeClusterAuthorizedOperations;
    return tellsClusterOperations ? { ...response, clusterAuthorizedOperations: ALL_CLUSTER_OPERATIONS } : response;
  },
);

/** @throws KafkaError INVALID_REQUEST */
function refuseWhatVersionCannotAsk({ topics }: Request, version: number): void {
  if (version >= FIRST_VERSION_WITH_TOPIC_IDS || topics === null) return;
  for (const { name, topicId } of topics) {
    if (name === null) {
      throw new KafkaError(Errors.INVALID_REQUEST, `Topic name can not be null for version ${version}`);
    }
    if (topicId !== ZERO_UUID) {
      throw new KafkaError(Errors.INVALID_REQUEST, `Topic IDs are not supported in requests for version ${version}`);
    }
  }
}

function clusterOf({ broker, listenerName }: RequestContext) {
  const brokers = broker.metadataCache
    .getAliveBrokerNodes(listenerName)
    .map(({ id, host, port, rack }) => ({ nodeId: id, host, port, rack }));
  return {
    throttleTimeMs: 0,
    brokers,
    clusterId: broker.clusterId,
    controllerId: broker.metadataCache.getControllerId() ?? NO_CONTROLLER_ID,
  };
}

function topicsOf(request: Request, context: RequestContext): MetadataResponseTopic[] {
  const { broker, header, listenerName } = context;
  const isAllTopics = request.topics === null || (header.apiVersion === 0 && request.topics.length === 0);
  const ids = isAllTopics ? [] : idsOf(request);
  const wanted = new Set(isAllTopics ? broker.metadataCache.getAllTopics() : namesOf(request, ids, context));
  const found = broker.metadataCache.getTopicMetadata(wanted, listenerName, {
    errorUnavailableEndpoints: header.apiVersion === 0,
    errorUnavailableListeners: header.apiVersion >= FIRST_VERSION_THAT_NAMES_LISTENERS,
  });
  if (isAllTopics || found.length === wanted.size) return found;
  for (const { name } of found) if (typeof name === 'string') wanted.delete(name);
  const mayCreate = request.allowAutoTopicCreation && ids.length === 0;
  return [...found, ...missingTopics(wanted, { mayCreate }, context)];
}

function idsOf({ topics }: Request): Uuid[] {
  return (topics ?? []).map(({ topicId }) => topicId).filter((id) => id !== ZERO_UUID);
}

/** A request that names ids names nothing else. */
function namesOf({ topics }: Request, ids: readonly Uuid[], { broker }: RequestContext): string[] {
  const names =
    ids.length > 0 ? ids.map((id) => broker.metadataCache.getTopicName(id)) : (topics ?? []).map(({ name }) => name);
  return names.filter((name) => typeof name === 'string');
}

function unknownIdsOf(request: Request, { broker }: RequestContext): MetadataResponseTopic[] {
  const unknown = new Set(idsOf(request).filter((id) => broker.metadataCache.getTopicName(id) === undefined));
  return Array.from(unknown, (topicId) => ({
    errorCode: Errors.UNKNOWN_TOPIC_ID,
    name: null,
    topicId,
    isInternal: false,
    partitions: [],
  }));
}

function missingTopics(
  names: ReadonlySet<string>,
  { mayCreate }: { mayCreate: boolean },
  { broker }: RequestContext,
): MetadataResponseTopic[] {
  const creatable = new Set<string>();
  const creates = mayCreate && broker.config.boolean('auto.create.topics.enable');
  const topics = Array.from(names, (name) => {
    const isValid = isValidTopicName(name);
    if (isValid && creates) creatable.add(name);
    const missing = creates ? Errors.LEADER_NOT_AVAILABLE : Errors.UNKNOWN_TOPIC_OR_PARTITION;
    return missingTopic(name, isValid ? missing : Errors.INVALID_TOPIC_EXCEPTION);
  });
  if (creatable.size > 0) broker.autoTopicCreation.createTopics(creatable);
  return topics;
}

function missingTopic(name: string, errorCode: ErrorCode): MetadataResponseTopic {
  return { errorCode, name, topicId: ZERO_UUID, isInternal: isInternalTopic(name), partitions: [] };
}

/** Source: MetadataRequest.getErrorResponse: each topic asked for carries the error. */
function errorResponse({ topics }: Request, errorCode: ErrorCode, _message: string, version: number): MetadataResponse {
  const failed = (topics ?? []).map(({ name, topicId }) => ({
    errorCode,
    // Only from version 12 on may the name be null.
    name: version < FIRST_VERSION_WITH_TOPIC_IDS ? (name ?? '') : name,
    topicId,
    isInternal: false,
    partitions: [],
  }));
  return { throttleTimeMs: 0, brokers: [], topics: failed };
}
