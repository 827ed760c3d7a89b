// DeleteRecords, served in versions 0 to 2 (KIP-107).
//
// Moves log start offsets up to an offset, or with -1 up to the high watermark, and waits until every live replica has done the same. Topics
// that are only compacted refuse, and so do internal ones. Source: kafka.server.KafkaApis.handleDeleteRecordsRequest.

import { type ErrorCode, Errors, mustBePresent } from '@ottla/base';
import {
  type Decoded,
  type DeleteRecordsRequest,
  type DeleteRecordsResponse,
  deleteRecords as deleteRecordsApi,
} from '@ottla/protocol';
import type { DeleteRecordsResult } from '../replica/delayed-delete-records.ts';
import { type DeleteRecordsEntry, failedDeletion } from '../replica/replica-delete-records.ts';
import { Dispatched, defineHandler } from '../server/handler.ts';
import type { RequestContext } from '../server/request-context.ts';

type Request = Decoded<DeleteRecordsRequest>;

export const deleteRecords = defineHandler(
  deleteRecordsApi,
  { minVersion: 0, maxVersion: 2, errorResponse },
  (request, context) => new Dispatched(answer(request, context)),
);

async function answer(request: Request, { broker }: RequestContext): Promise<DeleteRecordsResponse> {
  const entries: DeleteRecordsEntry[] = [];
  const topics = request.topics.map(({ name, partitions }) => {
    const results: (DeleteRecordsResult | { readonly entryIndex: number })[] = [];
    for (const { partitionIndex, offset } of partitions) {
      if (broker.metadataCache.getPartitionInfo(name, partitionIndex) === undefined) {
        results.push(failedDeletion(partitionIndex, Errors.UNKNOWN_TOPIC_OR_PARTITION));
      } else {
        results.push({ entryIndex: entries.length });
        entries.push({ topic: name, partition: partitionIndex, offset });
      }
    }
    return { name, results };
  });
  const deleted = await broker.replicaManager.deleteRecords(request.timeoutMs, entries);
  return {
    throttleTimeMs: 0,
    topics: topics.map(({ name, results }) => ({
      name,
      partitions: results.map((result) =>
        'entryIndex' in result ? mustBePresent(deleted[result.entryIndex], 'the result of a deletion') : result,
      ),
    })),
  };
}

function errorResponse(request: Request, errorCode: ErrorCode): DeleteRecordsResponse {
  const topics = request.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => failedDeletion(partitionIndex, errorCode)),
  }));
  return { throttleTimeMs: 0, topics };
}
