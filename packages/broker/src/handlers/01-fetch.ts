// Fetch, served in versions 0 to 17.
//
// Streams batches as they lie in the log. Versions 0 and 1 get them in message format 0, versions 2 and 3 in format 1, by conversion; before
// version 10 no zstd. From version 7 on a fetcher may keep a session and send only what changed (KIP-227), from version 13 on topics are
// named by id (KIP-516), from version 16 on the answer tells who leads instead (KIP-951). Consumers read up to the high watermark or the last
// stable offset; followers, known by their replica id, up to the end, and are told where their log diverges (KIP-595). A fetch that finds
// less than min.bytes waits. No preferred read replica is ever named. Source: kafka.server.KafkaApis.handleFetchRequest.

import {
  type ErrorCode,
  Errors,
  KafkaError,
  readFully,
  type Uuid,
  withOne,
  yieldToEventLoop,
  ZERO_UUID,
} from '@ottla/base';
import {
  type Decoded,
  type FetchableTopicResponse,
  type FetchRequest,
  type FetchResponse,
  type FetchResponsePartitionData,
  fetch as fetchApi,
} from '@ottla/protocol';
import { convertRecords, type Magic } from '@ottla/records';
import { CurrentLeaders } from '../replica/current-leader.ts';
import type { FetchContext, SessionAnswer } from '../replica/fetch-manager.ts';
import { fetchParams } from '../replica/fetch-params.ts';
import { type FetchPartitionRequest, recordsSizeInBytes, type SessionPartitionName } from '../replica/fetch-session.ts';
import { type FetchedPartition, failedFetch, releaseRecords } from '../replica/replica-fetch.ts';
import { Dispatched, defineHandler } from '../server/handler.ts';
import type { RequestContext } from '../server/request-context.ts';

/** Of one partition, in one turn of the event loop; a batch that was begun is finished. */
const CONVERTED_BYTES_MAX = 1_048_576;
const FIRST_VERSION_OF_FORMAT_1 = 2;
const FIRST_VERSION_OF_FORMAT_2 = 4;
const FIRST_VERSION_WITH_STORAGE_ERROR = 6;
const FIRST_VERSION_WITH_ZSTD = 10;
const FIRST_VERSION_WITH_TOPIC_IDS = 13;
const FIRST_VERSION_WITH_REPLICA_STATE = 15;
const FIRST_VERSION_WITH_NODE_ENDPOINTS = 16;

type Request = Decoded<FetchRequest>;

export const fetch = defineHandler(
  fetchApi,
  { minVersion: 0, maxVersion: 17, keepsNoBytes: true, errorResponse },
  (request, context) => {
    const { replicaManager, metadataCache, config } = context.broker;
    const { apiVersion } = context.header;
    const replicaId =
      apiVersion >= FIRST_VERSION_WITH_REPLICA_STATE ? request.replicaState.replicaId : request.replicaId;
    const params = fetchParams({
      version: apiVersion,
      replicaId,
      isolationLevel: request.isolationLevel,
      maxWaitMs: request.maxWaitMs,
      minBytes: request.minBytes,
      maxBytes: Math.min(request.maxBytes, config.number('fetch.max.bytes')),
    });
    const topicName = (id: Uuid) => metadataCache.getTopicName(id);
    const names = { usesTopicIds: apiVersion >= FIRST_VERSION_WITH_TOPIC_IDS, topicName };
    const session = context.broker.fetchSessions.newContext({
      version: apiVersion,
      sessionId: request.sessionId,
      sessionEpoch: request.sessionEpoch,
      isFromFollower: params.isFromFollower,
      partitions: partitionsOf(request, names),
      forgotten: forgottenOf(request, names),
      topicName,
    });
    const { readable, unreadable } = sortOut(session.partitions, context);
    const answer = { session, unreadable, isFromFollower: params.isFromFollower };
    if (readable.length === 0) return respond(context, answer, []);
    const fetched = replicaManager.fetchMessages(params, readable);
    if (apiVersion < FIRST_VERSION_OF_FORMAT_2) return new Dispatched(respondConverted(context, answer, fetched));
    if (!(fetched instanceof Promise)) return respond(context, answer, fetched);
    return new Dispatched(fetched.then((updates) => respond(context, answer, updates)));
  },
);

interface TopicNames {
  readonly usesTopicIds: boolean;
  readonly topicName: (id: Uuid) => string | undefined;
}

