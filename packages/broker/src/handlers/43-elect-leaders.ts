// ElectLeaders (43), versions 0-2. Preferred leaders, or (version 1, KIP-460) any live replica where no in-sync one is left. The answer waits
// until this broker's metadata shows the new leaders. Source: kafka.server.KafkaApis.handleElectLeaders, DelayedElectLeader (3.9).

import { type ErrorCode, Errors, KafkaError, type TopicPartition, TopicPartitionMap } from '@ottla/base';
import {
  electLeaders as api,
  type Decoded,
  type ElectLeadersRequest,
  type ElectLeadersResponse,
} from '@ottla/protocol';
import { type ApiError, NO_ERROR } from '../controller/partition-reassignments.ts';
import type { ElectionType, LeaderElectionResults } from '../controller/replica-elections.ts';
import { defineHandler } from '../server/handler.ts';
import type { RequestContext } from '../server/request-context.ts';

type Request = Decoded<ElectLeadersRequest>;

const ELECTION_TYPES: readonly ElectionType[] = ['preferred', 'unclean'];

export const electLeaders = defineHandler(
  api,
  {
    minVersion: 0,
    maxVersion: 2,
    errorResponse: (request, errorCode, message) =>
      response(new TopicPartitionMap(named(request).map((tp) => [tp, { errorCode, message }])), errorCode),
  },
  async (request, context) => {
    const { controller, metadataCache } = context.broker;
    const isAll = request.topicPartitions === null;
    const partitions = isAll
      ? metadataCache.getAllTopics().flatMap((topic) => metadataCache.getTopicPartitions(topic))
      : named(request);
    if (!controller.isActive) return notController(partitions);
    const deadlineMs = context.broker.clock.monotonicMs() + request.timeoutMs;
    const elected = await controller.electLeaders(partitions, electionTypeOf(request));
    const results = await awaitLeaders(elected, deadlineMs, context);
    // Whoever asked for all wants to know only of those that changed or failed.
    if (isAll) dropUnneeded(results);
    return response(results, Errors.NONE);
  },
);

function named({ topicPartitions }: Request): TopicPartition[] {
  return (topicPartitions ?? []).flatMap(({ topic, partitions }) =>
    partitions.map((partition) => ({ topic, partition })),
  );
}

function electionTypeOf({ electionType }: Request): ElectionType {
  const type = ELECTION_TYPES[electionType];
  if (type === undefined) throw new KafkaError(Errors.INVALID_REQUEST, `Unknown election type ${electionType}`);
  return type;
}

async function awaitLeaders(
  elected: LeaderElectionResults,
  deadlineMs: number,
  { broker }: RequestContext,
): Promise<TopicPartitionMap<ApiError>> {
  const { metadataCache, clock } = broker;
  const expected = [...elected].filter((entry): entry is [TopicPartition, number] => typeof entry[1] === 'number');
  const isKnown = ([{ topic, partition }, leader]: [TopicPartition, number]) =>
    metadataCache.getPartitionInfo(topic, partition)?.leader === leader;
  await metadataCache.waitUntil(() => expected.every(isKnown), { clock, timeoutMs: deadlineMs - clock.monotonicMs() });
  const results = new TopicPartitionMap<ApiError>();
  for (const [tp, result] of elected) {
    if (typeof result !== 'number') results.set(tp, result);
    else results.set(tp, isKnown([tp, result]) ? NO_ERROR : { errorCode: Errors.REQUEST_TIMED_OUT, message: null });
  }
  return results;
}

function dropUnneeded(results: TopicPartitionMap<ApiError>): void {
  for (const [tp, { errorCode }] of [...results]) if (errorCode === Errors.ELECTION_NOT_NEEDED) results.delete(tp);
}

function notController(partitions: readonly TopicPartition[]): ElectLeadersResponse {
  const error: ApiError = { errorCode: Errors.NOT_CONTROLLER, message: null };
  return response(new TopicPartitionMap(partitions.map((tp) => [tp, error])), Errors.NONE);
}

function response(results: TopicPartitionMap<ApiError>, errorCode: ErrorCode): ElectLeadersResponse {
  const byTopic = new Map<string, ElectLeadersResponse['replicaElectionResults'][number]>();
  for (const [{ topic, partition }, error] of results) {
    const ofTopic = byTopic.get(topic) ?? { topic, partitionResult: [] };
    byTopic.set(topic, ofTopic);
    ofTopic.partitionResult.push({ partitionId: partition, errorCode: error.errorCode, errorMessage: error.message });
  }
  return { throttleTimeMs: 0, errorCode, replicaElectionResults: [...byTopic.values()] };
}
