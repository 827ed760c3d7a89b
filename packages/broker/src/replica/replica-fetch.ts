// Reads partitions for consumers and followers within the limits of their fetch, and parks a fetch that finds less than it asked for.
// Source: kafka.server.ReplicaManager (fetchMessages, readFromLog).

import { type ErrorCode, Errors, KafkaError, type Logger, type Uuid, ZERO_UUID } from '@ottla/base';
import type { FetchResponsePartitionData } from '@ottla/protocol';
import type { FetchDataInfo } from '@ottla/storage';
import { mapError } from '../server/error-mapping.ts';
import type { BrokerTopicStats } from './broker-topic-stats.ts';
import { DelayedFetch } from './delayed-fetch.ts';
import type { DelayedOperations } from './delayed-operations.ts';
import type { FetchUpdate } from './fetch-manager.ts';
import type { FetchParams } from './fetch-params.ts';
import { type FetchPartitionRequest, recordsSizeInBytes } from './fetch-session.ts';
import type { HostedPartitions } from './hosted-partitions.ts';
import type { Partition } from './partition.ts';
import { type LogReadInfo, mustFindFollower, readRecords } from './partition-reads.ts';
import type { RemoteReplica } from './remote-replica.ts';

const NO_RECORDS = Buffer.alloc(0);
const UNKNOWN = -1;

/** What a fetch reads, and with it the duty to release the records: by sending them, or by `releaseRecords`. */
export type FetchedPartition = FetchUpdate<FetchResponsePartitionData>;

/** One pass over the partitions of a fetch, and what came of it so far. */
interface FetchPass {
  readonly params: FetchParams;
  readonly updateFollowers: boolean;
  readonly updates: FetchedPartition[];
  sizeInBytes: number;
  /** A batch is read even where it is larger than the limits: nothing was found so far. */
  minOneMessage: boolean;
  /** Something besides records is to be told, at once. */
  mustRespond: boolean;
}

export class ReplicaFetch {
  readonly #hosted: HostedPartitions;
  readonly #delayed: DelayedOperations;
  readonly #stats: BrokerTopicStats;
  readonly #logger: Logger;

  constructor(parts: {
    hosted: HostedPartitions;
    delayed: DelayedOperations;
    stats: BrokerTopicStats;
    logger: Logger;
  }) {
    this.#hosted = parts.hosted;
    this.#delayed = parts.delayed;
    this.#stats = parts.stats;
    this.#logger = parts.logger;
  }

  /** Answers in the order of `requests`; a promise when the fetch waits for data. */
  fetchMessages(
    params: FetchParams,
    requests: readonly FetchPartitionRequest[],
  ): FetchedPartition[] | Promise<FetchedPartition[]> {
    const pass = this.#readFromLog(params, requests, { updateFollowers: true });
    const isEnough =
      params.maxWaitMs <= 0 || requests.length === 0 || pass.sizeInBytes >= params.minBytes || pass.mustRespond;
    if (isEnough) return pass.updates;
    releaseRecords(pass.updates);
    return this.#park(params, requests);
  }