/** A topic by its name and its id; null is the name of an unknown id. */
function topicOf(given: { topic: string; topicId: Uuid }, { usesTopicIds, topicName }: TopicNames) {
  if (!usesTopicIds) return { topic: given.topic, topicId: ZERO_UUID };
  return { topic: topicName(given.topicId) ?? null, topicId: given.topicId };
}

function partitionsOf(request: Request, names: TopicNames): FetchPartitionRequest[] {
  let partitions: FetchPartitionRequest[] | undefined;
  for (const given of request.topics) {
    const { topic, topicId } = topicOf(given, names);
    for (const partition of given.partitions) {
      partitions = withOne(partitions, {
        topic,
        topicId,
        partition: partition.partition,
        fetchOffset: partition.fetchOffset,
        logStartOffset: partition.logStartOffset,
        maxBytes: partition.partitionMaxBytes,
        currentLeaderEpoch: partition.currentLeaderEpoch,
        lastFetchedEpoch: partition.lastFetchedEpoch,
      });
    }
  }
  return partitions ?? [];
}

function forgottenOf(request: Request, names: TopicNames): SessionPartitionName[] {
  return request.forgottenTopicsData.flatMap((given) => {
    const topic = topicOf(given, names);
    return given.partitions.map((partition) => ({ ...topic, partition }));
  });
}

/** What the cluster does not know is answered without reading. */
function sortOut(partitions: readonly FetchPartitionRequest[], { broker }: RequestContext) {
  if (partitions.every((request) => isKnown(request, broker))) return { readable: partitions, unreadable: [] };
  const readable: FetchPartitionRequest[] = [];
  const unreadable: FetchedPartition[] = [];
  for (const request of partitions) {
    const { topic, partition } = request;
    if (topic === null) {
      unreadable.push({ request, answer: failedFetch(partition, Errors.UNKNOWN_TOPIC_ID) });
    } else if (broker.metadataCache.getPartitionInfo(topic, partition) === undefined) {
      unreadable.push({ request, answer: failedFetch(partition, Errors.UNKNOWN_TOPIC_OR_PARTITION) });
    } else {
      readable.push(request);
    }
  }
  return { readable, unreadable };
}

function isKnown({ topic, partition }: FetchPartitionRequest, broker: RequestContext['broker']): boolean {
  return topic !== null && broker.metadataCache.getPartitionInfo(topic, partition) !== undefined;
}

interface PendingAnswer {
  readonly session: FetchContext;
  readonly unreadable: readonly FetchedPartition[];
  readonly isFromFollower: boolean;
}

/** One partition after the other, with other work in between. */
async function respondConverted(
  context: RequestContext,
  answer: PendingAnswer,
  fetching: readonly FetchedPartition[] | Promise<readonly FetchedPartition[]>,
): Promise<FetchResponse> {
  const fetched = await fetching;
  try {
    for (const update of fetched) {
      if (update.answer.errorCode !== Errors.NONE) continue;
      const hasRecords = recordsSizeInBytes(update.answer) > 0;
      adaptRecords(update, context);
      if (hasRecords) await yieldToEventLoop();
    }
  } catch (error) {
    releaseRecords(fetched);
    throw error;
  }
  return respond(context, answer, fetched);
}

/** Whatever goes wrong here, no file stays open. */
function respond(
  context: RequestContext,
  { session, unreadable, isFromFollower }: PendingAnswer,
  fetched: readonly FetchedPartition[],
): FetchResponse {
  try {
    const leaders = adaptToVersion(fetched, context);
    const all = unreadable.length === 0 ? fetched : [...fetched, ...unreadable];
    const selected = session.respond(all);
    // The session is gone from under the fetch: nothing of what was read is sent.
    if (selected.errorCode !== Errors.NONE) releaseRecords(fetched);
    else if (!isFromFollower) countSent(selected.updates, context);
    const response = responseOf(selected);
    if (leaders !== undefined) response.nodeEndpoints = leaders.nodeEndpoints;
    return response;
  } catch (error) {
    releaseRecords(fetched);
    throw error;
  }
}

function countSent(updates: readonly FetchedPartition[], { broker }: RequestContext): void {
  for (const { request, answer } of updates) {
    const size = recordsSizeInBytes(answer);
    if (size > 0 && request.topic !== null) broker.replicaManager.stats.sent(request.topic, size);
  }
}

