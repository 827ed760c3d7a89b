// DescribeLogDirs, served in versions 0 to 4 (KIP-113, KIP-827).
//
// The log dirs of this broker, the size of their volumes (version 4), and the partitions in them: all, or those asked for. A failed dir is
// listed with KAFKA_STORAGE_ERROR. Source: kafka.server.KafkaApis.handleDescribeLogDirsRequest.

import { Errors, TopicPartitionSet } from '@ottla/base';
import { type Decoded, type DescribeLogDirsRequest, describeLogDirs as describeLogDirsApi } from '@ottla/protocol';
import { defineHandler } from '../server/handler.ts';

/** Before this version there is no place for an error of the whole request. */
const FIRST_VERSION_WITH_ERROR_CODE = 3;

export const describeLogDirs = defineHandler(
  describeLogDirsApi,
  {
    minVersion: 0,
    maxVersion: 4,
    errorResponse: (_request, errorCode, _message, version) =>
      version < FIRST_VERSION_WITH_ERROR_CODE
        ? { throttleTimeMs: 0, results: [] }
        : { throttleTimeMs: 0, errorCode, results: [] },
  },
  (request, { broker }) => {
    const wanted = wantedBy(request);
    const results = broker.replicaManager.describeLogDirs((tp) => wanted === undefined || wanted.has(tp));
    return { throttleTimeMs: 0, errorCode: Errors.NONE, results };
  },
);

/** undefined: all. */
function wantedBy({ topics }: Decoded<DescribeLogDirsRequest>): TopicPartitionSet | undefined {
  if (topics === null) return undefined;
  const wanted = new TopicPartitionSet();
  for (const { topic, partitions } of topics) for (const partition of partitions) wanted.add({ topic, partition });
  return wanted;
}