  #park(params: FetchParams, requests: readonly FetchPartitionRequest[]): Promise<FetchedPartition[]> {
    const watched: Partition[] = [];
    for (const { topic, partition } of requests) {
      const hosted = topic === null ? undefined : this.#hosted.online(topic, partition);
      if (hosted !== undefined) watched.push(hosted);
    }
    const delayedFetch = new DelayedFetch({
      params,
      requests,
      partitions: watched,
      read: () => this.#readFromLog(params, requests, { updateFollowers: false }).updates,
    });
    this.#delayed.fetch.tryCompleteElseWatch(delayedFetch, watched);
    return delayedFetch.result;
  }

  #readFromLog(
    params: FetchParams,
    requests: readonly FetchPartitionRequest[],
    { updateFollowers }: { updateFollowers: boolean },
  ): FetchPass {
    const pass: FetchPass = {
      params,
      updateFollowers,
      updates: new Array(requests.length),
      sizeInBytes: 0,
      minOneMessage: !params.hasHardMaxBytes,
      mustRespond: false,
    };
    let count = 0;
    for (const request of requests) {
      const answer = this.#readPartition(request, pass);
      const size = recordsSizeInBytes(answer);
      // Limits hold from the first partition on that had something.
      if (size > 0) pass.minOneMessage = false;
      pass.sizeInBytes += size;
      if (answer.errorCode !== Errors.NONE || answer.divergingEpoch !== undefined) pass.mustRespond = true;
      pass.updates[count++] = { request, answer };
    }
    return pass;
  }

  #readPartition(request: FetchPartitionRequest, pass: FetchPass): FetchResponsePartitionData {
    const { params } = pass;
    try {
      const { topic } = request;
      if (topic === null) return failedFetch(request.partition, Errors.UNKNOWN_TOPIC_ID);
      // Kafka has no better code for it.
      if (request.maxBytes < 0)
        throw new KafkaError(Errors.UNKNOWN_SERVER_ERROR, `Invalid max size ${request.maxBytes}`);
      const partition = this.#hosted.mustGet(topic, request.partition);
      this.#stats.all.totalFetchRequests.mark();
      this.#stats.of(topic).totalFetchRequests.mark();
      requireSameTopicId(request, partition.topicId);
      const follower = params.isFromFollower ? this.#mustFindFollower(partition, request, params) : undefined;
      const info = readRecords(partition, request, {
        currentLeaderEpoch: request.currentLeaderEpoch,
        requireLeader: params.requireLeader,
        startOffset: request.fetchOffset,
        isolation: params.isolation,
        maxBytes: Math.min(request.maxBytes, Math.max(0, params.maxBytes - pass.sizeInBytes)),
        minOneMessage: pass.minOneMessage,
      });
      if (follower !== undefined && pass.updateFollowers) this.#noteFollower(partition, request, { follower, info });
      return answerOf(request, info, params);
    } catch (error) {
      return this.#failed(request, error);
    }
  }

  #mustFindFollower(partition: Partition, request: FetchPartitionRequest, params: FetchParams): RemoteReplica {
    const { currentLeaderEpoch } = request;
    partition.logFor({ currentLeaderEpoch, requireLeader: true });
    return mustFindFollower(partition, params.replicaId, currentLeaderEpoch);
  }

  #noteFollower(
    partition: Partition,
    { fetchOffset, logStartOffset }: FetchPartitionRequest,
    { follower, info }: { follower: RemoteReplica; info: LogReadInfo },
  ): void {
    if (info.divergingEpoch !== undefined) return;
    const fetch = { fetchOffset, logStartOffset, leaderLogEndOffset: info.logEndOffset };
    if (partition.updateFollowerFetchState(follower, fetch)) this.#delayed.checkAndCompleteAll(partition);
  }

  #failed(request: FetchPartitionRequest, error: unknown): FetchResponsePartitionData {
    const { code, isExpected } = mapError(error);
    const { topic, partition } = request;
    if (!isExpected) {
      this.#stats.all.failedFetchRequests.mark();
      this.#logger.error('error processing fetch operation', { topic, partition, error });
    }
    return { ...failedFetch(partition, code), abortedTransactions: null };
  }
}

function requireSameTopicId(request: FetchPartitionRequest, topicId: Uuid | undefined): void {
  if (request.topicId === ZERO_UUID || topicId === undefined || request.topicId === topicId) return;
  throw new KafkaError(
    Errors.INCONSISTENT_TOPIC_ID,
    'Topic ID in the fetch session did not match the topic ID in the log.',
  );
}

function answerOf(request: FetchPartitionRequest, info: LogReadInfo, params: FetchParams): FetchResponsePartitionData {
  const { data, divergingEpoch } = info;
  const answer: FetchResponsePartitionData = {
    partitionIndex: request.partition,
    errorCode: Errors.NONE,
    highWatermark: info.highWatermark,
    lastStableOffset: info.lastStableOffset,
    logStartOffset: info.logStartOffset,
    abortedTransactions: null,
    records: NO_RECORDS,
  };
  if (divergingEpoch !== undefined) answer.divergingEpoch = divergingEpoch;
  if (data === undefined) return answer;
  if (data.abortedTransactions !== undefined) answer.abortedTransactions = [...data.abortedTransactions];
  answer.records = usableRecords(data, params);
  return answer;
}

/** A batch that is cut short is of use only to a fetcher that takes it as a sign to ask for more: those before version 3. */
function usableRecords(data: FetchDataInfo, params: FetchParams): FetchResponsePartitionData['records'] {
  const isUseless = data.records.sizeInBytes === 0 || (data.firstEntryIncomplete && !params.hasHardMaxBytes);
  if (!isUseless) return data.records;
  releaseData(data);
  return NO_RECORDS;
}

function releaseData(data: FetchDataInfo): void {
  data.records.release();
}

/** The answer for a partition that cannot be read. */
export function failedFetch(partitionIndex: number, errorCode: ErrorCode): FetchResponsePartitionData {
  return {
    partitionIndex,
    errorCode,
    highWatermark: UNKNOWN,
    lastStableOffset: UNKNOWN,
    logStartOffset: UNKNOWN,
    abortedTransactions: [],
    records: NO_RECORDS,
  };
}

/** Lets go of records that will not be sent. */
export function releaseRecords(updates: Iterable<{ readonly answer: FetchResponsePartitionData }>): void {
  for (const { answer } of updates) {
    const { records } = answer;
    answer.records = NO_RECORDS;
    if (records !== null && 'release' in records) records.release();
  }
}