function responseOf({ errorCode, sessionId, updates }: SessionAnswer<FetchedPartition>): FetchResponse {
  let responses: FetchableTopicResponse[] | undefined;
  let last: { request: FetchPartitionRequest; partitions: FetchResponsePartitionData[] } | undefined;
  for (const { request, answer } of updates) {
    if (last !== undefined && last.request.topic === request.topic && last.request.topicId === request.topicId) {
      last.partitions.push(answer);
    } else {
      last = { request, partitions: [answer] };
      const { topic, topicId } = request;
      responses = withOne(responses, { topic: topic ?? '', topicId, partitions: last.partitions });
    }
  }
  return { throttleTimeMs: 0, errorCode, sessionId, responses: responses ?? [] };
}

function adaptToVersion(fetched: readonly FetchedPartition[], context: RequestContext): CurrentLeaders | undefined {
  const { apiVersion } = context.header;
  let leaders: CurrentLeaders | undefined;
  for (const update of fetched) {
    const { answer } = update;
    if (answer.errorCode === Errors.NONE) {
      if (apiVersion < FIRST_VERSION_WITH_ZSTD && apiVersion >= FIRST_VERSION_OF_FORMAT_2)
        adaptRecords(update, context);
      continue;
    }
    if (apiVersion >= FIRST_VERSION_WITH_NODE_ENDPOINTS && isAboutLeader(answer.errorCode)) {
      leaders ??= new CurrentLeaders(context);
      answer.currentLeader = leaders.of(update.request.topic ?? '', update.request.partition);
    }
    if (apiVersion < FIRST_VERSION_WITH_STORAGE_ERROR && answer.errorCode === Errors.KAFKA_STORAGE_ERROR) {
      answer.errorCode = Errors.NOT_LEADER_OR_FOLLOWER;
    }
  }
  return leaders;
}

function isAboutLeader(code: ErrorCode): boolean {
  return code === Errors.NOT_LEADER_OR_FOLLOWER || code === Errors.FENCED_LEADER_EPOCH;
}

/** An old client must not see zstd, nor a message format it does not know. */
function adaptRecords({ request, answer }: FetchedPartition, context: RequestContext): void {
  const { apiVersion } = context.header;
  const logConfig = context.broker.replicaManager.getLogConfig(request.topic ?? '', request.partition);
  if (logConfig?.compressionType === 'zstd') {
    refuseRecords(answer, Errors.UNSUPPORTED_COMPRESSION_TYPE);
  } else if (apiVersion < FIRST_VERSION_OF_FORMAT_2 && recordsSizeInBytes(answer) > 0) {
    if (logConfig?.messageDownconversionEnable === false) refuseRecords(answer, Errors.UNSUPPORTED_VERSION);
    else downConvert(answer, request.fetchOffset, apiVersion < FIRST_VERSION_OF_FORMAT_1 ? 0 : 1);
  }
}

/** Conversion holds the partition's records in memory, at most what the fetch asked for, and the first of what they grow to: whoever reads
 *  on gets the rest with the next fetch. */
function downConvert(answer: FetchResponsePartitionData, firstOffset: number, toMagic: Magic): void {
  const { records } = answer;
  if (records === null || Array.isArray(records)) return;
  const bytes = 'release' in records ? readFully(records) : (records as Buffer);
  answer.records = NOTHING;
  try {
    answer.records = convertRecords(bytes, { toMagic, firstOffset, maxBytes: CONVERTED_BYTES_MAX });
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    refuseRecords(answer, error.code);
  }
}

const NOTHING = Buffer.alloc(0);

function refuseRecords(answer: FetchResponsePartitionData, code: ErrorCode): void {
  releaseRecords([{ answer }]);
  Object.assign(answer, failedFetch(answer.partitionIndex, code), { records: null });
}

/** From version 13 on the answer of a request that failed names no partitions. Source: FetchRequest.getErrorResponse */
function errorResponse(request: Request, errorCode: ErrorCode, _message: string, version: number): FetchResponse {
  const topics = version < FIRST_VERSION_WITH_TOPIC_IDS ? request.topics : [];
  const responses = topics.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.map(({ partition }) => ({ ...failedFetch(partition, errorCode), records: null })),
  }));
  return { throttleTimeMs: 0, errorCode, sessionId: request.sessionId, responses };
}
