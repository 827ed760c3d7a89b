// AddPartitionsToTxn (24), versions 0-5. Makes partitions part of a producer's transaction before it writes to them. From version 4 a
// broker may ask for several transactions at once, and only verify (KIP-890).

import { type ErrorCode, Errors } from '@ottla/base';
import {
  type AddPartitionsToTxnRequest,
  type AddPartitionsToTxnResponse,
  addPartitionsToTxn as api,
  type Decoded,
} from '@ottla/protocol';
import { defineHandler } from '../server/handler.ts';
import type { RequestContext } from '../server/request-context.ts';
import { fencedForVersion } from '../transaction/fenced-for-version.ts';

type Topics = Decoded<AddPartitionsToTxnRequest>['v3AndBelowTopics'];
type Transaction = Decoded<AddPartitionsToTxnRequest>['transactions'][number];
type TopicResults = Decoded<AddPartitionsToTxnResponse>['resultsByTopicV3AndBelow'];

/** From this version on a request carries a list of transactions. */
const FIRST_BATCHED_VERSION = 4;
/** Older clients know no PRODUCER_FENCED here. */
const FIRST_VERSION_WITH_PRODUCER_FENCED = 2;

export const addPartitionsToTxn = defineHandler(
  api,
  {
    minVersion: 0,
    maxVersion: 5,
    errorResponse: (request, errorCode, _message, version) =>
      version < FIRST_BATCHED_VERSION
        ? { throttleTimeMs: 0, resultsByTopicV3AndBelow: same(request.v3AndBelowTopics, errorCode) }
        : { throttleTimeMs: 0, errorCode, resultsByTransaction: [] },
  },
  async (request, context) => {
    if (context.header.apiVersion < FIRST_BATCHED_VERSION) return answerOne(request, context);
    const results = await Promise.all(
      request.transactions.map(async (transaction) => ({
        transactionalId: transaction.transactionalId,
        topicResults: await answerTransaction(transaction, context),
      })),
    );
    return { throttleTimeMs: 0, errorCode: Errors.NONE, resultsByTransaction: results };
  },
);

async function answerOne(
  request: Decoded<AddPartitionsToTxnRequest>,
  context: RequestContext,
): Promise<AddPartitionsToTxnResponse> {
  const topicResults = await answerTransaction(
    {
      transactionalId: request.v3AndBelowTransactionalId,
      producerId: request.v3AndBelowProducerId,
      producerEpoch: request.v3AndBelowProducerEpoch,
      verifyOnly: false,
      topics: request.v3AndBelowTopics,
    },
    context,
  );
  return { throttleTimeMs: 0, resultsByTopicV3AndBelow: topicResults };
}

/** Unknown partitions spoil the whole transaction: they are told apart, the others answer OPERATION_NOT_ATTEMPTED. */
async function answerTransaction(transaction: Transaction, context: RequestContext): Promise<TopicResults> {
  const { transactionCoordinator, metadataCache } = context.broker;
  const { topics, verifyOnly } = transaction;
  const isKnown = (topic: string, partition: number) => metadataCache.contains({ topic, partition });
  if (!topics.every(({ name, partitions }) => partitions.every((partition) => isKnown(name, partition)))) {
    return results(topics, (topic, partition) =>
      isKnown(topic, partition) ? Errors.OPERATION_NOT_ATTEMPTED : Errors.UNKNOWN_TOPIC_OR_PARTITION,
    );
  }
  const partitions = topics.flatMap(({ name, partitions: indexes }) =>
    indexes.map((partition) => ({ topic: name, partition })),
  );
  const codes = verifyOnly
    ? transactionCoordinator.verifyPartitions(transaction, partitions)
    : await transactionCoordinator.addPartitions(transaction, partitions);
  if (typeof codes === 'number')
    return same(topics, fencedForVersion(codes, context.header.apiVersion, FIRST_VERSION_WITH_PRODUCER_FENCED));
  let next = 0;
  return results(topics, () => codes[next++] ?? Errors.UNKNOWN_SERVER_ERROR);
}

function same(topics: Topics, errorCode: ErrorCode): TopicResults {
  return results(topics, () => errorCode);
}

function results(topics: Topics, codeOf: (topic: string, partition: number) => ErrorCode): TopicResults {
  return topics.map(({ name, partitions }) => ({
    name,
    resultsByPartition: partitions.map((partitionIndex) => ({
      partitionIndex,
      partitionErrorCode: codeOf(name, partitionIndex),
    })),
  }));
}
