// FindCoordinator (10), versions 0-6. Which broker coordinates a group or a transactional id: the leader of the partition of the internal
// topic that the key hashes to. An internal topic that does not exist yet is created; until then there is no coordinator.

import { type ErrorCode, Errors, errorName, KafkaError } from '@ottla/base';
import {
  findCoordinator as api,
  type Decoded,
  type FindCoordinatorRequest,
  type FindCoordinatorResponse,
} from '@ottla/protocol';
import { GROUP_METADATA_TOPIC, TRANSACTION_STATE_TOPIC } from '../admin/topic-names.ts';
import type { BrokerNode } from '../metadata/metadata-cache.ts';
import { defineHandler } from '../server/handler.ts';
import type { RequestContext } from '../server/request-context.ts';

type Request = Decoded<FindCoordinatorRequest>;

interface Found {
  readonly errorCode: ErrorCode;
  readonly node: Pick<BrokerNode, 'id' | 'host' | 'port'>;
}

const GROUP = 0;
const TRANSACTION = 1;
const SHARE = 2;
const FIRST_VERSION_WITH_SHARE = 6;
/** From this version on a request asks for several keys. */
const FIRST_BATCHED_VERSION = 4;
/** Kafka's words. */
const INVALID_REQUEST_MESSAGE =
  'This most likely occurs because of a request being malformed by the client library or the message was sent to an incompatible broker. See the broker logs for more details.';
const NO_NODE = { id: -1, host: '', port: -1 };

export const findCoordinator = defineHandler(
  api,
  {
    minVersion: 0,
    maxVersion: 6,
    errorResponse: (request, errorCode, message, version) =>
      respond(request, version, () => ({ errorCode, node: NO_NODE }), message),
  },
  (request, context) =>
    respond(request, context.header.apiVersion, (key) => coordinatorOf(key, request.keyType, context), undefined),
);

function coordinatorOf(key: string, keyType: number, context: RequestContext): Found {
  const {
    broker,
    header: { apiVersion },
  } = context;
  switch (keyType) {
    case GROUP:
      return leaderOf(GROUP_METADATA_TOPIC, broker.groupCoordinator.partitionFor(key), context);
    case TRANSACTION:
      return leaderOf(TRANSACTION_STATE_TOPIC, broker.transactionCoordinator.partitionFor(key), context);
    case SHARE:
      // In ZooKeeper mode nobody coordinates share groups.
      return {
        errorCode: apiVersion < FIRST_VERSION_WITH_SHARE ? Errors.INVALID_REQUEST : Errors.COORDINATOR_NOT_AVAILABLE,
        node: NO_NODE,
      };
    default:
      throw new KafkaError(Errors.INVALID_REQUEST, INVALID_REQUEST_MESSAGE);
  }
}

function leaderOf(topic: string, partition: number, context: RequestContext): Found {
  const { metadataCache, autoTopicCreation } = context.broker;
  if (!metadataCache.containsTopic(topic)) autoTopicCreation.createTopics(new Set([topic]));
  const node = metadataCache.getPartitionLeaderEndpoint(topic, partition, context.listenerName);
  if (!node) return { errorCode: Errors.COORDINATOR_NOT_AVAILABLE, node: NO_NODE };
  return { errorCode: Errors.NONE, node };
}

/** @param message of the error, where the whole request failed */
function respond(
  request: Request,
  version: number,
  find: (key: string) => Found,
  message: string | undefined,
): FindCoordinatorResponse {
  if (version < FIRST_BATCHED_VERSION) {
    const { errorCode, node } = find(request.key);
    const { id: nodeId, host, port } = node;
    return { throttleTimeMs: 0, errorCode, errorMessage: message ?? errorMessage(errorCode), nodeId, host, port };
  }
  const coordinators = request.coordinatorKeys.map((key) => {
    const { errorCode, node } = find(key);
    const { id: nodeId, host, port } = node;
    return { key, errorCode, errorMessage: message ?? '', nodeId, host, port };
  });
  return { throttleTimeMs: 0, coordinators };
}

/** Versions 1 to 3 always say something, success included. */
function errorMessage(errorCode: ErrorCode): string {
  if (errorCode === Errors.COORDINATOR_NOT_AVAILABLE) return 'The coordinator is not available.';
  return errorCode === Errors.INVALID_REQUEST ? INVALID_REQUEST_MESSAGE : errorName(errorCode);
}
